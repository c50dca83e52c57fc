"""Chat templates render as Python's jinja2 and transformers render them: the oracle's chat.json, SmolLM2's own, over
seventy real ones from llama.cpp's sources with many conversations, and expressions of every kind of the language."""

import copy
import glob
import json
import os
import subprocess
import sys

import pytest
from transformers.utils.chat_template_utils import _compile_jinja_template, _render_with_assistant_indices, render_jinja_template

import fetch_llama_data

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HEARTH_BUILD", os.path.join(ROOT, "build"))


def ours(lines):
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    done = subprocess.run([os.path.join(BUILD, "tests", "render_template")], input=text.encode(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(lines)
    return answers


def theirs(template, variables):
    try:
        return {"text": _compile_jinja_template(template).render(**copy.deepcopy(variables))}
    except Exception as error:  # jinja2's own errors and Python's TypeError, ValueError, ...
        return {"error": str(error), "kind": type(error).__name__}


def check(cases):
    """cases: (name, template, variables). Text equals text; an error is an error, with the words of raise_exception."""
    answers = ours([{"template": t, "variables": v} for _, t, v in cases])
    wrong = []
    for (name, template, variables), answer in zip(cases, answers):
        expected = theirs(template, variables)
        if "error" in expected:
            same = "error" in answer and (expected["kind"] != "TemplateError" or answer["error"] == expected["error"])
        else:
            same = answer.get("text") == expected["text"]
        if not same:
            wrong.append(f"{name}\n  theirs {expected!r}\n  ours   {answer!r}")
    assert not wrong, f"{len(wrong)} of {len(cases)} differ:\n" + "\n".join(wrong[:25])


# ---------------------------------------------------------------- the oracle's chat.json


@pytest.fixture(scope="session")
def chat():
    out = os.path.join(BUILD, "oracle", "chat")
    path = os.path.join(out, "golden", "chat.json")
    if not os.path.exists(path):
        script = os.path.join(ROOT, "tests", "oracle", "make_checkpoints.py")
        subprocess.run([sys.executable, script, "--out", out, "--only", "chat"], check=True)
    with open(path) as file:
        return json.load(file)


def test_golden(chat):
    lines = []
    for row in chat["rows"]:
        line = {
            "template": chat["templates"][row["template"]],
            "conversation": {
                "messages": chat["chats"][row["chat"]],
                "tools": chat["tools"] if row["tools"] else None,
                "add_generation_prompt": row["add_generation_prompt"],
                "variables": {"bos_token": chat["bos"], "eos_token": chat["eos"]},
            },
        }
        lines.append(line)
        continued = copy.deepcopy(line)
        continued["conversation"]["continue_final_message"] = True
        continued["conversation"]["tools"] = None  # as the oracle asks for it
        lines.append(continued)
    answers = ours(lines)
    for row, plain, continued in zip(chat["rows"], answers[::2], answers[1::2]):
        if "text" in row:
            assert plain.get("text") == row["text"], row
        else:
            assert row["error"].split(": ", 1)[1] in plain["error"], row
        if "continued" in row:
            assert continued.get("text") == row["continued"], row
    assert sum("continued" in row for row in chat["rows"]) > 0


def test_generation_spans(chat):
    template = chat["templates"]["llama_like"]
    for messages in chat["chats"].values():
        variables = {"messages": messages, "bos_token": "<s>", "eos_token": "</s>é", "tools": None, "documents": None, "add_generation_prompt": False}
        (answer,) = ours([{"template": template, "variables": variables}])
        try:
            text, spans = _render_with_assistant_indices(_compile_jinja_template(template), **variables)
        except Exception:
            assert "error" in answer
            continue
        assert answer["text"] == text
        data = text.encode()
        assert [(len(data[:a].decode()), len(data[:b].decode())) for a, b in answer["spans"]] == [tuple(s) for s in spans]


# ---------------------------------------------------------------- real templates

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Wetter \"heute\" <jetzt> — 天気",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Name"},
                    "days": {"type": "integer", "default": 1},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                    "where": {"type": "object", "properties": {"lat": {"type": "number"}, "tags": {"type": "array", "items": {"type": "string"}}}},
                },
                "required": ["city"],
            },
            "return": {"type": "string", "description": "x"},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
