"""The pages in a real Chromium: what a visitor and an administrator see and do."""
import base64
import json
import re

import pytest
from playwright.sync_api import expect, sync_playwright

CARD = """---
license: mit
pipeline_tag: text-generation
---
# A card

| a | b |
| - | - |
| 1 | 2 |

<script>document.title = "owned"</script>

[The licence](LICENSE)
"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser, hub):
    """A page that fails the test when a script fails or anything is asked of another host."""
    context = browser.new_context(base_url=hub.url)
    opened = context.new_page()
    problems = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith((hub.url, "data:")) else problems.append(request.url))
    yield opened
    context.close()
    assert not problems


@pytest.fixture(scope="module", autouse=True)
def content(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repo")
    (folder / "README.md").write_text(CARD)
    (folder / "LICENSE").write_text("Do as you like.\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "a b.txt").write_text("first\nsecond\n")
    hub.run("repos", "create", "alice/shown", token=hub.alice)
    hub.run("upload", "alice/shown", folder, "--commit-message", "All of it", token=hub.alice)
    hub.run("repos", "create", "alice/hidden", "--private", token=hub.alice)


def test_home_lists_public_models(page, hub):
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your own hub")
    expect(page.get_by_role("link", name=re.compile("shown"))).to_be_visible()
    expect(page.get_by_text("hidden")).to_have_count(0)
    known = len(json.loads(hub.call("GET", "/api/models")[2]))  # private ones are not counted for a visitor
    expect(page.get_by_role("listitem").first).to_have_text(re.compile(rf"^{known} models?$"))


def test_card_is_rendered_before_any_script(browser, hub):
    context = browser.new_context(base_url=hub.url, java_script_enabled=False)
    opened = context.new_page()
    opened.goto("/alice/shown")
    expect(opened.get_by_role("heading", name="A card")).to_be_visible()
    context.close()


def test_model_page_shows_card_and_files(page):
    page.goto("/alice/shown")
    expect(page.get_by_role("heading", name="A card")).to_be_visible()
    expect(page.locator("article table td").first).to_have_text("1")
    expect(page).to_have_title(re.compile("alice/shown"))
    page.get_by_role("link", name="The licence").click()
    expect(page.get_by_text("Do as you like.")).to_be_visible()


def test_files_folders_and_blobs(page):
    page.goto("/alice/shown")
    page.get_by_role("link", name="Files and versions").click()
    expect(page.get_by_text("All of it").first).to_be_visible()
    page.get_by_role("link", name="sub", exact=True).click()
    page.get_by_role("link", name="a b.txt", exact=True).click()
    expect(page.get_by_text("second")).to_be_visible()


def test_chat_widget_streams_an_answer(page, hub, smollm2):
    hub.run("repos", "create", "alice/smol", token=hub.alice)
    hub.run("upload", "alice/smol", smollm2, smollm2.name, token=hub.alice)
    page.goto("/alice/smol")
    page.locator("summary").click()
    page.get_by_label("Temperature").fill("0")
    page.get_by_label("Message").fill("What is 2+2?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log")).to_contain_text("4", timeout=60_000)
    expect(page.get_by_text(re.compile(r"\d+ tokens in"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("log")).not_to_contain_text("2+2 is")


@pytest.mark.parametrize("name, config, tag, told", [
    ("vectors", {"model_type": "bert", "architectures": ["BertModel"]}, "sentence-similarity", "hearth embed alice/vectors"),
    ("judge", {"model_type": "bert", "architectures": ["BertForSequenceClassification"]}, "text-classification", "hearth pipeline alice/judge"),
    ("strange", {"model_type": "unheard-of"}, "text-generation", None),
])  # fmt: skip
def test_the_page_offers_what_the_model_does(page, hub, tmp_path, name, config, tag, told):
    """Only what generates is talked with; what engines do not run has no command of theirs."""
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text(f"---\npipeline_tag: {tag}\n---\nA model.\n")
    hub.run("repos", "create", f"alice/{name}", token=hub.alice)
    hub.run("upload", f"alice/{name}", tmp_path, token=hub.alice)
    page.goto(f"/alice/{name}")
    use = page.locator("section").filter(has=page.get_by_role("heading", name="Use this model"))
    expect(use).to_contain_text(told or "snapshot_download")
    expect(page.get_by_role("heading", name="Chat with this model")).to_have_count(0)
    expect(use.get_by_text("hearth chat")).to_have_count(0)


def tokenizer_json(pre_tokenizer, model, decoder, added=(), post=None):
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": None,
                       "pre_tokenizer": pre_tokenizer, "post_processor": post, "decoder": decoder, "model": model})


@pytest.fixture(scope="module")
def pieces(hub, tmp_path_factory):
    """A byte-level vocabulary that cuts an emoji in two, with special tokens around texts."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {b: chr(b) for b in printable} | {b: chr(256 + n) for n, b in enumerate(b for b in range(256) if b not in printable)}
    spell = lambda text: "".join(alphabet[b] for b in text)
    merges = [(b"h", b"i"), (b" ", b"t"), (b" t", b"o"), (b"\xf0", b"\x9f"), (b"\xf0\x9f", b"\x94")]
    words = [bytes([b]) for b in range(256)] + [a + b for a, b in merges]
    vocab = {spell(word): id for id, word in enumerate(words)}
    special = lambda id, text: {"id": id, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    around = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
              "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
              "special_tokens": {"<s>": {"id": "<s>", "ids": [261], "tokens": ["<s>"]}}}
    model = {"type": "BPE", "vocab": vocab, "merges": [[spell(a), spell(b)] for a, b in merges], "ignore_merges": False}
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "tokenizer.json").write_text(tokenizer_json(level, model, level, [special(261, "<s>"), special(262, "<end>")], around))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"}))
    for name, more in (("pieces", ()), ("closed-pieces", ("--private",))):
        hub.run("repos", "create", f"alice/{name}", *more, token=hub.alice)
        hub.run("upload", f"alice/{name}", folder, token=hub.alice)
    return "alice/pieces"


