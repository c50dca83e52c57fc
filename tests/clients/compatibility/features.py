"""What a version of huggingface_hub is asked to do with a hub: each function is a feature, each prints one JSON line
{"feature", "result"} where the result is "ok", "-" (this version has no such call) or the error.

Run by test_compatibility.py in processes of their own, with the version on PYTHONPATH, HF_ENDPOINT, HF_TOKEN and
OTHER_TOKEN set; the folder to work in is the argument."""
import io
import json
import os
import pathlib
import random
import sys

import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, HfFileSystem

folder = pathlib.Path(sys.argv[1])
label = sys.argv[2]
api, other = HfApi(token=os.environ["HF_TOKEN"]), HfApi(token=os.environ["OTHER_TOKEN"])
me = api.whoami()["name"]
repo = f"{me}/compat-{label}"
large = random.Random(label).randbytes(3_000_000)
features = []


def feature(function):
    features.append(function)
    return function


def raises(action, *kinds):
    try:
        action()
    except Exception as error:
        assert type(error).__name__ in kinds, f"{type(error).__name__}: {error}"
        return
    raise AssertionError(f"no {kinds}")


@feature
def create_repo():
    url = api.create_repo(repo)
    assert url.repo_id == repo
    assert api.create_repo(repo, exist_ok=True).repo_id == repo
    assert api.repo_exists(repo) and not api.repo_exists(repo + "-absent")


@feature
def upload_small():
    api.upload_file(path_or_fileobj=b"# Title\n", path_in_repo="README.md", repo_id=repo)
    (folder / "a.json").write_text('{"model_type": "llama"}')
    api.upload_file(path_or_fileobj=str(folder / "a.json"), path_in_repo="config.json", repo_id=repo)
    assert pathlib.Path(api.hf_hub_download(repo, "config.json")).read_text() == '{"model_type": "llama"}'


@feature
def upload_large():
    (folder / "large.bin").write_bytes(large)
    api.upload_file(path_or_fileobj=str(folder / "large.bin"), path_in_repo="large.bin", repo_id=repo)
    assert pathlib.Path(api.hf_hub_download(repo, "large.bin")).read_bytes() == large


@feature
def upload_stream():
    api.upload_file(path_or_fileobj=io.BytesIO(large[::-1]), path_in_repo="stream.bin", repo_id=repo)
    assert pathlib.Path(api.hf_hub_download(repo, "stream.bin")).read_bytes() == large[::-1]


@feature
def upload_folder():
    tree = folder / "tree"
    (tree / "sub").mkdir(parents=True)
    for i in range(30):
        (tree / "sub" / f"{i}.txt").write_text(f"file {i}\n" * i)
    (tree / "weights.bin").write_bytes(large[:1_000_000] + b"x")
    api.upload_folder(folder_path=str(tree), repo_id=repo, path_in_repo="tree")
    assert len([f for f in api.list_repo_files(repo) if f.startswith("tree/")]) == 31


@feature
def upload_large_folder():
    tree = folder / "many"
    tree.mkdir()
    for i in range(5):
        (tree / f"{i}.bin").write_bytes(random.Random(f"{label}{i}").randbytes(200_000))
    target = repo + "-many"
    api.upload_large_folder(folder_path=str(tree), repo_id=target, repo_type="model", print_report=False)
    assert len(api.list_repo_files(target)) == 6


@feature
def snapshot_download():
    path = pathlib.Path(api.snapshot_download(repo, cache_dir=str(folder / "cache")))
    assert (path / "large.bin").read_bytes() == large and (path / "tree/sub/3.txt").read_text() == "file 3\n" * 3


@feature
def tree_and_paths():
    names = {entry.path for entry in api.list_repo_tree(repo, recursive=True)}
    assert {"large.bin", "tree", "tree/sub", "tree/sub/7.txt"} <= names
    (info,) = api.get_paths_info(repo, ["large.bin"], expand=True)
    assert info.size == len(large) and info.lfs.size == len(large) and info.last_commit.title


@feature
def repo_info():
    info = api.model_info(repo, files_metadata=True)
    assert {s.rfilename: s.size for s in info.siblings}["large.bin"] == len(large)
    assert api.model_info(repo, expand=["likes", "tags"]).likes == 0


@feature
def list_models():
    assert repo in {model.id for model in api.list_models(search=f"compat-{label}", author=me)}


@feature
def commits():
    done = api.create_commit(repo, operations=[
        CommitOperationAdd("new.txt", b"new"), CommitOperationDelete("config.json"),
        CommitOperationCopy("large.bin", "copy.bin")], commit_message="three at once")
    files = api.list_repo_files(repo)
    assert "new.txt" in files and "copy.bin" in files and "config.json" not in files
    assert api.list_repo_commits(repo)[0].commit_id == done.oid
    raises(lambda: api.create_commit(repo, operations=[CommitOperationAdd("x", b"x")], commit_message="late",
                                     parent_commit=api.list_repo_commits(repo)[1].commit_id), "HfHubHTTPError")  # fmt: skip


