"""Gated repositories by huggingface_hub: requests, grants, refusals everywhere a file could leak, reports, the page.

What must hold is what the docstrings of huggingface_hub 2.4.0 HfApi (access requests) and its published tests say.
"""
import csv
import io
import json
import subprocess
from datetime import datetime

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import DisabledRepoError, GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
from playwright.sync_api import expect, sync_playwright

CARD = """---
license: other
extra_gated_heading: Acknowledge the licence first
extra_gated_prompt: "You agree **not** to harm. <script>document.title = 'owned'</script>"
extra_gated_button_content: I agree
extra_gated_fields:
  Company: text
  Country: country
  Date of birth: date_picker
  Use:
    type: select
    options: [Research, {label: Other things, value: other}]
  I agree to the terms: checkbox
  geo: ip_location
---
# A gated card
"""
ANSWERS = {"Company": "Acme", "Country": "FR", "Date of birth": "2001-02-28", "Use": "other", "I agree to the terms": True}


@pytest.fixture(scope="module")
def alice(hub):
    return HfApi(hub.url, token=hub.alice)


@pytest.fixture(scope="module")
def bob(hub):
    return HfApi(hub.url, token=hub.bob)


def make(api, name, gated, card=None, **kwargs):
    repo = api.create_repo(name, **kwargs).repo_id
    api.upload_file(repo_id=repo, path_or_fileobj=b"weights", path_in_repo="weights.txt", **kwargs)
    if card:
        api.upload_file(repo_id=repo, path_or_fileobj=card.encode(), path_in_repo="README.md", **kwargs)
    api.update_repo_settings(repo, gated=gated, **kwargs)
    return repo


def status_of(error):
    return error.value.response.status_code


def test_a_granted_user_moves_between_the_lists(alice, bob, hub, tmp_path):
    repo = make(alice, "moves", "auto")
    lists = (alice.list_pending_access_requests, alice.list_accepted_access_requests, alice.list_rejected_access_requests)
    assert [list(f(repo)) for f in lists] == [[], [], []]

    alice.grant_access(repo, "bob")
    (request,) = alice.list_accepted_access_requests(repo)
    assert (request.username, request.status, request.fields) == ("bob", "accepted", None)
    assert isinstance(request.timestamp, datetime) and request.fullname == "bob"
    assert open(bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path / "a")).read() == "weights"

    alice.cancel_access_request(repo, "bob")
    assert [r.username for r in alice.list_pending_access_requests(repo)] == ["bob"]
    with pytest.raises(GatedRepoError, match="awaiting a review"):
        bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path / "b")

    alice.reject_access_request(repo, request_id=request.request_id, rejection_reason="no longer with us")
    assert [r.status for r in alice.list_rejected_access_requests(repo)] == ["rejected"]
    with pytest.raises(GatedRepoError, match="rejected"):
        bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path / "c")

    alice.accept_access_request(repo, "bob")
    assert [list(f(repo)) == [] for f in lists] == [True, False, True]
    assert open(bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path / "d")).read() == "weights"


def test_errors_have_the_documented_statuses(alice, bob, hub):
    plain = alice.create_repo("plain").repo_id
    repo = make(alice, "errors", "manual")
    cases = [
        (400, lambda: list(alice.list_pending_access_requests(plain))),
        (400, lambda: alice.grant_access(plain, "bob")),
        (400, lambda: alice.accept_access_request(plain, "bob")),
        (403, lambda: list(bob.list_pending_access_requests(repo))),
        (403, lambda: bob.accept_access_request(repo, "bob")),
        (403, lambda: bob.grant_access(repo, "bob")),
        (403, lambda: HfApi(hub.url, token=hub.alice_read).grant_access(repo, "bob")),
        (404, lambda: alice.grant_access(repo, "nobody-here")),
        (404, lambda: alice.accept_access_request(repo, "nobody-here")),
        (404, lambda: alice.accept_access_request(repo, "bob")),  # has not asked
        (404, lambda: alice.reject_access_request(repo, "bob", rejection_reason=None)),
        (404, lambda: alice.cancel_access_request(repo, request_id="655f3a1c9e6b2d4f8a7c1e05")),
        (400, lambda: alice.grant_access(repo, "alice")),  # the owner has access
    ]
    for index, (status, act) in enumerate(cases):
        with pytest.raises(HfHubHTTPError) as error:
            act()
        assert status_of(error) == status, index
    alice.grant_access(repo, "bob")
    for status, act in ((400, lambda: alice.grant_access(repo, "bob")), (404, lambda: alice.accept_access_request(repo, "bob"))):
        with pytest.raises(HfHubHTTPError) as error:
            act()
        assert status_of(error) == status
    alice.cancel_access_request(repo, "bob")
    with pytest.raises(HfHubHTTPError) as error:
        alice.cancel_access_request(repo, "bob")
    assert status_of(error) == 404


