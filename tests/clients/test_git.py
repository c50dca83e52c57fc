"""git and git-lfs against a real hub: clone, push, large files, refusals, and what a kill leaves."""
import hashlib
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

BIG = 11 << 20  # over the 10 MB that git itself may hold


class Git:
    """git as one user of one hub, with a configuration of its own."""

    def __init__(self, hub, folder):
        self.hub, self.folder = hub, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = hub.env() | {"HOME": str(self.folder), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
                                "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@x", "GIT_COMMITTER_NAME": "A",
                                "GIT_COMMITTER_EMAIL": "a@x"}
        self.run("config", "--global", "init.defaultBranch", "main", at=self.folder)
        self.run("lfs", "install", "--skip-repo", at=self.folder)

    def run(self, *words, at, check=True, **more):
        done = subprocess.run(["git", *map(str, words)], cwd=at, capture_output=True, text=True, timeout=120, env=self.env | more)
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def url(self, repo, token=None):
        return self.hub.url.replace("://", f"://user:{token}@" if token else "://") + "/" + repo

    def clone(self, repo, name, token=None, *options):
        self.run("clone", *options, self.url(repo, token), name, at=self.folder)
        return self.folder / name

    def commit(self, at, message="change"):
        self.run("add", "-A", at=at)
        self.run("commit", "-qm", message, at=at)
        return self.run("rev-parse", "HEAD", at=at).stdout.strip()


@pytest.fixture
def git(hub, tmp_path):
    return Git(hub, tmp_path / "git")


@pytest.fixture
def repo(hub, request):
    """A fresh public model of alice: its full name."""
    return make_repo(hub, hub.alice, re.sub(r"\W+", "-", request.node.name).strip("-"))


def make_repo(hub, token, name, **more):
    status, _, body = hub.call("POST", "/api/repos/create", {"name": name} | more, token=token)
    assert status == 200, body
    return "alice/" + name


def head(hub, repo, token=None):
    status, _, body = hub.call("GET", f"/api/models/{repo}/revision/main", token=token)
    assert status == 200, body
    return re.search(rb'"sha":"([0-9a-f]{40})"', body)[1].decode()


def test_clone_change_push(hub, git, repo):
    here = git.clone(repo, "here", hub.alice)
    assert (here / ".gitattributes").exists()
    (here / "config.json").write_text('{"a": 1}')
    (here / "sub dir").mkdir()
    (here / "sub dir" / "é.txt").write_text("text")
    commit = git.commit(here)
    git.run("push", "origin", "main", at=here)
    assert head(hub, repo) == commit  # the index follows before the push is answered
    assert hub.call("GET", f"/{repo}/resolve/main/config.json")[2] == b'{"a": 1}'
    # Anybody reads a public repository: with .git, protocols 2 and 0, shallow and partial.
    for name, options in {"v2": (), "v0": ("-c", "protocol.version=0"), "v1": ("-c", "protocol.version=1"),
                          "shallow": ("--depth", "1"), "partial": ("--filter=blob:none",)}.items():
        there = git.clone(repo + ".git", name, None, *options)
        assert (there / "sub dir" / "é.txt").read_text() == "text"
        assert git.run("rev-parse", "HEAD", at=there).stdout.strip() == commit
    assert git.run("rev-list", "--count", "HEAD", at=git.folder / "shallow").stdout.strip() == "1"
    # What came by the API is pulled, what came by git goes on.
    (here / "more.txt").write_text("more")
    git.commit(here)
    git.run("push", "origin", "main", "HEAD:refs/heads/other", at=here)
    git.run("tag", "v1", at=here)
    git.run("push", "origin", "v1", at=here)
    git.run("pull", "-q", at=git.folder / "v2")
    assert (git.folder / "v2" / "more.txt").read_text() == "more"
    assert {"refs/heads/main", "refs/heads/other", "refs/tags/v1"} <= set(git.run("ls-remote", git.url(repo), at=here).stdout.split())


