"""Text Embeddings Inference's API by raw requests and InferenceClient; expected numbers are those of sentence-transformers and
transformers on the same checkpoints, the words and codes those of TEI's router."""
import concurrent.futures
import json
import pathlib
import sys
import urllib.error
import urllib.request

import numpy
import pytest
from huggingface_hub import InferenceClient

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tests" / "oracle"))
import checkpoints  # noqa: E402

TEXTS = ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
MODELS = {"sentences": ("st-mean", "sentence-similarity"), "labels": ("bert.seqcls", "text-classification"), "ranks": ("ranker", "text-ranking"),
          "sparse": ("bert.mlm", "fill-mask")}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    oracle = checkpoints.make(["st-mean", "bert.seqcls", "bert.base", "bert.mlm"], 0)
    folder = tmp_path_factory.mktemp("made")
    for path in oracle.iterdir():
        (folder / path.name).symlink_to(path)
    torch.manual_seed(3)
    AutoModelForSequenceClassification.from_pretrained(oracle / "bert.base", num_labels=1).save_pretrained(folder / "ranker")
    AutoTokenizer.from_pretrained(oracle / "bert.base").save_pretrained(folder / "ranker")
    return folder


@pytest.fixture(scope="module", autouse=True)
def models(hub, made, tmp_path_factory):
    card = tmp_path_factory.mktemp("card") / "README.md"
    for name, (checkpoint, task) in MODELS.items():
        hub.run("repos", "create", f"alice/{name}", token=hub.alice)
        hub.run("upload", f"alice/{name}", made / checkpoint, token=hub.alice)
        card.write_text(f"---\npipeline_tag: {task}\n---\n")
        hub.run("upload", f"alice/{name}", card, "README.md", token=hub.alice)
    hub.run("repos", "create", "alice/hidden", "--private", token=hub.alice)
    hub.run("upload", "alice/hidden", made / "bert.seqcls", token=hub.alice)


@pytest.fixture(scope="module")
def encoder(made):
    import sentence_transformers

    return sentence_transformers.SentenceTransformer(str(made / "st-mean"))


def call(hub, path, body=None, token=None):
    """(status, headers, body); a model's name and an address of it, or an address of the root"""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    url = hub.url + (path if path.startswith("/") else f"/models/alice/{path}")
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, json.loads(answer.read() or "null")


def ask(hub, path, body=None):
    status, _, answer = call(hub, path, body)
    assert status == 200, answer
    return answer


def close(a, b, tolerance=1e-4):
    return numpy.shape(a) == numpy.shape(b) and numpy.allclose(a, b, atol=tolerance)


def test_embed(hub, encoder):
    expected = encoder.encode(TEXTS, normalize_embeddings=True)
    assert close(ask(hub, "sentences/embed", {"inputs": TEXTS}), expected)
    assert close(ask(hub, "sentences/embed", {"inputs": TEXTS[0]}), expected[:1])  # always a list
    assert close(ask(hub, "/embed", {"inputs": TEXTS}), expected)  # the only model that embeds
    assert close(ask(hub, "sentences/embed", {"inputs": TEXTS, "normalize": False}), encoder.encode(TEXTS))
    ids = [encoder.tokenizer(text)["input_ids"] for text in TEXTS]
    assert close(ask(hub, "sentences/embed", {"inputs": ids}), expected) and close(ask(hub, "sentences/embed", {"inputs": ids[0]}), expected[:1])
    assert close(ask(hub, "sentences/embed", {"inputs": [TEXTS[0], ids[1]]}), expected[:2])
    short = ask(hub, "sentences/embed", {"inputs": TEXTS, "dimensions": 5})
    assert close(short, expected[:, :5] / numpy.linalg.norm(expected[:, :5], axis=1, keepdims=True))
    data = ask(hub, "sentences/embeddings", {"input": TEXTS, "model": "x"})
    assert close([row["embedding"] for row in data["data"]], expected) and data["usage"]["prompt_tokens"] == sum(map(len, ids))


def test_its_headers(hub):
    status, headers, _ = call(hub, "sentences/embed", {"inputs": TEXTS[:1]})
    assert headers["x-compute-type"] == "cpu" and headers["x-compute-characters"] == str(len(TEXTS[0]))
    assert int(headers["x-compute-tokens"]) > 4 and float(headers["x-compute-time"]) > 0
    assert all(int(headers[f"x-{name}-time"]) >= 0 for name in ("total", "tokenization", "queue", "inference"))


