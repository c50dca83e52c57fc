"""The Hub's JSON API, driven by the real huggingface_hub: accounts, repositories, commits, downloads, refusals.

Clients that read their settings when imported (HF_ENDPOINT, HF_HUB_DISABLE_XET) run in processes of their own."""
import base64
import hashlib
import json
import subprocess
import sys
import textwrap
import threading
from typing import get_args

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.errors import (BadRequestError, EntryNotFoundError, GatedRepoError, HfHubHTTPError, RemoteEntryNotFoundError,
                                    RepositoryNotFoundError, RevisionNotFoundError)
from huggingface_hub.hf_api import ExpandDatasetProperty_T, ExpandModelProperty_T, ExpandSpaceProperty_T

from conftest import Hub, hearth


@pytest.fixture
def repo(alice, request):
    """A fresh model repository of alice's."""
    name = "alice/" + request.node.name.removeprefix("test_")[:60].strip("_")
    alice.create_repo(name)
    return name


def script(hub, source, token=None, **env):
    """Runs Python that imports the libraries with this hub as their endpoint; what it printed."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=300,
                          env=hub.env(token, **env))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- who ----


def test_whoami_tells_user_and_role(hub, alice):
    me = alice.whoami()
    assert (me["type"], me["name"], me["orgs"]) == ("user", "alice", [])
    assert me["auth"]["accessToken"]["role"] == "write"
    assert HfApi(endpoint=hub.url, token=hub.alice_read).whoami()["auth"]["accessToken"]["role"] == "read"


def test_wrong_token_is_told(hub):
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=hub.url, token="hf_" + "x" * 34).whoami()
    assert caught.value.response.status_code == 401
    assert "Invalid" in str(caught.value)


def test_no_token_is_told(hub):
    status, headers, body = hub.call("GET", "/api/whoami-v2")
    assert status == 401 and json.loads(body)["error"]
    status, _, body = hub.call("POST", "/api/repos/create", {"name": "x"})
    assert status == 401 and json.loads(body)["error"]


# ---- repositories ----


def test_create_repo_and_exist_ok(hub, alice):
    made = alice.create_repo("alice/made", private=True)
    assert str(made) == hub.url + "/alice/made" and made.repo_id == "alice/made"
    assert alice.create_repo("alice/made", exist_ok=True).repo_id == "alice/made"
    assert alice.create_repo("ALICE/Made", exist_ok=True).repo_id == "alice/made"
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_repo("alice/made")
    assert caught.value.response.status_code == 409
    assert alice.repo_exists("alice/made") and not alice.repo_exists("alice/unmade")
    assert alice.create_repo("short").repo_id == "alice/short"


def test_datasets_and_spaces_have_names_of_their_own(hub, alice):
    for kind, extra in (("model", {}), ("dataset", {}), ("space", {"space_sdk": "gradio"})):
        made = alice.create_repo("alice/same", repo_type=kind, **extra)
        assert (made.repo_type, made.repo_id) == (kind, "alice/same")
        alice.upload_file(path_or_fileobj=kind.encode(), path_in_repo="kind.txt", repo_id="alice/same", repo_type=kind)
    assert alice.dataset_info("alice/same").id == "alice/same"
    assert alice.space_info("alice/same").sdk == "gradio"
    assert [d.id for d in alice.list_datasets(author="alice")] == ["alice/same"]
    assert [s.id for s in alice.list_spaces(author="alice")] == ["alice/same"]


def test_create_under_another_name_is_forbidden(bob):
    with pytest.raises(HfHubHTTPError) as caught:
        bob.create_repo("alice/not-mine")
    assert caught.value.response.status_code == 403


def test_bad_names_are_refused(hub):
    for name in ("a--b", "-a", "x.git", "a b", "..", "a/b/c", ""):
        status, _, body = hub.call("POST", "/api/repos/create", {"name": name}, token=hub.alice)
        assert status == 400, name
        assert json.loads(body)["error"]


def test_settings_change_who_sees_it(alice, bob, anyone, repo):
    alice.update_repo_settings(repo, private=True)
    assert alice.model_info(repo).private is True
    for api in (bob, anyone):
        with pytest.raises(RepositoryNotFoundError):
            api.model_info(repo)
        with pytest.raises(RepositoryNotFoundError):
            api.list_repo_files(repo)
    assert repo not in [m.id for m in anyone.list_models()]
    assert repo in [m.id for m in alice.list_models(author="alice")]
    alice.update_repo_settings(repo, visibility="public", gated="manual")
    assert anyone.model_info(repo).gated == "manual"
    alice.update_repo_settings(repo, gated=False)
    assert anyone.model_info(repo).gated is False


def test_delete_repo(alice, bob, repo):
    with pytest.raises(HfHubHTTPError):
        bob.delete_repo(repo)
    assert alice.repo_exists(repo)
    alice.delete_repo(repo)
    with pytest.raises(RepositoryNotFoundError):
        alice.model_info(repo)
    with pytest.raises(RepositoryNotFoundError):
        alice.delete_repo(repo)
    alice.delete_repo(repo, missing_ok=True)


def test_move_repo_keeps_the_old_address(alice, repo):
    alice.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo)
    alice.move_repo(repo, "alice/moved-here")
    assert alice.model_info("alice/moved-here").id == "alice/moved-here"
    assert alice.model_info(repo).id == "alice/moved-here"


def test_short_names_lead_to_a_repository(hub, alice, anyone, repo, tmp_path):
    alice.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id=repo)
    hub.admin("short-name", "set", "tiny-name", repo)
    assert anyone.model_info("tiny-name").id == repo
    with open(anyone.hf_hub_download("tiny-name", "config.json", cache_dir=tmp_path)) as file:
        assert file.read() == "{}"
    hub.admin("short-name", "rm", "tiny-name")
    with pytest.raises(RepositoryNotFoundError):
        anyone.model_info("tiny-name")
    assert hub.admin("short-name", "rm", "tiny-name", check=False).returncode == 4


def test_a_protected_space_shows_its_code_to_its_own_people_alone(hub, alice, bob):
    alice.create_repo("alice/shielded", repo_type="space", space_sdk="static", visibility="protected")
    mine = lambda: {r.id: r.visibility for r in alice.list_user_repos()}["alice/shielded"]
    assert mine() == "protected" and not bob.repo_exists("alice/shielded", repo_type="space")
    assert alice.duplicate_repo("alice/shielded", "alice/shielded-too", repo_type="space").repo_id == "alice/shielded-too"
    assert not bob.repo_exists("alice/shielded-too", repo_type="space")
    alice.update_repo_settings("alice/shielded", repo_type="space", visibility="public")
    assert mine() == "public" and bob.repo_exists("alice/shielded", repo_type="space")
    alice.update_repo_settings("alice/shielded", repo_type="space", visibility="protected")
    assert mine() == "protected" and not bob.repo_exists("alice/shielded", repo_type="space")
    alice.update_repo_settings("alice/shielded", repo_type="space", private=True)
    assert mine() == "private"
    status, _, body = hub.call("POST", "/api/repos/create", {"name": "m", "visibility": "protected"}, hub.alice)
    assert status == 400 and b"protected is for Spaces" in body


def test_a_space_that_does_not_run_says_so(alice, request):
    name = f"alice/{request.node.name[:40]}"
    alice.create_repo(name, repo_type="space", space_sdk="static")
    assert alice.space_info(name, expand=["runtime", "resourceGroup"]).runtime.stage == "STOPPED"
    assert alice.space_info(name).runtime.hardware is None


def test_a_private_repository_and_an_absent_one_look_the_same(hub, alice):
    alice.create_repo("alice/hidden", private=True)
    for token in (None, hub.bob):
        answers = [hub.call("GET", f"/api/models/alice/{name}", token=token) for name in ("hidden", "absent")]
        assert answers[0][0] == answers[1][0] == (404 if token else 401)
        assert answers[0][2] == answers[1][2]
        assert all(a[1]["X-Error-Code"] == "RepoNotFound" for a in answers)


def test_rights_are_checked_on_every_write(hub, alice, repo):
    body = b'{"key": "header", "value": {"summary": "x"}}\n{"key": "file", "value": {"path": "x", "content": "eA==", "encoding": "base64"}}\n'
    calls = [("POST", f"/api/models/{repo}/commit/main", body), ("POST", f"/api/models/{repo}/preupload/main", {"files": []}),
             ("PUT", f"/api/models/{repo}/settings", {"private": True}), ("POST", f"/api/models/{repo}/branch/b", {}),
             ("POST", f"/api/models/{repo}/tag/main", {"tag": "t"}), ("DELETE", f"/api/models/{repo}/branch/main", None),
             ("DELETE", "/api/repos/delete", {"name": repo}), ("POST", "/api/repos/move", {"fromRepo": repo, "toRepo": "bob/x"})]
    head = alice.model_info(repo).sha
    for method, path, payload in calls:
        assert hub.call(method, path, payload)[0] == 401, path
        assert hub.call(method, path, payload, token=hub.bob)[0] == 403, path
        assert hub.call(method, path, payload, token=hub.alice_read)[0] == 403, path
    assert alice.model_info(repo).sha == head


# ---- files ----


def test_upload_file_and_read_it_back(alice, repo, tmp_path):
    done = alice.upload_file(path_or_fileobj=b'{"a": 1}', path_in_repo="deep/er/config.json", repo_id=repo, commit_message="one",
                             commit_description="why")
    assert done.commit_message == "one" and done.oid == alice.model_info(repo).sha
    assert alice.list_repo_files(repo) == [".gitattributes", "deep/er/config.json"]
    commits = alice.list_repo_commits(repo)
    assert [c.title for c in commits] == ["one", "initial commit"]
    assert (commits[0].authors, commits[0].message) == (["alice"], "why")
    path = alice.hf_hub_download(repo, "deep/er/config.json", cache_dir=tmp_path)
    assert open(path, "rb").read() == b'{"a": 1}'
    assert alice.file_exists(repo, "deep/er/config.json") and not alice.file_exists(repo, "deep/er")


def test_upload_folder_of_many_files(alice, repo, tmp_path):
    source = tmp_path / "source"
    for i in range(300):
        (source / f"d{i % 7}").mkdir(parents=True, exist_ok=True)
        (source / f"d{i % 7}" / f"{i}.txt").write_text(f"file {i}\n")
    alice.upload_folder(folder_path=source, repo_id=repo)
    assert len(alice.list_repo_files(repo)) == 301
    copy = snapshot_download(repo, endpoint=alice.endpoint, token=alice.token, cache_dir=tmp_path / "cache", allow_patterns="d3/*")
    found = {p.name: p.read_text() for p in (tmp_path / "cache").glob("**/snapshots/*/d3/*")}
    assert found == {f"{i}.txt": f"file {i}\n" for i in range(3, 300, 7)} and copy


def test_tree_tells_sizes_hashes_and_last_commits(alice, repo):
    alice.create_commit(repo, [CommitOperationAdd("a.txt", b"one"), CommitOperationAdd("d/b.txt", b"two")], commit_message="first")
    alice.upload_file(path_or_fileobj=b"three", path_in_repo="d/b.txt", repo_id=repo, commit_message="second")
    tree = {e.path: e for e in alice.list_repo_tree(repo, recursive=True, expand=True)}
    assert set(tree) == {".gitattributes", "a.txt", "d", "d/b.txt"}
    assert (tree["a.txt"].size, tree["a.txt"].last_commit.title) == (3, "first")
    assert tree["a.txt"].blob_id == hashlib.sha1(b"blob 3\0one").hexdigest()
    assert tree["d/b.txt"].last_commit.title == "second" == tree["d"].last_commit.title
    assert [e.path for e in alice.list_repo_tree(repo, "d")] == ["d/b.txt"]
    assert [e.path for e in alice.get_paths_info(repo, ["a.txt", "absent", "d"])] == ["a.txt", "d"]
    with pytest.raises(EntryNotFoundError):
        list(alice.list_repo_tree(repo, "absent"))
    info = alice.model_info(repo, files_metadata=True)
    assert {s.rfilename: s.size for s in info.siblings}["d/b.txt"] == 5


def test_tree_comes_in_pages(hub, alice, repo):
    alice.create_commit(repo, [CommitOperationAdd(f"{i:03}.txt", b"x") for i in range(25)], commit_message="many")
    path, seen = f"/api/models/{repo}/tree/main?limit=10", []
    while path:
        status, headers, body = hub.call("GET", path)
        assert status == 200
        seen += [e["path"] for e in json.loads(body)]
        link = headers.get("Link")
        path = link[1:link.index(">")].removeprefix(hub.url) if link else None
    assert seen == [".gitattributes"] + [f"{i:03}.txt" for i in range(25)]


def test_delete_files_and_folders(alice, repo):
    alice.create_commit(repo, [CommitOperationAdd(p, b"x") for p in ("a.txt", "d/1.txt", "d/2.txt")], commit_message="add")
    alice.delete_folder("d", repo)
    alice.delete_file("a.txt", repo)
    assert alice.list_repo_files(repo) == [".gitattributes"]
    with pytest.raises(EntryNotFoundError):
        alice.delete_file("a.txt", repo)


def test_branches_and_tags(alice, repo):
    alice.upload_file(path_or_fileobj=b"1", path_in_repo="x", repo_id=repo)
    alice.create_branch(repo, branch="feature/one")
    alice.upload_file(path_or_fileobj=b"2", path_in_repo="x", repo_id=repo, revision="feature/one")
    alice.create_tag(repo, tag="v1", tag_message="first")
    refs = alice.list_repo_refs(repo)
    assert {b.name for b in refs.branches} == {"main", "feature/one"} and [t.name for t in refs.tags] == ["v1"]
    assert refs.tags[0].target_commit == alice.model_info(repo).sha != alice.model_info(repo, revision="feature/one").sha
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_branch(repo, branch="feature/one")
    assert caught.value.response.status_code == 409
    alice.create_branch(repo, branch="feature/one", exist_ok=True)
    alice.create_tag(repo, tag="v1", exist_ok=True)
    alice.delete_branch(repo, branch="feature/one")
    alice.delete_tag(repo, tag="v1")
    assert [b.name for b in alice.list_repo_refs(repo).branches] == ["main"]


def test_revisions_and_short_hashes_download(alice, repo, tmp_path):
    old = alice.upload_file(path_or_fileobj=b"old", path_in_repo="x.txt", repo_id=repo).oid
    alice.upload_file(path_or_fileobj=b"new", path_in_repo="x.txt", repo_id=repo)
    read = lambda revision: open(alice.hf_hub_download(repo, "x.txt", revision=revision, cache_dir=tmp_path)).read()
    assert (read("main"), read(old), read(old[:8])) == ("new", "old", "old")


def test_typed_errors(alice, repo, tmp_path):
    with pytest.raises(RepositoryNotFoundError):
        alice.hf_hub_download("alice/nothing-here", "x", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        alice.hf_hub_download(repo, ".gitattributes", revision="nope", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        alice.model_info(repo, revision="nope")
    with pytest.raises(RemoteEntryNotFoundError):
        alice.hf_hub_download(repo, "nope.txt", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        alice.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo, revision="nope")


def test_gated_content_needs_a_right_metadata_does_not(hub, alice, bob, anyone, repo, tmp_path):
    alice.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo)
    alice.update_repo_settings(repo, gated="auto")
    for api in (bob, anyone):
        assert "x.txt" in [s.rfilename for s in api.model_info(repo).siblings]
        with pytest.raises(GatedRepoError):
            api.hf_hub_download(repo, "x.txt", cache_dir=tmp_path / "other")
    assert alice.hf_hub_download(repo, "x.txt", cache_dir=tmp_path / "own")


def test_same_content_again_makes_no_commit(alice, repo):
    first = alice.upload_file(path_or_fileobj=b"same", path_in_repo="x", repo_id=repo)
    second = alice.upload_file(path_or_fileobj=b"same", path_in_repo="x", repo_id=repo)
    assert first.oid == second.oid and len(alice.list_repo_commits(repo)) == 2


def test_cards_fill_the_index(alice, anyone, repo):
    card = "---\nlicense: apache-2.0\nlanguage: [en, no]\ntags: [tiny]\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n# Hi\n"
    alice.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=repo)
    info = anyone.model_info(repo)
    assert (info.pipeline_tag, info.library_name) == ("text-generation", "transformers")
    assert info.card_data.license == "apache-2.0" and info.card_data.language == ["en", "no"]
    assert {"tiny", "license:apache-2.0", "en", "no", "transformers"} <= set(info.tags)
    for query in ({"filter": ["tiny", "license:apache-2.0"]}, {"pipeline_tag": "text-generation"}, {"search": repo[-12:].upper()}, {"author": "alice"}):
        assert repo in [m.id for m in anyone.list_models(**query)], query
    assert repo not in [m.id for m in anyone.list_models(filter=["tiny", "fr"])]
    assert anyone.model_info(repo, expand=["likes", "cardData"]).likes == 0


def test_every_property_that_the_client_knows_can_be_asked_for(alice):
    for kind, known, info in (("model", ExpandModelProperty_T, alice.model_info), ("dataset", ExpandDatasetProperty_T, alice.dataset_info),
                              ("space", ExpandSpaceProperty_T, alice.space_info)):
        alice.create_repo("alice/expanded", repo_type=kind, space_sdk="static" if kind == "space" else None)
        assert info("alice/expanded", expand=list(get_args(known))).author == "alice"
        with pytest.raises(BadRequestError):
            info("alice/expanded", expand=["nonsense"])


def test_a_broken_card_is_refused_before_and_in_the_commit(hub, alice, repo):
    with pytest.raises(ValueError, match="Invalid metadata"):
        alice.upload_file(path_or_fileobj=b"---\na: [1\n---\n", path_in_repo="README.md", repo_id=repo)
    content = base64.b64encode(b"---\na: [1\n---\n").decode()
    status, _, body = commit(hub, repo, {"key": "file", "value": {"path": "README.md", "content": content, "encoding": "base64"}})
    assert status == 400 and b"README.md" in body


def test_lists_sort_and_page(hub, alice, anyone):
    for i in range(5):
        alice.create_repo(f"alice/paged-{i}")
    listed = [m.id for m in anyone.list_models(search="paged-", sort="created_at")]
    assert listed == [f"alice/paged-{i}" for i in (4, 3, 2, 1, 0)]
    path, seen = "/api/models?search=paged-&sort=createdAt&limit=2", []
    while path:
        _, headers, body = hub.call("GET", path)
        seen += [m["id"] for m in json.loads(body)]
        link = headers.get("Link")
        path = link[1:link.index(">")].removeprefix(hub.url) if link else None
    assert seen == listed
    assert hub.call("GET", "/api/models?sort=nonsense")[0] == 400


# ---- bad input ----


def commit(hub, repo, *lines, token=None, **header):
    text = json.dumps({"key": "header", "value": {"summary": "x", **header}})
    for line in lines:
        text += "\n" + (line if isinstance(line, str) else json.dumps(line))
    return hub.call("POST", f"/api/models/{repo}/commit/main", text.encode(), token=token or hub.alice,
                    headers={"Content-Type": "application/x-ndjson"})


def file_line(path, content=b"x"):
    return {"key": "file", "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}}


@pytest.mark.parametrize("path", ["../escape", "/etc/passwd", "a/../../b", ".git/hooks/update", "a/.GIT/x", "a//b", "", "a\u0000b", "..\\b"])
def test_paths_that_climb_are_refused_and_nothing_is_committed(hub, alice, path):
    alice.create_repo("alice/climb", exist_ok=True)
    head = alice.model_info("alice/climb").sha
    status, _, body = commit(hub, "alice/climb", file_line("fine.txt"), file_line(path))
    assert status == 422 and json.loads(body)["error"]
    assert alice.model_info("alice/climb").sha == head
    assert not list(hub.folder.glob("**/escape"))


@pytest.mark.parametrize("path", ["/api/models/alice/x/tree/main/..%2F..%2Fetc", "/api/models/..%2F..%2Fetc/passwd", "/api/models/alice/..%2Fx",
                                  "/alice/x/resolve/main/..%2F..%2F..%2Fhearth.db", "/alice/x/resolve/main/%2Fetc%2Fpasswd"])
def test_reading_cannot_climb(hub, alice, path):
    alice.create_repo("alice/x", exist_ok=True)
    status, _, body = hub.call("GET", path, token=hub.alice)
    assert status in (400, 404) and json.loads(body)["error"]


def test_malformed_commits_are_refused(hub, alice, repo):
    head = alice.model_info(repo).sha
    bad = ["{not json", '{"key": "unknown", "value": {}}', '{"key": "file", "value": {"path": "x", "content": "%%%", "encoding": "base64"}}',
           '{"key": "lfsFile", "value": {"path": "x", "algo": "sha256", "oid": "zz"}}', "[]", '"x"',
           json.dumps({"key": "lfsFile", "value": {"path": "x", "algo": "sha256", "oid": "0" * 64, "size": 1}})]
    for line in bad:
        status, _, body = commit(hub, repo, line)
        assert status == 400 and json.loads(body)["error"], line
    assert commit(hub, repo, file_line("x"), parentCommit="0" * 40)[0] == 412
    status, _, _ = hub.call("POST", f"/api/models/{repo}/commit/main", b"", token=hub.alice)
    assert status == 400
    assert alice.model_info(repo).sha == head


def test_another_users_stored_file_cannot_be_named(hub, alice, bob):
    """Knowing a hash is not a right: bob may not commit a pointer to what only alice's private repository holds."""
    alice.create_repo("alice/vault", private=True)
    secret = b"\0secret weights" * 100
    upload = f"""
        import io
        from huggingface_hub import HfApi
        HfApi().upload_file(path_or_fileobj={secret!r}, path_in_repo="w.bin", repo_id="alice/vault")
    """
    script(hub, upload, token=hub.alice, HF_HUB_DISABLE_XET="1")
    oid = hashlib.sha256(secret).hexdigest()
    bob.create_repo("bob/thief")
    line = {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": oid, "size": len(secret)}}
    assert commit(hub, "bob/thief", line, token=hub.bob)[0] == 400
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(secret)}\n".encode()
    assert commit(hub, "bob/thief", file_line("w.bin", pointer), token=hub.bob)[0] == 400
    assert commit(hub, "alice/vault", {**line, "value": {**line["value"], "path": "again.bin"}})[0] == 200


