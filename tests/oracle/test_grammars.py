"""What answers are held to, beside the originals: regular expressions beside Python's `re`, JSON Schemas beside `jsonschema`,
GBNF beside llama.cpp's published grammars and the texts of its own test.

Both ways: what our grammars write, the original takes; what the original takes, and what it does not, so do ours.
"""
import json
import os
import pathlib
import random
import re
import string
import subprocess

import jsonschema
import pytest

import checkpoints
import fetch_llama_data

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEARTH = os.environ.get("HEARTH_BIN") or str(ROOT / "build" / "bin" / "hearth")


def hearth(*flags, texts=None):
    said = subprocess.run([HEARTH, "grammar", *flags], capture_output=True, text=True, timeout=120,
                          input=None if texts is None else "".join(json.dumps(text) + "\n" for text in texts))
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.split("\n")[:-1]]


def accepts(texts, *flags):
    out = hearth(*flags, texts=texts)
    assert len(out) == len(texts)
    return out


def samples(count, *flags):
    out = hearth(*flags, "--sample", str(count))
    assert len(out) > count / 4, "most samples end early"
    return out


def refusal(*flags):
    said = subprocess.run([HEARTH, "grammar", *flags], capture_output=True, text=True, input="", timeout=60)
    assert said.returncode != 0
    return said.stderr


def spoilt(dice, texts, letters):
    """Texts with a character gone, twice, or another."""
    out = []
    for text in texts:
        at = dice.randrange(len(text) + 1)
        out.append(text[:at] + dice.choice(["", dice.choice(letters), text[at:at + 1] * 2]) + text[at + 1:])
    return out


# ---- regular expressions ----

PATTERNS = [
    r"[a-z]+@[a-z]+\.(com|org)", r"(\+\d{1,3} )?\(?\d{3}\)?[- ]\d{3}-\d{4}", r"^(?:yes|no|maybe)$", r"a{0,3}b{2,}c{,2}", r"[^\W\d_]+\s?",
    r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])", r"(a|ab)(c|bcd)(d*)", r"[]\-a-c^]+", r"[^]x]\x41\u00e9\t", r"(?:x?){3}y|(z*)*", r".{2,4}?!",
    r"[\u4e00-\u9fa5]{1,3}[äöü\U0001F600-\U0001F64F]?", r"\A[\s\S]{3}\Z", r"(?#a comment)\.\*\[{2}x{,}", r"[\d-]+[a\-z]\w\S\D",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_regex(pattern):
    dice = random.Random(pattern)
    compiled = re.compile(pattern, re.ASCII)
    made = samples(200, "--regex", pattern)
    for text in made:
        assert compiled.fullmatch(text), text
    letters = "abcxyz019 -_@.!\n\té中😀]^\\{}" + pattern
    texts = spoilt(dice, made * 3, letters) + ["", "a", "aab", "x{,}"] + ["".join(dice.choices(letters, k=dice.randrange(6))) for _ in range(300)]
    assert accepts(texts, "--regex", pattern) == [bool(compiled.fullmatch(text)) for text in texts]


def random_pattern(dice, depth=0):
    kind = dice.randrange(9 if depth < 4 else 4)
    if kind < 2:
        return dice.choice(["a", "b", "c", ".", "é", r"\d", r"\w", "ab"])
    if kind < 4:
        return "[" + dice.choice(["", "^"]) + "".join(dice.choices(["a", "b-d", r"\d", "é", "0"], k=dice.randint(1, 3))) + "]"
    if kind == 4:
        return "(" + "|".join(random_pattern(dice, depth + 1) for _ in range(dice.randint(1, 3))) + ")"
    if kind == 5:
        return "(?:" + random_pattern(dice, depth + 1) + ")" + dice.choice(["*", "+", "?", "{2}", "{1,3}", "{0,2}?", "{2,}", "*?"])
    return "".join(random_pattern(dice, depth + 1) for _ in range(dice.randint(0, 3)))


