"""Repositories and their history by the real huggingface_hub: moves, duplicates, pull requests by commit, squash, stored files,
protected branches, diffs."""
import base64
import hashlib
import json
import subprocess

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError


@pytest.fixture
def repo(alice, request):
    name = "alice/" + request.node.name.removeprefix("test_")[:60].strip("_")
    alice.create_repo(name)
    return name


def put(api, repo, path="a.txt", content=b"a", **more):
    return api.create_commit(repo, [CommitOperationAdd(path, content)], commit_message=f"put {path}", **more)


def store(hub, repo, content, token=None):
    """An LFS object of the repository, uploaded as git-lfs does; its SHA-256."""
    oid = hashlib.sha256(content).hexdigest()
    status, _, body = hub.call("POST", f"/{repo}.git/info/lfs/objects/batch", {
        "operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}, token=token or hub.alice)
    assert status == 200, body
    for name, action in json.loads(body)["objects"][0].get("actions", {}).items():
        data = content if name == "upload" else {"oid": oid, "size": len(content)}
        assert hub.call("PUT" if name == "upload" else "POST", action["href"].removeprefix(hub.url), data)[0] == 200
    return oid


def commit_lines(hub, repo, *lines, token=None, rev="main", query="", **header):
    text = "\n".join(json.dumps(line) for line in [{"key": "header", "value": {"summary": "lines"} | header}, *lines])
    return hub.call("POST", f"/api/models/{repo}/commit/{rev}{query}", text.encode(), token=token or hub.alice,
                    headers={"Content-Type": "application/x-ndjson"})


def lfs_line(path, oid):
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid}}


def fsck(hub):
    """git's own verdict on every repository of the hub."""
    for folder in (hub.folder / "data" / "repos").glob("*/*.git"):
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", folder, "fsck", "--strict", "--no-dangling"],
                              capture_output=True, text=True)
        assert done.returncode == 0 and not done.stdout, (folder, done.stdout, done.stderr)


# ---- names ----


def test_a_former_name_leads_on_everywhere(hub, alice, repo, tmp_path):
    put(alice, repo)
    alice.move_repo(repo, repo + "-now")
    info = alice.model_info(repo)
    assert info.id == repo + "-now"
    for path in (f"/api/models/{repo}", f"/{repo}/resolve/main/a.txt?x=%2F", f"/{repo}.git/info/refs?service=git-upload-pack", f"/{repo}/tree/main"):
        process = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", hub.url + path], capture_output=True, text=True)
        assert process.stdout == f"307 {hub.url}{path.replace(repo, repo + '-now')}"
    subprocess.run(["git", "clone", "-q", f"{hub.url}/{repo}", tmp_path / "clone"], check=True)
    assert (tmp_path / "clone" / "a.txt").read_text() == "a"
    put(alice, repo, "b.txt")  # a commit's body is sent again to the new name
    assert alice.file_exists(repo + "-now", "b.txt")
    with pytest.raises(HfHubHTTPError, match="already exists"):
        alice.create_repo(repo)
        alice.move_repo(repo + "-now", repo)


def test_a_former_name_of_a_private_repository_says_nothing(hub, alice, repo):
    alice.update_repo_settings(repo, private=True)
    alice.move_repo(repo, repo + "-now")
    for token, expected in ((None, 401), (hub.bob, 404)):
        status, headers, _ = hub.call("GET", f"/api/models/{repo}", token=token)
        assert (status, headers["X-Error-Code"]) == (expected, "RepoNotFound")


