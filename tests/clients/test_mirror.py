"""A hub that is never alone: what it lacks comes from another one (a second Hearth here), stays, and outlives it."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time

import pytest
from conftest import Hub

big = os.urandom(1 << 20) * 12


def python(hub, code, token=None, check=True, xet=False, **more):
    env = hub.env(token, HF_HUB_DISABLE_XET=str(int(not xet)), **more)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout if check else done.stderr


def make_repo(hub, token, name, files, kind="model", private=False):
    """A repository with these files in one commit; its head."""
    code = f"""
import huggingface_hub as h
api = h.HfApi()
api.create_repo({name!r}, repo_type={kind!r}, private={private!r})
ops = [h.CommitOperationAdd(p, open(f, "rb").read()) for p, f in {files!r}.items()]
print(api.create_commit({name!r}, ops, commit_message="files", repo_type={kind!r}).oid)
"""
    return python(hub, code, token).split()[-1]


def asked(hub, route, method="GET"):
    """How many requests of the route this hub has answered."""
    text = hub.call("GET", "/metrics")[2].decode()
    pattern = rf'^hearth_http_requests_total\{{route="{re.escape(route)}",method="{method}",[^}}]*\}} (\d+)'
    return sum(int(n) for n in re.findall(pattern, text, re.M))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model.bin").write_bytes(big)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    return {name: str(folder / name) for name in ("config.json", "model.bin", "README.md")}


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("up")).start()
    hub.alice = hub.user("alice")
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def down(tmp_path_factory, up):
    """A hub that asks `up` for whatever it does not know, and looks for new commits at every read."""
    hub = Hub(tmp_path_factory.mktemp("down"), "--upstream-fresh", "0").start()
    hub.ruth = hub.user("ruth", "--admin")
    hub.carl = hub.user("carl")
    hub.admin("upstream", "add", "up", up.url, "--all")
    time.sleep(2.1)  # rules are read again every two seconds
    yield hub
    hub.stop()


def test_unknown_repository_comes_with_its_commits(up, down, files, tmp_path):
    head = make_repo(up, up.alice, "alice/m", files)
    code = """
import huggingface_hub as h, os
info = h.HfApi().model_info("alice/m")
folder = h.snapshot_download("alice/m")
print(info.sha, info.private, os.path.basename(folder), sorted(os.listdir(folder)), info.card_data.license)
print(h.HfApi().list_repo_commits("alice/m")[0].commit_id)
"""
    out = python(down, code)
    assert out.count(head) == 3 and "model.bin" in out and "mit" in out
    snapshot = down.folder / "home/hf/hub/models--alice--m/snapshots" / head
    assert (snapshot / "model.bin").read_bytes() == big and (snapshot / "config.json").read_text() == '{"model_type": "bert"}'
    # git sees the same history, and git-lfs the same file.
    env = down.env(GIT_TERMINAL_PROMPT="0")
    subprocess.run(["git", "clone", "-q", f"{down.url}/alice/m", tmp_path / "clone"], check=True, env=env)
    assert subprocess.run(["git", "-C", tmp_path / "clone", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip() == head
    assert (tmp_path / "clone/model.bin").read_bytes() == big
    assert subprocess.run(["git", "-C", next((down.folder / "data/repos/models").iterdir()), "fsck", "--strict"], capture_output=True).returncode == 0


def test_large_file_comes_once_for_many_readers_and_by_ranges(up, down, files, tmp_path):
    large = big[::-1]  # no other test's: what is here already does not come again
    sha = hashlib.sha256(large).hexdigest()
    (tmp_path / "large").write_bytes(large)
    make_repo(up, up.alice, "alice/many", files | {"model.bin": str(tmp_path / "large")})
    assert down.call("HEAD", "/alice/many/resolve/main/model.bin")[1]["Content-Length"] == str(len(large))
    before = asked(up, "/lfs/objects/{number}/{oid}")
    assert down.call("GET", "/api/models/alice/many")[0] == 200
    ranges = [None, "bytes=5000000-5000999", "bytes=-1000", None, "bytes=0-0", f"bytes={len(large) - 5}-", None]

    def get(wanted):
        return down.call("GET", "/alice/many/resolve/main/model.bin", headers={"Range": wanted} if wanted else {})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(get, ranges))
    for wanted, (status, headers, body) in zip(ranges, answers):
        expected = large
        if wanted:
            begin, end = wanted[6:].split("-")
            expected = large[-int(end):] if not begin else large[int(begin):int(end) + 1 if end else None]
        assert status == (206 if wanted else 200) and body == expected and headers["ETag"] == f'"{sha}"'
        assert headers["Content-Length"] == str(len(expected))
    assert asked(up, "/lfs/objects/{number}/{oid}") == before + 1


def test_new_commits_come_and_what_came_outlives_the_upstream(tmp_path, files):
    up = Hub(tmp_path / "up2").start()
    down = Hub(tmp_path / "down2", "--upstream-fresh", "0").start()
    try:
        alice = up.user("alice")
        down.user("ruth", "--admin")
        down.admin("upstream", "add", "up", up.url, "--owner", "alice")
        first = make_repo(up, alice, "alice/data", files, kind="dataset")
        time.sleep(2.1)
        sha = lambda rev="": json.loads(down.call("GET", f"/api/datasets/alice/data{rev}")[2]).get("sha")
        assert sha() == first
        assert down.call("GET", "/datasets/alice/data/resolve/main/model.bin")[2] == big
        second = python(up, """
