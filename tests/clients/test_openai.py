"""The real openai package against engines that the hub starts: a tiny LLaMA made on the spot, and SmolLM2."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import typing

import huggingface_hub
import jsonschema
import openai
import pydantic
import pytest

root = pathlib.Path(__file__).resolve().parents[2]
COUNTING = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10,"  # greedy SmolLM2 counts on until the limit


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A LLaMA of random weights with a byte-level tokenizer and a chat template, as transformers saves it."""
    folder = tmp_path_factory.mktemp("tiny")
    script = """
import sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
torch.manual_seed(7)
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
vocab = {"<s>": 0, "</s>": 1} | {c: i + 2 for i, c in enumerate(alphabet)}
tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
fast.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
fast.save_pretrained(sys.argv[1])
config = LlamaConfig(vocab_size=len(vocab), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=0, eos_token_id=None)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""
    subprocess.run([str(root / ".deps/python/bin/python"), "-c", script, str(folder)], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return folder


@pytest.fixture(scope="module", autouse=True)
def models(hub, tiny, smollm2, tmp_path_factory):
    hub.run("repos", "create", "alice/tiny", token=hub.alice)
    hub.run("upload", "alice/tiny", tiny, token=hub.alice)
    hub.run("repos", "create", "alice/hidden", "--private", token=hub.alice)
    hub.run("upload", "alice/hidden", tiny, token=hub.alice)
    hub.run("repos", "create", "alice/smol", token=hub.alice)
    hub.run("upload", "alice/smol", smollm2, smollm2.name, token=hub.alice)
    hub.run("repos", "create", "alice/text", token=hub.alice)


@pytest.fixture
def client(hub):
    return openai.OpenAI(base_url=hub.url + "/v1", api_key="any", max_retries=0, timeout=60)


def engines(hub):
    """Process ids of this hub's engines."""
    out = subprocess.run(["pgrep", "-P", str(hub.process.pid)], capture_output=True, text=True).stdout.split()
    return [int(pid) for pid in out]


def ask(client, model, text="What is 2+2?", **options):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)


def test_models_are_those_that_run_here_and_may_be_read(hub, client):
    assert {m.id for m in client.models.list()} == {"alice/tiny", "alice/smol"}
    mine = openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.alice)
    assert {m.id for m in mine.models.list()} == {"alice/tiny", "alice/smol", "alice/hidden"}
    assert client.models.retrieve("alice/tiny").owned_by == "alice"


def test_smollm2_answers_a_chat(client):
    answer = ask(client, "alice/smol", temperature=0, max_tokens=40)
    assert "4" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 37  # the template's default system prompt is part of it
    assert answer.usage.total_tokens == 37 + answer.usage.completion_tokens
    assert answer.system_fingerprint.endswith("-fast")


