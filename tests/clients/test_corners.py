"""Corners between the features, as a stranger with the real clients comes upon them: what is refused says why, and nothing that
one feature promises is undone by another."""
import os
import pathlib
import subprocess
import sys

import pytest
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

REPO = pathlib.Path(__file__).resolve().parents[2]


def test_a_branch_cannot_pose_as_a_pinned_commit(hub, alice, tmp_path):
    alice.create_repo("alice/pinned")
    alice.upload_file(repo_id="alice/pinned", path_or_fileobj=b"reviewed", path_in_repo="code.py")
    pinned = alice.model_info("alice/pinned").sha
    alice.upload_file(repo_id="alice/pinned", path_or_fileobj=b"changed", path_in_repo="code.py")
    for make in (alice.create_branch, alice.create_tag):
        with pytest.raises(BadRequestError, match="taken for a commit"):
            make("alice/pinned", **{"branch" if make == alice.create_branch else "tag": pinned})
    url = hub.url.replace("//", f"//alice:{hub.alice}@") + "/alice/pinned"
    subprocess.run(["git", "clone", "-q", url, tmp_path / "here"], check=True)
    pushed = subprocess.run(["git", "-C", tmp_path / "here", "push", "origin", f"HEAD:refs/heads/{pinned}"], capture_output=True, text=True)
    assert pushed.returncode and "taken for a commit" in pushed.stderr
    # One that is there all the same, as in a repository copied from elsewhere, changes nothing for who asks by the whole id.
    (folder,) = (hub.folder / "data" / "repos" / "models").glob("*.git")
    subprocess.run(["git", "-C", folder, "update-ref", f"refs/heads/{pinned}", "main"], check=True)
    got = alice.hf_hub_download("alice/pinned", "code.py", revision=pinned, cache_dir=tmp_path / "cache")
    assert pathlib.Path(got).read_bytes() == b"reviewed"


def test_names_that_git_cannot_keep_side_by_side_are_a_conflict(alice):
    alice.create_repo("alice/nested")
    alice.create_branch("alice/nested", branch="a")
    alice.create_branch("alice/nested", branch="b/c")
    alice.create_tag("alice/nested", tag="v/1")
    for branch in ("a/b", "b"):
        with pytest.raises(HfHubHTTPError, match="already exists") as error:
            alice.create_branch("alice/nested", branch=branch)
        assert error.value.response.status_code == 409
    with pytest.raises(HfHubHTTPError, match="already exists"):
        alice.create_tag("alice/nested", tag="v")
    alice.delete_branch("alice/nested", branch="b/c")
    alice.create_branch("alice/nested", branch="b")