import huggingface_hub as h
api = h.HfApi()
print(api.upload_file(path_or_fileobj=b"more", path_in_repo="more.txt", repo_id="alice/data", repo_type="dataset").oid)
api.create_tag("alice/data", tag="v1", repo_type="dataset")
""", alice).split()[-1]
        assert sha() == second and sha("/revision/v1") == second and sha(f"/revision/{first}") == first
        make_repo(up, alice, "alice/later", {"README.md": files["README.md"]})
        up.stop()
        assert sha() == second  # as it was
        assert down.call("GET", "/datasets/alice/data/resolve/main/more.txt")[2] == b"more"
        assert down.call("GET", "/datasets/alice/data/resolve/main/model.bin")[2] == big
        status, headers, _ = down.call("GET", "/api/models/alice/later")
        assert status == 503, "it cannot be said whether it exists"
    finally:
        up.stop()
        down.stop()


def test_what_vanished_there_is_served_as_far_as_it_came(up, down, files, tmp_path):
    other = os.urandom(200_000)
    (tmp_path / "other.bin").write_bytes(other)
    head = make_repo(up, up.alice, "alice/gone", files | {"other.bin": str(tmp_path / "other.bin")})
    assert down.call("GET", "/alice/gone/resolve/main/model.bin")[2] == big
    assert down.call("HEAD", "/alice/gone/resolve/main/other.bin")[0] == 200
    python(up, "import huggingface_hub as h; h.HfApi().delete_repo('alice/gone')", up.alice)
    # What came, and all of git's own files, as before: by address, by the client, by git.
    assert json.loads(down.call("GET", "/api/models/alice/gone")[2])["sha"] == head
    for revision in ("main", head):
        assert down.call("GET", f"/alice/gone/resolve/{revision}/model.bin", headers={"Range": "bytes=5-9"})[2] == big[5:10]
    assert down.call("GET", "/alice/gone/resolve/main/config.json")[2] == b'{"model_type": "bert"}'
    python(down, "import huggingface_hub as h; h.snapshot_download('alice/gone', ignore_patterns='other.bin')")
    env = down.env(GIT_TERMINAL_PROMPT="0", GIT_LFS_SKIP_SMUDGE="1")
    subprocess.run(["git", "clone", "-q", f"{down.url}/alice/gone", tmp_path / "clone"], check=True, env=env)
    # What did not come is no file of zero bytes nor a broken answer: each way says why.
    for method in ("GET", "HEAD"):
        status, headers, body = down.call(method, "/alice/gone/resolve/main/other.bin")
        assert (status, headers["X-Error-Code"]) == (404, "EntryNotFound") and "no more" in headers["X-Error-Message"]
        assert headers["X-Repo-Commit"] is None  # the client would remember that the commit lacks it
    error = python(down, "import huggingface_hub as h; h.hf_hub_download('alice/gone', 'other.bin')", check=False)
    assert "EntryNotFoundError" in error and up.url in error
    pull = subprocess.run(["git", "-C", tmp_path / "clone", "lfs", "pull"], capture_output=True, text=True, env=down.env(GIT_TERMINAL_PROMPT="0"))
    assert pull.returncode != 0 and f"[{hashlib.sha256(other).hexdigest()}] this hub does not have the object" in pull.stderr
    listed = [line for line in down.admin("mirror", "list").stdout.splitlines() if "alice/gone" in line]
    assert listed and "has no description of alice/gone" in listed[0]
    # Made there anew, it comes as it is there by then.
    again = make_repo(up, up.alice, "alice/gone", {"other.bin": str(tmp_path / "other.bin")})
    assert json.loads(down.call("GET", "/api/models/alice/gone")[2])["sha"] == again
    assert down.call("GET", "/alice/gone/resolve/main/other.bin")[2] == other
    assert down.call("GET", "/alice/gone/resolve/main/config.json")[0] == 404


def test_what_is_not_there_is_not_asked_for_again(up, down):
    before = asked(up, "/api/{kind}/{repo}")
    for _ in range(3):
        status, headers, _ = down.call("GET", "/api/models/alice/no-such-thing")
        assert status == 401 and headers["X-Error-Code"] == "RepoNotFound"
    assert asked(up, "/api/{kind}/{repo}") == before + 1
    # A name of this hub's own is never looked for elsewhere.
    make = up.call("POST", "/api/repos/create", {"name": "secret-plan"}, token=up.user("carl"))
    assert make[0] == 200
    assert down.call("GET", "/api/models/carl/secret-plan")[0] == 401


def test_private_there_is_private_here(up, down, files):
    make_repo(up, up.alice, "alice/hidden", {"README.md": files["README.md"]}, private=True)
    assert down.call("GET", "/api/models/alice/hidden", token=down.ruth)[0] == 404  # no token, nothing to see
    dora = up.user("dora")
    head = make_repo(up, dora, "dora/hidden", files, private=True)
    down.admin("upstream", "add", "dora", up.url, "--owner", "dora", "--token-stdin", input=dora + "\n")
    time.sleep(2.1)
    status, headers, _ = down.call("GET", "/api/models/dora/hidden")
    assert status == 401 and headers["X-Error-Code"] == "RepoNotFound"
    assert down.call("GET", "/api/models/dora/hidden", token=down.carl)[0] == 404
    status, _, body = down.call("GET", "/api/models/dora/hidden", token=down.ruth)
    assert status == 200 and json.loads(body)["sha"] == head and json.loads(body)["private"] is True
    assert down.call("GET", "/dora/hidden/resolve/main/model.bin", token=down.ruth)[2] == big
    assert down.call("GET", "/dora/hidden/resolve/main/model.bin", token=down.carl)[0] == 404
    # What is shown or hidden there later is so here.
    hide = "import huggingface_hub as h; h.HfApi().update_repo_settings('dora/hidden', private={})"
    python(up, hide.format(False), dora)
    assert down.call("GET", "/api/models/dora/hidden")[0] == 200
    python(up, hide.format(True), dora)
    assert down.call("GET", "/api/models/dora/hidden")[0] == 401
    listed = down.admin("upstream", "list").stdout
    assert dora not in listed and re.search(r"dora\tdora\t\S+\ttoken", listed)


def test_nobody_commits_to_a_copy(up, down, files):
    make_repo(up, up.alice, "alice/fixed", {"README.md": files["README.md"]})
    assert down.call("GET", "/api/models/alice/fixed")[0] == 200
    error = python(down, "import huggingface_hub as h; h.HfApi().upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id='alice/fixed')",
                   down.ruth, check=False)
    assert "is a copy of" in error and "403" in error


def test_what_came_damaged_is_never_a_whole_file(up, down, files):
    other = os.urandom(3 << 20)
    sha = hashlib.sha256(other).hexdigest()
    path = down.folder / "damaged.bin"
    path.write_bytes(other)
    make_repo(up, up.alice, "alice/damaged", {"model.bin": str(path)})
    stored = up.folder / "data/objects/sha256" / sha[:2] / sha[2:4] / sha
    os.chmod(stored, 0o644)
    with open(stored, "r+b") as file:
        file.seek(1 << 20)
        file.write(b"damage")
    with pytest.raises(http.client.IncompleteRead):
        down.call("GET", "/alice/damaged/resolve/main/model.bin")
    assert not (down.folder / "data/objects/sha256" / sha[:2] / sha[2:4] / sha).exists()
    assert not list((down.folder / "data/objects/incoming").glob("pull-*"))


def test_large_files_that_came_gain_chunks_and_facts(up, down, tmp_path):
    path = tmp_path / "model.safetensors"
    python(up, f"""