def test_duplicate_has_all_branches_and_shares_files(hub, alice, bob, repo):
    oid = store(hub, repo, b"weights" * 1000)
    assert commit_lines(hub, repo, lfs_line("w.bin", oid))[0] == 200
    alice.create_branch(repo, branch="dev")
    alice.create_tag(repo, tag="v1")
    put(alice, repo, "pr.txt", create_pr=True)
    copied = bob.duplicate_repo(repo, "bob/copy")
    assert copied == f"{hub.url}/bob/copy"
    refs, theirs = bob.list_repo_refs("bob/copy", include_pull_requests=True), alice.list_repo_refs(repo)
    assert {(r.name, r.target_commit) for r in refs.branches} == {(r.name, r.target_commit) for r in theirs.branches}
    assert [r.name for r in refs.tags] == ["v1"] and refs.pull_requests == []
    assert hub.call("GET", "/bob/copy/resolve/main/w.bin")[2] == b"weights" * 1000
    # The copy lives by itself.
    put(bob, "bob/copy", "own.txt")
    alice.delete_repo(repo)
    assert hub.call("GET", "/bob/copy/resolve/dev/w.bin")[0] == 200
    with pytest.raises(HfHubHTTPError) as taken:
        bob.duplicate_repo("bob/copy", "bob/copy")
    assert taken.value.response.status_code == 409
    assert bob.duplicate_repo("bob/copy", "bob/copy", exist_ok=True) == f"{hub.url}/bob/copy"
    fsck(hub)


def test_a_duplicate_of_a_private_repository_needs_its_reader(hub, alice, bob, repo):
    alice.update_repo_settings(repo, private=True)
    with pytest.raises(HfHubHTTPError) as refused:
        bob.duplicate_repo(repo, "bob/stolen")
    assert refused.value.response.status_code == 404
    alice.duplicate_repo(repo, repo + "-2")
    assert alice.model_info(repo + "-2").private


# ---- commits ----


def test_a_stranger_opens_a_pull_request_and_goes_on_with_it(hub, alice, bob, repo):
    made = put(bob, repo, "theirs.txt", create_pr=True)
    assert (made.pr_url, made.pr_revision) == (f"{hub.url}/{repo}/discussions/1", "refs/pr/1")
    assert not alice.file_exists(repo, "theirs.txt") and alice.file_exists(repo, "theirs.txt", revision="refs/pr/1")
    put(bob, repo, "more.txt", revision="refs/pr/1")
    assert [c.title for c in alice.list_repo_commits(repo, revision="refs/pr/1")][:2] == ["put more.txt", "put theirs.txt"]
    with pytest.raises(HfHubHTTPError) as refused:
        put(bob, repo, "x.txt")
    assert refused.value.response.status_code == 403
    put(alice, repo, "hers.txt", create_pr=True)
    with pytest.raises(HfHubHTTPError):  # another's pull request
        put(bob, repo, "x.txt", revision="refs/pr/2")
    alice.merge_pull_request(repo, 1)
    assert alice.file_exists(repo, "more.txt")
    with pytest.raises(HfHubHTTPError):  # merged
        put(bob, repo, "x.txt", revision="refs/pr/1")


def test_a_pull_request_is_against_a_branch(hub, alice, repo):
    with pytest.raises(RevisionNotFoundError):
        put(alice, repo, revision=alice.model_info(repo).sha, create_pr=True)
    alice.create_branch(repo, branch="dev")
    assert put(alice, repo, "x.txt", revision="dev", create_pr=True).pr_revision == "refs/pr/1"
    assert alice.get_discussion_details(repo, 1).target_branch == "refs/heads/dev"
    alice.merge_pull_request(repo, 1)
    assert [alice.file_exists(repo, "x.txt", revision=name) for name in ("main", "dev")] == [False, True]
    put(alice, repo, "y.txt", revision="dev", create_pr=True)
    alice.delete_branch(repo, branch="dev")
    assert alice.get_discussion_details(repo, 2).conflicting_files == []
    with pytest.raises(HfHubHTTPError) as refused:  # there is nothing to merge into
        alice.merge_pull_request(repo, 2)
    assert refused.value.response.status_code == 404


def test_a_pull_request_begins_at_the_parent_that_is_named(hub, alice, repo):
    parent = alice.model_info(repo).sha
    put(alice, repo, "later.txt")
    made = put(alice, repo, "x.txt", create_pr=True, parent_commit=parent[:8])
    commits = alice.list_repo_commits(repo, revision=made.pr_revision)
    assert commits[1].commit_id == parent and not alice.file_exists(repo, "later.txt", revision=made.pr_revision)
    alice.merge_pull_request(repo, 1)
    assert alice.file_exists(repo, "x.txt") and alice.file_exists(repo, "later.txt")
    for unknown in ("0" * 40, "main"):
        body = [{"key": "header", "value": {"summary": "s", "parentCommit": unknown}}, {"key": "file", "value": {"path": "z", "content": "eA==", "encoding": "base64"}}]
        data = "\n".join(map(json.dumps, body)).encode()
        status, _, _ = hub.call("POST", f"/api/models/{repo}/commit/main?create_pr=1", data, token=alice.token, headers={"Content-Type": "application/x-ndjson"})
        assert status in (400, 404)
    assert len(list(alice.get_repo_discussions(repo))) == 1