def test_many_objects_in_a_compressed_body(hub, git, repo):
    """Negotiation bodies over 1 KB are sent gzipped, packs over http.postBuffer in chunks."""
    here = git.clone(repo, "here", hub.alice)
    for i in range(30):
        (here / f"{i}.bin").write_bytes(os.urandom(30_000))
        git.commit(here, f"commit {i}")
    git.run("-c", "http.postBuffer=65536", "push", "origin", "main", at=here)
    old = git.clone(repo, "old")
    for i in range(25):
        (old / "local").write_text(str(i))
        git.commit(old, f"local {i}")
    (here / "last").write_text("last")
    commit = git.commit(here)
    git.run("push", "origin", "main", at=here)
    git.run("fetch", "origin", at=old)
    assert git.run("rev-parse", "origin/main", at=old).stdout.strip() == commit


def test_lfs_push_and_clone(hub, git, repo):
    here = git.clone(repo, "here", hub.alice)
    content = os.urandom(BIG)
    (here / "model.safetensors").write_bytes(content)
    git.commit(here)
    git.run("push", "origin", "main", at=here)
    pointer = hub.call("GET", f"/{repo}/raw/main/model.safetensors")[2].decode()
    assert pointer == f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(content).hexdigest()}\nsize {BIG}\n"
    assert hub.call("GET", f"/{repo}/resolve/main/model.safetensors")[2] == content
    there = git.clone(repo, "there")
    assert (there / "model.safetensors").read_bytes() == content
    # Pushed again to another branch: the object is here, only refs move.
    git.run("push", "origin", "main:again", at=here)


def test_push_rules(hub, git, repo):
    before = head(hub, repo)
    here = git.clone(repo, "here", hub.alice)
    (here / "big.txt").write_bytes(os.urandom(BIG))  # not among the patterns of .gitattributes
    git.commit(here)
    refused = git.run("push", "origin", "main", at=here, check=False)
    assert refused.returncode and "10 MB" in refused.stderr and "big.txt" in refused.stderr
    git.run("reset", "-q", "--hard", before, at=here)
    (here / "w.safetensors").write_bytes(os.urandom(1000))
    git.commit(here)
    refused = git.run("push", "--no-verify", "origin", "main", at=here, check=False)  # the hook would upload
    assert refused.returncode and "not uploaded" in refused.stderr
    git.run("reset", "-q", "--hard", before, at=here)
    (here / "README.md").write_text("---\na: [\n---\n")
    git.commit(here)
    assert git.run("push", "origin", "main", at=here, check=False).returncode
    assert git.run("push", "origin", ":main", at=here, check=False).returncode
    assert git.run("push", "origin", f"{before}:refs/secret/x", at=here, check=False).returncode
    assert head(hub, repo) == before


def test_binary_files_go_through_lfs(hub, git, repo):
    here = git.clone(repo, "here", hub.alice)
    (here / "blob.dat").write_bytes(bytes(range(256)))
    git.commit(here)
    refused = git.run("push", "origin", "main", at=here, check=False)
    assert refused.returncode and "blob.dat is a binary file" in refused.stderr and "git lfs track" in refused.stderr
    git.run("lfs", "migrate", "import", "--include=*.dat", "-y", at=here)
    git.run("push", "origin", "main", at=here)
    assert hub.call("GET", f"/{repo}/resolve/main/blob.dat")[2] == bytes(range(256))


def test_protected_branches_refuse_pushes(hub, git, repo):
    before = head(hub, repo)
    here = git.clone(repo, "here", hub.alice)
    (here / "x").write_text("x")
    git.commit(here)
    git.run("push", "origin", "main", "main:release/1", at=here)
    rules = {"protectedBranches": [{"pattern": "main"}, {"pattern": "release/*"}]}
    assert hub.call("PUT", f"/api/models/{repo}/protected-branches", rules, token=hub.alice)[0] == 200
    for words in (("--force", "origin", f"{before}:main"), ("origin", ":release/1"), ("--force", "origin", f"{before}:release/1")):
        refused = git.run("push", *words, at=here, check=False)
        assert refused.returncode and "is protected" in refused.stderr, words
    (here / "x").write_text("y")
    git.commit(here)
    git.run("push", "origin", "main", at=here)  # forward is fine
    assert head(hub, repo) != before