import numpy, safetensors.numpy
import huggingface_hub as h
safetensors.numpy.save_file({{"w": numpy.random.default_rng(1).random((700, 1000), dtype=numpy.float32)}}, {str(path)!r})
h.HfApi().create_repo("alice/weights")
h.HfApi().upload_file(path_or_fileobj={str(path)!r}, path_in_repo="model.safetensors", repo_id="alice/weights")
""", up.alice)
    assert down.call("GET", "/alice/weights/resolve/main/model.safetensors")[2] == path.read_bytes()
    deadline = time.monotonic() + 20
    while True:
        facts = json.loads(down.call("GET", "/api/models/alice/weights")[2]).get("safetensors")
        scanned = json.loads(down.call("POST", "/api/models/alice/weights/paths-info/main", {"paths": ["model.safetensors"], "expand": True})[2])
        if facts and scanned[0]["securityFileStatus"]["status"] == "safe" and "X-Xet-Hash" in down.call("HEAD", "/alice/weights/resolve/main/model.safetensors")[1]:
            break
        assert time.monotonic() < deadline, (facts, scanned)
        time.sleep(0.1)
    assert facts == {"parameters": {"F32": 700_000}, "total": 700_000}
    before = asked(down, "/xet/v2/reconstructions/{hash}")
    got = python(down, "import huggingface_hub as h; print(h.hf_hub_download('alice/weights', 'model.safetensors'))", xet=True).strip()
    assert open(got, "rb").read() == path.read_bytes() and asked(down, "/xet/v2/reconstructions/{hash}") > before


def test_renamed_there_is_found_under_both_names(up, down, files):
    move = "import huggingface_hub as h; h.HfApi().move_repo('alice/{}', 'alice/{}')"
    head = make_repo(up, up.alice, "alice/before", files)
    assert json.loads(down.call("GET", "/api/models/alice/before")[2])["id"] == "alice/before"
    down.admin("mirror", "add", f"{up.url}/alice/before", "ruth/watched", "--every", "1h")
    deadline = time.monotonic() + 20
    while "ruth/watched" not in (listed := down.admin("mirror", "list").stdout) or "waiting" in listed:
        assert time.monotonic() < deadline, listed
        time.sleep(0.1)
    python(up, move.format("before", "after"), up.alice)
    new = python(up, "import huggingface_hub as h; print(h.HfApi().upload_file(path_or_fileobj=b'2', path_in_repo='2', repo_id='alice/after').oid)", up.alice).split()[-1]
    # What is here moves along: the first read sees it, the old name leads on.
    assert json.loads(down.call("GET", "/api/models/alice/before")[2])["id"] == "alice/after"
    for name in ("before", "after"):
        found = json.loads(down.call("GET", f"/api/models/alice/{name}")[2])
        assert found["id"] == "alice/after" and found["sha"] == new != head
        assert down.call("GET", f"/alice/{name}/resolve/main/2")[2] == b"2"
    assert f"{up.url}/alice/after" in down.admin("mirror", "list").stdout
    assert "alice/before" not in [m["id"] for m in json.loads(down.call("GET", "/api/models?author=alice")[2])]
    # What was renamed before anybody asked for it here comes under its new name.
    head = make_repo(up, up.alice, "alice/early", files)
    python(up, move.format("early", "late"), up.alice)
    found = json.loads(down.call("GET", "/api/models/alice/early")[2])
    assert found["id"] == "alice/late" and found["sha"] == head
    assert python(down, "import huggingface_hub as h; print(h.HfApi().model_info('alice/early').id)").split() == ["alice/late"]
    # A mirror keeps the name that an administrator gave it, and follows.
    down.admin("mirror", "add", f"{up.url}/alice/before", "ruth/watched", "--every", "1h")
    deadline = time.monotonic() + 20
    while f"ruth/watched\t{up.url}/alice/after\t" not in down.admin("mirror", "list").stdout or json.loads(down.call("GET", "/api/models/ruth/watched")[2])["sha"] != new:
        assert time.monotonic() < deadline, down.admin("mirror", "list").stdout
        time.sleep(0.1)


def test_visitors_and_sizes_may_be_kept_out(up, files, tmp_path):
    hub = Hub(tmp_path / "guarded", "--anonymous-pulls", "off").start()
    try:
        ruth = hub.user("ruth", "--admin")
        hub.admin("upstream", "add", "up", up.url, "--all", "--max-size", "13MB")
        assert "up to 13 MB" in hub.admin("upstream", "list").stdout
        time.sleep(2.1)
        make_repo(up, up.alice, "alice/asked", files)
        make_repo(up, up.alice, "alice/large", files | {"copy.bin": files["model.bin"], "more.bin": __file__})
        before = asked(up, "/api/{kind}/{repo}")
        status, headers, _ = hub.call("GET", "/api/models/alice/asked")
        assert status == 401 and headers["X-Error-Code"] == "RepoNotFound" and asked(up, "/api/{kind}/{repo}") == before
        assert hub.call("GET", "/api/models/alice/asked", token=ruth)[0] == 200
        assert hub.call("GET", "/api/models/alice/asked")[0] == 200  # it is here now
        status, _, body = hub.call("GET", "/alice/asked/resolve/main/model.bin")
        assert status == 401 and b"signed in" in body
        assert hub.call("GET", "/alice/asked/resolve/main/model.bin", token=ruth)[2] == big
        assert hub.call("GET", "/alice/asked/resolve/main/model.bin")[2] == big
        status, _, body = hub.call("GET", "/api/models/alice/large", token=ruth)
        assert status == 403 and b"at most 13 MB" in body and not hub.call("GET", "/api/models?author=alice&search=large")[2].count(b"alice/large")
        # One that grows stops at the limit.
        path = tmp_path / "grown"
        path.write_bytes(os.urandom(3 << 20))
        python(up, f"import huggingface_hub as h; h.HfApi().upload_file(path_or_fileobj={str(path)!r}, path_in_repo='grown.bin', repo_id='alice/asked')", up.alice)
        hub.stop()
        hub.options += ("--upstream-fresh", "0")
        hub.start()
        assert hub.call("GET", "/alice/asked/resolve/main/grown.bin", token=ruth)[0] == 403
    finally:
        hub.stop()


def test_mirror_copies_whole_and_an_import_becomes_our_own(up, down, files):
    head = make_repo(up, up.alice, "alice/source", files)
    down.admin("mirror", "add", f"{up.url}/alice/source", "ruth/mirror", "--every", "1h")
    down.admin("import", f"{up.url}/alice/source", "carl/own")
    deadline = time.monotonic() + 60
    while True:
        lines = down.admin("mirror", "list").stdout.splitlines()
        mirror = [line for line in lines if line.startswith("ruth/mirror")]
        if not any(line.startswith("carl/own") for line in lines) and mirror and mirror[0].endswith("\tok"):
            break
        assert time.monotonic() < deadline, lines
        time.sleep(0.2)
    asked_before = asked(up, "/lfs/objects/{number}/{oid}")
    for name, token in (("ruth/mirror", down.ruth), ("carl/own", down.carl)):
        status, _, body = down.call("GET", f"/api/models/{name}", token=token)
        assert status == 200 and json.loads(body)["sha"] == head
        assert down.call("GET", f"/{name}/resolve/main/model.bin", token=token)[2] == big
    assert asked(up, "/lfs/objects/{number}/{oid}") == asked_before  # the large file was there
    python(down, "import huggingface_hub as h; h.HfApi().upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id='carl/own')", down.carl)
    assert down.call("POST", "/api/models/ruth/mirror/commit/main", b'{"key":"header","value":{"summary":"x"}}\n',
                     token=down.ruth, headers={"Content-Type": "application/x-ndjson"})[0] == 403


def test_cache_comes_in_by_links_one_commit_a_snapshot(up, files, tmp_path):
    first = make_repo(up, up.alice, "alice/cached", files)
    code = """