def ask_tokens(hub, repo, token=None, **body):
    status, headers, text = hub.call("POST", f"/api/models/{repo}/tokenize/main", token=token, body=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    return status, headers, json.loads(text)


def test_tokenize_answers_as_text_embeddings_inference(hub, pieces):
    status, _, (tokens,) = ask_tokens(hub, pieces, inputs="hi to🔥")
    assert status == 200
    assert tokens[0] == {"id": 261, "text": "<s>", "special": True, "start": None, "stop": None}
    rest = [(t["text"], t["start"], t["stop"], t["special"], t["token"], t.get("bytes")) for t in tokens[1:]]
    assert rest == [("hi", 0, 2, False, "hi", None), (" to", 2, 5, False, "Ġto", None), ("🔥", 5, 6, False, "ðŁĶ", "f09f94"),
                    ("🔥", 5, 6, False, "¥", "a5")]
    _, _, two = ask_tokens(hub, pieces, inputs=["hi", "hi<end>"], add_special_tokens=False)
    assert [[t["id"] for t in text] for text in two] == [[256], [256, 262]] and two[1][1]["special"]


@pytest.mark.parametrize("body,status,told", [
    ({}, 400, "'inputs' must be"), ({"inputs": [1]}, 400, "'inputs' must be"), ({"inputs": ["a"] * 33}, 413, "limit is 32"),
    ({"inputs": "a" * 140_000}, 413, "limit")])
def test_tokenize_refuses_what_it_cannot_take(hub, pieces, body, status, told):
    got, _, answer = ask_tokens(hub, pieces, **body)
    assert got == status and told in answer["error"]


def test_tokenize_reads_what_its_caller_may_read(hub, pieces):
    assert ask_tokens(hub, "alice/closed-pieces", inputs="hi")[0] == 401
    assert ask_tokens(hub, "alice/closed-pieces", token=hub.alice, inputs="hi")[0] == 200
    status, headers, answer = ask_tokens(hub, "alice/shown", inputs="hi")
    assert (status, headers["X-Error-Code"]) == (404, "EntryNotFound") and "alice/shown has no tokenizer" in answer["error"]


def test_tokenize_says_what_is_wrong_with_the_files(hub, tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "Foo"}}')
    hub.run("repos", "create", "alice/broken-pieces", token=hub.alice)
    hub.run("upload", "alice/broken-pieces", tmp_path, token=hub.alice)
    status, _, answer = ask_tokens(hub, "alice/broken-pieces", inputs="hi")
    assert status == 400 and "Foo" in answer["error"] and "tokenizing" not in answer["error"]


def test_a_gguf_file_is_a_tokenizer_too(hub, smollm2):
    hub.run("repos", "create", "alice/gguf-pieces", token=hub.alice)
    hub.run("upload", "alice/gguf-pieces", smollm2, smollm2.name, token=hub.alice)
    _, _, (tokens,) = ask_tokens(hub, "alice/gguf-pieces", inputs="Hello world")
    assert [(t["id"], t["text"]) for t in tokens] == [(19556, "Hello"), (905, " world")]


