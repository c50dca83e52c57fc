"""Discussions and pull requests, driven by the real huggingface_hub as its own tests do (HfApiDiscussionsTest)."""
import json

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError


@pytest.fixture
def repo(alice, request):
    """A fresh model repository of alice's."""
    name = "alice/" + request.node.name.removeprefix("test_")[:60].strip("_")
    alice.create_repo(name)
    return name


def write(api, repo, revision, **files):
    return api.create_commit(repo, [CommitOperationAdd(name.replace("_", "."), text.encode()) for name, text in files.items()],
                             commit_message="Write " + ", ".join(files), revision=revision)


def refused(status, call, *args, **kwargs):
    with pytest.raises(HfHubHTTPError) as caught:
        call(*args, **kwargs)
    assert caught.value.response.status_code == status, caught.value
    return str(caught.value)


def test_open_and_read(hub, alice, bob, anyone, repo):
    opened = bob.create_discussion(repo, " How does it work? ", description="Tell *me*, <script>alert(1)</script>")
    assert (opened.num, opened.title, opened.author, opened.status) == (1, "How does it work?", "bob", "open")
    assert opened.url == f"{hub.url}/{repo}/discussions/1" and opened.git_reference is None
    assert not opened.is_pull_request and opened.diff is None and opened.target_branch is None
    comment = opened.events[0]
    assert comment.content.startswith("Tell *me*") and not comment.edited and not comment.hidden
    assert "<em>me</em>" in comment.rendered and "<script>" not in comment.rendered
    assert anyone.get_discussion_details(repo, 1) == opened
    alice.create_repo(repo + "-data", repo_type="dataset")
    other = bob.create_discussion(repo + "-data", "Elsewhere", repo_type="dataset")
    assert other.num == 1 and other.url == f"{hub.url}/datasets/{repo}-data/discussions/1"
    assert "no discussion 7" in refused(404, anyone.get_discussion_details, repo, 7)


def test_conversation(alice, bob, repo):
    bob.create_discussion(repo, "A question")
    said = alice.comment_discussion(repo, 1, "An answer, see [it](http://localhost)")
    assert said.author == "alice" and '<a href="http://localhost"' in said.rendered
    edited = alice.edit_discussion_comment(repo, 1, said.id, "A better answer")
    assert edited.edited and edited.content == "A better answer" and edited.number_of_edits == 1
    assert edited.edit_history[0]["raw"].startswith("An answer")
    renamed = bob.rename_discussion(repo, 1, "A good question")
    assert (renamed.old_title, renamed.new_title) == ("A question", "A good question")
    closed = alice.change_discussion_status(repo, 1, "closed", comment="Answered.")
    assert closed.new_status == "closed"
    details = bob.get_discussion_details(repo, 1)
    assert details.status == "closed" and details.title == "A good question"
    assert [event.type for event in details.events] == ["comment", "comment", "title-change", "comment", "status-change"]
    assert details.events[3].content == "Answered." and details.events[1] == edited
    assert bob.change_discussion_status(repo, 1, "open").new_status == "open"
    assert "has the status open already" in refused(400, bob.change_discussion_status, repo, 1, "open")


def test_hidden_is_gone(alice, bob, repo):
    bob.create_discussion(repo, "A rant", description="A word that must go")
    comment = bob.get_discussion_details(repo, 1).events[0]
    bob.edit_discussion_comment(repo, 1, comment.id, "Another such word")
    with pytest.warns(UserWarning):
        hidden = alice.hide_discussion_comment(repo, 1, comment.id.upper())
    assert hidden.hidden
    everything = json.dumps(alice.get_discussion_details(repo, 1).events[0]._event)
    assert "word" not in everything


