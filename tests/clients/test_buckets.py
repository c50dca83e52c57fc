"""Buckets beyond what huggingface_hub's own tests ask (test_published.py): who may do what, broken batches, big listings,
plain HTTP, and the changes that followers are told."""
import json
import urllib.request
import uuid

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BucketNotFoundError

EMPTY = "0" * 64


@pytest.fixture
def bucket(alice):
    made = alice.create_bucket(f"bucket-{uuid.uuid4().hex[:8]}", private=True).bucket_id
    alice.batch_bucket_files(made, add=[(b"one", "a/one.txt"), (b"two", "two.txt")])
    yield made
    alice.delete_bucket(made, missing_ok=True)


def batch(hub, bucket, *lines, token):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    status, _, text = hub.call("POST", f"/api/buckets/{bucket}/batch", body, token, {"Content-Type": "application/x-ndjson"})
    return status, json.loads(text)


def test_strangers_find_no_private_bucket_and_readers_change_none(hub, bucket):
    bob = HfApi(endpoint=hub.url, token=hub.bob)
    with pytest.raises(BucketNotFoundError):
        bob.bucket_info(bucket)
    for path in (f"/buckets/{bucket}/resolve/two.txt", f"/api/buckets/{bucket}/tree", f"/api/buckets/{bucket}/events"):
        assert hub.call("GET", path, token=hub.bob)[0] == 404
        assert hub.call("GET", path)[0] == 401
    delete = {"type": "deleteFile", "path": "two.txt"}
    assert batch(hub, bucket, delete, token=hub.alice_read)[0] == 403
    assert batch(hub, bucket, delete, token=hub.bob)[0] == 404


def test_content_of_others_is_not_taken_by_knowing_its_hash(hub, alice, bucket):
    (secret,) = alice.get_bucket_paths_info(bucket, ["two.txt"])
    bob = HfApi(endpoint=hub.url, token=hub.bob)
    mine = bob.create_bucket("thief").bucket_id
    add = {"type": "addFile", "path": "x", "xetHash": secret.xet_hash, "mtime": 0}
    copy = {"type": "copyFile", "path": "x", "xetHash": secret.xet_hash, "sourceRepoType": "bucket", "sourceRepoId": bucket}
    for line in (add, copy):
        status, answer = batch(hub, mine, line, token=hub.bob)
        assert status == 422 and [f["path"] for f in answer["failed"]] == ["x"]
    assert list(bob.list_bucket_tree(mine)) == []


@pytest.mark.parametrize("line, status", [
    ("{", 400), ('{"type": "addFile"', 400), ({"type": "renameFile", "path": "a"}, 400), ("x" * 100_000, 413), ("", 400),
    ({"type": "addFile", "path": "../up", "xetHash": EMPTY}, 422), ({"type": "addFile", "path": "a//b", "xetHash": EMPTY}, 422),
    ({"type": "addFile", "path": "ok", "xetHash": "1" * 64}, 422), ({"type": "deleteFile", "path": "absent"}, 422),
    ({"type": "copyFile", "path": "ok", "xetHash": EMPTY, "sourceRepoType": "bucket", "sourceRepoId": "alice/absent"}, 422),
])  # fmt: skip
def test_broken_lines_change_nothing(hub, alice, bucket, line, status):
    before = [f.path for f in alice.list_bucket_tree(bucket)]
    got, answer = batch(hub, bucket, line, token=hub.alice)
    assert got == status and ("error" in answer or answer["failed"][0]["error"])
    assert [f.path for f in alice.list_bucket_tree(bucket)] == before


def test_large_listings_come_in_pages_by_level_or_whole(hub, alice, bucket):
    lines = [{"type": "addFile", "path": f"deep/{i // 1000}/{i:05}.bin", "xetHash": EMPTY, "mtime": i} for i in range(3500)]
    assert batch(hub, bucket, *lines, token=hub.alice) == (200, {"success": True, "processed": 3500, "failed": []})
    assert len(list(alice.list_bucket_tree(bucket))) == 3502
    assert [e.path for e in alice.list_bucket_tree(bucket, recursive=False)] == ["a", "deep", "two.txt"]
    assert [e.path for e in alice.list_bucket_tree(bucket, "deep", recursive=False)] == [f"deep/{i}" for i in range(4)]
    third = list(alice.list_bucket_tree(bucket, "deep/3", recursive=False))
    assert [e.path for e in third] == [f"deep/3/{i:05}.bin" for i in range(3000, 3500)]
    info = alice.bucket_info(bucket)
    assert (info.total_files, info.size) == (3502, 6)


def test_a_range_by_plain_http(hub, bucket):
    status, headers, body = hub.call("GET", f"/buckets/{bucket}/resolve/a/one.txt", token=hub.alice, headers={"Range": "bytes=1-"})
    assert (status, body, headers["Content-Range"], headers["X-Linked-Size"]) == (206, b"ne", "bytes 1-2/3", "3")
    assert hub.call("GET", f"/buckets/{bucket}/resolve/absent", token=hub.alice)[1]["X-Error-Code"] == "EntryNotFound"


def test_followers_are_told_of_changes_and_resume_after_a_cursor(hub, alice, bucket):
    def change():
        alice.batch_bucket_files(bucket, add=[(b"new", "new.txt")], delete=["two.txt"])

    def follow(query, until, when_ready=lambda: None):
        request = urllib.request.Request(f"{hub.url}/api/buckets/{bucket}/events{query}", headers={"Authorization": f"Bearer {hub.alice}"})
        seen = []
        with urllib.request.urlopen(request, timeout=20) as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            name = None
            for line in response:
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                    if name == "ready":
                        when_ready()
                elif line.startswith(b"data: "):
                    seen.append((name, json.loads(line[6:])))
                    if until(seen):
                        return seen

    def told(seen):
        return [(c["op"], c["path"]) for _, data in seen for c in data.get("changes", [])]

    first = follow("", lambda seen: len(told(seen)) == 2, change)
    assert first[0][0] == "ready" and told(first) == [("add", "new.txt"), ("delete", "two.txt")]
    # From where the first began, the same again; a position that is none is refused, an old one is to be forgotten.
    again = follow(f"?cursor={first[0][1]['cursor']}", lambda seen: len(told(seen)) == 2)
    assert told(again) == told(first)
    assert hub.call("GET", f"/api/buckets/{bucket}/events?cursor=nonsense", token=hub.alice)[0] == 400
    assert follow("?cursor=1-1000", lambda seen: True)[0][0] == "reset"
