"""Git LFS beyond the plain upload: parts, locks, resumption, errors per object; with the real git-lfs where it has a command."""
import hashlib
import json
import os
import subprocess
import time

import pytest

from test_git import Git, make_repo


@pytest.fixture
def git(hub, tmp_path):
    return Git(hub, tmp_path / "git")


def batch(hub, repo, contents, operation="upload", transfers=("basic", "multipart"), token=None, **more):
    objects = [{"oid": hashlib.sha256(c).hexdigest(), "size": len(c)} for c in contents]
    status, _, body = hub.call("POST", f"/{repo}.git/info/lfs/objects/batch",
                               {"operation": operation, "transfers": list(transfers), "objects": objects} | more, token=token)
    return status, json.loads(body)


def send(hub, action, content):
    """As huggingface_hub 2.4.0 lfs.py sends parts: PUT each slice, then POST their ETags."""
    header = action["header"]
    size = int(header["chunk_size"])
    urls = [header[str(i + 1)] for i in range((len(content) + size - 1) // size)]
    assert len(urls) + 1 == len(header)
    parts = []
    for i, url in enumerate(urls):
        status, headers, _ = hub.call("PUT", url.removeprefix(hub.url), content[i * size:(i + 1) * size])
        assert status == 200
        parts.append({"partNumber": i + 1, "etag": headers["ETag"]})
    return parts


def test_multipart_upload(hub):
    repo = make_repo(hub, hub.alice, "parts", lfsmultipartthresh=1 << 20)
    content, small = os.urandom((5 << 20) // 2), b"small" * 100
    status, answer = batch(hub, repo, [content, small], token=hub.alice)
    assert status == 200 and answer["transfer"] == "multipart"
    action = answer["objects"][0]["actions"]["upload"]
    oid = hashlib.sha256(content).hexdigest()
    complete = action["href"].removeprefix(hub.url)
    assert hub.call("POST", complete, {"oid": oid, "parts": []})[0] == 400  # nothing has arrived
    parts = send(hub, action, content)
    assert len(parts) == 3
    wrong = [parts[0], parts[1] | {"etag": parts[0]["etag"]}, parts[2]]
    assert hub.call("POST", complete, {"oid": oid, "parts": wrong})[0] == 400
    assert hub.call("POST", complete, {"oid": oid, "parts": parts})[0] == 200
    assert hub.call("POST", complete, {"oid": oid, "parts": parts})[0] == 200  # the answer was lost, it is asked again
    other = answer["objects"][1]["actions"]["upload"]
    assert hub.call("POST", other["href"].removeprefix(hub.url), {"oid": answer["objects"][1]["oid"], "parts": send(hub, other, small)})[0] == 200
    status, answer = batch(hub, repo, [content, small], operation="download")
    for object_, expected in zip(answer["objects"], (content, small)):
        assert hub.call("GET", object_["actions"]["download"]["href"].removeprefix(hub.url))[2] == expected
    assert not list((hub.folder / "data" / "objects" / "incoming").glob("part-*"))
    # Clients without the transfer get it in one piece.
    assert batch(hub, repo, [b"x" * (2 << 20)], transfers=["basic"], token=hub.alice)[1]["transfer"] == "basic"


def test_huggingface_hub_sends_parts(hub, tmp_path):
    repo = make_repo(hub, hub.alice, "parts-by-client", lfsmultipartthresh=1 << 20)
    (tmp_path / "w.bin").write_bytes(os.urandom(3 << 20))
    source = f"from huggingface_hub import HfApi; HfApi().upload_file(path_or_fileobj={str(tmp_path / 'w.bin')!r}, path_in_repo='w.bin', repo_id={repo!r})"
    subprocess.run([os.sys.executable, "-c", source], check=True, env=hub.env(hub.alice, HF_HUB_DISABLE_XET="1"))
    assert hub.call("GET", f"/{repo}/resolve/main/w.bin")[2] == (tmp_path / "w.bin").read_bytes()


def test_a_part_of_another_size_and_a_wrong_whole_are_refused(hub):
    repo = make_repo(hub, hub.alice, "bad-parts", lfsmultipartthresh=1 << 20)
    content = os.urandom(2 << 20)
    action = batch(hub, repo, [content], token=hub.alice)[1]["objects"][0]["actions"]["upload"]
    assert hub.call("PUT", action["header"]["1"].removeprefix(hub.url), b"short")[0] == 400
    parts = send(hub, action, b"\0" * len(content))  # every part whole, the sum another file
    status, _, body = hub.call("POST", action["href"].removeprefix(hub.url), {"oid": hashlib.sha256(content).hexdigest(), "parts": parts})
    assert status == 400 and b"SHA-256" in body
    assert hub.call("PUT", action["header"]["1"].removeprefix(hub.url).replace("/1?", "/2?"), b"x")[0] == 403  # signed as it is


def test_xet_is_chosen_when_offered(hub):
    """What @huggingface/hub 2.17.5 lib/commit.ts and utils/xetWriteToken.ts read of the answer."""
    repo = make_repo(hub, hub.alice, "by-xet", lfsmultipartthresh=1 << 20)
    offered = ("basic", "multipart", "xet")
    status, answer = batch(hub, repo, [b"x" * (2 << 20)], transfers=offered, token=hub.alice, ref={"name": "refs/heads/a/b"})
    assert status == 200 and answer["transfer"] == "xet"
    actions = answer["objects"][0]["actions"]
    upload, header = actions["upload"], actions["upload"]["header"]
    assert set(header) == {"X-Xet-Cas-Url", "X-Xet-Access-Token", "X-Xet-Token-Expiration", "X-Xet-Session-Id"} and "verify" in actions
    assert header["X-Xet-Cas-Url"] == hub.url + "/xet" and 0 < int(header["X-Xet-Token-Expiration"]) - time.time() <= 900
    assert upload["href"] == f"{hub.url}/api/models/{repo}/xet-write-token/a%2Fb"
    chunk = header["X-Xet-Cas-Url"].removeprefix(hub.url) + "/v1/chunks/default/" + "0" * 64
    assert hub.call("GET", chunk, token=header["X-Xet-Access-Token"])[0] == 404  # let in, and not known
    assert hub.call("GET", chunk, token="nonsense")[0] == 401
    status, _, body = hub.call("GET", upload["href"].removeprefix(hub.url), token=hub.alice)
    assert status == 200 and json.loads(body)["casUrl"] == header["X-Xet-Cas-Url"]
    # Who may only propose gets what is for a pull request, and a reading token nothing.
    status, answer = batch(hub, repo, [b"x"], transfers=offered, token=hub.bob)
    href = answer["objects"][0]["actions"]["upload"]["href"]
    assert href.endswith("/xet-write-token/main?create_pr=1") and hub.call("GET", href.removeprefix(hub.url), token=hub.bob)[0] == 200
    assert batch(hub, repo, [b"x"], transfers=offered, token=hub.alice_read)[0] == 403
    # Downloads stay basic, and so does who does not offer it.
    assert batch(hub, repo, [b"x"], "download", transfers=offered, token=hub.alice)[1]["transfer"] == "basic"
    assert batch(hub, repo, [b"x"], transfers=("basic",), token=hub.alice)[1]["transfer"] == "basic"


def test_errors_are_told_per_object(hub):
    repo = make_repo(hub, hub.alice, "errors")
    objects = [{"oid": "zz", "size": 1}, {"oid": "0" * 64, "size": 1}]
    status, _, body = hub.call("POST", f"/{repo}.git/info/lfs/objects/batch", {"operation": "download", "objects": objects})
    assert status == 200 and [o["error"]["code"] for o in json.loads(body)["objects"]] == [422, 404]
    assert batch(hub, repo, [b"x"], hash_algo="md5", token=hub.alice)[0] == 400
    assert batch(hub, repo, [b"x"], hash_algo="sha_256", token=hub.alice)[0] == 200  # JavaScript's spelling
    assert batch(hub, repo, [b"x"], operation="delete", token=hub.alice)[0] == 400
    assert batch(hub, repo, [b"x"], token=hub.alice_read)[0] == 403
    assert batch(hub, repo, [b"x"])[0] == 401


def test_locks_with_git_lfs(hub, git):
    repo = make_repo(hub, hub.alice, "locks")
    here = git.clone(repo, "here", hub.alice)
    (here / "w.bin").write_bytes(b"w" * 100)
    git.commit(here)
    git.run("push", "origin", "main", at=here)
    git.run("lfs", "lock", "w.bin", at=here)
    (lock,) = json.loads(git.run("lfs", "locks", "--json", at=here).stdout)
    assert (lock["path"], lock["owner"]["name"]) == ("w.bin", "alice")
    again = git.run("lfs", "lock", "w.bin", at=here, check=False)
    assert again.returncode and "locked" in (again.stdout + again.stderr)
    # Others see it as theirs, cannot take it away, and reading it needs no right to write.
    status, _, body = hub.call("POST", f"/{repo}.git/info/lfs/locks/verify", {}, token=hub.bob)
    assert status == 200 and [lock["path"] for lock in json.loads(body)["theirs"]] == ["w.bin"]
    assert hub.call("POST", f"/{repo}.git/info/lfs/locks/{lock['id']}/unlock", {"force": True}, token=hub.bob)[0] == 403
    assert hub.call("POST", f"/{repo}.git/info/lfs/locks", {"path": "x"}, token=hub.bob)[0] == 403
    assert hub.call("POST", f"/{repo}.git/info/lfs/locks", {"path": "../x"}, token=hub.alice)[0] == 400
    git.run("lfs", "unlock", "w.bin", at=here)
    assert json.loads(git.run("lfs", "locks", "--json", at=here).stdout) == []


def test_locks_come_in_pages(hub):
    repo = make_repo(hub, hub.alice, "lock-pages")
    for i in range(5):
        status, _, body = hub.call("POST", f"/{repo}.git/info/lfs/locks", {"path": f"f{i}", "ref": {"name": "refs/heads/main"}}, token=hub.alice)
        assert status == 201 and json.loads(body)["lock"]["path"] == f"f{i}"
    seen, cursor = [], ""
    while True:
        page = json.loads(hub.call("GET", f"/{repo}.git/info/lfs/locks?limit=2&cursor={cursor}", token=hub.alice)[2])
        seen += [lock["path"] for lock in page["locks"]]
        assert len(page["locks"]) <= 2
        if not (cursor := page.get("next_cursor", "")):
            break
    assert seen == [f"f{i}" for i in range(5)]
    (one,) = json.loads(hub.call("GET", f"/{repo}.git/info/lfs/locks?path=f3")[2])["locks"]
    assert one["path"] == "f3" and hub.call("GET", f"/{repo}.git/info/lfs/locks?cursor=x")[0] == 400
    assert hub.call("POST", f"/{repo}.git/info/lfs/locks", {"path": "f3"}, token=hub.alice)[0] == 409
