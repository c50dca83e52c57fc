"""A disk that loses what nobody synced, fails, or is full (tests/faults/disk.c, preloaded into the server and its git):
whatever was acknowledged is there afterwards, nothing is half there, and the server goes on."""
import errno
import hashlib
import json
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys

import pytest
from conftest import Hub, root
from disk_log import Disk, choices, records

shim = os.environ.get("HEARTH_BUILD", str(root / "build")) + "/tests/libdisk.so"
seed = int(os.environ.get("HEARTH_SEED", random.randrange(1 << 30)))
states_wanted = max(12, int(os.environ.get("HEARTH_CRASHES", 100)) * 24 // 100)


class WatchedHub(Hub):
    """A hub whose files are watched, its commands' and its git's too."""

    def __init__(self, folder, **variables):
        super().__init__(folder)
        (self.folder / "data").mkdir(parents=True)
        self.variables = {"LD_PRELOAD": shim, "HEARTH_DISK_ROOT": str(self.folder / "data"), **variables}

    def env(self, token=None, **more):
        return super().env(token, **self.variables, **more)


class Client:
    """What a user does; each step is acknowledged or raises."""

    def __init__(self, hub, token, folder):
        self.hub, self.token, self.clone = hub, token, folder / "clone"
        self.files = {}  # path -> bytes, acknowledged, on main
        self.pushed = None  # the commit that the branch `pushed` has
        self.number = 0

    def call(self, method, path, body=None, headers=None):
        status, _, answer = self.hub.call(method, path, body, self.token, headers)
        if status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {status} {answer[:300]}")
        return answer

    def commit(self, *operations):
        lines = [{"key": "header", "value": {"summary": "a commit"}}, *operations]
        self.call("POST", "/api/models/alice/m/commit/main", "\n".join(map(json.dumps, lines)).encode(), {"Content-Type": "application/x-ndjson"})

    def small(self):
        self.number += 1
        path, text = f"small/{self.number}.txt", f"text {self.number}"
        self.commit({"key": "file", "value": {"path": path, "content": text, "encoding": "utf-8"}})
        self.files[path] = text.encode()

    def many(self):
        """So many that they become a pack."""
        self.number += 1
        texts = {f"many/{self.number}-{n}.txt": f"{self.number} {n}" for n in range(150)}
        self.commit(*({"key": "file", "value": {"path": path, "content": text, "encoding": "utf-8"}} for path, text in texts.items()))
        self.files |= {path: text.encode() for path, text in list(texts.items())[:3]}

    def big(self):
        self.number += 1
        data, path = b"%08d" % self.number * 30_000, f"big/{self.number}.bin"
        oid = hashlib.sha256(data).hexdigest()
        answer = self.call("POST", "/alice/m.git/info/lfs/objects/batch", {"operation": "upload", "objects": [{"oid": oid, "size": len(data)}]})
        actions = json.loads(answer)["objects"][0].get("actions")
        if actions:
            self.call("PUT", actions["upload"]["href"][len(self.hub.url):], data)
        self.commit({"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": len(data)}})
        self.files[path] = data

    def git(self, *words):
        env = {k: v for k, v in self.hub.env().items() if k != "LD_PRELOAD"}
        done = subprocess.run(["git", "-C", self.clone, "-c", "user.name=a", "-c", "user.email=a@b", *words], env=env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"git {words}: {done.stderr}")
        return done.stdout.strip()

    def push(self, files=1):
        if not self.clone.exists():
            self.clone.mkdir(parents=True)
            self.git("init", "-q")
            self.git("remote", "add", "origin", self.hub.url.replace("http://", f"http://alice:{self.token}@") + "/alice/m")
        self.number += 1
        for n in range(files):
            (self.clone / f"{self.number}-{n}.txt").write_text(f"{self.number} {n}")
        self.git("add", ".")
        self.git("commit", "-qm", f"push {self.number}")
        self.git("push", "-q", "origin", "HEAD:refs/heads/pushed")
        self.pushed = self.git("rev-parse", "HEAD")

    def push_many(self):
        self.push(files=150)  # more than receive.unpackLimit: git keeps the pack

    def branch(self):
        self.number += 1
        self.call("POST", f"/api/models/alice/m/branch/b{self.number}", {})