def test_two_commits_at_once_from_one_parent(alice, repo):
    for round in range(3):
        parent = alice.model_info(repo).sha
        outcomes, barrier = [], threading.Barrier(2)

        def write(n):
            barrier.wait()
            try:
                alice.create_commit(repo, [CommitOperationAdd("race.txt", f"{round} {n}".encode())], commit_message=f"writer {n}",
                                    parent_commit=parent)
                outcomes.append(200)
            except HfHubHTTPError as error:
                outcomes.append(error.response.status_code)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert sorted(outcomes) == [200, 412]
    assert len(alice.list_repo_commits(repo)) == 4


# ---- big files ----


def test_large_files_through_lfs(hub, alice, repo, tmp_path):
    weights = bytes(range(256)) * 50_000  # 12.8 MB
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    script(hub, f"""
        from huggingface_hub import HfApi, hf_hub_download
        HfApi().upload_folder(folder_path={str(tmp_path)!r}, repo_id={repo!r})
        path = hf_hub_download({repo!r}, "model.safetensors")
        assert open(path, "rb").read() == bytes(range(256)) * 50_000
    """, token=hub.alice, HF_HUB_DISABLE_XET="1")
    (file,) = alice.get_paths_info(repo, "model.safetensors")
    assert (file.size, file.lfs.sha256) == (len(weights), hashlib.sha256(weights).hexdigest())
    # The same content again needs no second upload, and costs no second copy.
    script(hub, f"""
        from huggingface_hub import HfApi
        HfApi().upload_file(path_or_fileobj={str(tmp_path / "model.safetensors")!r}, path_in_repo="copy.bin", repo_id={repo!r})
    """, token=hub.alice, HF_HUB_DISABLE_XET="1")
    stored = [p for p in (hub.folder / "data/objects/sha256").glob("*/*/*") if p.stat().st_size == len(weights)]
    assert len(stored) == 1