def test_embed_all(hub, encoder):
    rows = ask(hub, "sentences/embed_all", {"inputs": TEXTS})
    expected = encoder.encode(TEXTS, output_value="token_embeddings")
    assert all(close(ours, theirs.numpy()) for ours, theirs in zip(rows, expected)) and len(rows) == 3


def test_embed_sparse(hub, made):
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(made / "bert.mlm"), AutoModelForMaskedLM.from_pretrained(made / "bert.mlm").eval()
    for text, row in zip(TEXTS, ask(hub, "sparse/embed_sparse", {"inputs": TEXTS})):
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt")).logits[0]
        expected = torch.log1p(torch.relu(logits)).max(0).values
        ours = torch.zeros_like(expected)
        for entry in row:
            ours[entry["index"]] = entry["value"]
        assert torch.allclose(ours, expected, atol=1e-4) and all(entry["value"] != 0 for entry in row)
    told = call(hub, "sentences/embed_sparse", {"inputs": "a"})
    assert told[0] == 424 and told[2]["error_type"] == "Backend" and "SPLADE" in told[2]["error"]


def test_similarity(hub, encoder):
    vectors = encoder.encode(TEXTS, normalize_embeddings=True)
    body = {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS[1:]}}
    assert close(ask(hub, "sentences/similarity", body), vectors[1:] @ vectors[0])
    client = InferenceClient(model=f"{hub.url}/models/alice/sentences", token="any")
    assert close(client.sentence_similarity(TEXTS[0], other_sentences=TEXTS[1:]), vectors[1:] @ vectors[0])
    client = InferenceClient(model=f"{hub.url}/models/alice/sentences/pipeline/feature-extraction", token="any")
    assert close(client.feature_extraction(TEXTS[0], normalize=True, truncate=True, truncation_direction="left"), vectors[0])


def test_predict(hub, made):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = made / "bert.seqcls"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def theirs(*texts, raw=False):
        with torch.no_grad():
            logits = model(**tokenizer(*texts, return_tensors="pt")).logits[0]
        scores = logits if raw else logits.softmax(-1)
        return sorted(([score.item(), model.config.id2label[i]] for i, score in enumerate(scores)), reverse=True)

    def same(ours, expected):
        return [row["label"] for row in ours] == [row[1] for row in expected] and close([row["score"] for row in ours], [row[0] for row in expected])

    assert same(ask(hub, "labels/predict", {"inputs": TEXTS[0]}), theirs(TEXTS[0]))
    assert same(ask(hub, "labels/predict", {"inputs": TEXTS[:2]}), theirs(*TEXTS[:2]))  # a pair
    assert same(ask(hub, "labels/predict", {"inputs": TEXTS[0], "raw_scores": True}), theirs(TEXTS[0], raw=True))
    batch = ask(hub, "labels/predict", {"inputs": [[TEXTS[0]], TEXTS[:2]]})
    assert same(batch[0], theirs(TEXTS[0])) and same(batch[1], theirs(*TEXTS[:2]))
    assert call(hub, "labels/predict", {"inputs": ["a", "b", "c"]})[0] == 422
    assert call(hub, "sentences/predict", {"inputs": "a"})[2] == {"error": "model is not a classifier model", "error_type": "Backend"}
    vertex = ask(hub, "labels/vertex", {"instances": [{"inputs": TEXTS[0]}]})
    assert same(vertex["predictions"][0], theirs(TEXTS[0]))


def test_rerank(hub, made):
    import sentence_transformers

    theirs = sentence_transformers.CrossEncoder(str(made / "ranker")).predict([(TEXTS[0], text) for text in TEXTS])
    order = sorted(range(3), key=lambda i: -theirs[i])
    rows = ask(hub, "ranks/rerank", {"query": TEXTS[0], "texts": TEXTS, "return_text": True})
    assert [row["index"] for row in rows] == order and close([row["score"] for row in rows], theirs[order])
    assert [row["text"] for row in rows] == [TEXTS[i] for i in order]
    raw = ask(hub, "ranks/rerank", {"query": TEXTS[0], "texts": TEXTS, "raw_scores": True})
    assert close([1 / (1 + numpy.exp(-row["score"])) for row in raw], theirs[order]) and "text" not in raw[0]
    assert call(hub, "labels/rerank", {"query": "a", "texts": ["b"]})[2]["error"] == "model is not a re-ranker model"