import huggingface_hub as h, sys
h.snapshot_download("alice/cached")
h.hf_hub_download("alice/rows", "config.json", repo_type="dataset")
"""
    make_repo(up, up.alice, "alice/rows", files, kind="dataset")
    python(up, code)
    second = python(up, """
import huggingface_hub as h
print(h.HfApi().create_commit("alice/cached", [h.CommitOperationAdd("new.txt", b"new"), h.CommitOperationDelete("config.json")], commit_message="x").oid)
""", up.alice).split()[-1]
    python(up, code)
    cache = up.folder / "home/hf/hub"
    blob = cache / "models--alice--cached/blobs" / hashlib.sha256(big).hexdigest()

    hub = Hub(tmp_path / "fresh").start()
    try:
        ruth = hub.user("ruth", "--admin")
        words = ("import-cache", "--cache", cache, "--owner-map", "alice=lab", "--data", hub.folder / "data")
        out = hub.run(*words).stdout
        assert re.search(r"\b25 MB linked, 0 B copied", out), out
        assert hub.call("GET", "/api/models/lab/cached")[0] == 401  # private until it is said
        log = python(hub, "import huggingface_hub as h; print([c.title for c in h.HfApi().list_repo_commits('lab/cached')])", ruth)
        assert log.index(f"Snapshot {second}") < log.index(f"Snapshot {first}")
        names = python(hub, "import huggingface_hub as h; print(h.HfApi().list_repo_files('lab/cached'))", ruth)
        assert "new.txt" in names and "config.json" not in names and "model.bin" in names
        assert hub.call("GET", "/lab/cached/resolve/main/model.bin", token=ruth)[2] == big
        assert hub.call("GET", "/datasets/lab/rows/resolve/main/config.json", token=ruth)[2] == b'{"model_type": "bert"}'
        stored = next((hub.folder / "data/objects/sha256").rglob(blob.name))
        assert stored.stat().st_ino == blob.stat().st_ino  # the same file
        again = hub.run(*words).stdout
        assert ", 0 snapshots (3 were here already)" in again, again
        # What is damaged is left out and said.
        (hub.folder / "bad" / "models--alice--bad" / "blobs").mkdir(parents=True)
        shot = hub.folder / "bad/models--alice--bad/snapshots" / ("a" * 40)
        shot.mkdir(parents=True)
        (hub.folder / "bad/models--alice--bad/blobs" / ("b" * 64)).write_bytes(b"not that")
        (hub.folder / "bad/models--alice--bad/blobs" / ("c" * 40)).write_bytes(b"fine")
        (shot / "bad.bin").symlink_to("../../blobs/" + "b" * 64)
        (shot / "fine.txt").symlink_to("../../blobs/" + "c" * 40)
        done = hub.run("import-cache", "--cache", hub.folder / "bad", "--public", "--data", hub.folder / "data")
        assert "bad.bin" in done.stderr and "damaged" in done.stderr
        assert hub.call("GET", "/alice/bad/resolve/main/fine.txt")[2] == b"fine"
        assert hub.call("GET", "/alice/bad/resolve/main/bad.bin")[0] == 404
    finally:
        hub.stop()


def test_a_cache_of_shared_blobs_comes_in_by_links(up, files, tmp_path):
    """Files that came by Xet lie under their Xet hash, once for all repositories (huggingface_hub 2.4.0 utils/_shared_blobs.py)."""
    content = os.urandom(3_000_000)
    (tmp_path / "weights.bin").write_bytes(content)
    put = """