@feature
def branches_and_tags():
    api.create_branch(repo, branch="dev")
    api.create_tag(repo, tag="v1", tag_message="first")
    api.upload_file(path_or_fileobj=b"dev", path_in_repo="dev.txt", repo_id=repo, revision="dev")
    refs = api.list_repo_refs(repo)
    assert {b.name for b in refs.branches} == {"main", "dev"} and [t.name for t in refs.tags] == ["v1"]
    assert api.file_exists(repo, "dev.txt", revision="dev") and not api.file_exists(repo, "dev.txt")
    api.delete_tag(repo, tag="v1")
    api.delete_branch(repo, branch="dev")
    raises(lambda: api.model_info(repo, revision="dev"), "RevisionNotFoundError")


@feature
def pull_requests():
    done = api.upload_file(path_or_fileobj=b"pr", path_in_repo="pr.txt", repo_id=repo, create_pr=True)
    assert done.pr_num and done.pr_revision == f"refs/pr/{done.pr_num}"
    assert api.file_exists(repo, "pr.txt", revision=done.pr_revision) and not api.file_exists(repo, "pr.txt")
    api.merge_pull_request(repo, done.pr_num)
    assert api.file_exists(repo, "pr.txt")


@feature
def discussions():
    made = other.create_discussion(repo, "A question", description="How?")
    api.comment_discussion(repo, made.num, "Like this.")
    api.change_discussion_status(repo, made.num, "closed")
    details = api.get_discussion_details(repo, made.num)
    assert details.status == "closed" and [e.type for e in details.events].count("comment") == 2
    assert "A question" in {d.title for d in api.get_repo_discussions(repo)}


@feature
def delete_files():
    api.delete_file("new.txt", repo)
    api.delete_folder("tree/sub", repo)
    assert not [f for f in api.list_repo_files(repo) if f.startswith("tree/sub") or f == "new.txt"]


@feature
def file_system():
    fs = HfFileSystem(token=os.environ["HF_TOKEN"])
    with fs.open(f"{repo}/fs.txt", "w") as f:
        f.write("through the file system")
    assert fs.cat_file(f"{repo}/fs.txt") == b"through the file system"
    with fs.open(f"{repo}/large.bin", "rb") as f:
        f.seek(1_234_567)
        assert f.read(1000) == large[1_234_567:1_235_567]
    assert f"{repo}/large.bin" in fs.ls(repo, detail=False)


@feature
def settings_and_access():
    api.update_repo_settings(repo, gated="manual")
    raises(lambda: other.hf_hub_download(repo, "large.bin", cache_dir=str(folder / "other")), "GatedRepoError", "LocalEntryNotFoundError")
    api.grant_access(repo, other.whoami()["name"])
    other.hf_hub_download(repo, "large.bin", cache_dir=str(folder / "other"))
    api.update_repo_settings(repo, gated=False, private=True)
    raises(lambda: other.model_info(repo), "RepositoryNotFoundError")
    api.update_repo_settings(repo, private=False)


@feature
def collections():
    made = api.create_collection(f"compat {label}")
    api.add_collection_item(made.slug, item_id=repo, item_type="model", note="here")
    assert [item.item_id for item in api.get_collection(made.slug).items] == [repo]
    api.delete_collection(made.slug)


@feature
def webhooks():
    hook = api.create_webhook(url="http://127.0.0.1:9/hook", watched=[{"type": "user", "name": me}])
    assert hook.id in {h.id for h in api.list_webhooks()}
    api.delete_webhook(hook.id)


@feature
def card():
    if huggingface_hub.__version__.startswith(("0.", "1.")):
        raise AttributeError("'HfApi' object: these versions validate cards at huggingface.co itself, whatever HF_ENDPOINT says")
    huggingface_hub.ModelCard("---\nlicense: mit\ntags: [compat]\n---\n# Card\n").push_to_hub(repo, token=os.environ["HF_TOKEN"])
    assert api.model_info(repo).card_data.license == "mit"


@feature
def squash():
    api.super_squash_history(repo)
    assert len(api.list_repo_commits(repo)) == 1
    assert pathlib.Path(api.hf_hub_download(repo, "large.bin", force_download=True)).read_bytes() == large


@feature
def move():
    api.move_repo(repo, repo + "-moved")
    assert api.model_info(repo + "-moved").id == repo + "-moved"
    assert api.model_info(repo).id == repo + "-moved"  # the old name leads there


@feature
def buckets():
    bucket = api.create_bucket(f"compat-{label}").bucket_id
    api.batch_bucket_files(bucket, add=[(large[:500_000], "a/b.bin"), (b"small", "c.txt")])
    assert {f.path for f in api.list_bucket_tree(bucket)} == {"a/b.bin", "c.txt"}
    api.download_bucket_files(bucket, [("a/b.bin", str(folder / "b.bin"))])
    assert (folder / "b.bin").read_bytes() == large[:500_000]
    api.delete_bucket(bucket)


@feature
def delete_repo():
    api.delete_repo(repo + "-moved")
    raises(lambda: api.model_info(repo + "-moved"), "RepositoryNotFoundError")


for one in features:
    try:
        one()
        result = "ok"
    except AttributeError as error:
        result = "-" if "'HfApi' object" in str(error) else repr(error)
    except TypeError as error:
        result = "-" if "unexpected keyword argument" in str(error) else repr(error)
    except Exception as error:
        result = f"{type(error).__name__}: {error}"[:2000]
    print(json.dumps({"feature": one.__name__, "result": result}), flush=True)