def test_a_stream_says_what_the_whole_answer_says(client):
    whole = ask(client, "alice/tiny", "Name three colours.", temperature=0, max_tokens=30)
    chunks = list(ask(client, "alice/tiny", "Name three colours.", temperature=0, max_tokens=30, stream=True,
                      stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.choices[0].finish_reason
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens  # of the second, more was in the cache
    assert len({c.id for c in chunks}) == 1


def test_completions_echo_and_several_prompts(client):
    answer = client.completions.create(model="alice/smol", prompt=["The capital of France is", COUNTING], max_tokens=5,
                                       temperature=0, echo=True)
    assert [c.index for c in answer.choices] == [0, 1]
    assert answer.choices[0].text.startswith("The capital of France is Paris")
    assert answer.choices[1].text.startswith(COUNTING + " 11")
    assert answer.usage.completion_tokens == 10


def test_length_stop_and_seed(client):
    cut = ask(client, "alice/tiny", max_tokens=7, temperature=0)
    assert cut.choices[0].finish_reason == "length" and cut.usage.completion_tokens == 7
    counting = client.completions.create(model="alice/smol", prompt="1, 2, 3, 4,", max_tokens=30, temperature=0, stop=[" 7"])
    assert counting.choices[0].text == " 5, 6," and counting.choices[0].finish_reason == "stop"
    draws = [ask(client, "alice/tiny", max_tokens=20, temperature=1.0, seed=s).choices[0].message.content for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    two = ask(client, "alice/tiny", max_tokens=20, temperature=1.0, seed=5, n=2).choices
    assert len(two) == 2 and two[0].message.content != two[1].message.content


def test_many_at_once_equal_one_by_one(client):
    texts = [f"Count to {n}." for n in range(6)]
    alone = [ask(client, "alice/tiny", text, temperature=0, max_tokens=24).choices[0].message.content for text in texts]
    streams = [ask(client, "alice/tiny", text, temperature=0, max_tokens=24, stream=True) for text in texts]
    together = ["".join(c.choices[0].delta.content or "" for c in stream) for stream in streams]
    assert together == alone


@pytest.mark.parametrize("model, error", [("alice/none", openai.NotFoundError), ("no-such", openai.NotFoundError),
                                          ("alice/text", openai.APIStatusError), ("alice/tiny:x.gguf", openai.NotFoundError)])
def test_unknown_models_are_told(hub, model, error):
    mine = openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.alice, max_retries=0)
    with pytest.raises(error) as raised:
        ask(mine, model)
    assert raised.value.body["message"]


def test_rights(hub, client):
    with pytest.raises(openai.AuthenticationError):
        ask(client, "alice/hidden")
    with pytest.raises(openai.NotFoundError):
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.bob, max_retries=0), "alice/hidden")
    with pytest.raises(openai.AuthenticationError):
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key="hf_" + "x" * 34, max_retries=0), "alice/tiny")
    mine = openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.alice_read, max_retries=0)
    assert ask(mine, "alice/hidden", max_tokens=2).usage.completion_tokens == 2


def test_visitors_may_be_kept_out(make_hub, tiny):
    hub = make_hub("--anonymous-inference", "off")
    token = hub.user("alice")
    hub.run("repos", "create", "alice/tiny", token=token)
    hub.run("upload", "alice/tiny", tiny, token=token)
    with pytest.raises(openai.AuthenticationError):
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key="any", max_retries=0), "alice/tiny")
    assert ask(openai.OpenAI(base_url=hub.url + "/v1", api_key=token), "alice/tiny", max_tokens=2).choices


@pytest.mark.parametrize("options", [{"temperature": 9}, {"max_tokens": -1}, {"n": 99}, {"top_p": 0},
                                     {"response_format": {"type": "xml"}}, {"top_logprobs": 3}, {"presence_penalty": 3}, {"logit_bias": {"99999": 1}},
                                     {"extra_body": {"grammar": "root ::= x"}}, {"extra_body": {"guided_regex": "("}},
                                     {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"not": {}}}}}])
def test_bad_options_are_bad_requests(client, options):
    with pytest.raises(openai.BadRequestError):
        ask(client, "alice/tiny", **options)


PLACE = {"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z][a-z]{2,8}$"}, "people": {"type": "integer", "minimum": 1, "maximum": 99999},
                                           "tags": {"type": "array", "items": {"enum": ["sea", "old"]}, "maxItems": 2}},
         "required": ["city", "people", "tags"], "additionalProperties": False}


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_answers_are_of_a_schema(client, temperature):
    asked = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE, "strict": True}}
    answer = ask(client, "alice/tiny", response_format=asked, temperature=temperature, seed=3, n=2)
    chunks = ask(client, "alice/tiny", response_format=asked, temperature=temperature, seed=3, stream=True)
    texts = [choice.message.content for choice in answer.choices] + ["".join(c.choices[0].delta.content or "" for c in chunks)]
    assert texts[2] == texts[0]
    for text in texts:
        jsonschema.validate(json.loads(text), PLACE)
    assert {choice.finish_reason for choice in answer.choices} == {"stop"}


def test_pydantic_parses_what_smollm2_says(client):
    class Answer(pydantic.BaseModel):
        is_city: bool
        country: typing.Literal["France", "Spain", "Peru"]

    said = client.chat.completions.parse(model="alice/smol", messages=[{"role": "user", "content": "Tell of Paris."}], response_format=Answer, temperature=0)
    assert said.choices[0].message.parsed.country == "France"


