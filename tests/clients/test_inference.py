"""The Inference API's task routes, asked by the real huggingface_hub.InferenceClient, @huggingface/inference, openai and raw
requests; expected answers are those of transformers and sentence-transformers on the same checkpoints."""
import asyncio
import base64
import json
import pathlib
import subprocess
import sys
import threading

import huggingface_hub.inference._common
import numpy
import openai
import pytest
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tests" / "oracle"))
import checkpoints  # noqa: E402
from test_pipelines import same  # noqa: E402

TEXT = "Alice met Bob in New York City."
SENTENCES = ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
LABELS = ["travel", "cooking", "dancing"]
# The name on the hub, the oracle's checkpoint, the card.
MODELS = {
    "classify": ("bert.seqcls", "pipeline_tag: text-classification"),
    "nli": ("bert.seqcls", "pipeline_tag: zero-shot-classification"),
    "tokens": ("bert.tokcls", "pipeline_tag: token-classification"),
    "answer": ("bert.qa", "pipeline_tag: question-answering\nwidget:\n- text: Who?\n  context: Alice."),
    "mask": ("bert.mlm", "pipeline_tag: fill-mask"),
    "features": ("bert.base", "pipeline_tag: feature-extraction"),
    "sentences": ("st-mean", "pipeline_tag: sentence-similarity\ntags: [feature-extraction]\nlibrary_name: sentence-transformers"),
    "summarize": ("t5.s2s", "pipeline_tag: summarization"),
    "translate": ("marian.s2s", "pipeline_tag: translation"),
    "rewrite": ("t5.s2s", "pipeline_tag: text2text-generation"),
    "rank": ("ranker", "pipeline_tag: text-ranking"),
    "generate": ("llama3.causal", "pipeline_tag: text-generation"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the checkpoints; "ranker" is a BERT with one label."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    oracle = checkpoints.make(sorted({name for name, _ in MODELS.values()} - {"ranker"}), 0)
    folder = tmp_path_factory.mktemp("made")
    for path in oracle.iterdir():
        (folder / path.name).symlink_to(path)
    torch.manual_seed(3)
    AutoModelForSequenceClassification.from_pretrained(oracle / "bert.base", num_labels=1).save_pretrained(folder / "ranker")
    AutoTokenizer.from_pretrained(oracle / "bert.base").save_pretrained(folder / "ranker")
    return folder


@pytest.fixture(scope="module")
def theirs(made):
    """theirs(task, model): transformers' pipeline."""
    import transformers

    return lambda task, model: transformers.pipeline(task, model=str(made / MODELS[model][0]))


@pytest.fixture(scope="module", autouse=True)
def models(hub, made, tmp_path_factory):
    card = tmp_path_factory.mktemp("cards") / "README.md"
    for name, (checkpoint, meta) in MODELS.items():
        hub.run("repos", "create", f"alice/{name}", token=hub.alice)
        hub.run("upload", f"alice/{name}", made / checkpoint, token=hub.alice)
        card.write_text(f"---\n{meta}\n---\n")
        hub.run("upload", f"alice/{name}", card, "README.md", token=hub.alice)
    template = card.with_name("chat_template.jinja")
    template.write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    hub.run("upload", "alice/generate", template, template.name, token=hub.alice)
    hub.run("repos", "create", "alice/hidden", "--private", token=hub.alice)
    hub.run("upload", "alice/hidden", made / "bert.seqcls", token=hub.alice)
    hub.run("repos", "create", "alice/nothing", token=hub.alice)


@pytest.fixture(autouse=True)
def nothing_remembered():
    """The package keeps for all clients of a process which parameters a server has refused."""
    huggingface_hub.inference._common._UNSUPPORTED_TEXT_GENERATION_KWARGS.clear()


def at(hub, name):
    return f"{hub.url}/models/alice/{name}"


def client(hub, name, **options):
    return InferenceClient(model=at(hub, name), timeout=60, token="any", **options)


def plain(output):
    """An answer as JSON, its keys in one order: clients make objects of it that order them by their own."""
    return json.loads(json.dumps(output, sort_keys=True), object_hook=lambda row: {k: v for k, v in row.items() if v is not None})


def post(hub, path, body, token=None):
    status, headers, out = hub.call("POST", path, body, token)
    return status, json.loads(out)


# ---- every text task, by InferenceClient ----


def test_text_classification(hub, theirs):
    want = theirs("text-classification", "classify")(TEXT, top_k=None)
    got = client(hub, "classify").text_classification(TEXT)
    assert same([plain(row) for row in got], want)
    (best,) = client(hub, "classify").text_classification(TEXT, top_k=1, function_to_apply="sigmoid")
    assert same(plain(best), theirs("text-classification", "classify")(TEXT, top_k=1, function_to_apply="sigmoid")[0])
    status, rows = post(hub, "/models/alice/classify", {"inputs": [TEXT, "No."], "options": {"wait_for_model": True}})
    assert status == 200 and same(rows, theirs("text-classification", "classify")([TEXT, "No."], top_k=None))


def test_zero_shot_classification(hub, theirs):
    want = theirs("zero-shot-classification", "nli")(TEXT, LABELS, multi_label=False)
    got = client(hub, "nli").zero_shot_classification(TEXT, LABELS)
    assert same([plain(row) for row in got], [{"label": a, "score": b} for a, b in zip(want["labels"], want["scores"])])
    want = theirs("zero-shot-classification", "nli")(TEXT, LABELS, multi_label=True, hypothesis_template="It is {}.")
    got = client(hub, "nli").zero_shot_classification(TEXT, LABELS, multi_label=True, hypothesis_template="It is {}.")
    assert same([row.score for row in got], want["scores"])


def test_token_classification(hub, theirs):
    plain_rows = lambda rows: [{k: v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in rows]
    pipe = theirs("token-classification", "tokens")
    raw = post(hub, "/models/alice/tokens", {"inputs": TEXT})[1]
    assert same(raw, plain_rows(pipe(TEXT, aggregation_strategy="simple"))) and raw
    for strategy in ("first", "max", "none"):
        body = {"inputs": TEXT, "parameters": {"aggregation_strategy": strategy}}
        assert same(post(hub, "/models/alice/tokens", body)[1], plain_rows(pipe(TEXT, aggregation_strategy=strategy)))
    got = client(hub, "tokens").token_classification(TEXT)
    assert [(row.entity_group, row.start, row.end) for row in got] == [(row["entity_group"], row["start"], row["end"]) for row in raw]


def test_question_answering(hub, made):
    from test_pipeline_answers import CONTEXT, Theirs

    pipe = Theirs(made / "bert.qa")
    got = client(hub, "answer").question_answering(question="Where is the fox?", context=CONTEXT)
    want = pipe("Where is the fox?", CONTEXT)
    assert same(plain(got), plain(want[0] if isinstance(want, list) else want))
    several = client(hub, "answer").question_answering(question="Where is the fox?", context=CONTEXT, top_k=3)
    assert same([plain(row) for row in several], plain(pipe("Where is the fox?", CONTEXT, top_k=3)))


def test_fill_mask(hub, theirs):
    pipe = theirs("fill-mask", "mask")
    text = f"Alice met {pipe.tokenizer.mask_token} in Paris."
    assert same([plain(row) for row in client(hub, "mask").fill_mask(text)], plain(pipe(text)))
    assert same([plain(row) for row in client(hub, "mask").fill_mask(text, top_k=2)], plain(pipe(text, top_k=2)))


def test_feature_extraction_of_a_plain_model(hub, theirs):
    want = numpy.array(theirs("feature-extraction", "features")(TEXT))
    assert numpy.abs(client(hub, "features").feature_extraction(TEXT) - want).max() <= 1e-4


@pytest.fixture(scope="module")
def encoder(made):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(made / "st-mean"), device="cpu")


def test_vectors_of_a_sentence_model(hub, encoder):
    url = at(hub, "sentences") + "/pipeline/feature-extraction"
    ask = InferenceClient(model=url, token="any").feature_extraction
    assert numpy.abs(ask(TEXT) - encoder.encode(TEXT)).max() <= 2e-5
    many = ask(SENTENCES, prompt_name="query", normalize=True)
    assert numpy.abs(many - encoder.encode(SENTENCES, prompt_name="query", normalize_embeddings=True)).max() <= 2e-5
    short = ask(SENTENCES, dimensions=8, normalize=True)
    assert numpy.abs(short - encoder.encode(SENTENCES, truncate_dim=8, normalize_embeddings=True)).max() <= 2e-5
    status, answer = post(hub, "/models/alice/sentences/pipeline/feature-extraction", {"inputs": "word " * 500, "truncate": False})
    assert status == 413 and "truncate" in answer["error"]


def test_sentence_similarity(hub, encoder):
    vectors = encoder.encode(["That is a happy person", *SENTENCES])
    got = client(hub, "sentences").sentence_similarity("That is a happy person", SENTENCES)
    assert numpy.abs(numpy.array(got) - vectors[1:] @ vectors[0]).max() <= 1e-5


def test_openai_embeddings(hub, encoder):
    for base in ("/v1", "/models/alice/sentences/v1", "/hf-inference/models/alice/sentences/v1"):
        ask = openai.OpenAI(base_url=hub.url + base, api_key="any", max_retries=0).embeddings.create
        for encoding in ("base64", "float"):
            answer = ask(model="alice/sentences", input=SENTENCES, encoding_format=encoding)
            vectors = [row.embedding for row in answer.data]
            if encoding == "base64":
                vectors = [numpy.frombuffer(base64.b64decode(v), dtype="<f4") if isinstance(v, str) else v for v in vectors]
            assert numpy.abs(numpy.array(vectors) - encoder.encode(SENTENCES)).max() <= 2e-5
            tokens = sum(len(ids) for ids in encoder.tokenizer(SENTENCES)["input_ids"])
            assert (answer.usage.prompt_tokens, answer.model, [row.index for row in answer.data]) == (tokens, "alice/sentences", [0, 1, 2])
    one = openai.OpenAI(base_url=at(hub, "sentences") + "/v1", api_key="any").embeddings.create(model="dummy", input=TEXT, dimensions=8)
    assert len(one.data[0].embedding) == 8 and abs(numpy.linalg.norm(one.data[0].embedding) - 1) < 1e-5


def test_text_ranking(hub, made):
    import torch
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(str(made / "ranker"), device="cpu")
    pairs = [("a happy person", text) for text in SENTENCES]
    for raw, activation in ((False, torch.nn.Sigmoid()), (True, torch.nn.Identity())):
        scores = encoder.predict(pairs, activation_fn=activation).tolist()
        want = [{"index": i, "score": scores[i]} for i in sorted(range(len(scores)), key=lambda i: -scores[i])]
        body = {"query": "a happy person", "texts": SENTENCES, "raw_scores": raw}
        assert same(post(hub, "/models/alice/rank/rerank", body)[1], want)
        assert same(post(hub, "/models/alice/rank", {"inputs": body, "parameters": {"raw_scores": raw}})[1], want)


@pytest.fixture(scope="module")
def rewritten(made):
    """rewritten(model, text, n): what transformers' encoder-decoder makes of a text, with the four beams of 4.57's pipelines."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    def make(model, text, n):
        folder = made / MODELS[model][0]
        tokenizer = AutoTokenizer.from_pretrained(folder)
        out = AutoModelForSeq2SeqLM.from_pretrained(folder).eval().generate(
            **tokenizer(text, return_tensors="pt"), max_new_tokens=n, num_beams=4)  # fmt: skip
        return tokenizer.decode(out[0], skip_special_tokens=True)

    return make


def test_encoders_and_decoders(hub, rewritten, javascript):
    more = {"generate_parameters": {"max_new_tokens": 8}}
    summary, translation = rewritten("summarize", TEXT, 8), rewritten("translate", TEXT, 8)
    assert client(hub, "summarize").summarization(TEXT, **more).summary_text == summary
    assert client(hub, "translate").translation(TEXT, **more).translation_text == translation
    assert post(hub, "/models/alice/rewrite", {"inputs": TEXT, "parameters": {"max_new_tokens": 8}})[1] == [{"generated_text": rewritten("rewrite", TEXT, 8)}]
    ask = client(hub, "rewrite").text_generation
    assert ask(TEXT, max_new_tokens=8) == rewritten("rewrite", TEXT, 8)
    with pytest.warns(UserWarning, match="not served via TGI"):  # it asks again without details
        assert ask(TEXT, max_new_tokens=8, details=True) == rewritten("rewrite", TEXT, 8)
    calls = [{"method": method, "arguments": {"endpointUrl": at(hub, model), "inputs": TEXT, "parameters": {"max_new_tokens": 8}}}
             for method, model in (("summarization", "summarize"), ("translation", "translate"))]  # fmt: skip
    assert javascript(*calls) == [{"answer": {"summary_text": summary}}, {"answer": {"translation_text": translation}}]


def test_each_pair_of_languages_is_a_task(hub, rewritten):
    """More of them than an engine keeps loaded."""
    translation = rewritten("translate", TEXT, 8)
    for pair in ("en_to_de", "en_to_fr", "de_to_en", "fr_to_en", "en_to_ro", "en_to_de"):
        status, answer = post(hub, f"/models/alice/translate/pipeline/translation_{pair}", {"inputs": TEXT, "parameters": {"max_new_tokens": 8}})
        assert (status, answer) == (200, [{"translation_text": translation}])


@pytest.fixture(scope="module")
def greedy(made):
    """greedy(prompt, n): transformers' continuation: the ids, their log probabilities, the text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = made / MODELS["generate"][0]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()

    def make(prompt, n):
        ids = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**ids, max_new_tokens=n, do_sample=False, output_logits=True, return_dict_in_generate=True)
        new = out.sequences[0][ids["input_ids"].shape[1]:]
        probabilities = [torch.log_softmax(row[0].float(), -1)[token].item() for row, token in zip(out.logits, new)]
        return new.tolist(), probabilities, tokenizer.decode(new, skip_special_tokens=True)

    return make


def test_text_generation(hub, greedy):
    ask = client(hub, "generate").text_generation
    ids, probabilities, text = greedy(TEXT, 12)
    assert ask(TEXT, max_new_tokens=12) == text
    assert ask(TEXT, max_new_tokens=12, return_full_text=True) == TEXT + text
    told = ask(TEXT, max_new_tokens=12, details=True)
    assert told.generated_text == text and told.details.generated_tokens == len(ids) and told.details.seed is None
    assert [token.id for token in told.details.tokens] == ids
    assert same([token.logprob for token in told.details.tokens], probabilities)
    assert told.details.finish_reason == "length"


def test_text_generation_streams_tokens(hub, greedy):
    ids, _, text = greedy(TEXT, 12)
    ask = client(hub, "generate").text_generation
    assert "".join(ask(TEXT, max_new_tokens=12, stream=True)) == text
    rows = list(ask(TEXT, max_new_tokens=12, stream=True, details=True))
    assert [row.token.id for row in rows] == ids and [row.index for row in rows] == list(range(1, len(ids) + 1))
    assert all(row.generated_text is None and row.details is None for row in rows[:-1])
    assert rows[-1].generated_text == text and rows[-1].details.finish_reason == "length"
    assert rows[-1].details.input_length > 0


def test_text_generation_stops_samples_and_keeps_a_form(hub, greedy):
    ask = client(hub, "generate").text_generation
    text = greedy(TEXT, 12)[2]
    stop = text[4:7]
    told = ask(TEXT, max_new_tokens=12, stop=[stop], details=True)
    assert told.details.finish_reason == "stop_sequence" and stop in told.generated_text  # as TGI: the stop text stays
    assert text.startswith(told.generated_text)
    draws = [ask(TEXT, max_new_tokens=12, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    formed = ask(TEXT, max_new_tokens=8, grammar={"type": "regex", "value": "[0-9]{4}"})
    assert formed.isdigit() and len(formed) == 4


def test_text_generation_refusals(hub):
    ask = client(hub, "generate").text_generation
    with pytest.warns(UserWarning, match="Ignoring following parameters: watermark"):  # it asks again without
        assert ask(TEXT, max_new_tokens=2, watermark=True)
    url = "/models/alice/generate"
    for parameters, told in (({"temperature": 0}, "`temperature` must be strictly positive"), ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
                             ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
                             ({"max_new_tokens": 10**6}, "`inputs` tokens + `max_new_tokens` must be <= ")):  # fmt: skip
        status, answer = post(hub, url, {"inputs": TEXT, "parameters": parameters})
        assert (status, answer["error_type"]) == (422, "validation") and told in answer["error"]
    assert "cannot be empty" in post(hub, url, {"inputs": ""})[1]["error"]
    assert "must have less than" in post(hub, url, {"inputs": "word " * 5000})[1]["error"]


def test_chat_at_the_address_of_a_model(hub):
    answer = client(hub, "generate").chat_completion([{"role": "user", "content": "Hi"}], max_tokens=3, temperature=0)
    assert answer.model == "alice/generate" and answer.usage.completion_tokens <= 3


def test_the_asynchronous_client(hub, theirs):
    async def ask():
        async with AsyncInferenceClient(model=at(hub, "classify"), token="any") as asks:
            return await asyncio.gather(*(asks.text_classification(TEXT) for _ in range(8)))

    want = theirs("text-classification", "classify")(TEXT, top_k=None)
    for got in asyncio.run(ask()):
        assert same([plain(row) for row in got], want)


# ---- addresses, tasks, errors, rights ----


def test_every_address_of_a_task(hub):
    want = post(hub, "/models/alice/classify", {"inputs": TEXT})
    assert want[0] == 200
    for path in ("/models/alice/classify/pipeline/text-classification", "/pipeline/text-classification/alice/classify",
                 "/pipeline/sentiment-analysis/models/alice/classify", "/hf-inference/models/alice/classify",
                 "/hf-inference/models/alice/classify/pipeline/text-classification"):  # fmt: skip
        assert post(hub, path, {"inputs": TEXT, "model": "dummy"}) == want, path


def test_errors_name_what_is_wrong(hub):
    for path, body, status, told in (
        ("alice/classify", {}, 422, "`inputs` is missing"),
        ("alice/classify", {"inputs": 7}, 422, "must be a text or a list of texts"),
        ("alice/classify", {"inputs": []}, 422, "empty list"),
        ("alice/classify", {"inputs": ["a"] * 2000}, 422, "takes up to 1024"),
        ("alice/classify", b"{", 400, "JSON"),
        ("alice/classify", b'{"inputs":' + b"[" * 2000 + b"]" * 2000 + b"}", 400, "JSON"),
        ("alice/classify", {"inputs": TEXT, "parameters": {"topk": 1}}, 400, "'topk' is not known"),
        ("alice/classify", {"inputs": "word " * 3000}, 413, "tokens"),
        ("alice/classify", {"inputs": TEXT, "parameters": []}, 422, "`parameters` must be an object"),
        ("alice/nli", {"inputs": TEXT}, 422, "candidate_labels"),
        ("alice/answer", {"inputs": {"question": "Who?"}}, 422, "inputs.context"),
        ("alice/sentences", {"inputs": {"source_sentence": "a"}}, 422, "sentences"),
        ("alice/classify/pipeline/nonsense", {"inputs": TEXT}, 404, "'nonsense' is not known"),
        ("alice/nothing", {"inputs": TEXT}, 400, "do not run alice/nothing"),
        ("alice/absent", {"inputs": TEXT}, 401, ""),
    ):
        got, answer = post(hub, f"/models/{path}", body)
        assert got == status and told in answer["error"], (path, body if len(body) < 99 else "", got, answer)
    assert post(hub, "/models/alice/absent", {"inputs": TEXT}, hub.bob)[0] == 404
    assert hub.call("POST", "/models/alice/classify", b" " * (17 << 20))[0] == 413
    with pytest.raises(BadRequestError, match="not made for|do not run"):
        client(hub, "nothing").text_classification(TEXT)


def test_private_models_answer_those_who_may_read_them(hub):
    ask = lambda token: InferenceClient(model=at(hub, "hidden"), token=token).text_classification(TEXT)
    assert ask(hub.alice) and ask(hub.alice_read)
    with pytest.raises(RepositoryNotFoundError):
        ask(hub.bob)
    with pytest.raises(HfHubHTTPError):
        ask("any")


def test_who_leaves_stops_the_work_and_the_engine_answers_on(hub):
    import http.client

    body = json.dumps({"inputs": [TEXT * 4] * 1000})
    for _ in range(4):
        connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
        connection.request("POST", "/models/alice/features", body, {"Content-Type": "application/json"})
        connection.close()
    done = threading.Event()
    answers = []
    threading.Thread(target=lambda: (answers.append(post(hub, "/models/alice/features", {"inputs": TEXT})), done.set())).start()
    assert done.wait(30) and answers[0][0] == 200


# ---- what clients ask the hub before ----


def test_the_router_shape_and_its_look_ups(hub):
    """A model's id in place of an address: the hub stands for the router, whose address the package has as a constant."""
    program = """
import huggingface_hub.constants, sys
huggingface_hub.constants.INFERENCE_PROXY_TEMPLATE = huggingface_hub.constants.ENDPOINT + "/{provider}"
from huggingface_hub import InferenceClient
client = InferenceClient(provider="hf-inference")
assert client.text_classification("a b", model="alice/classify")
assert client.fill_mask("a [MASK].", model="alice/mask")
assert client.feature_extraction("a", model="alice/sentences").ndim == 1
assert len(client.sentence_similarity("a", ["b", "c"], model="alice/sentences")) == 2
assert client.text_generation("a", max_new_tokens=2, model="alice/generate") is not None
assert client.chat_completion([{"role": "user", "content": "a"}], max_tokens=2, model="alice/generate").choices
assert client.token_classification("Alice met Bob") is not None  # the hub recommends a model
try:
    client.text_classification("a", model="alice/mask")
except ValueError as error:
    assert "doesn't support task" in str(error)
else:
    raise AssertionError("a model of another task was asked")
"""
    done = subprocess.run([sys.executable, "-c", program], env=hub.env(hub.alice), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


def test_models_say_that_they_run_and_tasks_name_them(hub, alice):
    info = alice.model_info("alice/tokens", expand=["inference", "inferenceProviderMapping"])
    assert info.inference == "warm"
    (mapping,) = info.inference_provider_mapping
    assert (mapping.provider, mapping.provider_id, mapping.task, mapping.status) == ("hf-inference", "alice/tokens", "token-classification", "live")
    assert alice.model_info("alice/nothing", expand=["inference"]).inference is None
    tasks = json.loads(hub.call("GET", "/api/tasks")[2])
    assert tasks["fill-mask"]["widgetModels"] == ["alice/mask"] and tasks["fill-mask"]["models"][0]["id"] == "alice/mask"
    assert tasks["image-to-3d"]["widgetModels"] == []
    assert "alice/hidden" not in json.dumps(tasks)


def test_widget_data(hub):
    widget = lambda name: json.loads(hub.call("GET", f"/api/models/alice/{name}")[2])["widgetData"]
    assert widget("answer") == [{"text": "Who?", "context": "Alice."}]  # the card's
    assert "[MASK]" in widget("mask")[0]["text"]
    assert {"text", "candidate_labels", "multi_class"} <= set(widget("nli")[0])
    assert {"source_sentence", "sentences"} == set(widget("sentences")[0])
    for name in ("classify", "tokens", "generate"):
        assert widget(name)[0]["text"]


# ---- @huggingface/inference ----


@pytest.fixture(scope="module")
def javascript(hub):
    """javascript(*calls): the answers of one process."""

    def ask(*calls):
        lines = "".join(json.dumps(call) + "\n" for call in calls)
        done = subprocess.run(["node", "inference.mjs"], cwd=pathlib.Path(__file__).parent / "compatibility", input=lines,
                              env=hub.env(), capture_output=True, text=True, timeout=120)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(calls), done.stderr
        return answers

    return ask


def test_javascript(hub, javascript, greedy):
    calls = {  # method -> model, arguments, the raw answer's part that it returns
        "textClassification": ("classify", {"inputs": TEXT}, lambda raw: raw[0]),
        "zeroShotClassification": ("nli", {"inputs": TEXT, "parameters": {"candidate_labels": LABELS}}, lambda raw: raw),
        "tokenClassification": ("tokens", {"inputs": TEXT}, lambda raw: raw),
        "questionAnswering": ("answer", {"inputs": {"question": "Who?", "context": TEXT}}, lambda raw: raw),
        "fillMask": ("mask", {"inputs": "Alice met [MASK]."}, lambda raw: raw),
        "featureExtraction": ("features", {"inputs": TEXT}, lambda raw: raw),
        "sentenceSimilarity": ("sentences", {"inputs": {"source_sentence": TEXT, "sentences": SENTENCES}}, lambda raw: raw),
    }
    answers = javascript(*({"method": method, "arguments": {"endpointUrl": at(hub, model), **arguments}} for method, (model, arguments, _) in calls.items()))
    for answer, (method, (model, arguments, part)) in zip(answers, calls.items()):
        assert "answer" in answer, (method, answer)
        assert answer["answer"] == part(post(hub, f"/models/alice/{model}", arguments)[1]), method


def test_javascript_generates(hub, javascript, greedy):
    endpoint = at(hub, "generate")
    parameters = {"max_new_tokens": 12, "temperature": 0}
    text = greedy(TEXT, 12)[2]
    message = {"endpointUrl": endpoint, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
    whole, stream, chat, chats, refused = javascript(
        {"method": "textGeneration", "arguments": {"endpointUrl": endpoint, "inputs": TEXT, "parameters": parameters}},
        {"method": "textGenerationStream", "arguments": {"endpointUrl": endpoint, "inputs": TEXT, "parameters": parameters}, "stream": True},
        {"method": "chatCompletion", "arguments": message},
        {"method": "chatCompletionStream", "arguments": message, "stream": True},
        {"method": "textClassification", "arguments": {"endpointUrl": at(hub, "hidden"), "inputs": TEXT}})
    assert whole == {"answer": {"generated_text": text}}
    assert "".join(choice["text"] for chunk in stream["answer"] for choice in chunk["choices"]) == text
    assert chat["answer"]["object"] == "chat.completion" and chats["answer"][0]["object"] == "chat.completion.chunk"
    assert refused["status"] == 401