def test_the_same_payload_again_is_the_same_commit(hub, alice, repo):
    """The answer was lost on its way: the client sends all of it again."""
    parent = alice.model_info(repo).sha
    line = {"key": "file", "value": {"path": "x", "content": "eA==", "encoding": "base64"}}
    first, again = (json.loads(commit_lines(hub, repo, line, parentCommit=parent)[2]) for _ in range(2))
    assert first["commitOid"] == again["commitOid"] and len(alice.list_repo_commits(repo)) == 2
    put(alice, repo, "since.txt")
    assert json.loads(commit_lines(hub, repo, line, parentCommit=parent)[2])["commitOid"] == first["commitOid"]
    other = {"key": "file", "value": {"path": "x", "content": "eQ==", "encoding": "base64"}}
    status, _, body = commit_lines(hub, repo, other, parentCommit=parent)
    assert status == 412 and b"Please refresh and try again" in body


def test_copies_within_and_across_repositories(hub, alice, bob, repo):
    oid = store(hub, repo, b"shared" * 500)
    assert commit_lines(hub, repo, lfs_line("w.bin", oid))[0] == 200
    put(alice, repo, "small.txt", b"small")
    alice.create_commit(repo, [CommitOperationCopy("w.bin", "copy/w.bin"), CommitOperationCopy("small.txt", "copy/s.txt")], commit_message="copy")
    first, second = alice.get_paths_info(repo, ["w.bin", "copy/w.bin"])
    assert first.lfs.sha256 == second.lfs.sha256 == oid
    # Across: the file must be let in first.
    bob.create_repo("bob/target")
    assert commit_lines(hub, "bob/target", lfs_line("w.bin", oid), token=hub.bob)[0] == 200  # public: bob may read it
    alice.create_repo("alice/secret", private=True)
    hidden = store(hub, "alice/secret", b"secret" * 500)
    status, _, body = hub.call("POST", f"/api/models/{repo}/lfs-files/duplicate", token=hub.bob, body={
        "target": {"type": "model", "name": "bob/target"}, "files": [{"sha256": oid, "filename": "w.bin"}, {"sha256": hidden, "filename": "s"}]})
    assert status == 200 and [f["sha256"] for f in json.loads(body)["failed"]] == [hidden]
    assert commit_lines(hub, "bob/target", lfs_line("s", hidden), token=hub.bob)[0] == 400
    assert hub.call("POST", f"/api/models/{repo}/lfs-files/duplicate", token=hub.bob, body={
        "target": {"type": "model", "name": repo}, "files": []})[0] == 403


def test_one_huge_line_is_refused(hub, alice, repo):
    before = alice.model_info(repo).sha
    line = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"x","content":"' + b"A" * (70 << 20) + b'"}}'
    status, _, body = hub.call("POST", f"/api/models/{repo}/commit/main", line, token=hub.alice, headers={"Content-Type": "application/x-ndjson"})
    assert status == 413 and b"LFS" in body and alice.model_info(repo).sha == before


def test_many_files_in_one_commit(hub, alice, repo):
    lines = [{"key": "file", "value": {"path": f"d{i % 50}/f{i}.txt", "content": base64.b64encode(b"%d" % i).decode(), "encoding": "base64"}}
             for i in range(5000)]
    assert commit_lines(hub, repo, *lines)[0] == 200
    assert len(alice.list_repo_files(repo)) == 5001
    alice.create_commit(repo, [CommitOperationDelete(f"d{i}/") for i in range(49)], commit_message="less")
    assert len(alice.list_repo_files(repo)) == 101
    assert hub.call("GET", f"/{repo}/resolve/main/d49/f99.txt")[2] == b"99"


# ---- history ----


