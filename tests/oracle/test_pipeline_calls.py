"""`hearth pipeline` beside transformers' pipeline() where the golden cases do not reach: long texts, words that are cut already,
conversations, lists; sentence-similarity and text-ranking beside sentence-transformers."""
import json
import shutil
import subprocess

import pytest

import checkpoints
from outputs import hearth
from test_pipelines import ask, refusal, same

FAMILIES = ["bert", "roberta", "albert", "deberta-v3", "bart", "gpt2", "llama3", "qwen2", "gemma3", "t5", "mbart", "marian"]
NAMES = "Alice Quickfox works at Acme Corp. in New York City; her brother Søren, who sells shells, lives in São Paulo."
LONG = " ".join([NAMES, "She sells the quick brown shells!"] * 6)
TEXTS = ["Hello.", NAMES, "def add(a, b):\n    return a + b", "The capital of France is Paris", "I", NAMES + " She sells."]


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(FAMILIES, 5)


@pytest.fixture(scope="module")
def short(made, tmp_path_factory):
    """Copies whose tokenizer cuts texts at 48 tokens."""
    folder = tmp_path_factory.mktemp("short")

    def of(name):
        if not (folder / name).exists():
            shutil.copytree(made / name, folder / name)
            path = folder / name / "tokenizer_config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 48}))
        return folder / name

    return of


def compare(task, model, *requests):
    """Each request, (inputs, parameters), asked of both."""
    import transformers

    theirs = transformers.pipeline(task, model=str(model), device="cpu")
    for (inputs, parameters), ours in zip(requests, ask(task, model, *requests)):
        try:
            expected = json.loads(json.dumps(theirs(inputs, **json.loads(json.dumps(parameters))), default=lambda x: x.tolist()))
        except Exception:  # of many kinds, from the middle of what it does
            assert "error" in ours, (inputs, parameters, ours)
        else:
            assert same(ours, expected), (inputs, parameters, ours, expected)


@pytest.mark.parametrize("name", ["bert.tokcls", "roberta.tokcls", "albert.tokcls", "deberta-v3.tokcls", "gpt2.tokcls"])
def test_token_classification(short, name):
    strategies = ["none", "simple", "first", "average", "max"]
    words = NAMES.split()
    compare("token-classification", short(name),
            *((NAMES, {"aggregation_strategy": strategy, "ignore_labels": []}) for strategy in strategies),
            *((LONG, {"aggregation_strategy": strategy, "stride": 8}) for strategy in strategies[1:]),
            (LONG, {"aggregation_strategy": "simple", "stride": 20, "ignore_labels": ["E1"]}),
            (LONG, {"stride": 8}), (LONG, {"aggregation_strategy": "none", "stride": 8}), (NAMES, {"stride": 48}),
            (TEXTS, {"aggregation_strategy": "max"}), ([NAMES], {}), ("", {}), ([], {}))
    if name != "gpt2.tokcls":  # Python refuses words there, for want of add_prefix_space
        compare("token-classification", short(name),
                (words, {"is_split_into_words": True, "aggregation_strategy": "first", "ignore_labels": []}),
                ([words, words[:3]], {"is_split_into_words": True, "ignore_labels": [], "delimiter": "--"}),
                (LONG.split(), {"is_split_into_words": True, "aggregation_strategy": "average", "stride": 4}),
                (NAMES, {"is_split_into_words": True}))


def test_text_classification(short):
    for name in ("bert.seqcls", "gpt2.seqcls", "t5.seqcls"):
        compare("text-classification", short(name), (TEXTS, {"top_k": 2}), (TEXTS, {}), (["Hello."], {}),
                (LONG, {"truncation": True, "top_k": None}), (LONG, {"truncation": True, "max_length": 9}),
                ([{"text": "a", "text_pair": NAMES}, {"text": "I"}], {}), ({"text": "a"}, {}), ([[["a", "b"]]], {"top_k": 1}),
                (["a", ["b"]], {}), ("a", {"function_to_apply": "nonsense"}))


def test_zero_shot_classification(short):
    labels = ["politics", "food", "the code", "shells"]
    compare("zero-shot-classification", short("bart.seqcls"),
            (NAMES, {"candidate_labels": labels}), (TEXTS, {"candidate_labels": labels, "multi_label": True}),
            (NAMES, {"candidate_labels": " food,the code , "}), (NAMES, {"candidate_labels": ["food"]}),
            (LONG, {"candidate_labels": labels, "hypothesis_template": "{0} it {{is}} {0}"}),
            (NAMES, {"candidate_labels": labels, "hypothesis_template": "nothing"}), (NAMES, {"candidate_labels": []}),
            ("", {"candidate_labels": labels}))