MAKE_TINY = """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    torch.manual_seed(0)
    vocab = {{w: i for i, w in enumerate(["<unk>", "hello", "world", "a", "b"])}}
    words = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
    model = LlamaForCausalLM(LlamaConfig(vocab_size=5, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                                         num_key_value_heads=1))
"""


def test_transformers_pushes_and_loads(hub, repo):
    """push_to_hub, then from_pretrained in the same words as always; weights through LFS."""
    script(hub, MAKE_TINY.format() + f"""
    model.push_to_hub({repo!r})
    tokenizer.push_to_hub({repo!r})
    again = AutoModelForCausalLM.from_pretrained({repo!r})
    words_again = AutoTokenizer.from_pretrained({repo!r})
    ids = words_again("hello world a b", return_tensors="pt").input_ids
    assert ids.tolist() == tokenizer("hello world a b", return_tensors="pt").input_ids.tolist()
    assert torch.equal(model(ids).logits, again(ids).logits)
    """, token=hub.alice, HF_HUB_DISABLE_XET="1")


def test_model_info_counts_parameters(hub, alice, repo, tmp_path):
    count = script(hub, MAKE_TINY.format() + f"""
    model.save_pretrained({str(tmp_path)!r})
    from huggingface_hub import HfApi
    HfApi().upload_folder(folder_path={str(tmp_path)!r}, repo_id={repo!r})
    print(sum(p.numel() for p in model.parameters()))
    """, token=hub.alice, HF_HUB_DISABLE_XET="1")
    info = alice.model_info(repo)
    assert info.safetensors.total == int(count.split()[-1]) and set(info.safetensors.parameters) == {"F32"}
    assert (info.pipeline_tag, info.library_name) == ("text-generation", "transformers")
    assert info.transformers_info.auto_model == "AutoModelForCausalLM"