def test_random_patterns():
    dice = random.Random(11)
    for _ in range(120):
        pattern = random_pattern(dice)
        compiled = re.compile(pattern, re.ASCII)
        texts = ["".join(dice.choices("abcdé01", k=dice.randrange(7))) for _ in range(60)]
        made = hearth("--regex", pattern, "--sample", "20")
        assert all(compiled.fullmatch(text) for text in made), pattern
        texts += spoilt(dice, made, "abé0")
        assert accepts(texts, "--regex", pattern) == [bool(compiled.fullmatch(text)) for text in texts], pattern


@pytest.mark.parametrize("pattern,message", [
    (r"(a)\1", "back reference"), (r"a(?=b)", "look-around"), (r"(?<!a)b", "look-around"), (r"\bword\b", "word boundary"), ("(?i)a", "flags"),
    ("(a", "does not end"), ("a)", "unbalanced"), ("*a", "nothing to repeat"), ("a**", "multiple repeat"), ("[z-a]", "bad character range"), ("a{3,2}", "above the largest"),
    ("x^y", "elsewhere than at its ends"), ("(((a{999}){999}){999})", "states"), (r"\p{L}", "Unicode property"),
])
def test_patterns_that_are_refused(pattern, message):
    assert message in refusal("--regex", pattern)


# ---- JSON Schemas ----

def every(kind, **more):
    return {"type": kind} | more


PERSON = every("object", properties={
    "id": every("integer", minimum=1), "name": every("string", minLength=1, maxLength=12), "email": every("string", format="email"),
    "tags": every("array", items=every("string", maxLength=4), minItems=1, maxItems=3), "role": {"enum": ["admin", "user", None, 3, 1.5, {"a": [1, "x"]}]},
    "score": every("number", minimum=0, exclusiveMaximum=100), "is_on": every("boolean")}, required=["id", "name", "role"], additionalProperties=False)
TREE = {"$ref": "#/$defs/node", "$defs": {"node": every("object", properties={
    "value": every("integer", minimum=-9, maximum=9), "next": {"anyOf": [{"$ref": "#/$defs/node"}, every("null")]}}, required=["value", "next"])}}
SHAPES = {"oneOf": [
    every("object", title="Circle", properties={"kind": {"const": "circle"}, "radius": every("number", exclusiveMinimum=0)}, required=["kind", "radius"]),
    every("object", properties={"kind": {"const": "box"}, "size": every("array", prefixItems=[every("integer"), every("integer")], items=False, minItems=2)},
          required=["kind", "size"])]}
SCHEMAS = {
    "person": PERSON, "tree": TREE, "shapes": SHAPES, "any": {}, "object": every("object"), "types": every(["string", "null", "integer"]),
    "tuple": every("array", prefixItems=[every("string"), every("boolean"), every("null")], items=every("integer", minimum=3, maximum=1000), minItems=1, maxItems=6),
    "old tuple": every("array", items=[every("string"), every("boolean")], additionalItems=False),
    "others": every("object", properties={"ab": every("integer"), "a": every("null")}, additionalProperties=every("boolean"), required=["a", "zz"]),
    "bounds": every("array", items={"anyOf": [every("integer", minimum=-128, maximum=1034), every("integer", exclusiveMaximum=-4096), every("number", minimum=-3, maximum=7)]},
                    maxItems=5),
    "pattern": every("object", properties={"code": every("string", pattern="^[A-Z]{2}-\\d{3}$"), "part": every("string", pattern="b+c|^x"), "quoted": every("string", pattern='^["\\\\\n]+$')}),
    "lengths": every("object", properties={"a": every("string", minLength=2, maxLength=5), "b": every("string", maxLength=3)}, required=["a", "b"]),
    "merged": {"allOf": [{"$ref": "#/definitions/base"}, {"properties": {"b": every("string")}, "required": ["b"]}], "definitions": {
        "base": every("object", properties={"a": every("integer", minimum=3)}, required=["a"])}},
    "beside": {"type": "object", "properties": {"kind": {"$ref": "#/$defs/Kind", "description": "with company"}, "n": {"$ref": "#/$defs/n", "maximum": 5}},
               "required": ["kind", "n"], "$defs": {"Kind": {"enum": ["x", "y"], "title": "Kind"}, "n": every("integer", minimum=2)}},
    "typed enum": every("string", enum=["a", 1, None, "ü\n\""]),
}