def test_who_may(hub, alice, bob, anyone, repo):
    alice.create_discussion(repo, "Of alice")
    comment = alice.get_discussion_details(repo, 1).events[0].id
    readers = HfApi(endpoint=hub.url, token=hub.alice_read)
    for api, status in ((anyone, 401), (readers, 403)):
        refused(status, api.create_discussion, repo, "Not mine to open")
        refused(status, api.comment_discussion, repo, 1, "Hello")
    refused(403, bob.rename_discussion, repo, 1, "Of bob")
    refused(403, bob.change_discussion_status, repo, 1, "closed")
    refused(403, bob.edit_discussion_comment, repo, 1, comment, "I said nothing")
    refused(403, bob.merge_pull_request, repo, 1)
    alice.create_repo(repo + "-secret", private=True)
    alice.create_discussion(repo + "-secret", "Among us")
    for api in (bob, anyone):
        with pytest.raises(RepositoryNotFoundError):
            api.get_discussion_details(repo + "-secret", 1)
        with pytest.raises(RepositoryNotFoundError):
            list(api.get_repo_discussions(repo + "-secret"))
        with pytest.raises(RepositoryNotFoundError):
            api.create_discussion(repo + "-secret", "Let me in")


def test_bad_input_is_told(bob, repo):
    for title in ("ab", "x" * 201, "two\nlines"):
        with pytest.raises(BadRequestError, match="title"):
            bob.create_discussion(repo, title)
    bob.create_discussion(repo, "Fine")
    with pytest.raises(BadRequestError, match="needs some text"):
        bob.comment_discussion(repo, 1, "   ")
    refused(413, bob.comment_discussion, repo, 1, "x" * 70_000)
    refused(404, bob.edit_discussion_comment, repo, 1, "deadbeef" * 3, "Hello")


def test_list_in_pages_with_filters(hub, alice, bob, repo):
    for i in range(52):
        bob.create_discussion(repo, f"Question {i}")
    bob.create_pull_request(repo, "A change")
    alice.create_discussion(repo, "Of alice")
    alice.change_discussion_status(repo, 3, "closed")
    every = list(bob.get_repo_discussions(repo))
    assert [d.num for d in every] == list(range(54, 0, -1))
    assert [d.num for d in bob.get_repo_discussions(repo, author="alice")] == [54]
    assert [d.num for d in bob.get_repo_discussions(repo, discussion_type="pull_request")] == [53]
    assert [d.num for d in bob.get_repo_discussions(repo, discussion_status="closed")] == [3]
    assert len(list(bob.get_repo_discussions(repo, discussion_status="open", discussion_type="discussion"))) == 52
    status, _, body = hub.call("GET", f"/api/models/{repo}/discussions?type=nonsense")
    assert status == 400 and "pull_request" in json.loads(body)["error"]
    # Pinned ones come first.
    status, _, body = hub.call("POST", f"/api/models/{repo}/discussions/2/pin", {"pinned": True}, token=hub.alice)
    assert status == 200 and json.loads(body)["newEvent"]["data"] == {"pinned": True}
    assert next(bob.get_repo_discussions(repo)).num == 2


def test_locked_and_reactions(hub, alice, bob, repo):
    bob.create_discussion(repo, "Heated")
    comment = bob.get_discussion_details(repo, 1).events[0].id
    path = f"/api/models/{repo}/discussions/1"
    status, _, body = hub.call("POST", f"{path}/comment/{comment}/reaction", {"reaction": "🤗"}, token=hub.alice)
    assert status == 200
    assert json.loads(body)["updatedComment"]["data"]["reactions"] == [{"reaction": "🤗", "users": ["alice"], "count": 1}]
    assert hub.call("POST", f"{path}/lock", {"locked": True}, token=hub.bob)[0] == 403
    assert hub.call("POST", f"{path}/lock", {"locked": True}, token=hub.alice)[0] == 200
    assert "is locked" in refused(403, bob.comment_discussion, repo, 1, "But")
    assert alice.comment_discussion(repo, 1, "Enough").content == "Enough"