import huggingface_hub as h
h.HfApi().create_repo("alice/shared")
h.HfApi().upload_file(repo_id="alice/shared", path_or_fileobj={!r}, path_in_repo="weights.bin")
h.snapshot_download("alice/shared", cache_dir={!r})
"""
    cache = tmp_path / "cache"
    python(up, put.format(str(tmp_path / "weights.bin"), str(cache)), up.alice, xet=True)
    (blob,) = [path for path in (cache / "blobs").rglob("*") if path.is_file() and len(path.name) == 64]
    assert blob.name != hashlib.sha256(content).hexdigest()
    hub = Hub(tmp_path / "fresh").start()
    try:
        hub.user("ruth", "--admin")
        done = hub.run("import-cache", "--cache", cache, "--public", "--data", hub.folder / "data")
        assert "3.0 MB linked, 0 B copied" in done.stdout and not done.stderr, (done.stdout, done.stderr)
        assert hub.call("GET", "/alice/shared/resolve/main/weights.bin")[2] == content
    finally:
        hub.stop()


def test_archive_carries_repositories_to_a_hub_without_internet(up, files, tmp_path):
    head = make_repo(up, up.alice, "alice/packed", files)
    make_repo(up, up.alice, "alice/packed", files, kind="dataset", private=True)
    python(up, "import huggingface_hub as h; h.HfApi().create_tag('alice/packed', tag='v1')", up.alice)
    archive = tmp_path / "some.tar"
    out = up.admin("export", "alice/packed", "datasets/alice/packed", "--output", archive).stdout
    assert "2 repositories, 1 large files" in out

    hub = Hub(tmp_path / "island").start()
    try:
        ruth = hub.user("ruth", "--admin")
        # A damaged copy is refused, and leaves nothing behind that counts.
        data = bytearray(archive.read_bytes())
        data[data.index(big[1000:1064])] ^= 1
        (tmp_path / "damaged.tar").write_bytes(data)
        done = hub.admin("import", tmp_path / "damaged.tar", check=False)
        assert done.returncode and "damaged" in done.stderr
        assert hub.call("GET", "/api/models/alice/packed", token=ruth)[0] == 404
        assert not list((hub.folder / "data/objects/sha256").rglob(hashlib.sha256(big).hexdigest()))

        assert "2 repositories (0 more were here already), 1 large files" in hub.admin("import", archive).stdout
        assert json.loads(hub.call("GET", "/api/models/alice/packed/revision/v1")[2])["sha"] == head
        assert hub.call("GET", "/alice/packed/resolve/main/model.bin")[2] == big
        assert hub.call("GET", "/api/datasets/alice/packed")[0] == 401  # private as it was
        assert hub.call("GET", "/datasets/alice/packed/resolve/main/model.bin", token=ruth)[2] == big
        assert "0 repositories (2 more were here already), 0 large files" in hub.admin("import", archive).stdout
        # Newer commits here are not lost by importing again.
        python(hub, "import huggingface_hub as h; h.HfApi().upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id='alice/packed')", ruth)
        assert "--overwrite" in hub.admin("import", archive).stderr
        assert hub.call("GET", "/alice/packed/resolve/main/x")[2] == b"x"
        hub.admin("import", archive, "--overwrite")
        assert json.loads(hub.call("GET", "/api/models/alice/packed")[2])["sha"] == head
        (tmp_path / "none.tar").write_bytes(b"no archive")
        assert "is no archive" in hub.admin("import", tmp_path / "none.tar", check=False).stderr
    finally:
        hub.stop()


def test_archive_carries_what_is_stored_as_chunks(up, tmp_path):
    path = tmp_path / "chunks.bin"
    path.write_bytes(os.urandom(9_000_000) + b"x" * 500_000)
    data, sha = path.read_bytes(), hashlib.sha256(path.read_bytes()).hexdigest()
    whole = lambda hub: hub.folder / "data/objects/sha256" / sha[:2] / sha[2:4] / sha
    python(up, f"""
