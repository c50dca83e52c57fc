"""Elsewhere than in one folder: PostgreSQL, S3, and several fronts of one hub on both at once, driven by real clients."""
import hashlib
import json
import os
import subprocess
import sys
import threading

import pytest
from conftest import Hub, new_database, new_objects


@pytest.fixture
def make_front(tmp_path):
    fronts = []

    def make(*options):
        fronts.append(Hub(tmp_path / f"front{len(fronts)}", *options))
        return fronts[-1].start()

    yield make
    for front in fronts:
        front.stop()


def commit(hub, token, repo, path, text, branch="main"):
    lines = [{"key": "header", "value": {"summary": f"write {path}"}},
             {"key": "file", "value": {"path": path, "content": text, "encoding": "utf-8"}}]
    body = "\n".join(map(json.dumps, lines)).encode()
    status, _, answer = hub.call("POST", f"/api/models/{repo}/commit/{branch}", body, token, {"Content-Type": "application/x-ndjson"})
    return status, answer


CLIENT = """
import os, sys
from huggingface_hub import HfApi, hf_hub_download
api = HfApi()
repo = api.create_repo("alice/big").repo_id
big = os.urandom(1 << 20) * 40
api.upload_file(path_or_fileobj=big, path_in_repo="big.bin", repo_id=repo)
info = api.get_paths_info(repo, ["big.bin"])[0]
assert info.size == len(big) and info.lfs, info
path = hf_hub_download(repo, "big.bin")
assert open(path, "rb").read() == big
assert [m.id for m in api.list_models(search="big")] == [repo]
api.delete_repo(repo)
"""


@pytest.mark.parametrize("options", ["", "&redirect=off"])
def test_a_hub_on_postgresql_and_s3_serves_the_real_client(make_front, options):
    hub = make_front("--database", new_database(), "--objects", new_objects(options))
    token = hub.user("alice")
    client = hub.env(token, HF_HUB_DISABLE_XET="1")
    client.pop("AWS_ACCESS_KEY_ID"), client.pop("AWS_SECRET_ACCESS_KEY")
    subprocess.run([sys.executable, "-c", CLIENT], env=client, check=True, timeout=120)
    assert not (hub.folder / "data" / "hearth.db").exists()
    assert not (hub.folder / "data" / "objects" / "sha256").exists()


def test_what_lies_in_s3_is_sent_as_it_comes(make_front):
    hub = make_front("--objects", new_objects("&redirect=off"))
    token = hub.user("alice")
    data = os.urandom(1 << 20) * 30
    oid = hashlib.sha256(data).hexdigest()
    assert hub.call("POST", "/api/repos/create", {"name": "big"}, token)[0] == 200
    status, _, answer = hub.call("POST", "/alice/big.git/info/lfs/objects/batch", {"operation": "upload", "objects": [{"oid": oid, "size": len(data)}]}, token)
    assert hub.call("PUT", json.loads(answer)["objects"][0]["actions"]["upload"]["href"][len(hub.url):], data)[0] == 200
    # Not committed: no job looks at it, so that nothing else fetches it.
    _, _, answer = hub.call("POST", "/alice/big.git/info/lfs/objects/batch", {"operation": "download", "objects": [{"oid": oid, "size": len(data)}]}, token)
    path = json.loads(answer)["objects"][0]["actions"]["download"]["href"][len(hub.url):]
    for wanted, begin, end in ((None, 0, len(data)), ("bytes=0-0", 0, 1), ("bytes=700000-9999999", 700_000, 10_000_000), ("bytes=-5", len(data) - 5, len(data))):
        status, headers, body = hub.call("GET", path, headers={"Range": wanted} if wanted else {})
        assert status == (206 if wanted else 200) and body == data[begin:end] and headers["Content-Length"] == str(end - begin)
    status, headers, body = hub.call("HEAD", path)
    assert status == 200 and headers["Content-Length"] == str(len(data))
    assert hub.call("GET", path, headers={"Range": f"bytes={len(data)}-"})[0] == 416
    assert os.listdir(hub.folder / "data" / "objects" / "fetched") == [] == os.listdir(hub.folder / "data" / "objects" / "incoming")


def test_git_pushes_to_a_hub_on_postgresql(make_front, tmp_path):
    hub = make_front("--database", new_database())
    token = hub.user("alice")
    assert hub.call("POST", "/api/repos/create", {"name": "pushed"}, token)[0] == 200
    url = hub.url.replace("http://", f"http://alice:{token}@") + "/alice/pushed"
    work = tmp_path / "work"

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, env=hub.env(), capture_output=True, timeout=60)

    git("clone", url, str(work))
    (work / "a.txt").write_text("pushed")
    git("-C", str(work), "add", "a.txt")
    git("-C", str(work), "commit", "-m", "one")
    git("-C", str(work), "push")
    assert hub.call("GET", "/alice/pushed/resolve/main/a.txt", token=token)[2] == b"pushed"


def test_two_fronts_are_one_hub_and_one_may_die(make_front, tmp_path):
    shared = ("--database", new_database(), "--objects", new_objects(), "--repositories", str(tmp_path / "repos"))
    one, two = make_front(*shared), make_front(*shared)
    token = one.user("alice")
    assert one.call("POST", "/api/repos/create", {"name": "both"}, token)[0] == 200

    done = {one: [], two: []}

    def write(front):
        for i in range(12):
            try:
                status, _ = commit(front, token, "alice/both", f"{front.port}/{i}.txt", str(i))
            except OSError:
                return  # it was killed
            if status == 200:
                done[front].append(f"{front.port}/{i}.txt")
            if front is two and i == 6:
                front.kill()

    writers = [threading.Thread(target=write, args=(front,)) for front in (one, two)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(done[one]) == 12 and len(done[two]) >= 7

    def paths(front):
        status, _, body = front.call("GET", "/api/models/alice/both/tree/main?recursive=true&limit=1000", token=token)
        assert status == 200
        return {e["path"] for e in json.loads(body) if e["type"] == "file"}

    # Every acknowledged commit is there, one after another, at the front that lives and at the one that comes back.
    acknowledged = set(done[one]) | set(done[two])
    assert acknowledged <= paths(one)
    two.start()
    assert paths(two) == paths(one)
    folder = next((tmp_path / "repos" / "models").iterdir())
    history = subprocess.run(["git", "-C", folder, "rev-list", "--count", "main"], capture_output=True, text=True, check=True).stdout
    assert int(history) >= 1 + len(acknowledged)
    subprocess.run(["git", "-C", folder, "fsck", "--strict"], check=True, capture_output=True)


def test_one_folder_has_one_server_and_admin_works_beside(make_hub):
    hub = make_hub()
    second = hub.run("serve", "--port", "0", "--data", hub.folder / "data", check=False)
    assert second.returncode != 0
    assert "another `hearth serve` runs on" in second.stderr
    assert hub.user("carol")


def test_a_folder_stays_where_it_was_set_up(make_hub):
    hub = make_hub()
    refused = hub.run("serve", "--data", hub.folder / "data", "--database", "postgresql://nowhere/x", check=False)
    assert refused.returncode != 0
    assert "--database differs from what" in refused.stderr
