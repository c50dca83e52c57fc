"""hearth admin backup, restore and fsck: a hub that is written to all the while, and its copy."""
import contextlib
import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading

import pytest
from conftest import Hub, new_database, root

# Commits without end, each acknowledged by a line on standard output; ends when standard input does.
WRITER = """
import sys, threading
from huggingface_hub import CommitOperationAdd, HfApi
api = HfApi()
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
number = 0
while not stop.is_set():
    number += 1
    big = b"%06d" % number * 3000
    done = api.create_commit("alice/busy", [CommitOperationAdd(f"small/{number}.txt", b"%d" % number),
                                            CommitOperationAdd(f"big/{number}.bin", big)], commit_message=f"number {number}")
    if number % 5 == 0:
        api.create_commit("alice/busy", [CommitOperationAdd("small/pr.txt", b"%d" % number)], commit_message="proposal", create_pr=True)
    print(number, done.oid, flush=True)
"""


def python(hub, code, token, **env):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=hub.env(token, **env))
    assert done.returncode == 0, done.stderr
    return done.stdout


class Writer:
    """Commits in a process of its own; `acknowledged` is the last number that the hub said yes to."""

    def __init__(self, hub, token):
        self.process = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=hub.env(token))
        self.commits = {}
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                number, oid = line.split()
                self.commits[int(number)] = oid
                self.changed.notify_all()

    def wait_for(self, number):
        with self.changed:
            assert self.changed.wait_for(lambda: number in self.commits, timeout=60)

    def stop(self):
        self.process.stdin.close()
        self.thread.join(timeout=60)
        assert self.process.wait(timeout=60) == 0


def restored(tmp_path, name, backup, *options):
    """The hub made from a backup, not started."""
    made = Hub(tmp_path / name, *options)
    made.admin("restore", backup, *made.options)
    return made


def objects(folder):
    return {p.name for p in pathlib.Path(folder).glob("objects/*/*/*/*")}


@pytest.fixture(scope="module")
def backed(tmp_path_factory):
    """A hub backed up twice, both times while somebody commits: what was acknowledged before the second, and its folder."""
    folder = tmp_path_factory.mktemp("backed")
    hub = Hub(folder / "hub").start()
    try:
        hub.alice = hub.user("alice")
        python(hub, """
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("alice/busy", private=True)
api.create_repo("alice/rows", repo_type="dataset")
api.upload_file(path_or_fileobj=b"xet" * 100_000, path_in_repo="rows.bin", repo_id="alice/rows", repo_type="dataset")
api.create_tag("alice/rows", tag="v1", repo_type="dataset")
api.create_bucket("alice/things")
api.batch_bucket_files("alice/things", add=[(b"thing" * 10_000, "a/thing.bin")])
""", hub.alice)
        python(hub, """
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=bytes(range(256)) * 1000, path_in_repo="whole.bin", repo_id="alice/rows", repo_type="dataset")
""", hub.alice, HF_HUB_DISABLE_XET="1")
        hub.whole = hashlib.sha256(bytes(range(256)) * 1000).hexdigest()
        hub.backup = folder / "backup"
        writer = Writer(hub, hub.alice)
        try:
            writer.wait_for(3)
            hub.first = hub.admin("backup", hub.backup).stdout
            hub.kept = objects(hub.backup)
            writer.wait_for(max(writer.commits) + 3)
            hub.acknowledged = dict(writer.commits)
            hub.second = hub.admin("backup", hub.backup).stdout
        finally:
            writer.stop()
        yield hub
    finally:
        hub.stop()