CALL = {"type": "function", "id": "call12345", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2, "f": 1.0, "no": None, "ok": True, "l": [1, "a"]}}}
CALL_TEXT = {"type": "function", "id": "call12345", "function": {"name": "get_weather", "arguments": '{"city": "Köln"}'}}
USER = {"role": "user", "content": "Hi there\n"}
CHATS = {
    "user": [USER],
    "system": [{"role": "system", "content": " Be brief. "}, USER],
    "turns": [USER, {"role": "assistant", "content": "Hello <b>&\"'</b>"}, {"role": "user", "content": "Und jetzt? 你好 🎉"}],
    "closed": [{"role": "system", "content": "S"}, USER, {"role": "assistant", "content": " Bye "}],
    "think": [USER, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}, {"role": "user", "content": "why"}],
    "reasoning": [USER, {"role": "assistant", "reasoning_content": "let me see", "content": "yes"}, {"role": "user", "content": "why"}, {"role": "assistant", "reasoning_content": "again", "content": "so"}],
    "call": [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "call12345", "name": "get_weather", "content": '{"t": 21}'}],
    "call_none": [{"role": "system", "content": "S"}, USER, {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]}, {"role": "tool", "tool_call_id": "call12345", "name": "get_weather", "content": "21 °C"}, {"role": "tool", "tool_call_id": "call12345", "name": "now", "content": "x"}, {"role": "assistant", "content": "It is 21."}, USER],
    "call_text": [USER, {"role": "assistant", "tool_calls": [CALL_TEXT]}, {"role": "tool", "tool_call_id": "call12345", "name": "get_weather", "content": "ok"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}, {"role": "assistant", "content": [{"type": "text", "text": "three"}]}, USER],
    "image": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}],
    "developer": [{"role": "developer", "content": "D"}, USER],
    "wrong_order": [USER, USER],
    "unknown_role": [{"role": "alien", "content": "x"}],
    "empty": [],
}
DOCUMENTS = [{"title": "T", "text": "D é", "doc_id": 1}]


def real_templates():
    out = {}
    for path in sorted(glob.glob(os.path.join(fetch_llama_data.fetch(), "templates", "*.jinja"))):
        with open(path, newline="") as file:
            out[os.path.basename(path)] = file.read()
    return out