def test_the_form_is_checked_field_by_field_and_kept(alice, hub):
    repo = make(alice, "form", "manual", CARD)
    wrong = {"Company": "", "Country": "France", "Date of birth": "2001-02-30", "Use": "War", "I agree to the terms": False}
    for field, answer in wrong.items():
        status, _, body = hub.call("POST", f"/{repo}/ask-access", ANSWERS | {field: answer}, token=hub.bob)
        assert status == 400 and field in json.loads(body)["error"], field
    assert hub.call("POST", f"/{repo}/ask-access", ANSWERS)[0] == 401
    assert hub.call("POST", f"/{repo}/ask-access", ANSWERS, token=hub.token("bob", "read"))[0] == 403

    status, _, body = hub.call("POST", f"/{repo}/ask-access", ANSWERS | {"Shoe size": "44"}, token=hub.bob)
    assert (status, json.loads(body)) == (200, {"status": "pending"})
    (request,) = alice.list_pending_access_requests(repo)
    assert (request.username, request.fields) == ("bob", ANSWERS)
    assert hub.call("POST", f"/{repo}/ask-access", ANSWERS, token=hub.bob)[0] == 403  # it waits

    alice.reject_access_request(repo, "bob", rejection_reason="no")
    assert hub.call("POST", f"/{repo}/ask-access", ANSWERS, token=hub.bob)[0] == 403  # nobody asks twice
    alice.accept_access_request(repo, "bob")
    assert hub.call("POST", f"/{repo}/ask-access", ANSWERS, token=hub.bob)[0] == 409


def test_automatic_approval_opens_at_once(alice, bob, hub, tmp_path):
    repo = make(alice, "automatic", "auto")
    assert bob.model_info(repo).gated == "auto"  # anybody may know of it
    assert "weights.txt" in bob.list_repo_files(repo)
    with pytest.raises(GatedRepoError):
        bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path)
    form = b"agree=on"
    status, _, body = hub.call("POST", f"/{repo}/ask-access", form, token=hub.bob,
                               headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, json.loads(body)) == (200, {"status": "accepted"})
    assert open(bob.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path)).read() == "weights"
    assert list(alice.list_pending_access_requests(repo)) == []
    assert [r.username for r in alice.list_accepted_access_requests(repo)] == ["bob"]
    alice.update_repo_settings(repo, gated=False)
    with pytest.raises(HfHubHTTPError) as error:
        list(alice.list_accepted_access_requests(repo))
    assert status_of(error) == 400


