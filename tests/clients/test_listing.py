"""Lists, searches and filters, asked by the real huggingface_hub: what its published tests expect of the Hub
(list_models, list_datasets, list_spaces, expand, tags by type), on a hub of our own with known repositories."""
import json
import struct
import time
from types import SimpleNamespace

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

LLAMA = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
BERT = json.dumps({"architectures": ["BertForMaskedLM"], "model_type": "bert"})


def safetensors(parameters):
    """A safetensors file of one F32 tensor with that many parameters, with no bytes for them but zeros."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [parameters], "data_offsets": [0, 4 * parameters]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4 * parameters)


MODELS = {
    "alice/tiny-llama": {"README.md": "---\nlicense: mit\nlanguage: en\ndatasets: [alice/reviews]\npipeline_tag: text-generation\n"
                                      "co2_eq_emissions: 12.5\n---\n# Tiny\nFrom the paper https://arxiv.org/abs/2501.12345v2\n",
                         "config.json": LLAMA, "model.safetensors": safetensors(1000),
                         ".eval_results/reviews.yaml": "- dataset: {id: alice/reviews, task_id: default}\n  value: 81.5\n"},
    "alice/tiny-llama-lora": {"README.md": "---\nbase_model: alice/tiny-llama\nlibrary_name: peft\n---\n",
                              "adapter_config.json": json.dumps({"base_model_name_or_path": "alice/tiny-llama"}),
                              ".eval_results/reviews.yaml": "- dataset: {id: alice/reviews, task_id: default}\n  value: 90\n"},
    "alice/tiny-llama-merge": {"README.md": "---\nbase_model: [alice/tiny-llama, bob/bert-small]\n---\n"},
    "bob/bert-small": {"README.md": "---\nlicense: apache-2.0\nlanguage: [en, fr]\ntags: [Custom-Tag]\n---\n", "config.json": BERT,
                       "pytorch_model.bin": b"no pickle", "tokenizer_config.json": json.dumps({"mask_token": "[MASK]"})},
    "bob/gated-bert": {"config.json": BERT},
    "bob/empty": {},
}
DATASETS = {
    "alice/reviews": {"README.md": "---\nlicense: cc-by-4.0\nlanguage: [en]\ntask_categories: [text-classification]\n"
                                   "size_categories: [n<1K]\n---\n# Reviews\n\nShort reviews of films.\n\n```bibtex\n@misc{x, title={X}}\n```\n",
                      "data.csv": "text,label\ngood,1\n"},
    "bob/pictures": {"README.md": "---\nlanguage: ru\ntask_ids: [language-modeling]\n---\n", "a.png": b"\x89PNG"},
}
SPACES = {
    "alice/demo": {"README.md": "---\ntitle: Demo\nsdk: gradio\nmodels: [alice/tiny-llama]\n---\n", "app.py": "import gradio\n"},
    "bob/coded": {"README.md": "---\ntitle: Coded\nsdk: gradio\n---\n",
                  "app.py": "from datasets import load_dataset\nfrom transformers import pipeline\n"
                            "p = pipeline(model='bob/bert-small')\nd = load_dataset('alice/reviews')\n"},
}


@pytest.fixture(scope="module")
def world(hub):
    """The hub, filled through LFS; `anyone` asks without a token."""
    before, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    out = SimpleNamespace(hub=hub, alice=HfApi(endpoint=hub.url, token=hub.alice), bob=HfApi(endpoint=hub.url, token=hub.bob),
                          anyone=HfApi(endpoint=hub.url, token=False))
    for kind, repos in (("model", MODELS), ("dataset", DATASETS), ("space", SPACES)):
        for name, files in repos.items():
            api = getattr(out, name.split("/")[0])
            api.create_repo(name, repo_type=kind, space_sdk="gradio" if kind == "space" else None)
            operations = [CommitOperationAdd(path, content if isinstance(content, bytes) else content.encode())
                          for path, content in files.items()]
            if operations:
                api.create_commit(name, operations, commit_message="files", repo_type=kind)
    out.bob.update_repo_settings("bob/gated-bert", gated="auto")
    out.alice.create_repo("alice/secret", private=True)
    yield out
    constants.HF_HUB_DISABLE_XET = before


def ids(items):
    return [item.id for item in items]


# ---- models ----


def test_all_models_come_once_and_private_ones_to_their_owner(world):
    assert sorted(ids(world.anyone.list_models())) == sorted(MODELS)
    assert sorted(ids(world.bob.list_models())) == sorted(MODELS)
    assert sorted(ids(world.alice.list_models())) == sorted([*MODELS, "alice/secret"])


def test_search_and_author(world):
    api = world.anyone
    assert set(ids(api.list_models(search="bert"))) == {"bob/bert-small", "bob/gated-bert"}
    assert set(ids(api.list_models(search="TINY lora"))) == {"alice/tiny-llama-lora"}
    assert set(ids(api.list_models(search="e/ti"))) == {"alice/tiny-llama", "alice/tiny-llama-lora", "alice/tiny-llama-merge"}
    assert ids(api.list_models(search="ob/e")) == ["bob/empty"]
    assert ids(api.list_models(search="nothing-like-this")) == []
    assert {m.author or m.id.split("/")[0] for m in api.list_models(author="Bob")} == {"bob"}
    assert ids(api.list_models(author="nobody")) == []


@pytest.mark.parametrize("query, expected", [
    ({"filter": "text-generation"}, ["alice/tiny-llama"]),
    ({"filter": ["en", "license:mit"]}, ["alice/tiny-llama"]),
    ({"filter": ["en", "license:mit", "fr"]}, []),
    ({"filter": "custom-tag"}, ["bob/bert-small"]),
    ({"filter": "pytorch"}, ["bob/bert-small"]),
    ({"filter": "safetensors"}, ["alice/tiny-llama"]),
    ({"filter": "arxiv:2501.12345"}, ["alice/tiny-llama"]),
    ({"filter": "dataset:alice/reviews"}, ["alice/tiny-llama"]),
    ({"trained_dataset": "alice/reviews"}, ["alice/tiny-llama"]),
    ({"trained_dataset": ["dataset:alice/reviews"]}, ["alice/tiny-llama"]),
    ({"filter": "base_model:alice/tiny-llama"}, ["alice/tiny-llama-lora", "alice/tiny-llama-merge"]),
    ({"filter": "base_model:adapter:alice/tiny-llama"}, ["alice/tiny-llama-lora"]),
    ({"filter": "base_model:merge:bob/bert-small"}, ["alice/tiny-llama-merge"]),
    ({"pipeline_tag": "fill-mask"}, ["bob/bert-small", "bob/gated-bert"]),
    ({"pipeline_tag": "fill-mask", "gated": True}, ["bob/gated-bert"]),
    ({"pipeline_tag": "fill-mask", "gated": False}, ["bob/bert-small"]),
    ({"num_parameters": "min:1K,max:2K"}, ["alice/tiny-llama"]),
    ({"num_parameters": "min:1.1K"}, []),
    ({"num_parameters": "max:6B"}, ["alice/tiny-llama"]),
    ({"apps": "vllm"}, ["alice/tiny-llama"]),
    ({"apps": ["ollama"]}, []),
    ({"inference": "warm"}, ["alice/tiny-llama", "bob/bert-small", "bob/gated-bert"]),
    ({"inference_provider": "all"}, ["alice/tiny-llama", "bob/bert-small", "bob/gated-bert"]),
    ({"inference_provider": "fal-ai"}, []),
])
def test_model_filters(world, query, expected):
    assert sorted(ids(world.anyone.list_models(**query))) == expected


def test_models_are_sorted_and_paged(world):
    api = world.anyone
    by_time = ids(api.list_models(sort="created_at"))
    assert by_time == list(reversed(MODELS))
    assert ids(api.list_models(sort="created_at", limit=2)) == by_time[:2]
    status, headers, body = world.hub.call("GET", "/api/models?sort=createdAt&limit=4")
    assert (status, [m["id"] for m in json.loads(body)]) == (200, by_time[:4])
    world.alice.create_repo("alice/between-two-pages")
    try:
        following = headers["Link"].split(">")[0].removeprefix("<").removeprefix(world.hub.url)
        assert [m["id"] for m in json.loads(world.hub.call("GET", following)[2])] == by_time[4:]
    finally:
        world.alice.delete_repo("alice/between-two-pages")
    assert ids(api.list_models(sort="last_modified")) != []
    assert world.hub.call("GET", "/api/models?sort=nonsense")[0] == 400
    assert world.hub.call("GET", "/api/models?cursor=nonsense")[0] == 400


def test_emissions_card_and_config(world):
    api = world.anyone
    assert ids(api.list_models(emissions_thresholds=(10, 20), cardData=True)) == ["alice/tiny-llama"]
    found = {m.id: m for m in api.list_models(full=True, cardData=True, fetch_config=True)}
    assert found["alice/tiny-llama"].card_data.license == "mit"
    assert found["alice/tiny-llama"].config["model_type"] == "llama"
    assert {s.rfilename for s in found["bob/bert-small"].siblings} == {".gitattributes", *MODELS["bob/bert-small"]}
    assert found["bob/empty"].sha == api.model_info("bob/empty").sha


def test_expand_of_models(world):
    (model,) = world.anyone.list_models(search="tiny-llama", pipeline_tag="text-generation", expand=[
        "author", "baseModels", "cardData", "childrenModelCount", "config", "createdAt", "downloadsAllTime", "evalResults", "inference",
        "inferenceProviderMapping", "library_name", "safetensors", "sha", "siblings", "spaces", "tags", "transformersInfo", "trendingScore",
        "usedStorage", "widgetData"])
    assert model.children_model_count == {"adapter": 1, "finetune": 0, "merge": 1, "quantized": 0}
    assert model.eval_results[0].value == 81.5 and model.eval_results[0].dataset_id == "alice/reviews"
    assert model.safetensors.total == 1000 and model.safetensors.parameters == {"F32": 1000}
    assert model.spaces == ["alice/demo"]
    assert model.inference == "warm" and model.inference_provider_mapping[0].status == "live"
    assert model.transformers_info.auto_model == "AutoModelForCausalLM"
    assert model.likes is None and model.pipeline_tag is None  # not asked for
    assert "co2_eq_emissions" in model.tags and "region:us" in model.tags and "eval-results" in model.tags
    adapter = world.anyone.model_info("alice/tiny-llama-lora", expand=["baseModels"])
    assert adapter.base_models["relation"] == "adapter" and adapter.base_models["models"][0]["id"] == "alice/tiny-llama"
    masked = world.anyone.model_info("bob/bert-small")
    assert masked.mask_token == "[MASK]" and "[MASK]" in masked.widget_data[0]["text"]
    with pytest.raises(BadRequestError, match="must be one of .*childrenModelCount"):
        list(world.anyone.list_models(expand=["nonsense"]))
    with pytest.raises(BadRequestError, match="must be one of"):
        world.anyone.dataset_info("alice/reviews", expand=["safetensors"])


def test_bad_values_are_refused_with_what_is_allowed(world):
    for query, told in (("num_parameters=huge", "min:6B"), ("apps=nonsense", "ollama"), ("inference=hot", "warm"), ("limit=-1", "limit")):
        status, _, body = world.hub.call("GET", "/api/models?" + query)
        assert status == 400 and told in json.loads(body)["error"], query


# ---- datasets and Spaces ----


def test_datasets(world):
    api = world.anyone
    assert set(ids(api.list_datasets())) == set(DATASETS)
    assert ids(api.list_datasets(search="review")) == ["alice/reviews"]
    assert ids(api.list_datasets(dataset_name="pict", search="bob")) == ["bob/pictures"]
    assert ids(api.list_datasets(filter="task_categories:text-classification")) == ["alice/reviews"]
    assert ids(api.list_datasets(task_categories="text-classification", language="en", size_categories="n<1K")) == ["alice/reviews"]
    assert ids(api.list_datasets(filter=("language:ru", "task_ids:language-modeling"))) == ["bob/pictures"]
    assert ids(api.list_datasets(filter="modality:image")) == ["bob/pictures"]
    assert ids(api.list_datasets(filter=["format:csv", "library:pandas"])) == ["alice/reviews"]
    assert ids(api.list_datasets(benchmark=True)) == []
    (full,) = api.list_datasets(author="alice", full=True)
    assert full.card_data.license == "cc-by-4.0" and full.description == "Short reviews of films." and full.citation.startswith("@misc")
    info = api.dataset_info("alice/reviews", expand=["description", "citation", "mainSize", "downloads"])
    assert info.main_size == len(DATASETS["alice/reviews"]["data.csv"])


def test_spaces(world):
    api = world.anyone
    assert set(ids(api.list_spaces())) == set(SPACES)
    assert ids(api.list_spaces(models="alice/tiny-llama")) == ["alice/demo"]
    assert ids(api.list_spaces(models="bob/bert-small")) == ["bob/coded"]  # read from its code
    assert ids(api.list_spaces(datasets="alice/reviews")) == ["bob/coded"]
    assert set(ids(api.list_spaces(linked=True))) == set(SPACES)
    assert ids(api.list_spaces(search="demo", filter="gradio")) == ["alice/demo"]
    space = api.space_info("bob/coded", expand=["models", "datasets", "sdk", "subdomain"])
    assert space.models == ["bob/bert-small"] and space.datasets == ["alice/reviews"] and space.subdomain == "bob-coded"


# ---- what changes is seen at once ----


def test_changes_are_seen_at_once(world):
    api = world.alice
    api.create_repo("alice/fleeting")
    assert ids(world.anyone.list_models(search="fleeting")) == ["alice/fleeting"]
    api.upload_file(path_or_fileobj=b"---\ntags: [very-new]\n---\n", path_in_repo="README.md", repo_id="alice/fleeting")
    assert ids(world.anyone.list_models(filter="very-new")) == ["alice/fleeting"]
    api.update_repo_settings("alice/fleeting", private=True)
    assert ids(world.anyone.list_models(search="fleeting")) == [] and ids(api.list_models(search="fleeting")) == ["alice/fleeting"]
    api.update_repo_settings("alice/fleeting", private=False)
    api.move_repo("alice/fleeting", "alice/moved-on")
    assert ids(world.anyone.list_models(search="fleeting")) == [] and ids(world.anyone.list_models(search="moved-on")) == ["alice/moved-on"]
    api.delete_repo("alice/moved-on")
    assert ids(world.anyone.list_models(search="moved-on")) == []


def test_downloads_are_counted(world):
    world.anyone.hf_hub_download("bob/bert-small", "config.json", local_dir=world.hub.folder / "here")
    deadline = time.monotonic() + 10
    while world.anyone.model_info("bob/bert-small").downloads == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    info = world.anyone.model_info("bob/bert-small", expand=["downloads", "downloadsAllTime", "trendingScore"])
    assert info.downloads >= 1 and info.downloads_all_time == info.downloads and info.trending_score >= 1
    assert ids(world.anyone.list_models(sort="downloads", limit=1)) == ["bob/bert-small"]


# ---- tags ----


def test_tags_by_type(world):
    tags = world.anyone.get_model_tags() if hasattr(world.anyone, "get_model_tags") else json.loads(
        world.hub.call("GET", "/api/models-tags-by-type")[2])
    known = {kind: {t["id"] for t in items} for kind, items in tags.items()}
    assert {"text-generation", "fill-mask"} <= known["pipeline_tag"]
    assert {"transformers", "pytorch", "safetensors", "peft"} <= known["library"]
    assert {"license:mit", "license:apache-2.0"} <= known["license"] and {"en", "fr"} <= known["language"]
    assert "dataset:alice/reviews" in known["dataset"] and "Custom-Tag" in known["other"]
    datasets = json.loads(world.hub.call("GET", "/api/datasets-tags-by-type")[2])
    assert {"id": "language:ru", "label": "ru", "type": "language"} in datasets["language"]


# ---- facts ----


def test_leaderboard_and_safetensors_headers(world):
    rows = world.anyone.get_dataset_leaderboard("alice/reviews")
    assert [(r.rank, r.model_id, r.value, r.author.username) for r in rows] == [(1, "alice/tiny-llama", 81.5, "alice")]
    rows = world.anyone.get_dataset_leaderboard("alice/reviews", base_model_only=False)
    assert [(r.rank, r.model_id) for r in rows] == [(1, "alice/tiny-llama-lora"), (2, "alice/tiny-llama")]
    with pytest.raises(HfHubHTTPError):
        world.anyone.get_dataset_leaderboard("bob/pictures")
    world.alice.create_repo("alice/sharded")
    index = {"metadata": {"total_size": 80}, "weight_map": {"w": "a.safetensors"}}
    world.alice.create_commit("alice/sharded", [CommitOperationAdd("model.safetensors.index.json", json.dumps(index).encode()),
                                                CommitOperationAdd("a.safetensors", safetensors(20))], commit_message="shards")
    try:
        metadata = world.anyone.get_safetensors_metadata("alice/sharded")
        assert metadata.sharded and metadata.metadata == {"total_size": 80} and metadata.weight_map == {"w": "a.safetensors"}
        assert metadata.files_metadata["a.safetensors"].tensors["w"].shape == [20]
    finally:
        world.alice.delete_repo("alice/sharded")


# ---- full text ----


def found(world, query, token=None):
    status, _, body = world.hub.call("GET", "/api/search/full-text?" + query, token=token)
    assert status == 200
    return json.loads(body)


def test_full_text_search_ranks_and_shows_excerpts(world):
    answer = found(world, "q=reviews&type=dataset")
    assert answer["hits"][0]["repoName"] == "reviews" and answer["estimatedTotalHits"] == 1
    assert {"text": "reviews", "type": "highlight"} in answer["hits"][0]["formatted"]["repoName"]
    assert any(piece["type"] == "highlight" for piece in answer["hits"][0]["formatted"]["fileContent"])
    assert [h["repoName"] for h in found(world, "q=short+reviews+fil&type=dataset")["hits"]] == ["reviews"]  # fil: films
    assert found(world, "q=secret")["hits"] == []
    assert [h["repoName"] for h in found(world, "q=secret", world.hub.alice)["hits"]] == ["secret"]
    assert world.hub.call("GET", "/api/search/full-text?q=")[0] == 400


def test_full_text_search_finds_a_renamed_repository_by_its_new_name(world):
    api = HfApi(world.hub.url, token=world.hub.alice)
    api.create_repo("alice/chrysalis")
    names = lambda query: [h["repoName"] for h in found(world, "q=" + query)["hits"]]
    assert names("chrysalis") == ["chrysalis"]
    api.move_repo("alice/chrysalis", "alice/butterfly")
    deadline = time.monotonic() + 20
    while names("butterfly") != ["butterfly"] or names("chrysalis"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    api.delete_repo("alice/butterfly")
    assert names("butterfly") == []


def test_quicksearch_trending_and_spaces(world):
    quick = json.loads(world.hub.call("GET", "/api/quicksearch?q=bert&type=model")[2])
    assert {m["id"] for m in quick["models"]} == {"bob/bert-small", "bob/gated-bert"} and quick["modelsCount"] == 2 and "datasets" not in quick
    trending = json.loads(world.hub.call("GET", "/api/trending?type=space&limit=5")[2])["recentlyTrending"]
    assert {item["repoData"]["id"] for item in trending} == set(SPACES)
    results = list(world.anyone.search_spaces("coded", sdk="gradio"))
    assert [r.id for r in results] == ["bob/coded"] and results[0].semantic_relevancy_score == 1.0
    assert list(world.anyone.search_spaces("coded", sdk="docker")) == []


# ---- scans ----

EVIL = (b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.")


def test_scans_follow_a_push(world):
    world.alice.create_repo("alice/scanned")
    token = "hf" + "_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
    world.alice.create_commit("alice/scanned", [CommitOperationAdd("evil.pkl", EVIL), CommitOperationAdd("notes.txt", f"key = {token}\n".encode()),
                                                CommitOperationAdd("good.txt", b"nothing here\n")], commit_message="files")
    deadline = time.monotonic() + 20
    while not world.anyone.model_info("alice/scanned", securityStatus=True).security_repo_status["scansDone"]:
        assert time.monotonic() < deadline, "the scan never ran"
        time.sleep(0.1)
    status = world.anyone.model_info("alice/scanned", securityStatus=True).security_repo_status
    assert {(f["path"], f["level"]) for f in status["filesWithIssues"]} == {("evil.pkl", "unsafe"), ("notes.txt", "suspicious")}
    tree = {f.path: f for f in world.anyone.list_repo_tree("alice/scanned", expand=True)}
    assert tree["good.txt"].security.safe and not tree["evil.pkl"].security.safe
    scan = tree["evil.pkl"].security.pickle_import_scan
    assert scan["highestSafetyLevel"] == "dangerous" and scan["imports"] == [{"module": "posix", "name": "system", "safety": "dangerous"}]
    (info,) = world.anyone.get_paths_info("alice/scanned", "good.txt", expand=True)
    assert info.security.status == "safe" and info.security.av_scan["virusFound"] is False