def test_pull_request_from_opening_to_merge(hub, alice, bob, anyone, repo):
    write(alice, repo, "main", README_md="---\nlicense: mit\n---\n# One\n")
    pr = bob.create_pull_request(repo, "Say more", description="It says too little")
    assert (pr.status, pr.target_branch, pr.git_reference, pr.diff) == ("draft", "refs/heads/main", "refs/pr/1", "")
    assert alice.repo_info(repo, revision="refs/pr/1").sha == alice.repo_info(repo).sha
    done = write(alice, repo, "refs/pr/1", README_md="---\nlicense: mit\n---\n# One\nMore.\n", notes_txt="new\n")
    write(alice, repo, "main", other_txt="meanwhile\n")
    details = anyone.get_discussion_details(repo, 1)
    assert details.conflicting_files == []
    assert "+More." in details.diff and "notes.txt" in details.diff and "other.txt" not in details.diff
    commit = details.events[1]
    assert (commit.type, commit.oid, commit.summary, commit.author) == ("commit", done.oid, "Write README_md, notes_txt", "alice")
    assert [ref.ref for ref in alice.list_repo_refs(repo, include_pull_requests=True).pull_requests] == ["refs/pr/1"]

    assert "draft" in refused(400, alice.merge_pull_request, repo, 1)
    bob.change_discussion_status(repo, 1, "open")
    refused(403, bob.merge_pull_request, repo, 1)
    alice.merge_pull_request(repo, 1, comment="Thank you")
    merged = bob.get_discussion_details(repo, 1)
    head = alice.list_repo_commits(repo)[0]
    assert merged.status == "merged" and merged.merge_commit_oid == head.commit_id
    assert head.title == "Say more (#1)" and f"- Write README_md, notes_txt ({done.oid})" in head.message
    assert {"notes.txt", "other.txt"} <= set(alice.list_repo_files(repo))
    assert [event.type for event in merged.events] == ["comment", "commit", "status-change", "comment", "status-change"]
    assert merged.diff == details.diff
    refused(409, alice.merge_pull_request, repo, 1)
    refused(409, alice.change_discussion_status, repo, 1, "open")


def test_conflicts_are_named(alice, bob, repo):
    write(alice, repo, "main", a_txt="one\n", b_txt="one\n")
    alice.create_pull_request(repo, "Two")
    write(alice, repo, "refs/pr/1", a_txt="two\n", b_txt="two\n")
    alice.create_commit(repo, [CommitOperationDelete("a.txt")], commit_message="Remove", revision="main")
    write(alice, repo, "main", b_txt="three\n")
    assert bob.get_discussion_details(repo, 1).conflicting_files == ["a.txt", "b.txt"]
    alice.change_discussion_status(repo, 1, "open")
    before = alice.repo_info(repo).sha
    assert "a.txt, b.txt" in refused(409, alice.merge_pull_request, repo, 1)
    assert alice.repo_info(repo).sha == before


def test_gated_diffs_stay_gated(alice, bob, repo):
    alice.create_pull_request(repo, "Secrets")
    write(alice, repo, "refs/pr/1", weights_txt="secret numbers\n")
    alice.update_repo_settings(repo, gated="manual")
    assert "secret numbers" in alice.get_discussion_details(repo, 1).diff
    assert bob.get_discussion_details(repo, 1).diff is None


def test_upload_folder_opens_a_pull_request(alice, repo, tmp_path):
    (tmp_path / "notes.txt").write_text("from a folder\n")
    done = alice.upload_folder(repo_id=repo, folder_path=tmp_path, create_pr=True, commit_message="From a folder")
    assert done.pr_num == 1 and done.pr_revision == "refs/pr/1"
    details = alice.get_discussion_details(repo, 1)
    assert details.title == "From a folder" and "+from a folder" in details.diff
    assert "notes.txt" not in alice.list_repo_files(repo)


def test_deleted_with_its_branch(hub, alice, bob, repo):
    bob.create_pull_request(repo, "Spam, spam")
    assert hub.call("DELETE", f"/api/models/{repo}/discussions/1", token=hub.bob)[0] == 403
    assert hub.call("DELETE", f"/api/models/{repo}/discussions/1", token=hub.alice)[0] == 200
    refused(404, bob.get_discussion_details, repo, 1)
    assert alice.list_repo_refs(repo, include_pull_requests=True).pull_requests == []
    assert bob.create_discussion(repo, "Ham").num == 2