def test_a_copy_keeps_the_gate(alice, bob, hub):
    repo = make(alice, "original", "manual")
    alice.grant_access(repo, "bob")
    copy = bob.duplicate_repo(repo, "bob/copy").repo_id
    assert bob.model_info(copy).gated == "manual"
    dora = HfApi(hub.url, token=hub.user("dora"))
    with pytest.raises(GatedRepoError):
        dora.hf_hub_download(copy, "weights.txt")
    assert alice.model_info(alice.duplicate_repo(make(alice, "open", False), "alice/open-too").repo_id).gated is False


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_files_leak_nowhere(alice, bob, hub, tmp_path, kind):
    repo = make(alice, "sealed", "manual", repo_type=kind)
    prefix = "" if kind == "model" else "datasets/"
    for token, status in ((None, 401), (hub.bob, 403)):
        for method, path in (("GET", f"/{prefix}{repo}/resolve/main/weights.txt"), ("HEAD", f"/{prefix}{repo}/resolve/main/weights.txt"),
                             ("GET", f"/{prefix}{repo}/raw/main/weights.txt"), ("GET", f"/api/{kind}s/{repo}/auth-check"),
                             ("POST", f"/{prefix}{repo}/git-upload-pack"), ("GET", f"/{prefix}{repo}/blob/main/weights.txt")):
            answer = hub.call(method, path, token=token)
            assert (answer[0], answer[1]["X-Error-Code"]) == (status, "GatedRepo"), (path, token)
            assert b"weights" not in answer[2].replace(b"weights.txt", b"")
    for api in (bob, HfApi(hub.url, token=False)):
        for act in (lambda: api.hf_hub_download(repo, "weights.txt", repo_type=kind, cache_dir=tmp_path),
                    lambda: api.file_exists(repo, "weights.txt", repo_type=kind), lambda: api.auth_check(repo, repo_type=kind)):
            with pytest.raises(GatedRepoError):
                act()
        assert api.repo_exists(repo, repo_type=kind)
        assert api.repo_info(repo, repo_type=kind).gated == "manual"

    def clone(token, name):
        url = hub.url.replace("://", f"://user:{token}@") + f"/{prefix}{repo}"
        return subprocess.run(["git", "clone", "-q", url, str(tmp_path / name)], capture_output=True, text=True, env=hub.env())

    refused = clone(hub.bob, "refused")
    assert refused.returncode != 0 and "403" in refused.stderr
    alice.grant_access(repo, "bob", repo_type=kind)
    assert clone(hub.bob, "granted").returncode == 0
    assert (tmp_path / "granted" / "weights.txt").read_text() == "weights"
    with pytest.raises(HfHubHTTPError) as error:  # who may read may not write
        bob.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x", repo_type=kind)
    assert status_of(error) == 403


def test_lists_are_paged(alice, hub):
    repo = make(alice, "paged", "manual")
    for name in ("carol", "dave", "erin"):
        hub.user(name)
        alice.grant_access(repo, name)
    status, headers, body = hub.call("GET", f"/api/models/{repo}/user-access-request/accepted?limit=2", token=hub.alice)
    assert status == 200 and [r["user"]["user"] for r in json.loads(body)] == ["carol", "dave"]
    assert 'rel="next"' in headers["Link"]
    following = headers["Link"].split(">")[0].lstrip("<").removeprefix(hub.url)
    status, headers, body = hub.call("GET", following, token=hub.alice)
    assert [r["user"]["user"] for r in json.loads(body)] == ["erin"] and headers["Link"] is None


def test_fine_grained_tokens_list_requests_and_decide_none(alice, bob, hub):
    repo = make(alice, "gated-narrow", "manual")
    assert hub.call("POST", f"/{repo}/ask-access", {}, token=hub.bob)[0] == 200
    scoped = lambda scope: hub.admin("token", "create", "alice", "--role", "fineGrained", "--scope", scope).stdout.split()[-1]
    reader, other, writer = scoped("user:alice=repo.access.read"), scoped("user:alice=repo.content.read"), scoped("user:alice=repo.write")
    listed = [r.username for r in HfApi(hub.url, token=reader).list_pending_access_requests(repo)]
    assert listed == ["bob"] == [r.username for r in HfApi(hub.url, token=writer).list_pending_access_requests(repo)]
    for path in (f"/{repo}/user-access-report", f"/api/models/{repo}/user-access-request/pending"):
        assert [hub.call("GET", path, token=t)[0] for t in (reader, other, hub.alice_read, hub.bob)] == [200, 403, 403, 403]
    with pytest.raises(HfHubHTTPError) as error:
        HfApi(hub.url, token=reader).accept_access_request(repo, "bob")
    assert status_of(error) == 403
    HfApi(hub.url, token=writer).accept_access_request(repo, "bob")