def test_gguf_header_reaches_model_info(hub, alice, repo, smollm2):
    script(hub, f"""
    from huggingface_hub import HfApi
    HfApi().upload_file(path_or_fileobj={str(smollm2)!r}, path_in_repo="model.gguf", repo_id={repo!r})
    """, token=hub.alice, HF_HUB_DISABLE_XET="1")
    info = alice.model_info(repo)
    assert info.gguf["architecture"] == "llama" and info.gguf["total"] > 100_000_000
    assert "gguf" in info.tags


# ---- the machine fails ----


class SmallDisk(Hub):
    """A hub whose data folder is a file system of `megabytes`, in a mount namespace of its own."""

    def __init__(self, folder, megabytes):
        super().__init__(folder)
        data = self.folder / "data"
        data.mkdir(parents=True)
        self.prefix = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size={megabytes}m none "$0" && exec "$@"', str(data)]

    def inside(self, *words):
        return ["nsenter", "--target", str(self.process.pid), "--mount", *map(str, words)]

    def run(self, *words, token=None, check=True, **kwargs):
        done = subprocess.run(self.inside(hearth, *words), capture_output=True, text=True, timeout=60, env=self.env(token), **kwargs)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


def test_a_full_disk_commits_nothing_and_harms_nothing(tmp_path):
    hub = SmallDisk(tmp_path / "small", megabytes=24)
    hub.start()
    try:
        api = HfApi(endpoint=hub.url, token=hub.user("alice"))
        api.create_repo("alice/full")
        head = api.upload_file(path_or_fileobj=b"kept", path_in_repo="kept.txt", repo_id="alice/full").oid
        noise = hashlib.shake_128(b"noise").digest(5_000_000)
        # Incompressible: the disk is full before the last of these is there.
        codes = []
        for i in range(8):
            status, _, body = hub.call("POST", "/api/models/alice/full/commit/main",
                                       "\n".join(json.dumps(line) for line in
                                                 ({"key": "header", "value": {"summary": f"noise {i}"}},
                                                  file_line(f"{i}.bin", noise + bytes([i])), file_line(f"{i}.txt"))).encode(), token=api.token)
            codes.append(status)
            if status == 200:
                head = json.loads(body)["commitOid"]
            else:
                assert json.loads(body)["error"]
        assert 507 in codes and set(codes) <= {200, 507}
        assert api.model_info("alice/full").sha == head
        files = api.list_repo_files("alice/full")
        assert {f.split(".")[0] for f in files if f.endswith(".bin")} == {f.split(".")[0] for f in files if f.endswith(".txt")} - {"kept"}
        subprocess.run(hub.inside("mount", "-o", "remount,size=200m", hub.folder / "data"), check=True)
        assert api.upload_file(path_or_fileobj=b"room again", path_in_repo="after.txt", repo_id="alice/full").oid
        assert subprocess.run(hub.inside("git", "-C", hub.folder / "data/repos/models/1.git", "fsck"), capture_output=True).returncode == 0
    finally:
        hub.stop()


def test_kill_keeps_every_acknowledged_commit(make_hub):
    hub = make_hub()
    api = HfApi(endpoint=hub.url, token=hub.user("alice"))
    api.create_repo("alice/killed")
    acknowledged, stop = [], threading.Event()

    def write(n):
        for i in range(1000):
            try:
                status, _, body = commit(hub, "alice/killed", file_line(f"{n}-{i}.txt", f"{n} {i}".encode()), token=api.token)
            except OSError:
                return
            if status == 200:
                acknowledged.append((f"{n}-{i}.txt", json.loads(body)["commitOid"]))
            if len(acknowledged) >= 20:
                stop.set()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    [t.start() for t in threads]
    assert stop.wait(60)
    hub.kill()
    [t.join() for t in threads]
    hub.start()
    files = set(api.list_repo_files("alice/killed"))
    history = {c.commit_id for c in api.list_repo_commits("alice/killed")}
    for path, oid in acknowledged:
        assert path in files and oid in history
    repository = hub.folder / "data/repos/models/1.git"
    assert subprocess.run(["git", "-C", repository, "fsck", "--strict"], capture_output=True).returncode == 0
    assert api.upload_file(path_or_fileobj=b"x", path_in_repo="after.txt", repo_id="alice/killed").oid