CHECK = """
import json, sys
from huggingface_hub import HfApi, hf_hub_download
api = HfApi()
expected = json.loads(sys.argv[1])
assert api.whoami()["name"] == "alice"
commits = {c.title: c.commit_id for c in api.list_repo_commits("alice/busy")}
for number, oid in expected.items():
    assert commits[f"number {number}"] == oid
    small = hf_hub_download("alice/busy", f"small/{number}.txt")
    assert open(small).read() == number
    big = hf_hub_download("alice/busy", f"big/{number}.bin")
    assert open(big, "rb").read() == b"%06d" % int(number) * 3000
for one in api.get_repo_discussions("alice/busy"):
    assert one.is_pull_request
    details = api.get_discussion_details("alice/busy", one.num)
    assert api.list_repo_files("alice/busy", revision=details.git_reference)
assert open(hf_hub_download("alice/rows", "rows.bin", repo_type="dataset", revision="v1"), "rb").read() == b"xet" * 100_000
# It goes on: numbers of rows and of pull requests are new ones.
api.create_repo("alice/after")
api.upload_file(path_or_fileobj=b"new", path_in_repo="new.txt", repo_id="alice/after")
pull = api.create_pull_request("alice/busy", title="more")
assert pull.num == 1 + max([d.num for d in api.get_repo_discussions("alice/busy") if d.num != pull.num], default=0)
api.download_bucket_files("alice/things", [("a/thing.bin", sys.argv[2])])
assert open(sys.argv[2], "rb").read() == b"thing" * 10_000
"""


def check_copy(copy, hub, tmp_path):
    """Everything acknowledged before the backup is in the running copy, which takes more."""
    done = subprocess.run([sys.executable, "-c", CHECK, json.dumps(hub.acknowledged), str(tmp_path / "thing")], capture_output=True,
                          text=True, timeout=120, env=copy.env(hub.alice))
    assert done.returncode == 0, done.stderr + copy.log.read_text()


def test_a_backup_of_a_busy_hub_has_every_acknowledged_commit(backed, tmp_path):
    copy = restored(tmp_path, "copy", backed.backup)
    well = json.loads(copy.admin("fsck", "--json").stdout)
    assert well["problems"] == [] and well["repos"] == 3 and well["contents"] >= len(backed.acknowledged) + 2
    copy.start()
    try:
        check_copy(copy, backed, tmp_path)
        assert copy.admin("fsck").stdout.endswith("all is well\n")
    finally:
        copy.stop()


def test_a_second_backup_copies_only_what_is_new(backed):
    words = backed.second.split()
    new = int(words[words.index("new,") - 1].lstrip("("))
    assert 0 < new <= len(objects(backed.backup) - backed.kept)
    assert backed.kept <= objects(backed.backup)
    manifest = json.loads((backed.backup / "manifest.json").read_text())
    assert os.listdir(backed.backup / "states") == [manifest["state"]]


def test_a_hub_moves_from_sqlite_to_postgresql(backed, tmp_path):
    database = new_database()
    copy = restored(tmp_path, "copy", backed.backup, "--database", database)
    assert json.loads(copy.admin("fsck", "--json").stdout)["problems"] == []
    copy.start()
    try:
        check_copy(copy, backed, tmp_path)
    finally:
        copy.stop()
    # And back: a backup of the PostgreSQL hub is like any other.
    copy.admin("backup", tmp_path / "again")
    back = restored(tmp_path, "back", tmp_path / "again")
    assert json.loads(back.admin("fsck", "--json").stdout)["problems"] == []
    again = Hub(tmp_path / "other").admin("restore", tmp_path / "again", "--database", database, check=False)
    assert again.returncode != 0 and "restore into an empty one" in again.stderr


