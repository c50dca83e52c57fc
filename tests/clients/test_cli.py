"""The command line as a client of a real Hub, beside Python's huggingface_hub on the same cache."""
import hashlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import hearth

LARGE = random.Random(7).randbytes(11_000_000)  # over what git itself holds: the Hub asks for LFS
FILES = ["README.md", "config.json", "empty.txt", "nested/deep/ünïcode name.txt", "weights.bin"]


def python(hub, code, token=None, **env):
    """Runs code with huggingface_hub in a process of its own (its settings are read at import); its output."""
    done = subprocess.run([sys.executable, "-c", "from huggingface_hub import *\n" + code], capture_output=True, text=True,
                          timeout=300, env=hub.env(token, HF_HUB_DISABLE_XET="1", **env))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(hub, *words, token=None, home=None, check=True, **more):
    return hub.run(*words, check=check, env=hub.env(token, **(home or {}), **more))


@pytest.fixture
def home(tmp_path):
    """Another HF_HOME for each test, as keyword arguments of hub.env."""
    return {"HF_HOME": str(tmp_path / "hf")}


@pytest.fixture(scope="module")
def model(hub, tmp_path_factory):
    """alice/model, uploaded by `hearth upload`: small files, a folder, a large file, and things that must stay here."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "nested" / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "nested" / "deep" / "ünïcode name.txt").write_text("text\n")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "weights.bin").write_bytes(LARGE)
    (folder / ".git" / "config").write_text("[core]")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "note").write_text("x")
    hub.run("upload", "alice/model", folder, token=hub.alice)
    return folder


def test_help_is_complete_and_light():
    done = subprocess.run([hearth, "--help"], capture_output=True, text=True, env={"LD_DEBUG": "files", "LANG": "C"})
    assert done.returncode == 0
    for verb in ("auth", "repos", "upload", "download", "cache", "models", "doctor"):
        assert f"\n  {verb} " in done.stdout
    assert "libhearth_core" in done.stderr  # the loader does tell
    for heavy in ("libtorch", "libarrow", "libhearth_hub", "libhearth_nn"):
        assert heavy not in done.stderr
    for verb in ("auth login", "repos create", "upload", "download", "cache ls", "models list", "doctor"):
        done = subprocess.run([hearth, *verb.split(), "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and f"Usage: hearth {verb}" in done.stdout and f"$ hearth {verb.split()[0]}" in done.stdout
    done = subprocess.run([hearth, "dowload", "x"], capture_output=True, text=True)
    assert done.returncode == 2 and "did you mean `hearth download`" in done.stderr


def test_doctor_names_the_machine():
    done = subprocess.run([hearth, "doctor", "--json"], capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["ok"] == (done.returncode == 0) == all(check["ok"] for check in found["checks"])
    checks = {check["name"]: check for check in found["checks"]}
    assert {"processor", "memory", "data", "cache", "part hub", "part nn", "git"} <= checks.keys()
    assert f"{len(os.sched_getaffinity(0))} cores" in checks["processor"]["found"]


def test_login_is_pythons_login(hub, home):
    done = hub.run("auth", "login", input=hub.alice + "\n", env=hub.env(**home))
    assert "alice" in done.stdout
    assert json.loads(run(hub, "auth", "whoami", "--json", home=home).stdout)["user"] == "alice"
    assert python(hub, "print(get_token(), whoami()['name'])", **home) == f"{hub.alice} alice"
    assert oct(os.stat(pathlib.Path(home["HF_HOME"]) / "token").st_mode & 0o777) == "0o600"
    # Python logs in as somebody else: one home for both.
    python(hub, f"login(token={hub.bob!r})", **home)
    assert run(hub, "auth", "whoami", "-q", home=home).stdout == "bob\n"
    python(hub, "logout()", **home)
    done = run(hub, "auth", "whoami", home=home, check=False)
    assert done.returncode == 3 and "hearth auth login" in done.stderr
    run(hub, "auth", "login", "--token", hub.alice, home=home)
    run(hub, "auth", "logout", home=home)
    assert python(hub, "print(get_token())", **home) == "None"
    wrong = run(hub, "auth", "login", "--token", "hf_" + "x" * 34, home=home, check=False)
    assert wrong.returncode == 3 and python(hub, "print(get_token())", **home) == "None"


def test_repos_are_made_listed_and_deleted(hub, home):
    made = json.loads(run(hub, "repos", "create", "rows", "--repo-type", "dataset", "--private", "--json", token=hub.alice).stdout)
    assert made["repo_id"] == "alice/rows" and made["url"].endswith("/datasets/alice/rows")
    assert python(hub, "print(dataset_info('alice/rows').private)", hub.alice, **home) == "True"
    again = run(hub, "repos", "create", "alice/rows", "--repo-type", "dataset", token=hub.alice, check=False)
    assert again.returncode == 5 and "--exist-ok" in again.stderr
    run(hub, "repos", "create", "datasets/alice/rows", "--exist-ok", token=hub.alice)
    rows = json.loads(run(hub, "repos", "list", "--json", token=hub.alice).stdout)
    (row,) = [row for row in rows if row["id"] == "alice/rows"]
    assert row["type"] == "dataset" and row["private"] is True
    assert run(hub, "repos", "delete", "alice/rows", "--repo-type", "dataset", token=hub.alice, check=False).returncode == 2
    run(hub, "repos", "delete", "alice/rows", "--repo-type", "dataset", "--yes", token=hub.alice)
    gone = run(hub, "repos", "delete", "datasets/alice/rows", "--yes", token=hub.alice, check=False)
    assert gone.returncode == 4
    run(hub, "repos", "delete", "datasets/alice/rows", "--yes", "--missing-ok", token=hub.alice)


def test_upload_sends_small_and_large_files(hub, model, home):
    listed = json.loads(python(hub, """