def test_branches_begin_where_they_are_told(hub, alice, repo):
    first = alice.model_info(repo).sha
    put(alice, repo)
    alice.create_branch(repo, branch="old", revision=first)
    assert hub.call("POST", f"/api/models/{repo}/branch/empty", {"emptyBranch": True}, token=hub.alice)[0] == 200
    assert alice.list_repo_files(repo, revision="empty") == []
    assert hub.call("POST", f"/api/models/{repo}/branch/old", {"startingPoint": "main", "overwrite": True}, token=hub.alice)[0] == 200
    assert alice.model_info(repo, revision="old").sha == alice.model_info(repo).sha
    for bad in ("refs/pr/5", "a..b", "x.lock", "-x"):
        assert hub.call("POST", f"/api/models/{repo}/branch/{bad.replace('/', '%2F')}", {}, token=hub.alice)[0] == 400, bad


def test_super_squash(hub, alice, repo):
    for i in range(3):
        put(alice, repo, "a.txt", b"%d" % i)
    alice.create_branch(repo, branch="dev")
    alice.super_squash_history(repo, commit_message="one")
    assert [c.title for c in alice.list_repo_commits(repo)] == ["one"]
    assert len(alice.list_repo_commits(repo, revision="dev")) == 4
    assert hub.call("GET", f"/{repo}/resolve/main/a.txt")[2] == b"2"
    with pytest.raises(RevisionNotFoundError):
        alice.super_squash_history(repo, branch="absent")
    fsck(hub)


def test_stored_files_are_listed_and_leave_all_history(hub, alice, repo):
    keep, drop = store(hub, repo, b"keep" * 100), store(hub, repo, b"drop" * 100)
    assert commit_lines(hub, repo, lfs_line("d/drop.bin", drop))[0] == 200
    assert commit_lines(hub, repo, lfs_line("keep.bin", keep))[0] == 200
    alice.create_tag(repo, tag="v1", tag_message="annotated")
    files = {f.file_oid: f for f in alice.list_lfs_files(repo)}
    assert {(f.filename, f.size, f.ref) for f in files.values()} == {("d/drop.bin", 400, "refs/heads/main"), ("keep.bin", 400, "refs/heads/main")}
    before = alice.list_repo_commits(repo)
    alice.permanently_delete_lfs_files(repo, [files[drop]])
    after = alice.list_repo_commits(repo)
    assert [c.title for c in after] == [c.title for c in before] and after[-1].commit_id == before[-1].commit_id
    for revision in ("main", "v1", after[1].commit_id):
        assert "d/drop.bin" not in alice.list_repo_files(repo, revision=revision)
    assert [f.filename for f in alice.list_lfs_files(repo)] == ["keep.bin"]
    assert hub.call("GET", f"/{repo}/resolve/main/keep.bin")[2] == b"keep" * 100
    assert commit_lines(hub, repo, lfs_line("again.bin", drop))[0] == 400  # not the repository's any more
    fsck(hub)