def test_fsck_finds_what_is_damaged_missing_or_nobodys(backed, tmp_path):
    copy = restored(tmp_path, "copy", backed.backup)
    data = copy.folder / "data"

    def problems(*options):
        done = copy.admin("fsck", "--json", *options, check=False)
        found = json.loads(done.stdout)["problems"]
        assert done.returncode == (1 if found else 0)
        return {(one["what"], one["where"]) for one in found}

    assert problems() == set()
    # A byte of the first chunk of the bucket's file, behind the chunk's header.
    with contextlib.closing(sqlite3.connect(data / "hearth.db")) as db:
        (name,) = db.execute("SELECT t.xorb_hash FROM xet_terms t JOIN bucket_files b ON b.xet_hash = t.file_hash").fetchone()
    xorb = next((data / "objects" / "xorbs").glob(f"*/*/{name}"))
    good = xorb.read_bytes()
    xorb.chmod(0o644)
    xorb.write_bytes(good[:20] + bytes([good[20] ^ 1]) + good[21:])
    assert {what for what, _ in problems()} == {"damaged"}
    assert problems("--quick") == set()
    xorb.unlink()
    assert ("xorb", f"xorbs/{xorb.name}") in problems("--quick")
    assert ("bucket file", "bucket alice/things") in problems("--quick")
    xorb.write_bytes(good)
    assert problems() == set()
    # A whole file, uploaded as git-lfs does.
    whole = next(p for p in (data / "objects" / "sha256").glob("*/*/*") if p.name == backed.whole)
    good = whole.read_bytes()
    whole.chmod(0o644)
    whole.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    assert ("damaged", f"sha256/{whole.name}") in problems()
    # Such a file in a backup is left out, named, and missed.
    again = tmp_path / "again"
    assert copy.admin("backup", again, "--copy").stdout
    other = Hub(tmp_path / "other")
    lost = other.admin("restore", again, check=False)
    assert lost.returncode == 1 and f"sha256/{whole.name}" in lost.stderr
    missed = other.admin("fsck", check=False)
    assert missed.returncode == 1 and f"whole.bin with SHA-256 {whole.name}" in missed.stdout
    whole.write_bytes(good)
    assert problems() == set()

    git = next(p for p in sorted((data / "repos" / "models").iterdir()))
    moved = data / "away"
    git.rename(moved)
    assert ("row", "model alice/busy") in problems("--quick")
    moved.rename(git)
    (data / "repos" / "models" / "999.git").mkdir()
    assert problems("--quick") == {("folder", "models/999.git")}
    (data / "repos" / "models" / "999.git").rmdir()
    loose = sorted(p for p in git.glob("objects/[0-9a-f][0-9a-f]/*"))
    packs = sorted(git.glob("objects/pack/*.pack"))
    victim = (loose or packs)[0]
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes()[:-5] + b"12345")
    assert ("git", "model alice/busy") in problems()


def test_a_place_that_is_not_empty_and_a_backup_that_never_ended_are_refused(backed, tmp_path):
    full = backed.admin("restore", backed.backup, check=False)
    assert full.returncode != 0 and "not empty" in full.stderr
    (tmp_path / "states" / "1").mkdir(parents=True)
    none = Hub(tmp_path / "none").admin("restore", tmp_path, check=False)
    assert none.returncode != 0 and "no backup into it was ever finished" in none.stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters.txt").write_text("dear ann")
    wrong = backed.admin("backup", other, check=False)
    assert wrong.returncode != 0 and "holds something else" in wrong.stderr and os.listdir(other) == ["letters.txt"]
    absent = Hub(tmp_path / "absent").admin("fsck", check=False)
    assert absent.returncode != 0 and not (tmp_path / "absent" / "data").exists()


def test_an_interrupted_backup_leaves_the_earlier_one(backed, tmp_path):
    copy = restored(tmp_path, "copy", backed.backup)
    folder = tmp_path / "backup"
    copy.admin("backup", folder)
    before = (folder / "manifest.json").read_bytes()
    # Nothing after the rows can be written: it ends in the middle, as by a full disk.
    (folder / "objects").rename(folder / "away")
    (folder / "objects").write_text("in the way")
    assert copy.admin("backup", folder, check=False).returncode != 0
    (folder / "objects").unlink()
    (folder / "away").rename(folder / "objects")
    assert (folder / "manifest.json").read_bytes() == before
    assert restored(tmp_path, "again", folder).admin("fsck").stdout.endswith("all is well\n")
