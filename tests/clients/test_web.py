"""The pages in a real Chromium: what a visitor and an administrator see and do."""
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
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
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