def check(hub, token, files, pushed):
    """Every acknowledged file and push is there and whole, by this hub's own word and by git's."""
    for path, data in files.items():
        status, _, body = hub.call("GET", f"/alice/m/resolve/main/{path}", token=token)
        assert status == 200 and body == data, f"{path} was acknowledged: {status} {body[:300]}"
    found = json.loads(hub.admin("fsck", "--json", check=False).stdout)
    assert found["problems"] == []
    (bare,) = (hub.folder / "data" / "repos" / "models").glob("*.git")
    done = subprocess.run(["git", "-C", bare, "fsck", "--strict", "--no-dangling"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if pushed:
        assert subprocess.run(["git", "-C", bare, "merge-base", "--is-ancestor", pushed, "refs/heads/pushed"]).returncode == 0, "a push was acknowledged"


UPLOAD = """
import sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=bytes.fromhex(sys.argv[1]) * 20_000, path_in_repo=sys.argv[2], repo_id="alice/m")
"""


def test_what_was_acknowledged_outlives_a_power_cut(tmp_path):
    log = tmp_path / "log"
    log.touch()
    hub = WatchedHub(tmp_path / "hub", HEARTH_DISK_LOG=str(log)).start()
    known = []  # after each acknowledgement: the files and the push that must be there

    def acknowledged():
        known.append((dict(client.files), client.pushed))
        with open(log, "ab") as out:
            out.write(b"acknowledged\t%d\t0\n" % (len(known) - 1))

    try:
        token = hub.user("alice")
        client = Client(hub, token, tmp_path)
        client.call("POST", "/api/repos/create", {"name": "m"})
        acknowledged()
        for step in (client.small, client.big, client.push, client.small, client.many, client.push_many, client.branch, client.push, client.big):
            step()
            acknowledged()
        data, path = os.urandom(8), "xet.bin"
        env = {k: v for k, v in hub.env(token).items() if k != "LD_PRELOAD"}
        subprocess.run([sys.executable, "-c", UPLOAD, data.hex(), path], env=env, check=True, timeout=60)
        client.files[path] = data * 20_000
        acknowledged()
        client.small()
        acknowledged()
    finally:
        hub.kill()

    # The cut comes right after each acknowledgement, and at moments between.
    dice = random.Random(seed)
    log_records = list(records(log))
    first = next(i for i, (words, _) in enumerate(log_records) if words[0] == "acknowledged")
    after = [i for i, (words, _) in enumerate(log_records) if words[0] == "acknowledged"]
    cuts = {i: ["nothing"] for i in after}
    while sum(map(len, cuts.values())) < states_wanted:
        cuts.setdefault(dice.randrange(first, len(log_records)), []).append(dice.choice(("nothing", "everything", "some", "some")))
    disk = Disk(hub.folder / "data")
    for i, (words, body) in enumerate(log_records):
        disk.feed(words, body)
        for how in cuts.get(i, ()):
            torn = dice.choice((b"", bytes(100)))
            one = Hub(tmp_path / "state")
            disk.write(one.folder / "data", choices(dice)[how], torn)
            files, pushed = known[int(disk.acknowledged[-1])]
            try:
                one.start()
                check(one, token, files, pushed)
            except (AssertionError, RuntimeError) as error:
                raise AssertionError(f"cut after record {i} {words}, {how} of the changes in question, seed {seed}") from error
            finally:
                one.stop()
            shutil.rmtree(one.folder)


class Fault:
    """The next operations of the disk, counted; the n-th may fail. Shared with tests/faults/disk.c (struct control)."""

    def __init__(self, path):
        path.write_bytes(bytes(64))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 64)

    def arm(self, at, error=0, lasting=False, databases=False):
        struct.pack_into("<qqiii", self.memory, 0, 0, 0, error, lasting, databases)
        struct.pack_into("<q", self.memory, 8, at)

    def disarm(self):
        """The number of operations since."""
        struct.pack_into("<q", self.memory, 8, 0)
        return struct.unpack_from("<q", self.memory, 0)[0]


@pytest.mark.parametrize("name,fault", [("fails once", {"error": errno.EIO}), ("is full", {"error": errno.ENOSPC, "lasting": True}),
                                        ("writes half", {}), ("fails the database once", {"error": errno.EIO, "databases": True}),
                                        ("is full for the database", {"error": errno.ENOSPC, "lasting": True, "databases": True})])
def test_a_disk_that_fails_loses_nothing_acknowledged(tmp_path, name, fault):
    disk = Fault(tmp_path / "control")
    hub = WatchedHub(tmp_path / "hub", HEARTH_DISK_CONTROL=str(tmp_path / "control")).start()
    dice = random.Random(seed)
    try:
        token = hub.user("alice")
        client = Client(hub, token, tmp_path)
        client.call("POST", "/api/repos/create", {"name": "m"})
        refused = 0
        for step in (client.small, client.big, client.many, client.branch, client.push, client.push_many):
            disk.arm(0, **fault)
            step()
            most, at = min(disk.disarm(), 300), 1
            while at <= most:
                disk.arm(at, **fault)
                try:
                    step()
                except (RuntimeError, OSError) as error:
                    refused += 1
                    assert "git" in str(error) or any(f": {status} " in str(error) for status in (500, 503, 507)), f"seed {seed}: {error}"
                    assert hub.process.poll() is None, f"seed {seed}: {hub.log.read_text()[-2000:]}"
                disk.disarm()
                at += dice.randrange(1, max(2, 4 * most * 100 // (states_wanted * 24)))
            step()  # all is well again
        # What follows a commit (its index, its events) may fail: it is made good at the next look.
        assert refused >= (0 if name == "writes half" else 1 if "database" in name else 6)
        check(hub, token, client.files, client.pushed)
    finally:
        disk.disarm()
        hub.stop()
    with_nothing_preloaded = Hub(hub.folder)
    with_nothing_preloaded.start()
    try:
        check(with_nothing_preloaded, token, client.files, client.pushed)
    finally:
        with_nothing_preloaded.stop()
