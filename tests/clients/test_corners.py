"""Corners between the features, as a stranger with the real clients comes upon them: what is refused says why, and nothing that
one feature promises is undone by another."""
import os
import pathlib
import subprocess
import sys

import pytest
from huggingface_hub.errors import BadRequestError, HfHubHTTPError


def hf(hub, *words, token):
    """The `hf` command of huggingface_hub."""
    return subprocess.run([str(pathlib.Path(sys.executable).parent / "hf"), *words], capture_output=True, text=True, timeout=120,
                          env=hub.env(token) | {"NO_COLOR": "1"})  # fmt: skip


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


def test_git_says_why_a_stranger_may_not_push(hub, alice, tmp_path):
    alice.create_repo("alice/hers")
    url = hub.url.replace("//", f"//bob:{hub.bob}@") + "/alice/hers"
    subprocess.run(["git", "clone", "-q", url, tmp_path / "here"], check=True)
    refused = subprocess.run(["git", "-C", tmp_path / "here", "push"], capture_output=True, text=True)
    assert refused.returncode and "remote: bob may not change alice/hers" in refused.stderr
    locked = subprocess.run(["git", "-C", tmp_path / "here", "lfs", "lock", "x"], capture_output=True, text=True)
    assert locked.returncode and "bob may not change alice/hers" in locked.stdout + locked.stderr


def test_large_files_tell_their_size_and_share_of_the_storage(alice):
    alice.create_repo("alice/weighed")
    alice.upload_file(repo_id="alice/weighed", path_or_fileobj=os.urandom(200_000), path_in_repo="a.bin")
    assert [file.size for file in alice.list_lfs_files("alice/weighed")] == [200_000]
    repos = list(alice.list_user_repos())
    assert sum(repo.storage_percent for repo in repos) == pytest.approx(100)
    assert max(repos, key=lambda repo: repo.storage).storage_percent > 50


def test_the_address_of_a_commit_shows_its_files(hub, alice):
    alice.create_repo("alice/shown", repo_type="dataset")
    done = alice.upload_file(repo_id="alice/shown", repo_type="dataset", path_or_fileobj=b"1", path_in_repo="a.txt")
    status, _, page = hub.call("GET", str(done).removeprefix(hub.url), headers={"Accept": "text/html"})
    assert status == 200 and b"a.txt" in page
    assert hub.call("GET", f"/datasets/alice/shown/commit/{'0' * 40}")[0] == 404


def test_a_quota_holds_for_files_that_come_by_xet(hub, bob):
    from huggingface_hub import CommitOperationAdd

    bob.create_repo("bob/room")
    put = lambda name, size: bob.upload_file(repo_id="bob/room", path_or_fileobj=os.urandom(size), path_in_repo=name)  # noqa: E731
    hub.admin("quota", "set", "bob", "1MB")
    try:
        with pytest.raises(HfHubHTTPError, match="the storage quota of bob") as error:
            put("large.bin", 2_000_000)
        assert error.value.response.status_code == 403
        put("fits.bin", 700_000)  # what was refused does not count
        with pytest.raises(HfHubHTTPError, match="the storage quota of bob"):
            put("more.bin", 700_000)
        bob.delete_file("fits.bin", "bob/room")  # who is at the limit may still delete, and the past counts
        with pytest.raises(HfHubHTTPError, match="the storage quota of bob"):
            put("more.bin", 700_000)
        assert "bob\tused 700 kB of 1.0 MB\t" in hub.admin("quota", "list").stdout
        bob.permanently_delete_lfs_files("bob/room", bob.list_lfs_files("bob/room"))
        bob.create_commit("bob/room", [CommitOperationAdd("more.bin", os.urandom(700_000))], commit_message="again")
    finally:
        hub.admin("quota", "set", "bob", "none")


def test_what_this_hub_does_not_run_says_so(hub, alice):
    alice.create_repo("alice/app", repo_type="space", space_sdk="static")
    for words, said in [(("jobs", "ps"), "this hub runs no jobs"), (("jobs", "run", "python:3.12", "true"), "this hub runs no jobs"),
                        (("jobs", "scheduled", "ps"), "this hub runs no jobs"),
                        (("spaces", "restart", "alice/app"), "keeps Spaces and does not run them"),
                        (("spaces", "secrets", "list", "alice/app"), "keeps Spaces and does not run them")]:  # fmt: skip
        done = hf(hub, *words, token=hub.alice)
        assert done.returncode and said in done.stdout + done.stderr, (words, done)
    assert alice.list_spaces_hardware() == alice.list_jobs_hardware() == alice.list_space_templates() == []


def test_administrators_see_what_they_have_set(hub, alice):
    alice.create_repo("alice/known")
    hub.admin("short-name", "set", "known", "alice/known")
    hub.admin("oauth-app", "create", "Wiki", "https://wiki.example.org/callback", "--public")
    hub.admin("login-provider", "set", "office", "--issuer", "https://login.example.org", "--client-id", "hub", "--domains", "example.org")
    assert hub.admin("short-name", "list").stdout == "model\tknown\talice/known\n"
    assert "\tWiki\tpublic\topenid profile\thttps://wiki.example.org/callback\n" in hub.admin("oauth-app", "list").stdout
    assert hub.admin("login-provider", "list").stdout == "office\thttps://login.example.org\thub\texample.org\t\n"
    assert hub.admin("quota", "list", "alice").stdout.startswith("alice\tused ")


def test_a_password_that_nobody_gave_is_asked_for(hub):
    done = hub.admin("user", "create", "nobody", check=False, input="")
    assert done.returncode == 2 and "'Password" in done.stderr and "no terminal" in done.stderr
