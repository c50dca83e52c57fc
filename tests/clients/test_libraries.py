"""The libraries above huggingface_hub, datasets and transformers, push to this hub and load from it, by Xet and by LFS."""
import json
import pathlib
import subprocess
import sys

import pytest

MODES = ("xet", "lfs")


def run(hub, program, folder, mode, *arguments):
    """A Python program as alice's own process with caches of its own."""
    env = hub.env(hub.alice, HF_HOME=str(folder), HF_HUB_DISABLE_XET=str(int(mode == "lfs")), OMP_NUM_THREADS="1")
    done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr[-6000:] + hub.log.read_text()[-3000:]
    return done.stdout


def stored_whole(hub, repo, path):
    """Lies the file as a whole in the store (LFS), or as chunks alone (Xet)?"""
    (entry,) = json.loads(hub.call("POST", f"/api/{repo}/paths-info/main", {"paths": [path]}, hub.alice)[2])
    oid = entry["lfs"]["oid"]
    return (pathlib.Path(hub.folder) / "data" / "objects" / "sha256" / oid[:2] / oid[2:4] / oid).exists()


DATASET = """
import itertools, sys
import datasets, huggingface_hub
from datasets import Dataset, DatasetDict, IterableDataset, load_dataset, get_dataset_config_names, get_dataset_split_names
repo, folder = sys.argv[1:3]
api = huggingface_hub.HfApi()

def rows(begin, end):
    return Dataset.from_dict({"id": list(range(begin, end)), "text": [f"{repo} {i} " * 9 for i in range(begin, end)]})

calls = itertools.count()
load = lambda *what, **more: load_dataset(*what, cache_dir=f"{folder}/{next(calls)}", **more)  # never from a cache
card = lambda: huggingface_hub.DatasetCard.load(repo).data.to_dict()
files = lambda: [f for f in api.list_repo_files(repo, repo_type="dataset") if f.endswith(".parquet")]

# Several shards, and the card says where they are.
rows(0, 3000).push_to_hub(repo, num_shards=3)
assert files() == [f"data/train-0000{i}-of-00003.parquet" for i in range(3)], files()
assert card()["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}], card()
assert card()["dataset_info"]["splits"][0]["num_examples"] == 3000
got = load(repo)
assert list(got) == ["train"] and got["train"]["id"] == list(range(3000)) and got["train"][2999]["text"] == f"{repo} 2999 " * 9
# A second split joins the first; more rows of one replace its shards.
rows(3000, 3100).push_to_hub(repo, split="test")
rows(0, 4000).push_to_hub(repo, num_shards=2)
assert files() == ["data/test-00000-of-00001.parquet", *(f"data/train-0000{i}-of-00002.parquet" for i in range(2))], files()
assert {s["name"]: s["num_examples"] for s in card()["dataset_info"]["splits"]} == {"train": 4000, "test": 100}
got = load(repo)
assert got.num_rows == {"train": 4000, "test": 100}
# A second configuration, two splits at once.
DatasetDict({"train": rows(0, 50), "test": rows(50, 60)}).push_to_hub(repo, "small")
assert sorted(get_dataset_config_names(repo)) == ["default", "small"] and sorted(get_dataset_split_names(repo, "small")) == ["test", "train"]
assert load(repo, "small", split="test")["id"] == list(range(50, 60))
assert load(repo, split="train[:2%]").num_rows == 80
# As a stream, at revisions, by a pattern, through hf://, from a pull request.
assert [r["id"] for r in load(repo, split="test", streaming=True)] == list(range(3000, 3100))
first = api.list_repo_commits(repo, repo_type="dataset")[0].commit_id
rows(0, 5).push_to_hub(repo, split="test", revision="next")
assert load(repo, revision="next", split="test").num_rows == 5 and load(repo, split="test", revision=first).num_rows == 100
assert load(repo, data_files="data/test-*.parquet", split="train").num_rows == 100
import pandas
assert len(pandas.read_parquet(f"hf://datasets/{repo}/data/test-00000-of-00001.parquet")) == 100
pr = rows(0, 7).push_to_hub(repo, split="more", create_pr=True)
assert load(repo, revision=pr.pr_revision, split="more").num_rows == 7 and "more" not in get_dataset_split_names(repo)
# Rows that never were a table, and a private one.
IterableDataset.from_generator(lambda: ({"n": i} for i in range(10))).push_to_hub(repo, "stream", num_shards=1)
assert load(repo, "stream", split="train")["n"] == list(range(10))
rows(0, 11).push_to_hub(repo + "-private", private=True)
assert api.dataset_info(repo + "-private").private and load(repo + "-private", split="train").num_rows == 11
# In a bucket.
rows(0, 2000).push_to_hub(f"buckets/{repo}-rows/some/folder", num_shards=2)
assert load(f"buckets/{repo}-rows/some/folder", split="train")["id"] == list(range(2000))
for other in sys.argv[3:]:
    assert load(other, split="train").num_rows == 4000
"""