import json
print(json.dumps({f.path: [f.size, f.lfs and f.lfs.sha256] for f in list_repo_tree('alice/model', recursive=True)
                  if hasattr(f, 'size')}))""", **home))
    listed.pop(".gitattributes")
    assert sorted(listed) == sorted(FILES)
    assert listed["weights.bin"] == [len(LARGE), hashlib.sha256(LARGE).hexdigest()]
    assert listed["config.json"] == [len('{"model_type": "llama"}'), None]
    # The second time there is nothing to send, and the head stays.
    before = python(hub, "print(model_info('alice/model').sha)", **home)
    again = json.loads(run(hub, "upload", "alice/model", model, "--json", token=hub.alice).stdout)
    assert (again["commit"], again["files_committed"], again["files_unchanged"]) == (before, 0, len(FILES))


def test_upload_chooses_renames_and_deletes(hub, tmp_path, home):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.json").write_text("{}")
    (folder / "c.tmp").write_text("c")
    run(hub, "upload", "alice/chosen", folder, "data", "--exclude", "*.tmp", "--commit-message", "First", token=hub.alice)
    run(hub, "upload", "alice/chosen", folder / "a.txt", "renamed.txt", token=hub.alice)
    files = "print(sorted(list_repo_files('alice/chosen')))"
    assert python(hub, files, **home) == str([".gitattributes", "data/a.txt", "data/b.json", "renamed.txt"])
    run(hub, "upload", "alice/chosen", folder, "data", "--include", "*.json", "--delete", "*.txt", token=hub.alice)
    assert python(hub, files, **home) == str([".gitattributes", "data/b.json", "renamed.txt"])
    assert "First" in python(hub, "print([c.title for c in list_repo_commits('alice/chosen')])", **home)
    run(hub, "upload", "alice/chosen", folder / "a.txt", "--revision", "dev", token=hub.alice)
    assert "a.txt" in python(hub, "print(list_repo_files('alice/chosen', revision='dev'))", **home).replace("data/", "")
    missing = run(hub, "upload", "alice/chosen", folder / "nothing", token=hub.alice, check=False)
    assert missing.returncode == 4 and "nothing" in missing.stderr


def test_the_cache_is_shared_with_python(hub, model, home):
    path = run(hub, "download", "alice/model", home=home).stdout.splitlines()[-1]
    for name in FILES:
        assert (pathlib.Path(path) / name).read_bytes() == (model / name).read_bytes()
    assert os.readlink(pathlib.Path(path) / "config.json").startswith("../../blobs/")
    # Python finds it without the network, file and snapshot.
    offline = {"HF_HUB_OFFLINE": "1"} | home
    assert python(hub, "print(snapshot_download('alice/model'))", **offline) == path
    assert python(hub, "print(hf_hub_download('alice/model', 'weights.bin'))", **offline) == path + "/weights.bin"


def test_what_python_downloaded_is_found_offline(hub, model, home):
    path = python(hub, "print(snapshot_download('alice/model'))", **home)
    offline = {"HF_HUB_OFFLINE": "1"}
    assert run(hub, "download", "alice/model", home=home, **offline).stdout == path + "\n"
    assert run(hub, "download", "alice/model", "config.json", home=home, **offline).stdout == path + "/config.json\n"
    absent = run(hub, "download", "alice/model", "--revision", "other", home=home, check=False, **offline)
    assert absent.returncode == 4 and "HF_HUB_OFFLINE" in absent.stderr
    # A Hub that is gone is as good as being offline for what is here.
    gone = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert run(hub, "download", "alice/model", home=home, **gone).stdout == path + "\n"


def test_a_partial_snapshot_is_not_taken_for_a_whole_one(hub, model, home):
    run(hub, "download", "alice/model", "--include", "*.json", home=home)
    whole = run(hub, "download", "alice/model", home=home, check=False, HF_HUB_OFFLINE="1")
    assert whole.returncode == 4 and "lacks" in whole.stderr
    run(hub, "download", "alice/model", "--include", "*.json", home=home, HF_HUB_OFFLINE="1")


def test_download_chooses_files_and_folders(hub, model, home, tmp_path):
    target = tmp_path / "out"
    done = run(hub, "download", "alice/model", "nested/", "config.json", "--local-dir", target, home=home)
    assert done.stdout == f"{target}\n"
    found = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file() and ".cache" not in p.parts)
    assert found == ["config.json", "nested/deep/ünïcode name.txt"]
    # Python's notes of the folder and ours are the same: nothing is fetched again.
    stamp = (target / "config.json").stat().st_mtime_ns
    python(hub, f"snapshot_download('alice/model', local_dir={str(target)!r}, allow_patterns='*.json')", **home)
    assert (target / "config.json").stat().st_mtime_ns == stamp
    plan = json.loads(run(hub, "download", "alice/model", "--dry-run", "--exclude", "*.bin", "--json", home=home).stdout)
    assert sorted(row["file"] for row in plan) == sorted([".gitattributes", *FILES[:-1]])


class Tap:
    """A relay to the hub that goes dead once it has let `limit` bytes through, and remembers what clients asked."""

    def __init__(self, hub, limit=None):
        self.hub, self.limit, self.passed, self.asked = hub, limit, 0, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            upstream = socket.create_connection(("127.0.0.1", self.hub.port))
            threading.Thread(target=self.pump, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(upstream, client, True), daemon=True).start()

    def pump(self, source, sink, answers):
        try:
            while data := source.recv(65536):
                if answers and self.limit is not None and self.passed >= self.limit:
                    threading.Event().wait(60)
                    return
                if answers:
                    self.passed += len(data)
                else:
                    self.asked += data
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def blobs_of(home):
    return pathlib.Path(home["HF_HOME"]) / "hub" / "models--alice--model" / "blobs"


def test_a_killed_download_goes_on_where_it_was_cut(hub, model, home):
    tap = Tap(hub, limit=4_000_000)
    env = hub.env(**home) | {"HF_ENDPOINT": tap.url}
    process = subprocess.Popen([hearth, "download", "alice/model", "weights.bin"], env=env)
    deadline = time.monotonic() + 30
    while not any(p.stat().st_size > 2_000_000 for p in blobs_of(home).glob("*.incomplete")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    (incomplete,) = blobs_of(home).glob("*.incomplete")
    have = incomplete.stat().st_size
    assert 2_000_000 < have < len(LARGE)
    tap.limit, tap.asked = None, b""
    done = subprocess.run([hearth, "download", "alice/model", "weights.bin"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"range: bytes={have}-" in tap.asked.decode("latin1").lower()
    assert pathlib.Path(done.stdout.strip()).read_bytes() == LARGE
    assert not list(blobs_of(home).glob("*.incomplete"))


def test_damaged_bytes_are_not_taken(hub, model, home):
    blobs_of(home).mkdir(parents=True)
    (blobs_of(home) / (hashlib.sha256(LARGE).hexdigest() + ".incomplete")).write_bytes(b"x" * 1000)
    done = run(hub, "download", "alice/model", "weights.bin", home=home, check=False)
    assert done.returncode == 7 and "damaged" in done.stderr
    assert pathlib.Path(run(hub, "download", "alice/model", "weights.bin", home=home).stdout.strip()).read_bytes() == LARGE


@pytest.mark.parametrize("words, code, says", [
    (["download", "alice/nothing"], 4, ["alice/nothing", "hearth auth login"]),
    (["download", "alice/model", "--revision", "nowhere"], 4, ["nowhere", "--revision"]),
    (["download", "alice/model", "nothing.txt"], 4, ["nothing.txt", "--dry-run"]),
    (["download", "alice/../model"], 2, ["alice/../model"]),
    (["download", "alice/model", "../../etc/passwd"], 2, ["..", "inside the repository"]),
    (["download"], 2, ["REPO_ID"]),
    (["upload", "alice/model", "/dev/null/x"], 4, ["/dev/null/x"]),
    (["repos", "create", "alice/new"], 3, ["hearth auth login"]),
    (["repos", "create", "bad..name"], 2, ["bad..name"]),
])
def test_errors_are_one_line_with_what_to_do(hub, model, home, words, code, says):
    done = run(hub, *words, home=home, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("hearth: ")
    for text in says:
        assert text in done.stderr


def test_wrong_tokens_and_missing_rights_are_told(hub, model, home, tmp_path):
    for words in (["auth", "whoami"], ["download", "alice/model"]):
        wrong = run(hub, *words, token="hf_" + "x" * 34, home=home, check=False)
        assert wrong.returncode == 3 and "HF_TOKEN" in wrong.stderr
    (tmp_path / "x.txt").write_text("x")
    for token in (hub.alice_read, hub.bob):
        refused = run(hub, "upload", "alice/model", tmp_path / "x.txt", token=token, home=home, check=False)
        assert refused.returncode == 3 and "not allowed" in refused.stderr
    gone = run(hub, "download", "alice/model", home=home, check=False, HF_ENDPOINT="http://127.0.0.1:9")
    assert gone.returncode == 6 and "hearth serve" in gone.stderr


def test_private_repositories_are_nobody_elses(hub, home, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    run(hub, "upload", "alice/secret", tmp_path / "x.txt", "--private", token=hub.alice)
    for token in (None, hub.bob):
        assert run(hub, "download", "alice/secret", token=token, home=home, check=False).returncode == 4
    run(hub, "download", "alice/secret", token=hub.alice_read, home=home)


def test_cache_ls_rm_prune_verify(hub, home, tmp_path):
    (tmp_path / "x.txt").write_text("one")
    run(hub, "upload", "alice/cached", tmp_path / "x.txt", token=hub.alice)
    run(hub, "download", "alice/cached", home=home)
    (tmp_path / "x.txt").write_text("two")
    run(hub, "upload", "alice/cached", tmp_path / "x.txt", token=hub.alice)
    path = run(hub, "download", "alice/cached", home=home).stdout.strip()

    (row,) = json.loads(run(hub, "cache", "ls", "--json", home=home).stdout)
    assert (row["id"], row["repo_type"], row["refs"]) == ("model/alice/cached", "model", ["main"])
    seen = json.loads(python(hub, """