def test_pull_requests_are_fetched_by_name_and_pushed_by_their_author(hub, git, repo):
    line = b'{"key":"header","value":{"summary":"from bob"}}\n{"key":"file","value":{"path":"b.txt","content":"Yg==","encoding":"base64"}}'
    status, _, body = hub.call("POST", f"/api/models/{repo}/commit/main?create_pr=1", line, token=hub.bob, headers={"Content-Type": "application/x-ndjson"})
    assert status == 200, body
    here = git.clone(repo, "here", hub.bob)
    assert not git.run("for-each-ref", "refs/remotes/origin/pr", at=here).stdout  # a clone does not take them
    git.run("fetch", "-q", "origin", "refs/pr/1:mine", at=here)
    git.run("checkout", "-q", "mine", at=here)
    assert (here / "b.txt").read_text() == "b"
    (here / "c.txt").write_text("c")
    commit = git.commit(here)
    git.run("push", "origin", "mine:refs/pr/1", at=here)
    assert head(hub, repo) != commit
    assert hub.call("GET", f"/{repo}/resolve/refs%2Fpr%2F1/c.txt")[2] == b"c"
    for target in ("main", "refs/pr/2", "new"):
        refused = git.run("push", "origin", f"mine:{target}", at=here, check=False)
        assert refused.returncode and ("may not change" in refused.stderr or "no pull request" in refused.stderr), refused.stderr
    assert git.run("push", "origin", ":refs/pr/1", at=here, check=False).returncode


def test_who_may(hub, git, repo):
    before = head(hub, repo)
    private = make_repo(hub, hub.alice, "hidden", private=True)
    wrong = "hf_" + "x" * 34
    for token in (None, hub.bob, wrong):
        for name in (private, "alice/absent", "nobody/absent"):
            refused = git.run("clone", git.url(name, token), "no", at=git.folder, check=False)
            assert refused.returncode, (token, name)
            assert not (git.folder / "no").exists()
    git.clone(private, "mine", hub.alice)
    git.clone(private, "mine-reading", hub.alice_read)
    here = git.clone(repo, "here")
    (here / "x").write_text("x")
    git.commit(here)
    for token in (None, hub.bob, hub.alice_read, wrong):
        for name in (repo, private):
            assert git.run("push", git.url(name, token), "main", at=here, check=False).returncode, (token, name)
    assert head(hub, repo) == before
    git.run("push", git.url(repo, hub.alice), "main", at=here)


@pytest.mark.parametrize("method, path, type", [
    ("GET", "/{}/info/refs?service=git-upload-pack", None),
    ("GET", "/{}.git/info/refs?service=git-receive-pack", None),
    ("POST", "/{}/git-upload-pack", "application/x-git-upload-pack-request"),
    ("POST", "/{}/git-receive-pack", "application/x-git-receive-pack-request"),
    ("POST", "/{}.git/info/lfs/objects/batch", "application/vnd.git-lfs+json"),
])
def test_denials_tell_nothing(hub, method, path, type):
    """A private repository answers strangers as an absent one does; git is asked for credentials."""
    private = "alice/denied"
    hub.call("POST", "/api/repos/create", {"name": "denied", "private": True}, token=hub.alice)
    body = b"0000" if method == "POST" else None
    headers = {"Content-Type": type} if type else {}

    def ask(name, token):
        status, answer_headers, answer = hub.call(method, path.format(name), body, token=token, headers=headers)
        return status, answer_headers.get("WWW-Authenticate"), answer_headers.get("X-Error-Code"), answer.replace(name.encode(), b"")

    for token, status in ((None, 401), (hub.bob, 404)):
        assert ask(private, token) == ask("alice/never-was", token)
        assert ask(private, token)[0] == status
    assert ask(private, None)[1].startswith("Basic")
    assert ask(private, "hf_" + "y" * 34)[0] == 401
    if "receive" in path:
        assert ask(private, hub.alice_read)[0] == 403