def validator(schema):
    kind = jsonschema.Draft7Validator if "additionalItems" in schema else jsonschema.Draft202012Validator
    return kind(schema)


def closed(schema):
    """Our reading: an object that names its properties has no others."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if isinstance(out.get("properties"), dict) and "additionalProperties" not in out and "allOf" not in out and out.get("type") == "object":
        out["additionalProperties"] = False
    return out


@pytest.mark.parametrize("name", SCHEMAS)
def test_json_schema(name):
    schema = SCHEMAS[name]
    judge = validator(schema if name == "merged" else closed(schema))
    made = samples(300, "--json-schema", json.dumps(schema))
    for text in made:
        judge.validate(json.loads(text))
    # A spoilt text that ours still takes is valid; one that is valid and written plainly, ours takes.
    texts = spoilt(random.Random(name), made, '{}[]",:x0-.1\\tn ')
    for text, taken in zip(texts, accepts(texts, "--json-schema", json.dumps(schema))):
        if taken:
            judge.validate(json.loads(text))


def instance(dice, schema, root, depth=0):
    """A random valid value of the schemas above."""
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        return instance(dice, target | {k: v for k, v in schema.items() if k != "$ref" and k != "$defs"}, root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return instance(dice, dice.choice(schema[key]) if depth < 20 else schema[key][-1], root, depth + 1)
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object" if "properties" in schema else None)
    if "enum" in schema:
        return dice.choice([value for value in schema["enum"] if kind != "string" or isinstance(value, str)])
    kind = dice.choice(kind) if isinstance(kind, list) else kind
    text = lambda low, high: "".join(dice.choices(string.printable + "äé中😀\u2028\x7f", k=dice.randint(low, high)))  # noqa: E731
    if kind is None:
        kind = dice.choice(["null", "string", "number", "object", "array"][: 3 if depth > 3 else 5])
    if kind == "null":
        return None
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "string":
        if "format" in schema:
            return "a.b+c@example.com"
        if "pattern" in schema:
            return dice.choice({"^[A-Z]{2}-\\d{3}$": ["AB-123"], "b+c|^x": ["abbcd", "x\n", "xyz", "bc"], '^["\\\\\n]+$': ['"\\\n']}[schema["pattern"]])
        return text(schema.get("minLength", 0), schema.get("maxLength", 9))
    if kind == "integer":
        low = schema.get("minimum", schema.get("exclusiveMaximum", 1000) - 5000)
        return dice.randint(low, schema.get("maximum", schema.get("exclusiveMaximum", low + 9000) - 1))
    if kind == "number":
        if "maximum" in schema or "exclusiveMaximum" in schema:
            return dice.choice([schema["minimum"], schema["minimum"] + 0.5, round(dice.uniform(schema["minimum"] + 1, schema.get("maximum", 9) - 0.1), 3)])
        if "exclusiveMinimum" in schema:
            return round(dice.uniform(0.01, 1e6), 4)
        return dice.choice([dice.uniform(-1, 1), dice.uniform(-1e9, 1e9), 1e-7, 1e300, -0.0, dice.randint(-9, 9)])
    if kind == "array":
        first = schema.get("prefixItems", schema["items"] if isinstance(schema.get("items"), list) else [])
        rest = schema.get("additionalItems", {}) if isinstance(schema.get("items"), list) else schema.get("items", {})
        low, high = schema.get("minItems", 0), schema.get("maxItems", len(first) if rest is False else len(first) + 3)
        return [instance(dice, first[i] if i < len(first) else rest, root, depth + 1) for i in range(dice.randint(low, high))]
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", not schema.get("properties"))
    out = {}
    for key, value in properties.items():
        if key in schema.get("required", []) or dice.random() < 0.5:
            out[key] = instance(dice, value, root, depth + 1)
    for key in schema.get("required", []):
        if key not in properties:
            out[key] = instance(dice, others, root, depth + 1)
    for _ in range(dice.randrange(3) if others is not False and depth < 6 else 0):
        key = text(0, 4)
        if key not in properties and key not in out:
            out[key] = instance(dice, {} if others is True else others, root, depth + 1)
    return out


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "merged"])
def test_valid_instances_are_taken(name):
    schema, dice = SCHEMAS[name], random.Random(name)
    values = [instance(dice, schema, schema) for _ in range(150)]
    judge = validator(schema)
    for value in values:
        judge.validate(value)
    texts = [json.dumps(value, ensure_ascii=False, indent=dice.choice([None, 2]), separators=dice.choice([None, (",", ":")])) for value in values]
    for text, taken in zip(texts, accepts(texts, "--json-schema", json.dumps(schema))):
        assert taken, text


@pytest.mark.parametrize("name,judge", [
    ("date", jsonschema.FormatChecker()), ("time", None), ("date-time", jsonschema.FormatChecker()), ("uuid", jsonschema.FormatChecker()),
    ("email", jsonschema.FormatChecker()), ("ipv4", jsonschema.FormatChecker()), ("ipv6", jsonschema.FormatChecker()), ("uri", None), ("hostname", None), ("duration", None)])
def test_formats(name, judge):
    import datetime
    import ipaddress
    import urllib.parse
    import uuid

    schema = every("string", format=name)
    made = [json.loads(text) for text in samples(200, "--json-schema", json.dumps(schema))]
    for text in made:
        if judge:
            judge.check(text, name)
        elif name == "time":
            datetime.time.fromisoformat(re.sub(r"\.\d+", "", text))
        elif name == "uri":
            assert urllib.parse.urlsplit(text).scheme
        else:
            assert re.fullmatch({"hostname": r"[A-Za-z0-9.-]+", "duration": r"P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?)"}[name], text), text
    dice = random.Random(3)
    known = {"date": "2026-02-28", "time": "23:59:59Z", "date-time": "1990-12-31T15:59:59.25-08:00", "uuid": str(uuid.UUID(int=dice.getrandbits(128))), "email": "joe.bloggs@example.com",
             "ipv4": str(ipaddress.IPv4Address(dice.getrandbits(32))), "ipv6": str(ipaddress.IPv6Address(dice.getrandbits(128))), "uri": "https://example.com:80/a/b?c=d",
             "hostname": "www.example.com", "duration": "P4DT12H30M5S"}
    flags = ("--json-schema", json.dumps(schema))
    assert accepts([json.dumps(known[name]), '"x y"', '""'], *flags) == [True, False, False]


@pytest.mark.parametrize("schema,message", [
    ({"not": {}}, "'not'"), (every("object", patternProperties={}), "'patternProperties'"), (every("array", uniqueItems=True), "'uniqueItems'"),
    (every("number", multipleOf=0.1), "'multipleOf'"), (every("string", format="color"), "color"), ({"$ref": "#/$defs/x"}, "not there"), ({"$ref": "http://x/y"}, "outside"),
    ({"type": "text"}, "'text' is not known"), (every("integer", minimum=3, maximum=2), "no number"), (every("string", pattern="(?=a)"), "look-around"),
    (every("string", minLength=3, maxLength=1), "nothing is both"), ({"anyOf": [{"$ref": "#"}]}, "left recursion"), (every("object", required=["a"], properties={"b": {}}), "'a'"),
    (every("string", pattern="a", maxLength=3), "more than one"), (every("string", maxLength=10**9), "above"),
])
def test_schemas_that_are_refused(schema, message):
    assert message in refusal("--json-schema", json.dumps(schema))


def test_pydantic_models():
    """What the OpenAI client and most programs send."""
    import datetime
    import enum
    from typing import Literal, Optional, Union

    from pydantic import BaseModel, ConfigDict, Field

    class Colour(enum.Enum):
        red = "red"
        blue = "blue"

    class Part(BaseModel):
        name: str = Field(min_length=1, max_length=8)
        colour: Colour = Colour.red
        made: Optional[datetime.date] = None

    class Plan(BaseModel):
        model_config = ConfigDict(extra="forbid")
        title: str = Field(pattern=r"^[A-Z][a-z]{1,9}$", description="one word")
        parts: list[Part] = Field(max_length=3)
        size: Union[int, Literal["big"]]
        share: float = Field(ge=0, le=1)
        sub: Optional["Plan"] = None

    for text in samples(200, "--json-schema", json.dumps(Plan.model_json_schema())):
        Plan.model_validate_json(text)
    plan = Plan(title="Boat", parts=[Part(name="ö", made=datetime.date(2026, 11, 23))], size="big", share=0.25, sub=Plan(title="Ox", parts=[], size=3, share=1))
    texts = [plan.model_dump_json(), plan.model_dump_json(indent=2), plan.model_dump_json(exclude_none=True)]
    assert accepts(texts, "--json-schema", json.dumps(Plan.model_json_schema())) == [True] * 3


# ---- GBNF ----

def published_cases():
    """The cases of llama.cpp's own test: (kind, what, grammar or schema, texts that it takes, texts that it does not)."""
    source = (pathlib.Path(fetch_llama_data.fetch()) / "grammars" / "test-grammar-integration.cpp").read_text()
    token = re.compile(r'\s+|//[^\n]*|R"""\((.*?)\)"""|"((?:[^"\\]|\\.)*)"|([{},);])', re.S)
    out = []
    for call in re.finditer(r"^    (test_grammar|test_schema)\(", source, re.M):
        at, depth, found = call.end(), 0, [[], [], []]
        lists = 0
        end = source.index("\n    );", at) + len("\n    );")
        if re.search(r"\btoken\(\d", source[at:end]):  # of a model's tokens, which we do not name
            continue
        while True:
            match = token.match(source, at)
            assert match, source[at:at + 80]
            at = match.end()
            raw, text, mark = match.groups()
            if mark == "{":
                depth, lists = depth + 1, lists + 1
            elif mark == "}":
                depth -= 1
            elif mark == ")" and depth == 0:
                break
            elif raw is not None or text is not None:
                value = raw if raw is not None else json.loads(re.sub(r"\\x([0-9a-f]{2})", r"\\u00\1", f'"{text}"').replace("\\'", "'"))
                if text is not None and source[:match.start()].rstrip().endswith('"') and found[lists]:
                    found[lists][-1] += value  # "a" "b" is one text
                else:
                    found[lists].append(value)
        out.append((call[1], *found[0], found[1], found[2]))
    return out


