"""Text Generation Inference's API, asked by text-generation 0.7.0, huggingface_hub.InferenceClient and raw requests; expected
answers are those of transformers on the same checkpoint, the words and codes those of TGI's router."""
import json
import pathlib
import sys
import threading
import urllib.error
import urllib.request

import pytest
import text_generation
import text_generation.errors
from huggingface_hub import InferenceClient
from text_generation.types import Grammar, GrammarType

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tests" / "oracle"))
import checkpoints  # noqa: E402

TEXT = "Alice met Bob in New York City."
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer", "maximum": 9, "minimum": 1}}, "required": ["age"]}


@pytest.fixture(scope="module")
def folder():
    return checkpoints.make(["llama3.causal"], 0) / "llama3.causal"


@pytest.fixture(scope="module", autouse=True)
def models(hub, folder, tmp_path_factory):
    template = tmp_path_factory.mktemp("card") / "chat_template.jinja"
    template.write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    for name, options in (("generate", ()), ("hidden", ("--private",))):
        hub.run("repos", "create", f"alice/{name}", *options, token=hub.alice)
        hub.run("upload", f"alice/{name}", folder, token=hub.alice)
    hub.run("upload", "alice/generate", template, template.name, token=hub.alice)
    card = template.with_name("README.md")
    card.write_text("---\npipeline_tag: text-generation\n---\n")
    hub.run("upload", "alice/generate", card, card.name, token=hub.alice)


