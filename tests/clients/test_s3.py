"""The parts of the Hub that move stored objects, once more with those in S3: their own tests with HEARTH_TEST_OBJECTS set,
and what only a bucket shows. `make test` asks moto's server, `make test-s3` OpenStack's object store."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import pytest
from conftest import Hub, hearth, new_objects, s3_names, s3_server

here = pathlib.Path(__file__).parent
# These look into the data folder for what lies in the bucket here.
elsewhere = "not damaged and not crash_cuts and not counts_on_lost and not comes_in_by_links"


@pytest.mark.parametrize("modules", ["lfs", "xet", "backup", "mirror"])
def test_the_hub_is_the_same_on_s3(modules):
    endpoint, access, secret = s3_server()
    words = [str(here / f"test_{module}.py") for module in modules.split()]
    # Through the hub: a test that follows an answer to S3 sees that one's headers.
    env = os.environ | {"HEARTH_TEST_OBJECTS": "s3&redirect=off" if modules != "lfs" else "s3"}
    env.setdefault("HEARTH_TEST_S3", f"http://{access.replace(':', '%3A')}:{secret}@{endpoint.removeprefix('http://')}")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, "-k", elsewhere], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]


DROPPED = """
import os
from huggingface_hub import HfApi
api = HfApi()
for repo in ("alice/kept", "alice/gone"):
    api.create_repo(repo)
    for number in range(3):
        api.upload_file(path_or_fileobj=os.urandom(90_000), path_in_repo=f"{number}.bin", repo_id=repo)
api.delete_repo("alice/gone")
"""


def test_a_collection_in_s3_takes_every_orphan_and_nothing_else_even_when_killed(tmp_path):
    objects = new_objects()
    hub = Hub(tmp_path / "hub", "--objects", objects).start()
    try:
        token = hub.user("alice")
        subprocess.run([sys.executable, "-c", DROPPED], env=hub.env(token), check=True, timeout=120)
        files = [b"%06d" % n * 1000 for n in range(20)]
        oids = [hashlib.sha256(data).hexdigest() for data in files]
        status, _, answer = hub.call("POST", "/alice/kept.git/info/lfs/objects/batch", {
            "operation": "upload", "objects": [{"oid": oid, "size": len(data)} for oid, data in zip(oids, files)]}, token)
        assert status == 200
        for data, one in zip(files, json.loads(answer)["objects"]):
            assert hub.call("PUT", one["actions"]["upload"]["href"][len(hub.url):], data)[0] == 200
        lines = [{"key": "header", "value": {"summary": "files"}},
                 *({"key": "lfsFile", "value": {"path": f"{oid}.bin", "algo": "sha256", "oid": oid, "size": 6000}} for oid in oids[::2])]
        assert hub.call("POST", "/api/models/alice/kept/commit/main", "\n".join(map(json.dumps, lines)).encode(), token,
                        {"Content-Type": "application/x-ndjson"})[0] == 200
    finally:
        hub.stop()
    before = s3_names(objects)
    begun = time.monotonic()
    told = json.loads(hub.admin("gc", "--json", "--dry-run", "--min-age-days", "0").stdout)
    whole_s = 2 * (time.monotonic() - begun)
    assert s3_names(objects) == before and told["files"] >= 10
    assert told["xorbs"] >= 3, "the removed repository's; those of uploads without a commit lie in the whole files"
    assert json.loads(hub.admin("gc", "--json").stdout)["files"] == 0, "what is young stays"
    for _ in range(4):
        gc = subprocess.Popen([hearth, "admin", "gc", "--min-age-days", "0", "--data", hub.folder / "data"], env=hub.env(), stdout=subprocess.DEVNULL)
        threading.Event().wait(random.uniform(0, whole_s))
        gc.kill()
        gc.wait()
    hub.admin("gc", "--min-age-days", "0")
    left = s3_names(objects)
    whole = {name.removeprefix("sha256/") for name in left if name.startswith("sha256/")}
    assert set(oids[::2]) <= whole and not set(oids[1::2]) & whole
    assert len([name for name in left if name.startswith("xorbs/")]) == 3
    assert json.loads(hub.admin("gc", "--json", "--dry-run", "--min-age-days", "0").stdout) | {"kept": 0} == \
        {"files": 0, "fileBytes": 0, "xorbs": 0, "xorbBytes": 0, "xetForms": 0, "kept": 0, "dryRun": True}
    assert json.loads(hub.admin("fsck", "--json").stdout)["problems"] == []
