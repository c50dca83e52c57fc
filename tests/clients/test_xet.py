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
from conftest import s3_names

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
    if "--objects" in hub.options:
        return sum(size for name, size in s3_names(hub.options[hub.options.index("--objects") + 1]).items() if name.startswith(kind + "/"))
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


def test_a_changed_file_sends_its_changes_and_a_second_client_nothing(hub, repo, tmp_path):
    source = write_random(tmp_path / "v1.bin", 100_000_000, 2)
    client(hub, hub.alice, UPLOAD, tmp_path / "a", repo, source, "large.bin")
    first = stored_bytes(hub)
    data = bytearray(source.read_bytes())
    data[40_000_000:41_000_000] = random.Random(3).randbytes(1_000_000)  # 1 % in one place, and an insertion
    data[80_000_000:80_000_000] = b"x" * 7
    data[:10] = b"a header, "  # so that the first chunk, which clients ask for, is none that the hub knows
    source.write_bytes(data)
    # A client without caches: what it need not send it learns from the hub.
    client(hub, hub.alice, UPLOAD, tmp_path / "b", repo, source, "large.bin")
    second = stored_bytes(hub)
    assert 1_000_000 < second - first < 3_000_000
    assert entry(hub, repo, "large.bin", hub.alice)["lfs"]["oid"] == hashlib.sha256(data).hexdigest()
    hub.call("POST", "/api/repos/create", {"name": "copy", "type": "model"}, hub.bob)
    client(hub, hub.bob, UPLOAD, tmp_path / "c", "bob/copy", source, "large.bin")
    assert stored_bytes(hub) - second < 1_000_000
    out = client(hub, hub.bob, DOWNLOAD, tmp_path / "c", "bob/copy", "large.bin").stdout.strip()
    assert sha256(out) == hashlib.sha256(data).hexdigest()