def test_published_cases(tmp_path):
    cases = published_cases()
    assert len(cases) > 40
    compared = 0
    for kind, what, source, taken, refused in cases:
        if kind == "test_grammar":
            (tmp_path / "grammar").write_text(source)
            flags = ("--grammar", str(tmp_path / "grammar"))
        else:
            if "uniqueItems" in source:  # which llama.cpp leaves out and we refuse
                continue
            flags = ("--json-schema", json.dumps(json.loads(source)))
        said = accepts(taken + refused, *flags)
        for text, ours in zip(taken, said):
            assert ours, (what, text)
        for text, ours in zip(refused, said[len(taken):]):
            assert not ours or is_valid(kind, source, text), (what, text)
        compared += len(said)
    assert compared > 300


def is_valid(kind, schema, text):
    """Valid, though llama.cpp does not write it: numbers of more than 16 digits."""
    try:
        jsonschema.Draft202012Validator(json.loads(schema)).validate(json.loads(text))
        return kind == "test_schema"
    except (ValueError, jsonschema.ValidationError):
        return False


def published(name):
    path = str(pathlib.Path(fetch_llama_data.fetch()) / "grammars" / name)
    return "--grammar", path


def test_published_json_grammars():
    for name in ("json.gbnf", "json_arr.gbnf"):
        for text in samples(300, *published(name)):
            json.loads(text)
    dice = random.Random(5)
    values = [{"v": instance(dice, {}, {})} for _ in range(200)]
    values = [value for value in values if not re.search(r"\de[+-]", json.dumps(value))]  # e10 is none of its numbers
    texts = [json.dumps(value, ensure_ascii=False).replace("\x7f", "") for value in values]
    assert all(accepts(texts, *published("json.gbnf")))