@pytest.mark.parametrize("form, pattern", [
    ({"response_format": {"type": "regex", "value": "(a|b){3}!"}}, "(a|b){3}!"), ({"response_format": {"type": "json_object", "value": {"enum": [1, 22]}}}, "1|22"),
    ({"grammar": 'root ::= [x-z]{2} ("." | "?")'}, "[x-z]{2}[.?]"), ({"structured_outputs": {"choice": ["yes.", "no?"]}}, r"yes\.|no\?"), ({"json_schema": {"type": "boolean"}}, "true|false")])
def test_other_servers_forms(client, form, pattern):
    for temperature in (0, 1.5):
        assert re.fullmatch(pattern, ask(client, "alice/tiny", extra_body=form, temperature=temperature).choices[0].message.content)


def test_any_object(client):
    asked = {"response_format": {"type": "json_object"}, "temperature": 0, "max_tokens": 200}
    choice = ask(client, "alice/smol", "Write the JSON object of a person.", **asked).choices[0]
    assert choice.message.content.startswith("{")
    assert choice.finish_reason == "length" or isinstance(json.loads(choice.message.content), dict)


def test_the_clients_of_huggingface_hub(hub):
    """Which writes a schema as {"type": "json_object", "value": ...}."""
    inference = huggingface_hub.InferenceClient(base_url=hub.url + "/models/alice/tiny", timeout=60)
    asked = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE, "strict": True}}
    answer = inference.chat_completion([{"role": "user", "content": "Where?"}], response_format=asked, seed=1)
    jsonschema.validate(json.loads(answer.choices[0].message.content), PLACE)


def test_penalties(client):
    plain = ask(client, "alice/tiny", temperature=0, max_tokens=30).choices[0].message.content
    other = ask(client, "alice/tiny", temperature=0, max_tokens=30, frequency_penalty=2, presence_penalty=2).choices[0].message.content
    assert plain != other


def test_a_prompt_over_the_context_is_refused(client):
    with pytest.raises(openai.BadRequestError, match="4096") as raised:
        ask(client, "alice/tiny", "x" * 5000)
    assert raised.value.code == "context_length_exceeded"


def test_errors_say_which_parameter(hub, client):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, "alice/tiny", temperature=9)
    assert raised.value.param == "temperature" and raised.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError) as raised:
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.bob, max_retries=0), "alice/none")
    assert raised.value.code == "model_not_found" and raised.value.param == "model"
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key="hf_" + "x" * 34, max_retries=0), "alice/tiny")
    assert raised.value.code == "invalid_api_key"


def test_probabilities_are_those_that_transformers_computes(client, tiny):
    """Of the model itself, whatever was asked of sampling."""
    answer = client.completions.create(model="alice/tiny", prompt="Hello", max_tokens=6, temperature=0, logprobs=3)
    logprobs = answer.choices[0].logprobs
    script = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer, model = AutoTokenizer.from_pretrained(sys.argv[1]), AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = tokenizer("Hello", return_tensors="pt").input_ids