def test_fill_mask(short):
    for name, mask in (("bert.mlm", "[MASK]"), ("roberta.mlm", "<mask>"), ("deberta-v3.mlm", "[MASK]")):
        compare("fill-mask", short(name), (f"Paris is {mask}", {"targets": ["Quickfoxes", "the", "cat"], "top_k": 2}),
                ([f"{mask} sells {mask}.", f"A {mask}."], {"top_k": 3}), ([f"{mask} sells."], {}), ("No place", {}),
                (f"{mask} sells. " + LONG, {"tokenizer_kwargs": {"truncation": True}}), (f"The {mask}", {"targets": "fox"}))


def test_feature_extraction(short):
    compare("feature-extraction", short("bert.base"), (TEXTS[:3], {}), (LONG, {"truncation": True}),
            (LONG, {"tokenize_kwargs": {"truncation": True, "max_length": 5}}))


GREEDY = {"do_sample": False, "max_new_tokens": 7}


@pytest.mark.parametrize("name", ["gpt2.causal", "llama3.causal", "qwen2.causal"])
def test_text_generation(short, name):
    compare("text-generation", short(name), (TEXTS, GREEDY), (TEXTS[:2] * 3, GREEDY | {"return_full_text": False}),
            (NAMES, GREEDY | {"prefix": "Once: "}), ("She", {"do_sample": False, "max_length": 30, "prefix": "Once: "}),
            ("She", GREEDY | {"return_tensors": True}), ("She", GREEDY | {"num_beams": 2, "num_return_sequences": 2}),
            (NAMES, GREEDY | {"max_new_tokens": 20, "handle_long_generation": "hole"}),
            (NAMES, GREEDY | {"tokenizer_encode_kwargs": {"truncation": True, "max_length": 4}}),
            ("She", GREEDY | {"skip_special_tokens": False, "repetition_penalty": 1.3, "add_special_tokens": False}),
            ("She", GREEDY | {"return_full_text": True, "return_tensors": True}))


def test_stop_sequences(short):
    """An answer ends with the first word that was asked for, and keeps it."""
    import transformers

    model = short("gpt2.causal")
    theirs = transformers.pipeline("text-generation", model=str(model), device="cpu")
    text = theirs("She", do_sample=False, max_new_tokens=24, return_full_text=False)[0]["generated_text"]
    compare("text-generation", model, *(("She", {"do_sample": False, "max_new_tokens": 24, "stop_sequence": stop})
                                        for stop in (text[3:5], [text[9:12], text[6:7]], "never said")))


@pytest.mark.parametrize("name", ["llama3.causal", "qwen2.causal", "gemma3.causal"])
def test_conversations(made, name, tmp_path):
    model = made / name
    tokenizer = json.loads((model / "tokenizer_config.json").read_text())
    if "chat_template" not in tokenizer and not (model / "chat_template.jinja").exists():
        shutil.copytree(model, tmp_path / "chat")
        model = tmp_path / "chat"
        (model / "chat_template.jinja").write_text(
            "{% for m in messages %}[{{ m.role }}] {{ m.content }}{{ eos_token }}\n{% endfor %}"
            "{% if tools %}{{ tools | length }} tools{% endif %}{% if mood is defined %}{{ mood }}{% endif %}"
            "{% if add_generation_prompt %}[assistant]{% endif %}")
    asked = [{"role": "user", "content": "Who sells shells?"}]
    begun = [*asked, {"role": "assistant", "content": "She sells"}]
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    compare("text-generation", model, (asked, GREEDY), ([asked, asked + begun], GREEDY), (begun, GREEDY),
            (begun, GREEDY | {"continue_final_message": False}), (asked, GREEDY | {"return_full_text": False}),
            (asked, GREEDY | {"tools": [tool]}), (asked, GREEDY | {"tokenizer_encode_kwargs": {"mood": "glad"}}))
    assert "'role' and a 'content'" in refusal("text-generation", model, [*asked, {"role": "user"}])


