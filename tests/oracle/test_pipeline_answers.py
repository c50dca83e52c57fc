"""question-answering beside transformers: the models' outputs are its own, what 4.57.6 pipelines/question_answering.py made of
them (5.0 has left the task out) is said again here with numpy."""
import numpy
import pytest
import torch

import checkpoints
from test_families import CASES as HEADS, SEED, VARIANT
from test_pipelines import ask, refusal, same

NAMES = [name for name in HEADS if name.endswith(".qa")]
CONTEXT = ("Alice met Bob in New York City. They ate 3 pizzas, and then Alice's brother (who lives in Zürich) called: "
           "\"Is the fox quick?\" Nobody knew; the fox was in Paris, the capital of France. ")
CASES = [  # question, context, parameters
    ("Where did Alice meet Bob?", CONTEXT, {}),
    ("Where is the fox?", CONTEXT, {"top_k": 3}),
    ("Who?", CONTEXT, {"top_k": 4, "align_to_words": False, "max_answer_len": 3}),
    ("What is the capital of France?", CONTEXT, {"handle_impossible_answer": True, "top_k": 2}),
    ("Where is the fox?", CONTEXT * 3, {"max_seq_len": 64, "doc_stride": 16, "top_k": 3}),
    ("Where is the fox?", CONTEXT * 3, {"max_seq_len": 90, "handle_impossible_answer": True}),
]


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(sorted({name.split(".")[0] for name in NAMES}), SEED, VARIANT)


class Theirs:
    def __init__(self, path):
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForQuestionAnswering.from_pretrained(path).eval()
        self.is_question_first = self.tokenizer.padding_side == "right"

    def pieces(self, question, context, length, stride):
        """Encodings of a context, those that share a question, with the probabilities of starts and ends."""
        texts = (question, context) if self.is_question_first else (context, question)
        asked = self.tokenizer(*texts, truncation="only_second" if self.is_question_first else "only_first",
                               max_length=length, stride=stride, return_overflowing_tokens=True)
        for i, ids in enumerate(asked["input_ids"]):
            names = [name for name in self.tokenizer.model_input_names if name in asked]
            with torch.no_grad():
                out = self.model(**{name: torch.tensor([asked[name][i]]) for name in names})
            allowed = numpy.array([not self.is_question_first or text == 1 for text in asked.sequence_ids(i)])
            allowed |= numpy.array([token == self.tokenizer.cls_token_id for token in ids])
            logits = [numpy.where(allowed, x[0].numpy(), -10000.0) for x in (out.start_logits, out.end_logits)]
            yield asked.encodings[i], allowed, *(numpy.exp(x - x.max()) / numpy.exp(x - x.max()).sum() for x in logits)

    def characters(self, encoding, begin, end, is_by_word):
        text = int(self.is_question_first)
        if is_by_word:
            words = encoding.token_to_word(begin), encoding.token_to_word(end)
            if None not in words:
                spans = [encoding.word_to_chars(word, text) for word in words]
                if None not in spans:
                    return spans[0][0], spans[1][1]
        return encoding.offsets[begin][0], encoding.offsets[end][1]

    def __call__(self, question, context, top_k=1, doc_stride=None, max_seq_len=None, max_answer_len=15,
                 handle_impossible_answer=False, align_to_words=True):
        length = max_seq_len or min(self.tokenizer.model_max_length, 384)
        stride = min(length // 2, 128) if doc_stride is None else doc_stride
        answers, null = {}, 1e6
        for encoding, allowed, starts, ends in self.pieces(question, context, length, stride):
            null = min(null, starts[0] * ends[0])
            starts[0] = ends[0] = 0
            pairs = numpy.tril(numpy.triu(numpy.outer(starts, ends)), max_answer_len - 1)
            best = numpy.argsort(-pairs, axis=None, kind="stable")[:top_k * 2 + 10 if align_to_words else top_k]
            for begin, end in zip(*numpy.unravel_index(best, pairs.shape)):
                if not all(token == 0 or allowed[token] for token in (begin, end)):
                    continue
                place = self.characters(encoding, int(begin), int(end), align_to_words)
                text = context[slice(*place)]
                known = answers.setdefault(text.lower(), {"score": 0.0, "start": place[0], "end": place[1], "answer": text})
                known["score"] += float(pairs[begin, end])
        found = list(answers.values())
        if handle_impossible_answer:
            found.append({"score": float(null), "start": 0, "end": 0, "answer": ""})
        found = sorted(found, key=lambda answer: -answer["score"])[:top_k]
        return found[0] if len(found) == 1 else found


@pytest.mark.parametrize("name", NAMES)
def test_answers(made, name):
    theirs = Theirs(made / name)
    ours = ask("question-answering", made / name,
               *(({"question": question, "context": context}, parameters) for question, context, parameters in CASES))
    for (question, context, parameters), answer in zip(CASES, ours):
        expected = theirs(question, context, **parameters)
        assert same(answer, expected), (question, parameters, answer, expected)


@pytest.fixture(scope="module")
def model(made):
    return made / NAMES[0]


def test_lists(model):
    """Several questions about one context, and several examples, are answered one by one."""
    questions = ["Where is the fox?", "Who met Bob?"]
    both, examples, *alone = ask(
        "question-answering", model, ({"question": questions, "context": CONTEXT}, {}),
        ([{"question": q, "context": CONTEXT} for q in questions], {}), *(({"question": q, "context": CONTEXT}, {}) for q in questions))
    assert same(both, alone) and same(examples, alone)


def test_refusals(model):
    assert "the context is empty" in refusal("question-answering", model, {"question": "Who?", "context": ""})
    assert "no {\"question\", \"context\"}" in refusal("question-answering", model, "Who?")
    assert "2 questions, but 1 contexts" in refusal("question-answering", model, {"question": ["a", "b"], "context": ["c"]})
    asked = {"question": "Who?", "context": CONTEXT}
    assert "top_k is 0" in refusal("question-answering", model, asked, top_k=0)
    assert "doc_stride (99) is larger than max_seq_len (32)" in refusal("question-answering", model, asked, doc_stride=99, max_seq_len=32)
    assert "positions for" in refusal("question-answering", model, {"question": "Who?", "context": CONTEXT * 9}, max_seq_len=999)