def test_bad_requests(hub, repo):
    assert hub.call("GET", f"/{repo}/info/refs")[0] == 403  # the dumb protocol
    assert hub.call("GET", f"/{repo}/info/refs?service=git-shell")[0] == 403
    assert hub.call("POST", f"/{repo}/git-upload-pack", b"0000", headers={"Content-Type": "text/plain"})[0] == 400
    for path in (f"/{repo}/../../etc/passwd", f"/{repo}/resolve/main/../../../../etc/passwd",
                 f"/{repo}/resolve/main/..%2f..%2f..%2fhearth.db", f"/{repo}/resolve/..%2f..%2fx/config.json",
                 "/assets/../../bin/hearth", "/assets/..%2f..%2fbin%2fhearth", "//etc/passwd", f"/{repo}/raw/main/%00"):
        status = raw_status(hub, f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert status in (400, 404), (path, status)
    for request in ("GET /%zz HTTP/1.1\r\n\r\n", "NONSENSE\r\n\r\n", "GET / HTTP/1.1\r\nX: " + "x" * 100_000 + "\r\n\r\n"):
        assert 400 <= raw_status(hub, request) < 500
    assert hub.call("GET", "/healthz")[0] == 200


def raw_status(hub, text):
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as connection:
        connection.sendall(text.encode())
        line = connection.makefile("rb").readline()
    return int(line.split()[1])


def test_kill_during_pushes_keeps_what_was_acknowledged(make_hub, tmp_path):
    hub = make_hub()
    hub.alice = hub.user("alice")
    repo = make_repo(hub, hub.alice, "kept")
    git = Git(hub, tmp_path / "git")
    acknowledged, stop = [], threading.Event()

    def push_on(branch):
        here = git.clone(repo, branch, hub.alice)
        while not stop.is_set():
            (here / "weights.bin").write_bytes(os.urandom(200_000))
            (here / "n.txt").write_text(str(len(acknowledged)))
            commit = git.commit(here)
            if git.run("push", "origin", f"HEAD:{branch}", at=here, check=False).returncode == 0:
                acknowledged.append((branch, commit))
            else:
                stop.set()

    threads = [threading.Thread(target=push_on, args=(f"b{i}",)) for i in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(acknowledged) < 4 and time.monotonic() < deadline and not stop.is_set():
        time.sleep(0.01)
    hub.kill()
    for thread in threads:
        thread.join()
    assert len(acknowledged) >= 4
    hub.start()
    there = git.clone(repo, "there", hub.alice)
    for branch, commit in acknowledged:
        git.run("merge-base", "--is-ancestor", commit, f"origin/{branch}", at=there)
    git.run("fsck", "--full", at=there)
    git.run("checkout", "-q", acknowledged[-1][1], at=there)
    assert (there / "weights.bin").stat().st_size == 200_000  # the LFS object is there too
    (there / "after.txt").write_text("the hub takes pushes again")
    git.commit(there)
    git.run("push", "origin", "HEAD:refs/heads/after", at=there)


def test_slow_readers_do_not_block(hub, git, repo):
    """200 clients that take a large file at a trickle; everybody else is served."""
    here = git.clone(repo, "here", hub.alice)
    (here / "big.bin").write_bytes(os.urandom(32 << 20))
    git.commit(here)
    git.run("push", "origin", "main", at=here)
    slow = []
    try:
        for _ in range(200):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", hub.port))
            connection.sendall(f"GET /{repo}/resolve/main/big.bin HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            slow.append(connection)
        for connection in slow:
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        for _ in range(20):
            assert hub.call("GET", "/api/models")[0] == 200
        git.clone(repo, "meanwhile", None, "--depth", "1")
        memory = int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{hub.process.pid}/status").read_text())[1])
        assert memory < 300_000  # 200 times 32 MB would be 6.4 GB
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_leaves_ends_git(hub, repo):
    """An upload-pack whose client is gone does not linger."""
    with socket.create_connection(("127.0.0.1", hub.port)) as connection:
        connection.sendall(f"POST /{repo}/git-upload-pack HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n"
                           "Content-Type: application/x-git-upload-pack-request\r\n\r\n0".encode())
        deadline = time.monotonic() + 10
        while not children(hub) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert children(hub)
    while children(hub) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not children(hub)


def children(hub):
    pid = hub.process.pid
    return [child for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
