"""kill -9 at random points: of the server under uploads, commits and pushes, and of a garbage collection. Whatever was
acknowledged is there afterwards, nothing is half there, and no orphan is forgotten. (Of migrations: hub/upgrade_test.cc.)
HEARTH_CRASHES sets the number of points in all of these tests (`make test-crash` takes 1,000), HEARTH_SEED the dice."""
import hashlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time

from conftest import Hub, hearth

crashes = int(os.environ.get("HEARTH_CRASHES", 100))
seed = int(os.environ.get("HEARTH_SEED", random.randrange(1 << 30)))
gone = (OSError, http.client.HTTPException)  # the server was killed under the request


class Work:
    """Three writers on one repository; each remembers what was acknowledged."""

    def __init__(self, hub, token, clone):
        self.hub, self.token, self.clone = hub, token, clone
        self.files = {}  # path -> sha256 of the content, acknowledged
        self.pushed = []  # commit ids
        self.dice = random.Random(seed)
        self.number = 0
        self.over = threading.Event()

    def next(self):
        self.number += 1
        return self.number

    def commit(self, *operations):
        lines = [{"key": "header", "value": {"summary": "a commit"}}, *operations]
        status, _, _ = self.hub.call("POST", "/api/models/alice/crash/commit/main", "\n".join(map(json.dumps, lines)).encode(), self.token,
                                     {"Content-Type": "application/x-ndjson"})
        return status == 200

    def small_files(self):
        while not self.over.is_set():
            path, text = f"small/{self.next()}.txt", str(self.dice.random())
            if self.commit({"key": "file", "value": {"path": path, "content": text, "encoding": "utf-8"}}):
                self.files[path] = hashlib.sha256(text.encode()).hexdigest()

    def big_files(self):
        while not self.over.is_set():
            data = self.dice.randbytes(300_000)
            oid, path = hashlib.sha256(data).hexdigest(), f"big/{self.next()}.bin"
            status, _, answer = self.hub.call("POST", "/alice/crash.git/info/lfs/objects/batch",
                                              {"operation": "upload", "objects": [{"oid": oid, "size": len(data)}]}, self.token)
            if status != 200:
                continue
            target = json.loads(answer)["objects"][0]["actions"]["upload"]["href"][len(self.hub.url):]
            if self.hub.call("PUT", target, data)[0] == 200 and \
                    self.commit({"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": len(data)}}):
                self.files[path] = oid

    def git(self, *words):
        done = subprocess.run(["git", "-C", self.clone, "-c", "user.name=a", "-c", "user.email=a@b", *words], env=self.hub.env(),
                              capture_output=True, text=True, timeout=60)
        return done.returncode == 0, done.stdout.strip()

    def pushes(self):
        while not self.over.is_set():
            self.git("commit", "--allow-empty", "-m", f"push {self.next()}")
            if self.git("push", "origin", "HEAD:refs/heads/pushed")[0]:
                self.pushed.append(self.git("rev-parse", "HEAD")[1])

    def until_killed(self, after_s):
        def guarded(write):
            try:
                write()
            except gone:
                pass

        self.over.clear()
        writers = [threading.Thread(target=guarded, args=(write,)) for write in (self.small_files, self.big_files, self.pushes)]
        for writer in writers:
            writer.start()
        threading.Event().wait(after_s)
        self.hub.kill()
        self.over.set()
        for writer in writers:
            writer.join()


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    hub = Hub(tmp_path / "hub").start()
    try:
        token = hub.user("alice")
        assert hub.call("POST", "/api/repos/create", {"name": "crash"}, token)[0] == 200
        clone = tmp_path / "clone"
        subprocess.run(["git", "clone", "-q", hub.url.replace("http://", f"http://alice:{token}@") + "/alice/crash", clone], check=True, env=hub.env())
        work = Work(hub, token, clone)
        checked = 0
        bare = next((hub.folder / "data" / "repos" / "models").iterdir())
        for point in range(max(3, crashes * 60 // 100)):
            # Mostly within the first requests after a start; now and then, and at first, when pushes have got through.
            work.until_killed(4 if point == 0 else work.dice.uniform(0, work.dice.choice([0.1, 0.3, 1])))
            hub.start()
            for path, sha256 in list(work.files.items())[checked:]:
                status, _, body = hub.call("GET", f"/alice/crash/resolve/main/{path}", token=token)
                assert status == 200 and hashlib.sha256(body).hexdigest() == sha256, f"{path} was acknowledged (seed {seed})"
            checked = len(work.files)
            if work.pushed:
                subprocess.run(["git", "-C", bare, "merge-base", "--is-ancestor", work.pushed[-1], "refs/heads/pushed"], check=True)

        assert checked and work.pushed, "writers got through between the crashes"
        subprocess.run(["git", "-C", bare, "fsck", "--strict", "--no-dangling"], check=True, capture_output=True)
        listed = set(subprocess.run(["git", "-C", bare, "ls-tree", "-r", "--name-only", "main"], capture_output=True, text=True, check=True).stdout.split())
        assert set(work.files) <= listed
        # What is visible is whole: each stored object has the hash it is named by.
        for stored in (hub.folder / "data" / "objects" / "sha256").glob("*/*/*"):
            assert hashlib.sha256(stored.read_bytes()).hexdigest() == stored.name
    finally:
        hub.stop()


ORPHANS = """
import os
from huggingface_hub import CommitOperationAdd, HfApi
api = HfApi()
api.create_repo("alice/kept"), api.create_repo("alice/gone")
for number in range(6):
    for repo in ("alice/kept", "alice/gone"):
        api.upload_file(path_or_fileobj=os.urandom(90_000), path_in_repo=f"{number}.bin", repo_id=repo)
api.create_bucket("alice/things")
api.batch_bucket_files("alice/things", add=[(os.urandom(50_000), "kept.bin"), (os.urandom(50_000), "gone.bin")])
api.batch_bucket_files("alice/things", delete=["gone.bin"])
api.delete_repo("alice/gone")
"""


def objects(folder):
    return {str(p.relative_to(folder)) for p in (folder / "objects").glob("*/*/*/*")}


def test_a_killed_collection_takes_no_named_object_and_the_next_one_every_orphan(tmp_path):
    hub = Hub(tmp_path / "hub").start()
    try:
        token = hub.user("alice")
        subprocess.run([sys.executable, "-c", ORPHANS], env=hub.env(token), check=True, timeout=120)
        # Whole files, as git-lfs sends them: half of them are committed.
        work = Work(hub, token, None)
        assert hub.call("POST", "/api/repos/create", {"name": "crash"}, token)[0] == 200
        files = [b"%06d" % n * 1000 for n in range(30)]
        oids = [hashlib.sha256(data).hexdigest() for data in files]
        status, _, answer = hub.call("POST", "/alice/crash.git/info/lfs/objects/batch", {
            "operation": "upload", "objects": [{"oid": oid, "size": len(data)} for oid, data in zip(oids, files)]}, token)
        assert status == 200
        for data, one in zip(files, json.loads(answer)["objects"]):
            assert hub.call("PUT", one["actions"]["upload"]["href"][len(hub.url):], data)[0] == 200
        assert work.commit(*({"key": "lfsFile", "value": {"path": f"{oid}.bin", "algo": "sha256", "oid": oid, "size": 6000}} for oid in oids[::2]))
    finally:
        hub.stop()

    def collect(folder, *options):
        begun = time.monotonic()
        report = json.loads(Hub(folder).admin("gc", "--json", "--min-age-days", "0", *options).stdout)
        return report, time.monotonic() - begun

    before = objects(hub.folder / "data")
    shutil.copytree(hub.folder / "data", tmp_path / "whole" / "data")
    report, whole_s = collect(tmp_path / "whole")
    named = objects(tmp_path / "whole" / "data")
    # Those 15, six xorbs, and what the scans of dropped files had put together meanwhile.
    assert report["files"] >= 15 and report["xorbs"] >= 6 and len(before) - len(named) >= 21
    assert {oid for oid in oids[::2]} <= {name.rpartition("/")[2] for name in named}

    dice, cut = random.Random(seed), 0
    for point in range(max(3, crashes * 20 // 100)):
        one = Hub(tmp_path / f"point{point}")
        # All but the database's files is never written to under its name: links do.
        shutil.copytree(hub.folder / "data", one.folder / "data", copy_function=lambda a, b: (shutil.copy if ".db" in a else os.link)(a, b))
        for _ in range(dice.choice((1, 2))):
            gc = subprocess.Popen([hearth, "admin", "gc", "--min-age-days", "0", "--data", one.folder / "data"], env=one.env(), stdout=subprocess.DEVNULL)
            threading.Event().wait(dice.uniform(0, whole_s))
            gc.kill()
            gc.wait()
            left = objects(one.folder / "data")
            cut += named < left < before
            assert named <= left, f"a named object is gone (seed {seed})"
        collect(one.folder)
        assert objects(one.folder / "data") == named, f"an orphan was forgotten (seed {seed})"
        assert collect(one.folder, "--dry-run")[0] | {"kept": 0} == report | {"files": 0, "fileBytes": 0, "xorbs": 0, "xorbBytes": 0, "xetForms": 0, "kept": 0, "dryRun": True}
        if point % 5 == 0:
            assert json.loads(one.admin("fsck", "--json").stdout)["problems"] == [], f"seed {seed}"
        shutil.rmtree(one.folder)
    assert cut, "some were killed between two objects"
