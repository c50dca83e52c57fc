"""Xet as the real clients speak it: hf_xet through huggingface_hub, plain HTTP and git-lfs beside it, and bodies that lie."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

PYTHON = sys.executable


def client(hub, token, program, folder, *arguments, check=True, **more):
    """A Python program as a user's own process (hf_xet reads its environment once), with caches of its own in `folder`."""
    env = hub.env(token, HF_HOME=str(folder), HF_XET_CACHE=str(pathlib.Path(folder) / "xet"), **more)
    done = subprocess.run([PYTHON, "-c", program, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr + hub.log.read_text()[-3000:])
    return done


UPLOAD = """
import sys
from huggingface_hub import HfApi
repo, path, name = sys.argv[1:4]
HfApi().upload_file(path_or_fileobj=path, path_in_repo=name, repo_id=repo)
"""
DOWNLOAD = """
import sys
from huggingface_hub import hf_hub_download
print(hf_hub_download(sys.argv[1], sys.argv[2]))
"""


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def write_random(path, size, seed):
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


@pytest.fixture(scope="module")
def repo(hub):
    hub.call("POST", "/api/repos/create", {"name": "big", "type": "model"}, hub.alice)
    return "alice/big"


def stored_bytes(hub, kind="xorbs"):
    return sum(p.stat().st_size for p in (hub.folder / "data" / "objects" / kind).rglob("*") if p.is_file())


def entry(hub, repo, name, token):
    return json.loads(hub.call("POST", f"/api/models/{repo}/paths-info/main", {"paths": [name]}, token)[2])[0]


def test_a_file_goes_in_by_xet_and_comes_out_every_way(hub, repo, tmp_path):
    source = write_random(tmp_path / "model.bin", 20_000_000, 1)
    client(hub, hub.alice, UPLOAD, tmp_path / "a", repo, source, "model.bin")
    digest = sha256(source)
    found = entry(hub, repo, "model.bin", hub.alice)
    assert found["lfs"]["oid"] == digest and found["size"] == 20_000_000 and len(found["xetHash"]) == 64
    assert not (hub.folder / "data" / "objects" / "sha256" / digest[:2] / digest[2:4] / digest).exists()

    # By Xet, into a cache of its own; no whole-file GET is made.
    before = hub.log.stat().st_size
    out = client(hub, hub.alice, DOWNLOAD, tmp_path / "b", repo, "model.bin").stdout.strip()
    assert sha256(out) == digest
    # By plain HTTP.
    out = client(hub, hub.alice, DOWNLOAD, tmp_path / "c", repo, "model.bin", HF_HUB_DISABLE_XET="1").stdout.strip()
    assert sha256(out) == digest
    # Headers and ranges.
    status, headers, body = hub.call("HEAD", f"/{repo}/resolve/main/model.bin")
    assert status == 200 and headers["X-Xet-Hash"] == found["xetHash"] and headers["Content-Length"] == "20000000"
    assert 'rel="xet-auth"' in headers["Link"] and headers["ETag"] == f'"{digest}"'
    whole = source.read_bytes()
    for begin, end in [(0, 0), (0, 99), (65_000, 200_000), (19_999_999, 19_999_999), (7_000_000, 13_000_001)]:
        status, headers, body = hub.call("GET", f"/{repo}/resolve/main/model.bin", headers={"Range": f"bytes={begin}-{end}"})
        assert status == 206 and headers["Content-Range"] == f"bytes {begin}-{end}/20000000" and body == whole[begin:end + 1]
    assert hub.call("GET", f"/{repo}/resolve/main/model.bin", headers={"Range": "bytes=20000000-"})[0] == 416