def written(path, texts, **rules):
    """What 4.57 gives to generate(), and its tokens as text."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    rules = {"num_beams": 4, "max_new_tokens": 8} | rules
    tokenizer = AutoTokenizer.from_pretrained(path, **rules.pop("tokenizer", {}))
    model = AutoModelForSeq2SeqLM.from_pretrained(path)
    out = []
    for text in texts:
        asked = tokenizer(text, return_tensors="pt")
        made = model.generate(input_ids=asked["input_ids"], attention_mask=asked["attention_mask"], **rules)
        out.append([tokenizer.decode(row, skip_special_tokens=True, clean_up_tokenization_spaces=False) for row in made])
    return out


@pytest.mark.parametrize("task, key, name", [
    ("summarization", "summary_text", "bart.s2s"), ("text2text-generation", "generated_text", "t5.s2s"),
    ("translation_en_to_de", "translation_text", "marian.s2s"), ("translation", "translation_text", "t5.s2s")])
def test_text2text(made, task, key, name):
    texts = TEXTS[:4]
    short, two = {"max_new_tokens": 8}, {"num_return_sequences": 2, "max_new_tokens": 8}
    one, several, greedy, pairs = ask(task, made / name, (texts[0], short), (texts, short),
                                      (texts[1], short | {"num_beams": 1}), (texts, two))
    expected = written(made / name, texts)
    assert one == [{key: expected[0][0]}]
    assert several == [{key: rows[0]} for rows in expected]
    assert greedy == [{key: rows[0]} for rows in written(made / name, texts[1:2], num_beams=1)]
    assert pairs == [[{key: row} for row in rows] for rows in written(made / name, texts, num_return_sequences=2)]


def test_languages(made, tmp_path):
    """mBART's tokens begin with the language of the answer and end with that of the question."""
    from transformers import MBartTokenizer

    model = tmp_path / "mbart"
    shutil.copytree(made / "mbart.s2s", model, ignore=shutil.ignore_patterns("tokenizer*", "special_tokens*"))
    words = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"HelloWrdkn.", "▁the", "el", "lo"]
    MBartTokenizer(vocab=[(word, 0.0 if word[0] == "<" else -float(i)) for i, word in enumerate(dict.fromkeys(words))],
                   src_lang="en_XX", tgt_lang="ro_RO").save_pretrained(model)
    german = MBartTokenizer.from_pretrained(model, src_lang="de_DE")
    romanian = {"src_lang": "de_DE", "tgt_lang": "ro_RO", "max_new_tokens": 8}
    ours, tokens = ask("translation", model, (TEXTS[0], romanian), (TEXTS[0], romanian | {"return_tensors": True}))
    first = german.convert_tokens_to_ids("ro_RO")
    expected = written(model, TEXTS[:1], tokenizer={"src_lang": "de_DE"}, forced_bos_token_id=first)
    assert ours == [{"translation_text": expected[0][0]}] and tokens[0]["translation_token_ids"][1] == first
    (named,) = ask("translation_de_DE_to_ro_RO", model, (TEXTS[0], {"max_new_tokens": 8}))
    assert "asks for src_lang and tgt_lang" in named["error"]  # as in Python, whose split finds six words
    assert "asks for src_lang and tgt_lang" in refusal("translation", model, "a")
    assert "no token for" in refusal("translation", model, "a", src_lang="de_DE", tgt_lang="xx_XX")


def test_task_rules(made, tmp_path):
    """Prefix and length of task_specific_params, and a task that they do not name."""
    shutil.copytree(made / "t5.s2s", tmp_path / "t5")
    path = tmp_path / "t5" / "config.json"
    rules = {"prefix": "translate: ", "max_new_tokens": 5, "num_beams": 2}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"task_specific_params": {"translation_en_to_de": rules}}))
    (ours,) = ask("translation_en_to_de", tmp_path / "t5", (TEXTS[0], {}))
    expected = written(made / "t5.s2s", ["translate: " + TEXTS[0]], num_beams=2, max_new_tokens=5)
    assert ours == [{"translation_text": expected[0][0]}]


def test_seeds(made):
    """A seed draws what torch draws; without one, answers differ."""
    import torch
    import transformers

    model, rules = made / "gpt2.causal", {"do_sample": True, "max_new_tokens": 12}
    theirs = transformers.pipeline("text-generation", model=str(model), device="cpu")
    torch.manual_seed(7)
    expected = theirs("She", **rules)
    first, again, *others = ask("text-generation", model, *[("She", rules | {"seed": 7})] * 2, *[("She", rules)] * 3)
    assert first == again == expected
    assert len({json.dumps(other) for other in others}) > 1