def test_what_git_lfs_brings_gains_a_xet_form_and_what_xet_brings_is_read_by_git_lfs(hub, repo, tmp_path):
    source = write_random(tmp_path / "lfs.bin", 3_000_000, 4)
    before = stored_bytes(hub) + stored_bytes(hub, "sha256")
    client(hub, hub.alice, UPLOAD, tmp_path / "a", repo, source, "lfs.bin", HF_HUB_DISABLE_XET="1")
    deadline = time.monotonic() + 20
    while "xetHash" not in entry(hub, repo, "lfs.bin", hub.alice):
        assert time.monotonic() < deadline, "the background job gives it a Xet form"
        time.sleep(0.1)
    assert stored_bytes(hub) + stored_bytes(hub, "sha256") - before < 3_100_000
    out = client(hub, hub.alice, DOWNLOAD, tmp_path / "b", repo, "lfs.bin").stdout.strip()
    assert sha256(out) == sha256(source)

    xet = write_random(tmp_path / "xet.bin", 2_000_000, 5)
    hub.call("POST", "/api/repos/create", {"name": "small", "type": "model"}, hub.alice)
    client(hub, hub.alice, UPLOAD, tmp_path / "a", "alice/small", xet, "xet.bin")
    env = hub.env(GIT_TERMINAL_PROMPT="0", GIT_CONFIG_GLOBAL=str(tmp_path / "gitconfig"))
    subprocess.run(["git", "lfs", "install"], env=env, check=True, capture_output=True)
    url = hub.url.replace("://", f"://alice:{hub.alice}@") + "/alice/small"
    done = subprocess.run(["git", "clone", "-q", url, tmp_path / "clone"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sha256(tmp_path / "clone" / "xet.bin") == sha256(xet)


def test_folders_file_systems_and_weights_read_the_same_by_every_way(hub, tmp_path):
    program = """
import sys, pathlib, random
from huggingface_hub import HfApi, HfFileSystem, snapshot_download
api = HfApi()
api.create_repo("alice/folder", exist_ok=True, private=True)
folder = pathlib.Path(sys.argv[1])
folder.mkdir()
for i in range(30):
    (folder / f"part{i}.bin").write_bytes(random.Random(i).randbytes(200_000 + i))
(folder / "empty.bin").write_bytes(b"")
(folder / "note.txt").write_text("small")
api.upload_folder(repo_id="alice/folder", folder_path=folder)
fs = HfFileSystem()
with fs.open("alice/folder/part7.bin") as file:
    file.seek(150_000)
    assert file.read(1000) == (folder / "part7.bin").read_bytes()[150_000:151_000]
got = pathlib.Path(snapshot_download("alice/folder"))
for path in folder.iterdir():
    assert (got / path.name).read_bytes() == path.read_bytes(), path
import numpy, safetensors.numpy
safetensors.numpy.save_file({"w": numpy.ones((64, 1000), dtype=numpy.float32)}, folder / "model.safetensors")
api.upload_file(path_or_fileobj=folder / "model.safetensors", path_in_repo="model.safetensors", repo_id="alice/folder")
assert api.model_info("alice/folder").safetensors.parameters == {"F32": 64_000}
assert api.get_safetensors_metadata("alice/folder").parameter_count == {"F32": 64_000}
"""
    client(hub, hub.alice, program, tmp_path / "home", tmp_path / "files")
    file = entry(hub, "alice/folder", "part3.bin", hub.alice)
    # Another user's token opens nothing of it, whatever hashes he knows.
    status, _, body = hub.call("GET", "/api/models/bob/copy/xet-read-token/main", token=hub.bob)
    assert status == 200
    token = json.loads(body)["accessToken"]
    assert hub.call("GET", f"/xet/v2/reconstructions/{file['xetHash']}", token=token)[0] == 404
    assert hub.call("GET", "/api/models/alice/folder/xet-read-token/main", token=hub.bob)[0] == 404
    status, _, body = hub.call("GET", "/api/models/alice/folder/xet-read-token/main", token=hub.alice_read)
    token = json.loads(body)["accessToken"]
    status, _, body = hub.call("GET", f"/xet/v2/reconstructions/{file['xetHash']}", token=token, headers={"Range": "bytes=10-20"})
    answer = json.loads(body)
    assert status == 200 and answer["offset_into_first_range"] == 10 and len(answer["terms"]) == 1
    (xorb,) = answer["xorbs"].values()
    url, part = xorb[0]["url"].removeprefix(hub.url), xorb[0]["ranges"][0]["bytes"]
    # The address is for these bytes alone.
    assert hub.call("GET", url, headers={"Range": f"bytes={part['start']}-{part['end']}"})[0] == 206
    assert hub.call("GET", url, headers={"Range": f"bytes={part['start']}-{part['end'] + 1}"})[0] == 403
    assert hub.call("GET", url.replace("range=", "range=0-9,"), headers={"Range": "bytes=0-9"})[0] == 403
    status, headers, body = hub.call("GET", url, headers={"Range": f"bytes={part['start']}-{part['start']},{part['end']}-{part['end']}"})
    assert status == 206 and headers["Content-Type"].startswith("multipart/byteranges; boundary=") and body.count(b"Content-Range:") == 2
    assert hub.call("GET", f"/xet/v2/reconstructions/{file['xetHash']}", token=token, headers={"Range": "bytes=9999999-"})[0] == 416


def test_a_client_that_counts_on_lost_xorbs_is_told_what_to_do(hub, repo, tmp_path):
    source = write_random(tmp_path / "lost.bin", 1_500_000, 6)
    before = set((hub.folder / "data" / "objects" / "xorbs").rglob("*"))
    client(hub, hub.alice, UPLOAD, tmp_path / "a", repo, source, "lost.bin")
    for path in set((hub.folder / "data" / "objects" / "xorbs").rglob("*")) - before:
        if path.is_file():
            path.unlink()
    # The same client again: it sends a shard alone.
    hub.call("POST", "/api/repos/create", {"name": "again", "type": "model"}, hub.alice)
    done = client(hub, hub.alice, UPLOAD, tmp_path / "a", "alice/again", source, "lost.bin", check=False)
    assert done.returncode and "remove the client's shard cache" in done.stderr
    client(hub, hub.alice, UPLOAD, tmp_path / "b", "alice/again", source, "lost.bin")
    out = client(hub, hub.alice, DOWNLOAD, tmp_path / "c", "alice/again", "lost.bin").stdout.strip()
    assert sha256(out) == sha256(source)


def test_an_upload_that_a_crash_cuts_is_finished_by_the_next_try(make_hub, tmp_path):
    hub = make_hub()
    token = hub.user("alice")
    hub.call("POST", "/api/repos/create", {"name": "big", "type": "model"}, token)
    source = write_random(tmp_path / "model.bin", 150_000_000, 7)
    env = hub.env(token, HF_HOME=str(tmp_path / "a"))
    upload = subprocess.Popen([PYTHON, "-c", UPLOAD, "alice/big", source, "model.bin"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while stored_bytes(hub) == 0 and time.monotonic() < deadline:  # the first xorb has arrived
        time.sleep(0.005)
    hub.kill()
    hub.start()
    assert upload.wait(timeout=120) is not None  # it may have tried again by itself
    client(hub, token, UPLOAD, tmp_path / "a", "alice/big", source, "model.bin")
    out = client(hub, token, DOWNLOAD, tmp_path / "b", "alice/big", "model.bin").stdout.strip()
    assert sha256(out) == sha256(source)
    report = json.loads(hub.admin("gc", "--json", "--dry-run", "--min-age-days", "0").stdout)
    assert report["xorbs"] == 0 and report["files"] == 0 and report["dryRun"] is True


def test_bodies_that_are_no_xorb_and_no_shard_are_refused(hub, repo):
    status, _, body = hub.call("GET", f"/api/models/{repo}/xet-write-token/None?create_pr=1", token=hub.alice)
    assert status == 200
    status, headers, body = hub.call("GET", f"/api/models/{repo}/xet-write-token/main", token=hub.alice)
    token = json.loads(body)["accessToken"]
    assert headers["X-Xet-Access-Token"] == token and headers["X-Xet-Cas-Url"] == hub.url + "/xet"
    assert int(headers["X-Xet-Token-Expiration"]) == json.loads(body)["exp"] > time.time() + 60
    name = "a" * 64
    for body in (b"", b"\0", os.urandom(1000), b"\0\x05\0\0\0\x05\0\0hello"):
        assert hub.call("POST", f"/xet/v1/xorbs/default/{name}", body, token)[0] == 400
    assert hub.call("POST", "/xet/v1/xorbs/default/xyz", b"1", token)[0] == 400
    assert hub.call("POST", f"/xet/v1/xorbs/other/{name}", b"1", token)[0] == 404
    assert hub.call("POST", f"/xet/v1/xorb-grants/default/{name}", {"length": 3}, token)[0] == 404
    assert hub.call("GET", f"/xet/v1/chunks/default/{name}", token=token)[0] == 404
    assert hub.call("POST", "/xet/v1/shards", os.urandom(500), token)[0] == 400
    status, _, body = hub.call("POST", "/xet/v2/shards", os.urandom(500), token)
    frame = json.loads(body)
    assert status == 200 and frame["type"] == "error" and frame["retryable"] is False
    assert hub.call("POST", "/v1/telemetry", {"a": 1})[0] == 200
    assert hub.leaves_nothing_incoming()


def test_javascript_changes_a_part_of_a_file(hub, repo, tmp_path):
    source = write_random(tmp_path / "edited.bin", 16_000_000, 31)
    before = stored_bytes(hub)
    folder = pathlib.Path(__file__).resolve().parent / "compatibility"
    done = subprocess.run(["node", "xet_edit.mjs", repo, "edited.bin", source], cwd=folder, env=hub.env(hub.alice), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    data = bytearray(source.read_bytes())
    data[6_000_000:6_000_100] = b"changed"
    data += b"more"
    assert hub.call("GET", f"/{repo}/resolve/main/edited.bin")[2] == data
    out = client(hub, hub.alice, DOWNLOAD, tmp_path / "b", repo, "edited.bin").stdout.strip()
    assert sha256(out) == hashlib.sha256(data).hexdigest()
    assert stored_bytes(hub) - before < 17_000_000
    assert 'route="/xet/v2/file-chunk-hashes/{hash}",method="GET",status="200"} 8' in hub.call("GET", "/metrics")[2].decode()  # six ours