@pytest.mark.parametrize("name,pattern,taken,refused", [
    ("list.gbnf", r"(- [^\r\n\x0b\x0c\x85\u2028\u2029]+\n)+", ["- a\n", "- a b\n- ö\n"], ["a\n", "- a", "-a\n"]),
    ("arithmetic.gbnf", r"([-+*/=() \t\na-z0-9_])+", ["1+2*(b-3) = a\n", "x = 1\n"], ["= 1\n", "1 + \n"]),
    ("chess.gbnf", r"(1\. \S+ \S+\n)(\d\d?\. \S+( \S+)?\n)+", ["1. e4 e5\n2. Nf3 Nc6\n"], ["e4", "1. e9 e5\n2. Nf3 Nc6\n"]),
    ("japanese.gbnf", r"[ \t\n\u3000-\u303F\u3040-\u30FF\u4E00-\u9FFF]+", ["猫です", "こんにちは\n世界"], ["cat", ""]),
    ("english.gbnf", r"[ -~\s]*", ["Hello, world"], ["猫"]),
    ("c.gbnf", r"[\s\S]*", ["int main(){return 0;if(a<3){b = c*( 1 );}}"], ["int main( {"]),
])
def test_published_grammars(name, pattern, taken, refused):
    for text in samples(100, *published(name)) if name not in ("english.gbnf", "c.gbnf") else hearth(*published(name), "--sample", "50"):
        assert re.fullmatch(pattern, text), text
    assert accepts(taken + refused, *published(name)) == [True] * len(taken) + [False] * len(refused)