def test_the_report_is_json_or_csv(alice, hub):
    repo = make(alice, "report", "manual", CARD)
    hub.call("POST", f"/{repo}/ask-access", ANSWERS | {"Company": '=cmd|" /C calc"'}, token=hub.bob)
    assert hub.call("GET", f"/{repo}/user-access-report", token=hub.bob)[0] == 403
    rows = json.loads(hub.call("GET", f"/{repo}/user-access-report", token=hub.alice)[2])
    assert [(r["user"], r["status"], set(r)) for r in rows] == [
        ("bob", "pending", {"user", "fullname", "status", "email", "time", "fields"})]
    status, headers, body = hub.call("GET", f"/api/models/{repo}/user-access-report?format=csv", token=hub.alice)
    assert status == 200 and headers["Content-Type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(body.decode()))
    assert (row["user"], row["status"], row["Country"]) == ("bob", "pending", "FR")
    assert row["Company"] == "'=cmd|\" /C calc\""  # a spreadsheet runs nothing


def test_a_disabled_repository_answers_nobody(alice, bob, hub, tmp_path):
    repo = make(alice, "gone", False)
    hub.admin("repo", "disable", repo)
    for api in (alice, bob, HfApi(hub.url, token=False)):
        with pytest.raises(DisabledRepoError):
            api.model_info(repo)
        with pytest.raises(DisabledRepoError):
            api.file_exists(repo, "weights.txt")
        with pytest.raises(LocalEntryNotFoundError) as error:
            api.hf_hub_download(repo, "weights.txt", cache_dir=tmp_path / "a")
        assert isinstance(error.value.__cause__, DisabledRepoError)
    root = HfApi(hub.url, token=hub.user("root", "--admin"))
    assert root.model_info(repo).disabled is True
    hub.admin("repo", "disable", repo, "--undo")
    assert bob.model_info(repo).disabled is False


def test_the_page_asks_and_its_owner_decides(alice, hub, tmp_path):
    repo = make(alice, "page", "manual", CARD)
    alice.upload_file(repo_id=repo, path_or_fileobj=b"Line one of the licence\n", path_in_repo="LICENSE")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])

        def visit(name, width):
            context = browser.new_context(base_url=hub.url, viewport={"width": width, "height": 900})
            page = context.new_page()
            if name:
                page.goto(hub.admin("login-link", name, "--url", hub.url).stdout.split()[-1])
            page.goto(f"/{repo}")
            expect(page.get_by_role("heading", name="A gated card")).to_be_visible()  # the card is public
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.title() != "owned"
            return page

        expect(visit(None, 390).get_by_text("to review the conditions")).to_be_visible()

        page = visit("bob", 390)
        expect(page.get_by_role("heading", name="Acknowledge the licence first")).to_be_visible()
        page.get_by_text("The licence", exact=True).click()
        expect(page.get_by_text("Line one of the licence")).to_be_visible()
        page.get_by_label("Company").fill("Acme")
        page.get_by_label("Country").select_option(label="Germany")
        page.get_by_label("Date of birth").fill("1999-12-31")
        page.get_by_label("Use").select_option(label="Other things")
        page.get_by_label("I agree to the terms").check()
        page.screenshot(path=tmp_path / "form.png")
        page.get_by_role("button", name="I agree").click()
        expect(page.get_by_text("awaiting a review")).to_be_visible()

        owner = visit("alice", 1280)
        expect(owner.get_by_text("Acme")).to_be_visible()
        expect(owner.get_by_text("DE", exact=True)).to_be_visible()
        owner.get_by_role("button", name="Accept").click()
        expect(owner.get_by_text("Nobody waits")).to_be_visible()
        page.reload()
        expect(page.get_by_text("You have been granted access")).to_be_visible()
        browser.close()