MODEL = """
import sys
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, pipeline
from huggingface_hub import HfApi
repo, folder = sys.argv[1:3]
api = HfApi()
words = {w: i for i, w in enumerate(["<unk>", "<s>", "</s>", "the", "cat", "sat", "on", "mat"])}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>")
tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"

def made(name):
    torch.manual_seed(sum(name.encode()))
    return LlamaForCausalLM(LlamaConfig(vocab_size=2000, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                                        num_key_value_heads=2, max_position_embeddings=64, eos_token_id=2, bos_token_id=1))

model = made(repo)
model.push_to_hub(repo, max_shard_size="300KB")
tokenizer.push_to_hub(repo)
files = api.list_repo_files(repo)
shards = [f for f in files if f.startswith("model-") and f.endswith(".safetensors")]
assert len(shards) >= 3 and {"config.json", "model.safetensors.index.json", "generation_config.json", "tokenizer.json"} <= set(files), files
count = sum(p.numel() for p in model.parameters())
assert api.model_info(repo).safetensors.total == count and api.model_info(repo).config["model_type"] == "llama"
assert api.get_safetensors_metadata(repo).parameter_count == {"F32": count}

def same(name, expected=model, **more):
    got = AutoModelForCausalLM.from_pretrained(name, cache_dir=f"{folder}/{name}", **more)
    for (key, a), (_, b) in zip(expected.state_dict().items(), got.state_dict().items(), strict=True):
        assert torch.equal(a, b), key
    text = AutoTokenizer.from_pretrained(name, cache_dir=f"{folder}/{name}", **more)
    assert text("the cat sat").input_ids == [3, 4, 5] and text.chat_template == tokenizer.chat_template
    return got, text

got, text = same(repo)
assert AutoConfig.from_pretrained(repo).num_hidden_layers == 2
assert pipeline("text-generation", model=repo)("the cat", max_new_tokens=2, do_sample=False)[0]["generated_text"].startswith("the cat")
# Fewer shards, in a pull request, then a private copy at a branch.
head = api.model_info(repo).sha
pr = got.push_to_hub(repo, create_pr=True, commit_message="one shard")
assert "model.safetensors" in api.list_repo_files(repo, revision="refs/pr/1") and api.model_info(repo).sha == head
same(repo, revision="refs/pr/1")
got.push_to_hub(repo + "-private", private=True, revision="v2")
text.push_to_hub(repo + "-private", revision="v2")
same(repo + "-private", revision="v2")
assert api.model_info(repo + "-private").private
for other in sys.argv[3:]:
    same(other, made(other))
"""


@pytest.mark.parametrize("program, kind, path", [(DATASET, "datasets", "data/train-00001-of-00002.parquet"),
                                                 (MODEL, "models", "model-00001-of-{shards}.safetensors")], ids=["datasets", "transformers"])  # fmt: skip
def test_library_pushes_and_loads_by_xet_and_by_lfs(hub, tmp_path, program, kind, path):
    for i, mode in enumerate(MODES):
        run(hub, program, tmp_path / mode, mode, f"alice/{mode}", tmp_path / f"{mode}-files", *(f"alice/{m}" for m in MODES[:i]))
    files = [e["path"] for e in json.loads(hub.call("GET", f"/api/{kind}/alice/xet/tree/main?recursive=1")[2])]
    name = path.format(shards=f"{sum(f.startswith('model-') for f in files):05}")
    assert not stored_whole(hub, f"{kind}/alice/xet", name) and stored_whole(hub, f"{kind}/alice/lfs", name)