# ---- answers of models ----

MODELS = ["llama3.causal", "gpt2.causal", "t5.s2s"]  # byte-level vocabularies, and SentencePiece's


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(["llama3", "gpt2", "t5"], 0)


def answer(model, prompt, *flags):
    raw = () if model.name.endswith("s2s") else ("--raw",)
    said = subprocess.run([HEARTH, "run", *raw, *flags, str(model), prompt], capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr
    return said.stdout.removesuffix("\n")


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_of_the_grammar(made, name, tmp_path):
    """A random model writes anything; held to a grammar whose texts all end, it writes one of them."""
    date, person = r"(19|20)\d\d-[01]\d-[0-3]\d( at \d\d:\d\d)?", every("object", properties={
        "age": every("integer", minimum=0, maximum=120), "name": every("string", pattern="^[a-z]{1,8}( [a-z]{1,8})?$"), "tags": every("array", items={"enum": ["ab", "é"]}, maxItems=2)})
    (tmp_path / "moves.gbnf").write_text('root ::= move{2}\nmove ::= [a-h] [1-8] "-"? [a-h] [1-8] ","\n')
    for seed in ("1", "2"):
        drawn = ("--temperature", "2", "--seed", seed)
        for rules in (drawn, (), ("--num-beams", "3"), ("--num-beams", "3", *drawn), ("--num-beams", "4", "--num-beam-groups", "2", "--diversity-penalty", "1")):
            assert re.fullmatch(date, answer(made / name, "Hello", "--regex", date, *rules))
            validator(person).validate(json.loads(answer(made / name, "Hello", "--json-schema", json.dumps(person), *rules)))
            assert re.fullmatch("([a-h][1-8]-?[a-h][1-8],){2}", answer(made / name, "Hello", "--grammar", str(tmp_path / "moves.gbnf"), *rules))


def test_a_constraint_keeps_the_likeliest_of_what_is_allowed(made):
    """Of two words the one that transformers finds likelier; a choice that the model would make itself is made."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(made / "llama3.causal").eval(), AutoTokenizer.from_pretrained(made / "llama3.causal")
    ids = tokenizer("Hello", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        scores = model(ids).logits[0, -1]
    for first, second in ("ab", "xy", "q1", "AZ"):
        likelier = max(first, second, key=lambda c: scores[tokenizer.convert_tokens_to_ids(c)])
        assert answer(made / "llama3.causal", "Hello", "--regex", f"{first}|{second}", "--temperature", "0") == likelier
    whole = answer(made / "llama3.causal", "Hello", "--max-new-tokens", "20", "--regex", r"[\s\S]*")
    assert "\ufffd" not in whole.rstrip("\ufffd"), "of bytes, only those that make characters"


@pytest.mark.parametrize("flags,message", [
    (("--regex", "("), "does not end"), (("--json-schema", "{"), "--json-schema"), (("--regex", "a", "--json-schema", "{}"), "exclude each other"), (("--grammar", "/nowhere"), "/nowhere")])
def test_flags_that_are_wrong(flags, message):
    assert message in refusal(*flags)