made = model.generate(ids, max_new_tokens=6, do_sample=False, output_logits=True, return_dict_in_generate=True)
rows = [logits[0].log_softmax(-1).topk(3).values.tolist() for logits in made.logits]
print(json.dumps(rows))
"""
    out = subprocess.run([str(root / ".deps/python/bin/python"), "-c", script, str(tiny)], check=True, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    rows = json.loads(out.stdout.splitlines()[-1])
    assert len(logprobs.tokens) == 6 == len(rows)
    for made, top, row in zip(logprobs.token_logprobs, logprobs.top_logprobs, rows):
        assert made == pytest.approx(row[0], abs=0.05)
        assert sorted(top.values(), reverse=True) == pytest.approx(row[:len(top)], abs=0.05)


def test_a_chats_probabilities_whole_and_streamed(client):
    asked = {"temperature": 0, "max_tokens": 8, "logprobs": True, "top_logprobs": 2}
    whole = ask(client, "alice/smol", "What is 2+2?", **asked).choices[0]
    tokens = whole.logprobs.content
    assert b"".join(bytes(t.bytes) for t in tokens).decode() == whole.message.content
    assert all(t.top_logprobs[0].logprob == t.logprob and len(t.top_logprobs) == 2 for t in tokens)
    chunks = ask(client, "alice/smol", "What is 2+2?", stream=True, **asked)
    streamed = [t for c in chunks for t in (c.choices[0].logprobs.content if c.choices[0].logprobs else [])]
    # The prompt is in the cache by now: the same sums in another order, of 4-bit weights.
    assert [t.token for t in streamed] == [t.token for t in tokens]
    assert [t.logprob for t in streamed] == pytest.approx([t.logprob for t in tokens], abs=0.3)


def test_biases_forbid_and_force(client):
    first = client.completions.create(model="alice/tiny", prompt="Hello", max_tokens=1, temperature=0, logprobs=1)
    letter = 2 + sorted(alphabet()).index("z")
    forced = client.completions.create(model="alice/tiny", prompt="Hello", max_tokens=5, temperature=0, logit_bias={str(letter): 100})
    assert forced.choices[0].text == "zzzzz" and first.choices[0].text != "z"


def alphabet():
    from tokenizers import pre_tokenizers
    return pre_tokenizers.ByteLevel.alphabet()


def test_token_ids_as_prompts_and_other_servers_options(client):
    text = client.completions.create(model="alice/tiny", prompt="Hello", max_tokens=5, temperature=0)
    letters = sorted(alphabet())
    ids = [2 + letters.index(c) for c in "Hello"]
    assert client.completions.create(model="alice/tiny", prompt=ids, max_tokens=5, temperature=0).choices[0].text == text.choices[0].text
    two = client.completions.create(model="alice/tiny", prompt=[ids, ids[:2]], max_tokens=3, temperature=0, echo=True)
    assert [c.text[:len(t)] for c, t in zip(two.choices, ("Hello", "He"))] == ["Hello", "He"]
    extra = {"min_p": 0.1, "top_k": 5, "repetition_penalty": 1.3, "min_tokens": 4, "ignore_eos": True, "stop_token_ids": [1]}
    assert ask(client, "alice/tiny", max_tokens=4, seed=1, extra_body=extra, user="u", metadata={"a": "b"}).usage.completion_tokens == 4


def test_an_echoed_prompt_has_its_probabilities(client, tiny):
    """As harnesses score texts: the probabilities of a prompt's own tokens."""
    script = """
import sys, json, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
ids = torch.tensor([json.loads(sys.argv[2])])
with torch.no_grad(): rows = torch.log_softmax(model(ids).logits[0], -1)
print(json.dumps([[float(rows[i - 1][t]), float(rows[i - 1].max())] for i, t in enumerate(ids[0].tolist()) if i]))
"""
    text = "Score me, please"
    letters = sorted(alphabet())
    ids = [2 + letters.index(c.replace(" ", "\u0120")) for c in text]
    done = subprocess.run([str(root / ".deps/python/bin/python"), "-c", script, str(tiny), json.dumps(ids)], check=True, stdout=subprocess.PIPE,
                          env=os.environ | {"HF_HUB_OFFLINE": "1"})
    expected = json.loads(done.stdout)
    asked = {"model": "alice/tiny", "prompt": ids, "max_tokens": 1, "temperature": 0, "logprobs": 1, "echo": True}
    for _ in range(2):  # the second time the prompt is known: its probabilities are told all the same
        choice = client.completions.create(**asked).choices[0]
        logprobs = choice.logprobs
        assert choice.text.startswith(text)
        assert logprobs.tokens[:-1] == list(text) and len(logprobs.token_logprobs) == len(text) + 1
        assert logprobs.text_offset[:-1] == list(range(len(text)))
        assert logprobs.token_logprobs[0] is None and logprobs.top_logprobs[0] is None
        assert logprobs.token_logprobs[1:-1] == pytest.approx([own for own, _ in expected], abs=1e-3)
        assert [max(top.values()) for top in logprobs.top_logprobs[1:-1]] == pytest.approx([most for _, most in expected], abs=1e-3)
    streamed = [c.choices[0].logprobs.token_logprobs for c in client.completions.create(**asked, stream=True) if c.choices and c.choices[0].logprobs]
    assert [p for chunk in streamed for p in chunk][1:] == pytest.approx(logprobs.token_logprobs[1:], abs=1e-6)