def test_similarity_and_ranking(made, tmp_path):
    import torch
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    folder = checkpoints.make(["st-mean", "st-cls"], 5)
    for name in ("st-mean", "st-cls"):
        (ours,) = ask("sentence-similarity", folder / name, ({"source_sentence": TEXTS[0], "sentences": TEXTS}, {}))
        model = SentenceTransformer(str(folder / name), device="cpu")
        vectors = model.encode(TEXTS)
        theirs = model.similarity_fn_name == "cosine" and model.similarity(vectors[:1], vectors)[0].tolist()
        assert same(ours, theirs)
    assert "an empty list of sentences" in refusal("sentence-similarity", folder / "st-mean", {"source_sentence": "a", "sentences": []})
    config = AutoConfig.from_pretrained(made / "bert.seqcls", num_labels=1)
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "ranker")
    AutoTokenizer.from_pretrained(made / "bert.seqcls").save_pretrained(tmp_path / "ranker")
    model = CrossEncoder(str(tmp_path / "ranker"), device="cpu")
    model.save_pretrained(str(tmp_path / "saved"))
    (tmp_path / "saved" / "README.md").unlink()  # whose pipeline_tag says the task
    ours, two = ask("", tmp_path / "saved", ({"query": TEXTS[0], "documents": TEXTS}, {}),
                    ({"query": TEXTS[1], "documents": TEXTS}, {"top_k": 2, "return_documents": True}))
    assert same(ours, [{"corpus_id": int(row["corpus_id"]), "score": float(row["score"])} for row in model.rank(TEXTS[0], TEXTS)])
    assert [row["text"] for row in two] == [row["text"] for row in model.rank(TEXTS[1], TEXTS, top_k=2, return_documents=True)]


def test_refusals(made):
    model = made / "bert.seqcls"
    assert "'topk' is not known; there are: top_k" in refusal("text-classification", model, "a", topk=1)
    assert "top_k is \"2\", not an integer" in refusal("text-classification", model, "a", top_k="2")
    assert "an empty list" in refusal("text-classification", model, [])
    assert "there is 7" in refusal("text-classification", model, ["a", 7])
    told = subprocess.run([hearth, "pipeline", "nonsense", model, "--input", "a"], capture_output=True, text=True)
    assert told.returncode != 0 and "'nonsense' is not known; there are: " in told.stderr
    assert "positions for 128" in refusal("text-classification", model, LONG * 9)
    assert "no mask token ([MASK])" in refusal("fill-mask", made / "bert.mlm", "a")
    assert "'nonsense' is not known" in refusal("text-generation", made / "gpt2.causal", "a", nonsense=1)
    assert "exclude each other" in refusal("text-generation", made / "gpt2.causal", "a", return_full_text=True, return_text=True)
    told = subprocess.run([hearth, "pipeline", "fill-mask", made / "gpt2.causal", "--input", "a"], capture_output=True, text=True)
    assert told.returncode != 0 and "AutoModelForMaskedLM" in told.stderr


def test_a_folder_knows_its_task(made, tmp_path):
    """By its card's pipeline_tag, else by the head that config.json names."""
    (answer,) = ask("", made / "gpt2.causal", ("A", {"do_sample": False}))
    assert len(answer[0]["generated_text"]) > 20  # 256 new tokens, but for want of positions
    for name, text, key in (("bert.mlm", "A [MASK].", "token_str"), ("bert.seqcls", "A", "label"), ("gpt2.causal", "A", "generated_text")):
        (answer,) = ask("", made / name, (text, {"top_k": 1}))
        assert key in answer[0]
    shutil.copytree(made / "bart.seqcls", tmp_path / "bart")
    (tmp_path / "bart" / "README.md").write_text("---\nlicense: mit\npipeline_tag: zero-shot-classification\n---\n")
    (answer,) = ask("", tmp_path / "bart", ("A", {"candidate_labels": "b,c"}))
    assert set(answer["labels"]) == {"b", "c"}


def test_words_of_the_command_line(made):
    """A text, JSON, several inputs, lines of standard input that are texts."""
    def run(*words, stdin=""):
        done = subprocess.run([hearth, "pipeline", "sentiment-analysis", made / "bert.seqcls", *words], input=stdin, capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()], done

    ((one,), _), ((two,), _) = run("--input", "[a] text"), run("--input", "a", "--input", "[a] text")
    assert same(one[0], two[1])
    ((listed,), _), (lines, _) = run("--input", '["a", "[a] text"]'), run(stdin="a\n[a] text\n")
    assert listed == two and same(lines, [[row] for row in two])
    (_, broken), (told, failed) = run("--input", "a", "--parameters", "[1]"), run(stdin='["a", 3]\na\n')
    assert broken.returncode != 0 and "--parameters is no JSON object" in broken.stderr
    assert failed.returncode != 0 and "error" in told[0] and told[1] == lines[0]