def test_mistrals_file_is_a_tokenizer_too(hub, tmp_path):
    vocab = [{"rank": n, "token_bytes": base64.b64encode(token).decode()} for n, token in enumerate([b"h", b"i", b" ", b"hi"])]
    special = [{"rank": 0, "token_str": "<unk>"}, {"rank": 1, "token_str": "<s>"}]
    config = {"pattern": r" ?\p{L}+", "default_num_special_tokens": 5}
    (tmp_path / "tekken.json").write_text(json.dumps({"config": config, "vocab": vocab, "special_tokens": special}))
    hub.run("repos", "create", "alice/tekken-pieces", token=hub.alice)
    hub.run("upload", "alice/tekken-pieces", tmp_path, token=hub.alice)
    _, _, (tokens,) = ask_tokens(hub, "alice/tekken-pieces", inputs="<s>hi hi")
    assert [t["id"] for t in tokens] == [1, 8, 7, 8]


def test_tokenizer_widget_colours_pieces(page, pieces):
    page.goto(f"/{pieces}")
    widget = page.get_by_role("region", name="Tokenizer")
    widget.get_by_label("Text to tokenize").fill("hi to🔥\nhi<end>")
    expect(widget.get_by_role("status")).to_have_text("8 tokens 14 characters")
    shown = widget.get_by_test_id("pieces").locator("[data-token]")
    expect(shown).to_have_text(["<s>", "hi", " to", "F0 9F 94", "A5", "↵\n", "hi", "<end>"], use_inner_text=False)
    expect(widget.locator(".group .whole")).to_have_text("🔥")
    colours = shown.evaluate_all("all => all.slice(1, 7).map(e => getComputedStyle(e).backgroundColor)")
    assert all(a != b for a, b in zip(colours, colours[1:]))
    shown.nth(2).hover()
    expect(widget.locator(".detail")).to_contain_text("258")
    expect(widget.locator(".detail code")).to_have_text("Ġto")
    expect(shown.nth(2)).to_have_attribute("title", "258  Ġto")
    widget.get_by_label("Special tokens").uncheck()
    expect(widget.get_by_role("status")).to_have_text("7 tokens 14 characters")
    expect(shown.first).to_have_text("hi")
    widget.get_by_label("Ids").check()
    expect(shown.nth(1)).to_have_text("258")
    widget.get_by_role("button", name="Clear").click()
    expect(shown).to_have_count(0)
    page.goto("/alice/shown")
    expect(page.get_by_role("heading", name="About")).to_be_visible()
    expect(page.get_by_role("region", name="Tokenizer")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_tokenizer_widget_stays_in_its_column(browser, hub, pieces, width):
    context = browser.new_context(base_url=hub.url, viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.goto(f"/{pieces}")
    opened.get_by_label("Text to tokenize").fill("x" * 500 + " " * 300 + "👨‍👩‍👧‍👦 한국어 नमस्ते\u200b\t")
    expect(opened.get_by_role("status")).to_be_visible()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_search_finds_by_name(page):
    page.goto("/models?search=show")
    expect(page.get_by_role("link", name=re.compile("shown"))).to_be_visible()
    page.goto("/models?search=nothing-like-it")
    expect(page.get_by_text("Nothing here matches")).to_be_visible()


def test_hidden_and_unknown_repositories_look_alike(page):
    texts = []
    for name in ("hidden", "never-was"):
        answer = page.goto(f"/alice/{name}")
        assert answer.status == 401
        expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
        texts.append(page.locator("main").inner_text().replace(name, "NAME"))
    assert texts[0] == texts[1]


def test_login_link_signs_in_once(page, hub):
    link = hub.admin("login-link", "alice", "--url", hub.url).stdout.split()[-1]
    page.goto(link)
    expect(page.get_by_text("Sign out")).to_be_visible()
    page.goto("/alice/hidden")
    expect(page.get_by_text("private").first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used already")


def test_password_signs_in(page):
    page.goto("/login")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("User name")).to_have_value("alice")  # not to be typed again
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Sign out")).to_be_visible()
    page.goto("/alice/never-was")  # a page that is not there does not look as if one were signed out
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_text("Sign out")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(browser, hub, width, scheme):
    context = browser.new_context(base_url=hub.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    for path in ("/", "/models", "/alice/shown", "/alice/shown/tree/main", "/alice/shown/blob/main/LICENSE", "/login", "/no/such"):
        opened.goto(path)
        expect(opened.get_by_role("heading").first).to_be_visible()
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