def test_tokenize_and_decode(hub, encoder):
    text = "Zoë met Bob"
    their = encoder.tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    tokens, = ask(hub, "sentences/tokenize", {"inputs": text})
    assert [t["id"] for t in tokens] == their["input_ids"] and [t["special"] for t in tokens] == [m == 1 for m in their["special_tokens_mask"]]
    assert tokens[0] == {"id": their["input_ids"][0], "text": encoder.tokenizer.cls_token, "special": True, "start": None, "stop": None}
    for token, (start, stop) in list(zip(tokens, their["offset_mapping"]))[1:-1]:
        assert (token["start"], token["stop"], token["text"]) == (start, stop, text[start:stop])
    assert len(ask(hub, "/tokenize", {"inputs": [text, "a"], "add_special_tokens": False})) == 2  # nothing generates here
    ids = their["input_ids"]
    assert ask(hub, "sentences/decode", {"ids": ids}) == [encoder.tokenizer.decode(ids, skip_special_tokens=True)]
    assert ask(hub, "sentences/decode", {"ids": [ids, ids[:2]], "skip_special_tokens": False})[1].startswith(encoder.tokenizer.cls_token)


def test_long_texts_are_cut_or_refused(hub, encoder):
    length = encoder.max_seq_length
    text = " ".join(f"word{i}" for i in range(length))
    tokens = encoder.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert close(ask(hub, "sentences/embed", {"inputs": text}), encoder.encode([text], normalize_embeddings=True))
    left = [encoder.tokenizer.cls_token_id, *tokens[-(length - 2):], encoder.tokenizer.sep_token_id]
    expected = ask(hub, "sentences/embed", {"inputs": left})
    for side in ("Left", "left"):
        assert close(ask(hub, "sentences/embed", {"inputs": text, "truncation_direction": side}), expected)
    status, _, told = call(hub, "sentences/embed", {"inputs": text, "truncate": False})
    assert (status, told["error_type"]) == (422, "Validation")
    assert told["error"] == f"`inputs` must have less than {length} tokens. Given: {len(tokens) + 2}"


def test_errors(hub):
    for path, body, status, kind in (("embed", {"inputs": ""}, 400, "Empty"), ("embed", {"inputs": []}, 400, "Empty"), ("decode", {"ids": []}, 400, "Empty"),
                                     ("embed", {"inputs": ["a"] * 1025}, 422, "Validation"), ("embed", {"inputs": {}}, 422, "Validation"), ("embed", {}, 422, "Validation"),
                                     ("embed", {"inputs": [10**9]}, 422, "Validation"), ("embed", {"inputs": "a", "dimensions": 10**6}, 422, "Validation"),
                                     ("embed", {"inputs": "a", "prompt_name": "none"}, 422, "Validation"), ("rerank", {"query": "a"}, 424, "Backend"),
                                     ("similarity", {"inputs": "a"}, 422, "Validation"), ("tokenize", {"inputs": [1]}, 422, "Validation")):  # fmt: skip
        answer = call(hub, f"sentences/{path}", body)
        assert (answer[0], answer[2]["error_type"]) == (status, kind), (path, answer[2])
    assert call(hub, "sentences/embed", {"inputs": ["a"] * 1025})[2]["error"] == "batch size 1025 > maximum allowed batch size 1024"
    assert call(hub, "labels/embed", {"inputs": "a"})[2] == {"error": "model is not an embedding model", "error_type": "Backend"}


def test_info(hub, encoder):
    info = ask(hub, "sentences/info")
    assert info["model_id"] == "alice/sentences" and info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (info["max_input_length"], info["max_batch_tokens"], info["auto_truncate"]) == (encoder.max_seq_length, 16384, True) and len(info["model_sha"]) == 40
    assert set(ask(hub, "labels/info")["model_type"]["classifier"]) == {"id2label", "label2id"}
    assert ask(hub, "ranks/info")["model_type"]["reranker"]["id2label"] == {"0": "LABEL_0"}
    assert ask(hub, "sparse/info")["model_type"] == {"embedding": {"pooling": "splade"}}
    assert call(hub, "sentences/health")[0] == 200


def test_requests_at_once_share_passes_and_get_what_they_get_alone(hub, encoder):
    bodies = [[f"{text} number {i}" for text in TEXTS[: 1 + i % 3]] for i in range(48)]
    expected = [encoder.encode(body, normalize_embeddings=True) for body in bodies]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda body: ask(hub, "sentences/embed", {"inputs": body}), bodies))
    assert all(close(a, b) for a, b in zip(answers, expected))


def test_private_models_stay_private(hub):
    for path in ("embed", "embed_all", "embed_sparse", "embeddings", "similarity", "predict", "rerank", "decode", "tokenize"):
        assert call(hub, f"hidden/{path}", {"inputs": "a"})[0] == 401
    assert call(hub, "hidden/predict", {"inputs": "a"}, token=hub.alice)[0] == 200