import huggingface_hub as h
h.HfApi().create_repo("alice/chunks")
h.HfApi().upload_file(path_or_fileobj={str(path)!r}, path_in_repo="model.bin", repo_id="alice/chunks")
""", up.alice, xet=True)
    assert not whole(up).exists(), "it came by Xet"
    out = up.admin("export", "alice/chunks", "--output", tmp_path / "chunks.tar")
    assert "1 repositories, 1 large files" in out.stdout and "left out" not in out.stderr
    assert not whole(up).exists() and up.leaves_nothing_incoming(), "no second copy stays"

    hub = Hub(tmp_path / "island").start()
    try:
        hub.user("ruth", "--admin")
        assert "1 repositories (0 more were here already), 1 large files" in hub.admin("import", tmp_path / "chunks.tar").stdout
        assert hub.call("GET", "/alice/chunks/resolve/main/model.bin")[2] == data
        subprocess.run(["git", "clone", "-q", f"{hub.url}/alice/chunks", tmp_path / "clone"], check=True, env=hub.env(GIT_TERMINAL_PROMPT="0"))
        assert (tmp_path / "clone/model.bin").read_bytes() == data
        deadline = time.monotonic() + 20  # it gains chunks by a job
        while "X-Xet-Hash" not in hub.call("HEAD", "/alice/chunks/resolve/main/model.bin")[1]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        before = asked(hub, "/xet/v2/reconstructions/{hash}")
        got = python(hub, "import huggingface_hub as h; print(h.hf_hub_download('alice/chunks', 'model.bin'))", xet=True).strip()
        assert open(got, "rb").read() == data and asked(hub, "/xet/v2/reconstructions/{hash}") > before
        # And where it lies as chunks already, it is not stored again.
        assert "0 repositories (1 more were here already), 0 large files" in up.admin("import", tmp_path / "chunks.tar").stdout
        assert not whole(up).exists()
    finally:
        hub.stop()