def test_what_the_cache_had_of_a_prompt_is_told(client):
    text = "Once upon a time there was a very long prompt. " * 8
    asked = {"model": "alice/tiny", "prompt": text, "max_tokens": 2, "temperature": 0}
    client.completions.create(**asked)
    usage = client.completions.create(**asked).usage
    assert usage.prompt_tokens_details.cached_tokens > usage.prompt_tokens // 2


def test_a_client_that_leaves_ends_its_answer(hub, client):
    client.completions.create(model="alice/smol", prompt=COUNTING, max_tokens=1)
    body = json.dumps({"model": "alice/smol", "prompt": COUNTING, "max_tokens": 4000, "temperature": 0, "stream": True}).encode()
    for _ in range(8):  # as many as the engine makes at once
        with socket.create_connection(("127.0.0.1", hub.port)) as s:
            s.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert b"200 OK" in s.recv(4096)
    # Were the eight still being made, this one would wait behind 32,000 tokens: minutes.
    begin = time.monotonic()
    client.completions.create(model="alice/smol", prompt=COUNTING, max_tokens=2)
    assert time.monotonic() - begin < 20


def test_an_engine_killed_in_mid_stream(hub, client):
    client.completions.create(model="alice/smol", prompt=COUNTING, max_tokens=1)
    stream = client.completions.create(model="alice/smol", prompt=COUNTING, max_tokens=4000, temperature=0, stream=True)
    with pytest.raises(openai.APIError, match="engine stopped"):
        for i, _ in enumerate(stream):
            if i == 3:
                for pid in engines(hub):
                    os.kill(pid, signal.SIGKILL)
    assert hub.call("GET", "/healthz")[0] == 200
    assert client.completions.create(model="alice/smol", prompt=COUNTING, max_tokens=3).usage.completion_tokens == 3


def test_addresses_per_model_and_the_only_model(hub):
    named = openai.OpenAI(base_url=hub.url + "/models/alice/tiny/v1", api_key="any")
    assert ask(named, "dummy", max_tokens=2).model == "alice/tiny"
    with pytest.raises(openai.BadRequestError, match="must name"):
        ask(openai.OpenAI(base_url=hub.url + "/v1", api_key="any"), "dummy")


def test_weights_stored_as_chunks_are_kept_whole_for_the_engine_alone(hub, tiny, tmp_path):
    program = """
import shutil, sys
import safetensors.numpy
from huggingface_hub import HfApi
folder = shutil.copytree(sys.argv[1], sys.argv[2])
weights = safetensors.numpy.load_file(folder + "/model.safetensors")
weights["lm_head.weight"] *= 2
safetensors.numpy.save_file(weights, folder + "/model.safetensors", {"format": "pt"})
HfApi().create_repo("alice/chunks", private=True)
HfApi().upload_folder(repo_id="alice/chunks", folder_path=folder)
"""
    subprocess.run([str(root / ".deps/python/bin/python"), "-c", program, str(tiny), str(tmp_path / "files")], check=True, env=hub.env(hub.alice))
    mine = openai.OpenAI(base_url=hub.url + "/v1", api_key=hub.alice)
    assert ask(mine, "alice/chunks", temperature=0, max_tokens=3).usage.completion_tokens == 3
    sha256 = hub.call("HEAD", "/alice/chunks/resolve/main/model.safetensors", token=hub.alice)[1]["X-Linked-ETag"].strip('"')
    assert not list((hub.folder / "data" / "objects" / "sha256").rglob(sha256)), "the store has no second copy"
    assert [p for p in (hub.folder / "data" / "engines").rglob("model.safetensors") if not p.is_symlink()]
    assert hub.call("DELETE", "/api/repos/delete", {"name": "chunks", "type": "model"}, hub.alice)[0] == 200