def conversation_cases(name, template):
    for chat_name, messages in CHATS.items():
        for add in (False, True):
            for extra_name, extra in {
                "plain": {},
                "tools": {"tools": TOOLS},
                "documents": {"documents": DOCUMENTS},
                "thinking": {"enable_thinking": True, "thinking": True, "tools": TOOLS},
                "no_thinking": {"enable_thinking": False, "thinking": False, "reasoning_effort": "high"},
            }.items():
                variables = {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": add, "bos_token": "<s>", "eos_token": "</s>", "date_string": "26 Jul 2024", **extra}
                yield f"{name}/{chat_name}/{extra_name}/{add}", template, variables


def test_real_templates():
    templates = real_templates()
    assert len(templates) >= 40
    check([case for name, template in templates.items() for case in conversation_cases(name, template)])


def test_smollm2(smollm2):
    import gguf

    template = gguf.GGUFReader(smollm2).get_field("tokenizer.chat_template").contents()
    assert "You are a helpful AI assistant named SmolLM" in theirs(template, {"messages": [USER]})["text"]
    check(list(conversation_cases("smollm2", template)))


def test_reasoning_aliases_and_continuation():
    template = "{% for m in messages %}[{{ m.role }}|{{ m.reasoning_content }}|{{ m.thinking }}|{{ m.reasoning }}|{{ m.content if m.content is string else m.content[0].text | trim }}]{% endfor %}"
    chats = [
        [{"role": "assistant", "content": "x", key: "r"}] for key in ("reasoning", "thinking", "reasoning_content")
    ] + [[{"role": "assistant", "content": " open "}], [{"role": "assistant", "content": [{"type": "text", "text": "last "}]}]]
    for messages in chats:
        for continued in (False, True):
            rendered, _ = render_jinja_template([copy.deepcopy(messages)], chat_template=template, continue_final_message=continued)
            (answer,) = ours([{"template": template, "conversation": {"messages": messages, "continue_final_message": continued}}])
            assert answer.get("text") == rendered[0]


# ---------------------------------------------------------------- the language

VARIABLES = {
    "s": "Hello, Wörld ǅ ß straße\n  two\ttabs ", "e": "", "n": 42, "neg": -7, "f": 3.5, "big": 1e22, "small": 1e-7, "t": True, "no": None,
    "l": [3, 1, 2], "ll": [[1, 2], [3, 4]], "words": ["pear", "Apple", "fig", "apple"], "nested": {"a": {"b": [10, {"c": "deep"}]}},
    "d": {"b": 1, "a": [True, None, 1.5, "x'y", 'q"q', "é\x01\u200b\U000e0001"], "C": {"k": "v"}, "items": "own", "1": "one"},
    "people": [{"name": "Bo", "age": 30, "city": "X"}, {"name": "al", "age": 5, "city": "Y"}, {"name": "Cy", "city": "X", "age": 30}],
    "html": "<b>\"x\" & 'y'</b> <!-- c --> &amp; text", "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4}]}]}],
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jinja_cases.txt"), encoding="utf-8") as cases_file:
    LANGUAGE = [case for case in cases_file.read().split("\n====\n") if case]


def test_language():
    assert len(LANGUAGE) > 300
    check([(case, case.replace("\\r\\n", "\r\n") if case.startswith("CRLF") else case, VARIABLES) for case in LANGUAGE])


def test_time():
    for form in ("%Y-%m-%d", "%d %b %Y", "%A %B %j", "%%z%z%Z|", "", "é %H"):
        template = "{{ strftime_now(f) }}"
        for _ in range(3):  # the hour may end between the two
            before = theirs(template, {"f": form})
            (answer,) = ours([{"template": template, "variables": {"f": form}}])
            if answer.get("text") == before["text"]:
                break
        assert answer.get("text") == before["text"]


@pytest.mark.parametrize(
    "hostile",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(200) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s | length }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace() %}{% set ns.n = ns %}{% for i in range(90000) %}{% set ns.n = namespace(n=ns.n) %}{% endfor %}{{ ns.n.x.y }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ 'x' * 99999999999 }}",
        "{{ [0] * 99999999999 }}",
        "{{ 'x' | center(99999999999) }}",
        "{{ '%99999999999d' % 1 }}",
        "{{ '{:99999999999}'.format(1) }}",
        "{{ 'x' | indent(99999999999) }}",
        "{{ ('x' * 1000000).replace('', 'y' * 1000000) }}",
        "{{ 2 ** 999999 }}",
        "{{ " + "(" * 50000 + "1" + ")" * 50000 + " }}",
        "{{ " + "not " * 50000 + "1 }}",
        "{{ " + "-" * 50000 + "1 }}",
        "{{ 1" + "+1" * 50000 + " }}",
        "{{ x" + ".a" * 50000 + " }}",
        "{{ x" + "|e" * 50000 + " }}",
        "{% if 1 %}" * 50000,
        "{{ " + "[" * 50000,
        "{{ [1] | batch(2, 'x') | list | slice(99999999999) | list }}",
    ],
)
def test_hostile_templates_end_with_an_error(hostile):
    (answer,) = ours([{"template": hostile, "variables": {"x": {}}}])
    assert "error" in answer