def test_a_rewrite_reaches_every_branch_and_what_is_gone_is_not_served(hub, alice, repo):
    big, other = b"secret weights " * 2000, b"kept " * 2000
    put(alice, repo, "w.bin", big)
    put(alice, repo, "kept.bin", other)
    before = {c.title: c.commit_id for c in alice.list_repo_commits(repo)}
    alice.create_branch(repo, branch="dev")
    put(alice, repo, "dev.txt", b"dev", revision="dev")
    alice.create_tag(repo, tag="v1")
    request = alice.create_commit(repo, [CommitOperationAdd("more.txt", b"more")], commit_message="More", create_pr=True)
    shown = [event.type for event in alice.get_discussion_details(repo, request.pr_num).events]
    alice.create_repo(repo + "-copy")
    alice.create_commit(repo + "-copy", [CommitOperationAdd("w.bin", big)], commit_message="also here")

    alice.permanently_delete_lfs_files(repo, [f for f in alice.list_lfs_files(repo) if f.filename == "w.bin"])
    for revision in ("main", "dev", "v1", f"refs/pr/{request.pr_num}"):
        files = alice.list_repo_files(repo, revision=revision)
        assert "w.bin" not in files and "kept.bin" in files, revision
        assert hub.call("GET", f"/{repo}/resolve/{revision.replace('/', '%2F')}/kept.bin")[2] == other
    assert [c.title for c in alice.list_repo_commits(repo)] == list(before)  # titles, authors and order stay
    last = alice.get_paths_info(repo, ["kept.bin"], expand=True)[0].last_commit
    assert last.title == "put kept.bin" and last.oid == alice.model_info(repo).sha
    assert [event.type for event in alice.get_discussion_details(repo, request.pr_num).events] == shown
    alice.merge_pull_request(repo, request.pr_num)
    assert alice.file_exists(repo, "more.txt")
    # A commit of before, whose id somebody noted, still names the file; its bytes are gone from this repository, not from the other.
    status, headers, body = hub.call("GET", f"/{repo}/resolve/{before['put w.bin']}/w.bin", token=hub.alice)
    assert status == 404 and headers["X-Error-Code"] == "EntryNotFound" and b"deleted for good" in body
    oid = hashlib.sha256(big).hexdigest()
    assert json.loads(hub.call("POST", f"/{repo}.git/info/lfs/objects/batch", {"operation": "download", "objects": [
        {"oid": oid, "size": len(big)}]}, token=hub.alice)[2])["objects"][0]["error"]["code"] == 404
    assert hub.call("GET", f"/{repo}-copy/resolve/main/w.bin")[2] == big
    put(alice, repo, "w.bin", big)  # sent again, it is the repository's again
    assert hub.call("GET", f"/{repo}/resolve/main/w.bin")[2] == big
    fsck(hub)


def test_without_a_rewrite_pointers_stay_and_their_files_are_not_found(hub, alice, repo):
    put(alice, repo, "w.bin", b"\0weights" * 3000)
    head = alice.model_info(repo).sha
    alice.permanently_delete_lfs_files(repo, alice.list_lfs_files(repo), rewrite_history=False)
    assert alice.model_info(repo).sha == head and alice.file_exists(repo, "w.bin") is False
    assert "w.bin" in alice.list_repo_files(repo) and list(alice.list_lfs_files(repo)) == []
    assert hub.call("GET", f"/{repo}/raw/main/w.bin")[2].startswith(b"version https://git-lfs")
    with pytest.raises(EntryNotFoundError):
        alice.hf_hub_download(repo, "w.bin")


def test_protected_branches(hub, alice, repo):
    path = f"/api/models/{repo}/protected-branches"
    rules = {"protectedBranches": [{"pattern": "main", "push": "write"}, {"pattern": "release/*", "push": "admin"}]}
    assert hub.call("PUT", path, rules, token=hub.bob)[0] == 403
    assert hub.call("PUT", path, rules, token=hub.alice)[0] == 200
    assert json.loads(hub.call("GET", path)[2]) == rules
    alice.create_branch(repo, branch="release/1")
    for call in (lambda: alice.delete_branch(repo, branch="release/1"), lambda: alice.super_squash_history(repo)):
        with pytest.raises(HfHubHTTPError, match="protected"):
            call()
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        alice.delete_branch(repo, branch="main")
    assert hub.call("PUT", path, {"protectedBranches": []}, token=hub.alice)[0] == 200
    alice.delete_branch(repo, branch="release/1")


def test_diffs(hub, alice, repo):
    put(alice, repo, "a.txt", b"one\n")
    alice.create_branch(repo, branch="dev")
    put(alice, repo, "a.txt", b"two\n", revision="dev")
    put(alice, repo, "main.txt", b"m\n")
    status, headers, text = hub.call("GET", f"/api/models/{repo}/compare/main..dev")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    assert b"-one\n+two\n" in text and b"deleted file" in text  # main.txt is not on dev
    parted = hub.call("GET", f"/api/models/{repo}/compare/main...dev")[2]
    assert b"-one\n+two\n" in parted and b"main.txt" not in parted
    assert hub.call("GET", f"/api/models/{repo}/commit/dev.diff")[2] == parted
    assert hub.call("GET", f"/api/models/{repo}/compare/main")[0] == 400
    assert hub.call("GET", f"/api/models/{repo}/compare/main..absent")[0] == 404
    with pytest.raises(EntryNotFoundError):
        alice.list_repo_tree(repo, "absent").__next__()