import json
info = scan_cache_dir()
print(json.dumps([[r.repo_id, r.size_on_disk, sorted(v.commit_hash for v in r.revisions)] for r in info.repos] + [len(info.warnings)]))
""", **home))
    revisions = json.loads(run(hub, "cache", "ls", "--revisions", "--json", home=home).stdout)
    assert seen == [["alice/cached", row["size"], sorted(r["revision"] for r in revisions)], 0]
    assert len(revisions) == 2
    assert run(hub, "cache", "ls", "-q", "--filter", "size>1GB", home=home).stdout == ""

    assert json.loads(run(hub, "cache", "verify", "alice/cached", "--json", home=home).stdout)["checked"] == 2
    blob = pathlib.Path(os.path.realpath(path + "/x.txt"))
    blob.write_text("bad")
    damaged = run(hub, "cache", "verify", "alice/cached", home=home, check=False)
    assert damaged.returncode == 7 and "x.txt" in damaged.stderr
    blob.write_text("two")

    assert run(hub, "cache", "prune", home=home, check=False).returncode == 2  # nothing goes unasked
    done = json.loads(run(hub, "cache", "prune", "--yes", "--json", home=home).stdout)
    assert done["revisions_deleted"] == 1
    assert pathlib.Path(path, "x.txt").read_text() == "two"
    assert python(hub, "i = scan_cache_dir(); print(len(i.warnings), [len(r.revisions) for r in i.repos])", **home) == "0 [1]"
    assert run(hub, "cache", "rm", "model/alice/absent", "--yes", home=home, check=False).returncode == 4
    run(hub, "cache", "rm", "model/alice/cached", "--yes", home=home)
    assert json.loads(run(hub, "cache", "ls", "--json", home=home).stdout) == []


def test_models_list_and_info(hub, model, home):
    rows = json.loads(run(hub, "models", "list", "--author", "alice", "--json", home=home).stdout)
    assert "alice/model" in [row["id"] for row in rows]
    files = json.loads(run(hub, "models", "ls", "alice/model", "--recursive", "--json", home=home).stdout)
    assert {"path": "weights.bin", "size": len(LARGE)} in files
    assert json.loads(run(hub, "models", "info", "alice/model", "--json", home=home).stdout)["id"] == "alice/model"


def test_from_one_hearth_to_another(hub, model, home, make_hub):
    other = make_hub()
    carol = other.user("carol")
    path = run(hub, "download", "alice/model", home=home).stdout.strip()
    run(other, "upload", "carol/copy", path, token=carol, home=home)
    back = run(other, "download", "carol/copy", "weights.bin", home=home).stdout.strip()
    assert pathlib.Path(back).read_bytes() == LARGE


def test_the_hub_last_served_is_the_default(hub, model, home):
    env = hub.env(**home)
    del env["HF_ENDPOINT"]
    done = hub.run("models", "info", "alice/model", "-q", env=env)
    assert done.stdout == "alice/model\n"