@pytest.fixture(scope="module")
def theirs(folder):
    """transformers' tokenizer, and log_probabilities(ids): a row a position."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()

    def log_probabilities(ids):
        with torch.no_grad():
            return torch.log_softmax(model(torch.tensor([ids])).logits[0].float(), -1)

    return tokenizer, log_probabilities


@pytest.fixture
def client(hub):
    return text_generation.Client(f"{hub.url}/models/alice/generate", timeout=60)


def ask(hub, path, body=None, method="POST", token=None):
    """(status, headers, body as JSON or text)"""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(hub.url + path, None if body is None else json.dumps(body).encode(), headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read().decode()
    return answer.status, answer.headers, json.loads(text) if text[:1] in ("{", "[") else text


def events(text):
    lines = [line for line in text.split("\n") if line]
    assert all(line.startswith("data:") for line in lines)
    return [json.loads(line[5:]) for line in lines]


def test_the_package_of_tgi(client, theirs):
    tokenizer, log_probabilities = theirs
    answer = client.generate(TEXT, max_new_tokens=8, decoder_input_details=True, top_n_tokens=3)
    prompt, made = tokenizer(TEXT)["input_ids"], [token.id for token in answer.details.tokens]
    rows = log_probabilities(prompt + made)
    assert [token.id for token in answer.details.prefill] == prompt
    assert answer.details.prefill[0].logprob is None
    for place, token in enumerate(answer.details.prefill[1:], 1):
        assert token.logprob == pytest.approx(rows[place - 1][token.id].item(), abs=1e-3)
        assert token.text == tokenizer.decode([token.id])
    for step, (token, top) in enumerate(zip(answer.details.tokens, answer.details.top_tokens)):
        row = rows[len(prompt) + step - 1]
        likeliest = row.topk(3).indices.tolist()
        assert token.id == likeliest[0] and [t.id for t in top] == likeliest
        assert [t.logprob for t in top] == pytest.approx([row[i].item() for i in likeliest], abs=1e-3)
    assert answer.generated_text == tokenizer.decode(made, skip_special_tokens=True)
    assert answer.details.finish_reason == "length" and answer.details.generated_tokens == 8 and answer.details.seed is None


def test_its_stream(client):
    whole = client.generate(TEXT, max_new_tokens=8)
    rows = list(client.generate_stream(TEXT, max_new_tokens=8, top_n_tokens=2))
    assert [row.token.id for row in rows] == [token.id for token in whole.details.tokens]
    assert all(len(row.top_tokens) == 2 for row in rows)
    assert [row.generated_text for row in rows] == [None] * 7 + [whole.generated_text]
    assert rows[-1].details.finish_reason == "length" and rows[-1].details.generated_tokens == 8


def test_the_best_of_two(client):
    answer = client.generate(TEXT, max_new_tokens=8, temperature=2.0, best_of=2)
    other, = answer.details.best_of_sequences
    mean = lambda sequence: sum(token.logprob for token in sequence.tokens) / len(sequence.tokens)  # noqa: E731
    assert mean(answer.details) >= mean(other) and answer.details.seed != other.seed
    again = client.generate(TEXT, max_new_tokens=8, temperature=2.0, seed=answer.details.seed)
    assert again.generated_text == answer.generated_text and again.details.seed == answer.details.seed


def test_forms_penalties_and_cut_prompts(hub, client, theirs):
    tokenizer, log_probabilities = theirs
    made = client.generate(TEXT, max_new_tokens=40, grammar=Grammar(type=GrammarType.Json, value=SCHEMA))
    assert json.loads(made.generated_text)["age"] in range(1, 10) and made.details.finish_reason == "eos_token"
    assert client.generate(TEXT, max_new_tokens=8, grammar=Grammar(type=GrammarType.Regex, value="[a-c]{3}")).generated_text.strip("abc") == ""
    body = {"inputs": TEXT, "parameters": {"max_new_tokens": 30, "details": True, "grammar": {"type": "json_schema", "value": {"name": "p", "schema": SCHEMA}}}}
    assert json.loads(ask(hub, "/models/alice/generate/generate", body)[2]["generated_text"])["age"]
    freely = [t.id for t in client.generate(TEXT, max_new_tokens=30).details.tokens]
    held = [t.id for t in client.generate(TEXT, max_new_tokens=30, repetition_penalty=1.9).details.tokens]
    assert len(set(held)) > len(set(freely))
    cut = client.generate(TEXT, max_new_tokens=1, truncate=3, decoder_input_details=True).details
    assert [t.id for t in cut.prefill] == tokenizer(TEXT)["input_ids"][-3:]
    assert cut.tokens[0].id == log_probabilities([t.id for t in cut.prefill])[-1].argmax().item()


def test_generate_and_its_headers(hub):
    body = {"inputs": TEXT, "parameters": {"max_new_tokens": 5, "do_sample": False}}
    status, headers, answer = ask(hub, "/models/alice/generate/generate", body)
    assert status == 200 and set(answer) == {"generated_text"}
    for name in ("x-total-time", "x-validation-time", "x-queue-time", "x-inference-time", "x-time-per-token"):
        assert int(headers[name]) >= 0
    assert int(headers["x-inference-time"]) <= int(headers["x-total-time"]) and float(headers["x-compute-time"]) > 0
    assert (headers["x-compute-type"], headers["x-compute-characters"]) == ("cpu", str(len(TEXT)))
    assert int(headers["x-prompt-tokens"]) > 3 and headers["x-generated-tokens"] == "5"
    assert ask(hub, "/models/alice/generate", body)[2] == [answer]  # a list, at the model's own address
    assert ask(hub, "/generate", body)[2] == answer and ask(hub, "/", body)[2] == [answer]  # the only model that generates
    assert ask(hub, "/models/alice/generate/vertex", {"instances": [body, body]})[2] == {"predictions": [answer["generated_text"]] * 2}
    assert ask(hub, "/models/alice/generate/invocations", body)[2] == [answer]
    chat = ask(hub, "/models/alice/generate/invocations", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2})[2]
    assert chat["choices"][0]["message"]["role"] == "assistant"


def test_the_stream_as_bytes(hub):
    body = {"inputs": TEXT, "parameters": {"max_new_tokens": 3, "details": True, "return_full_text": True, "do_sample": False}}
    status, headers, text = ask(hub, "/models/alice/generate/generate_stream", body)
    assert status == 200 and headers["Content-Type"] == "text/event-stream" and headers["x-accel-buffering"] == "no"
    assert "[DONE]" not in text
    rows = events(text)
    assert [row["index"] for row in rows] == [1, 2, 3]
    assert all(list(row) == ["index", "token", "generated_text", "details"] for row in rows)
    assert list(rows[0]["token"]) == ["id", "text", "logprob", "special"]
    assert rows[-1]["generated_text"] == TEXT + "".join(row["token"]["text"] for row in rows)
    assert list(rows[-1]["details"]) == ["finish_reason", "generated_tokens", "seed", "input_length"]


REFUSALS = [
    ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
    ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
    ({"best_of": 2, "do_sample": True, "seed": 1}, "`seed` must not be set when `best_of` > 1"),
    ({"temperature": 0}, "`temperature` must be strictly positive"),
    ({"repetition_penalty": 0}, "`repetition_penalty` must be strictly positive"),
    ({"frequency_penalty": 2.5}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"top_k": 0}, "`top_k` must be strictly positive"),
    ({"typical_p": 0}, "`typical_p` must be > 0.0 and < 1.0"),
    ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
    ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
    ({"truncate": 0}, "`truncate` must be strictly positive and less than "),
    ({"grammar": {"type": "regex", "value": "["}}, "grammar is not valid: "),
    ({"grammar": {"type": "json", "value": "{"}}, "grammar is not valid: "),
    ({"adapter_id": "x"}, "`adapter_id` names 'x'; this model is served without adapters"),
    ({"max_new_tokens": 10**6}, "`inputs` tokens + `max_new_tokens` must be <= "),
]


def test_refusals_whole_and_as_events(hub):
    for parameters, told in REFUSALS:
        body = {"inputs": TEXT, "parameters": parameters}
        status, _, answer = ask(hub, "/models/alice/generate/generate", body)
        assert (status, answer["error_type"]) == (422, "validation"), answer
        assert answer["error"].startswith("Input validation error: " + told)
        if "best_of" in parameters:
            told = "`best_of` != 1 is not supported when streaming tokens"
        status, _, text = ask(hub, "/models/alice/generate/generate_stream", body)
        assert status == 200 and events(json.dumps(text) if isinstance(text, dict) else text)[0]["error"].startswith("Input validation error: " + told)
    streamed = ask(hub, "/models/alice/generate/generate_stream", {"inputs": TEXT, "parameters": {"decoder_input_details": True}})[2]
    assert "`decoder_input_details` == true is not supported when streaming tokens" in streamed
    for body in ({"inputs": ""}, {"inputs": ["a"]}, {}, [], {"inputs": "a", "parameters": 3}):
        assert ask(hub, "/models/alice/generate/generate", body)[0] == 422
    status, _, answer = ask(hub, "/models/alice/generate/generate", {"inputs": TEXT, "parameters": {"watermark": True}})
    assert status == 400 and "watermark" in answer["error"]


def test_the_package_reads_the_errors(hub, client):
    with pytest.raises(text_generation.errors.ValidationError, match="must be <= "):
        client.generate(TEXT, max_new_tokens=10**6)
    with pytest.raises(text_generation.errors.ValidationError, match="must have less than"):
        list(client.generate_stream("word " * 5000))


def test_tokens_of_texts_and_chats(hub, theirs):
    tokenizer, _ = theirs
    text = "Zoë met Bob."
    their = tokenizer(text, return_offsets_mapping=True)
    expected = [{"id": i, "text": text[a:b], "start": a, "stop": b} for i, (a, b) in zip(their["input_ids"], their["offset_mapping"])]
    assert ask(hub, "/models/alice/generate/tokenize", {"inputs": text})[2] == expected
    assert ask(hub, "/tokenize", {"inputs": text, "parameters": {"truncate": 2}})[2] == expected[-2:]
    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert [t["id"] for t in ask(hub, "/tokenize", {"inputs": text, "add_special_tokens": False})[2]] == bare
    chat = ask(hub, "/models/alice/generate/chat_tokenize", {"messages": [{"role": "user", "content": text}]})[2]
    assert chat["templated_text"] == f"user: {text}\n"
    assert [t["id"] for t in chat["tokenize_response"]] == tokenizer(chat["templated_text"], add_special_tokens=False)["input_ids"]
    places = tokenizer(chat["templated_text"], add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert [(t["start"], t["stop"]) for t in chat["tokenize_response"]] == places


def test_info_and_health(hub, folder):
    config = json.loads((folder / "config.json").read_text())
    for path in ("/models/alice/generate/info", "/info"):
        told = ask(hub, path, method="GET")[2]
        assert told["model_id"] == "alice/generate" and len(told["model_sha"]) == 40 and told["model_pipeline_tag"] == "text-generation"
        assert told["max_total_tokens"] == config["max_position_embeddings"] == told["max_input_tokens"] + 1
        assert (told["max_best_of"], told["max_stop_sequences"]) == (2, 4)
        assert {"max_concurrent_requests", "validation_workers", "max_client_batch_size", "router", "version", "sha", "docker_label"} <= set(told)
    for path in ("/models/alice/generate/health", "/models/alice/generate/ping", "/health"):
        assert ask(hub, path, method="GET")[::2] == (200, "")
    client = InferenceClient(model=f"{hub.url}/models/alice/generate", provider="hf-inference", token="any")
    assert client.health_check() and client.get_endpoint_info()["model_id"] == "alice/generate"


def test_private_models_stay_private(hub):
    body = {"inputs": TEXT, "parameters": {"max_new_tokens": 1}}
    for path in ("generate", "generate_stream", "tokenize", "chat_tokenize", "invocations", "vertex"):
        assert ask(hub, f"/models/alice/hidden/{path}", body)[0] == 401
    for path in ("info", "health", "ping"):
        assert ask(hub, f"/models/alice/hidden/{path}", method="GET")[0] == 401
    assert ask(hub, "/models/alice/hidden/generate", body, token=hub.alice)[0] == 200


def test_many_at_once_are_each_answered(hub):
    body = {"inputs": TEXT, "parameters": {"max_new_tokens": 20, "do_sample": False}}
    expected, answers = ask(hub, "/models/alice/generate/generate", body)[2], [None] * 24
    work = [threading.Thread(target=lambda i=i: answers.__setitem__(i, ask(hub, "/models/alice/generate/generate", body)[2])) for i in range(24)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert answers == [expected] * 24
