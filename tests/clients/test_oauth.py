"""The hub as OAuth 2 and OpenID Connect provider, driven by Authlib, huggingface_hub's login() and @huggingface/hub."""
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import expect, sync_playwright

BACK = "http://localhost:1234/back"
VERIFIER = "v" * 50


class Browser(requests.Session):
    """Signed in as a user; decides on what applications ask."""

    def __init__(self, hub, name):
        super().__init__()
        self.hub = hub
        self.get(hub.admin("login-link", name, "--url", hub.url).stdout.split()[-1])
        assert "hearth_session" in self.cookies

    def data(self, text):
        return json.loads(re.search(r'id="data">(.*?)</script>', text)[1])

    def act(self, method, path, body=None):
        return self.request(method, self.hub.url + path, json=body, headers={"Origin": self.hub.url})

    def authorize(self, url, allow=True):
        """Where the application is told the outcome."""
        answer = self.get(url, allow_redirects=False)
        if answer.is_redirect:
            return answer.headers["Location"]
        decided = self.act("POST", "/oauth/authorize", {"request": self.data(answer.text)["request"], "allow": allow})
        assert decided.status_code == 200, decided.text
        return decided.json()["location"]


@pytest.fixture(scope="module")
def browser(hub):
    return Browser(hub, "alice")


def make_app(hub, name, *options, redirect=BACK):
    words = hub.admin("oauth-app", "create", name, redirect, *options).stdout.splitlines()
    return [line.split()[-1] for line in words]


@pytest.fixture(scope="module")
def app(hub):
    return make_app(hub, "Wiki", "--scopes", "openid,profile,email,read-repos,write-repos")


@pytest.fixture(scope="module")
def metadata(hub):
    return requests.get(hub.url + "/.well-known/openid-configuration").json()


def query(url):
    return {k: v[0] for k, v in urllib.parse.parse_qs(urllib.parse.urlsplit(url).query).items()}


def session(app, scope="openid profile", **kwargs):
    return OAuth2Session(app[0], app[1], scope=scope, redirect_uri=BACK, code_challenge_method="S256", **kwargs)


def sign_in(app, browser, metadata, scope="openid profile", **kwargs):
    client = session(app, scope)
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER, nonce="once", **kwargs)
    back = browser.authorize(url)
    assert back.startswith(BACK + "?") and query(back)["state"] == state
    return client, client.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=VERIFIER), back


def test_authlib_signs_in_and_checks_the_id_token(hub, app, browser, metadata):
    assert metadata["issuer"] == hub.url
    client, token, _ = sign_in(app, browser, metadata)
    assert token["access_token"].startswith("hf_oauth_") and token["token_type"] == "bearer" and token["scope"] == "openid profile"
    claims = jwt.decode(token["id_token"], KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json()), algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": hub.url}, aud={"essential": True, "value": app[0]}, exp={"essential": True},
                          nonce={"essential": True, "value": "once"}).validate(claims)
    assert claims["preferred_username"] == "alice" and re.fullmatch("[0-9a-f]{24}", claims["sub"])
    info = client.get(metadata["userinfo_endpoint"]).json()
    assert (info["sub"], info["preferred_username"], info["orgs"]) == (claims["sub"], "alice", [])
    assert "email" not in info  # not asked for
    who = HfApi(hub.url, token=token["access_token"]).whoami()
    assert who["name"] == "alice" and not who["auth"]["accessToken"]["displayName"]


def test_scopes_are_what_the_token_may_do(hub, app, browser, metadata):
    alice = HfApi(hub.url, token=hub.alice)
    alice.create_repo("alice/secret", private=True)
    alice.create_repo("alice/open")
    tokens = {scope: HfApi(hub.url, token=sign_in(app, browser, metadata, f"openid profile {scope}")[1]["access_token"])
              for scope in ("", "read-repos", "write-repos", "manage-repos")}
    sees = {scope: api.repo_exists("alice/secret") for scope, api in tokens.items()}
    assert sees == {"": False, "read-repos": True, "write-repos": True, "manage-repos": False}  # the app may not have the last
    for scope in ("", "read-repos", "manage-repos"):
        with pytest.raises(HfHubHTTPError) as error:
            tokens[scope].upload_file(repo_id="alice/open", path_or_fileobj=b"x", path_in_repo="x")
        assert error.value.response.status_code == 403
    tokens["write-repos"].upload_file(repo_id="alice/open", path_or_fileobj=b"x", path_in_repo="x")
    assert tokens[""].model_info("alice/open").id == "alice/open"  # what anybody may
    # An application's token changes nothing of the account.
    bearer = tokens["write-repos"].token
    assert hub.call("GET", "/api/settings/applications", token=bearer)[0] == 403


def test_a_code_works_once_for_its_client_address_and_verifier(hub, app, browser, metadata):
    other = make_app(hub, "Other")

    def ask(**change):
        url, _ = session(app).create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER)
        form = {"grant_type": "authorization_code", "code": query(browser.authorize(url))["code"], "redirect_uri": BACK,
                "code_verifier": VERIFIER} | change
        return form, requests.post(metadata["token_endpoint"], data=form, auth=tuple(app) if "client_id" not in change else None)

    for change in ({"code_verifier": "w" * 50}, {"code_verifier": ""}, {"redirect_uri": BACK + "/"},
                   {"client_id": other[0], "client_secret": other[1]}, {"code": "none"}):
        _, answer = ask(**change)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), change
    assert ask(client_id=app[0], client_secret="wrong")[1].status_code == 401
    form, first = ask()
    bearer = {"Authorization": "Bearer " + first.json()["access_token"]}
    assert requests.get(metadata["userinfo_endpoint"], headers=bearer).status_code == 200
    assert first.headers["Cache-Control"] == "no-store"
    again = requests.post(metadata["token_endpoint"], data=form, auth=tuple(app))
    assert again.json()["error"] == "invalid_grant"
    assert requests.get(metadata["userinfo_endpoint"], headers=bearer).status_code == 401  # whoever stole it has nothing


def test_refresh_tokens_rotate_and_a_second_use_ends_the_chain(hub, app, browser, metadata):
    _, token, _ = sign_in(app, browser, metadata)
    refresh = lambda value, auth=tuple(app): requests.post(
        metadata["token_endpoint"], data={"grant_type": "refresh_token", "refresh_token": value}, auth=auth)
    assert refresh(token["refresh_token"], (app[0], "wrong")).status_code == 401
    second = refresh(token["refresh_token"]).json()
    assert second["access_token"] != token["access_token"]
    assert hub.call("GET", "/api/whoami-v2", token=token["access_token"])[0] == 401
    assert hub.call("GET", "/api/whoami-v2", token=second["access_token"])[0] == 200
    assert refresh(token["refresh_token"]).json()["error"] == "invalid_grant"
    assert hub.call("GET", "/api/whoami-v2", token=second["access_token"])[0] == 401
    assert refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_nobody_is_sent_to_an_address_that_is_not_registered(hub, app, browser):
    public = make_app(hub, "Phone", "--public")

    def ask(**change):
        parameters = {"client_id": app[0], "redirect_uri": BACK, "response_type": "code", "scope": "openid", "state": "s"} | change
        return browser.get(f"{hub.url}/oauth/authorize?" + urllib.parse.urlencode(parameters), allow_redirects=False)

    for address in ("https://evil.example/back", BACK + "?x=1", "http://localhost.evil.example:1234/back", "javascript:alert(1)", ""):
        assert ask(redirect_uri=address).status_code == 400, address
    assert ask(client_id="nobody").status_code == 400
    assert ask(redirect_uri="http://localhost:9/back").status_code == 200 or ask(redirect_uri="http://localhost:9/back").is_redirect
    assert query(ask(response_type="token").headers["Location"]) == {
        "error": "unsupported_response_type", "error_description": "response_type must be code", "state": "s"}
    assert query(ask(client_id=public[0]).headers["Location"])["error"] == "invalid_request"  # PKCE is missing
    assert query(ask(code_challenge="x", code_challenge_method="plain").headers["Location"])["error"] == "invalid_request"
    visitor = requests.get(f"{hub.url}/oauth/authorize?" + urllib.parse.urlencode(
        {"client_id": app[0], "redirect_uri": BACK, "response_type": "code"}), allow_redirects=False)
    assert visitor.headers["Location"].startswith("/login?next=%2Foauth%2Fauthorize%3F")


def test_a_page_of_another_site_decides_nothing(hub, app, browser):
    body = {"request": {"client_id": app[0], "redirect_uri": BACK, "response_type": "code"}, "allow": True}
    answer = browser.post(hub.url + "/oauth/authorize", json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert hub.call("POST", "/oauth/authorize", body, token=hub.alice)[0] == 403  # nor a token


def test_the_device_flow_of_huggingface_hub(hub, browser, tmp_path):
    code = "import huggingface_hub as h; h.login(); print('WHO', h.whoami()['name'])"
    process = subprocess.Popen([sys.executable, "-u", "-c", code], env=hub.env(HF_HOME=str(tmp_path)), text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = ""
    while "enter the code" not in text:
        line = process.stdout.readline()
        assert line, text
        text += line
    url, user_code = re.search(r"http\S+", text)[0], text.split()[-1]
    assert re.fullmatch("[B-Z]{4}-[B-Z]{4}", user_code) and query(url)["user_code"] == user_code
    asked = browser.act("GET", f"/oauth/device/request?user_code={user_code.lower()}").json()
    assert asked["app"] == "Hugging Face CLI" and asked["scopes"]
    assert browser.act("POST", "/oauth/device/decide", {"user_code": user_code, "allow": True}).status_code == 200
    assert browser.act("POST", "/oauth/device/decide", {"user_code": user_code, "allow": True}).status_code == 404
    out, _ = process.communicate(timeout=60)
    assert "WHO alice" in out, out
    token = (tmp_path / "token").read_text().strip()
    assert token.startswith("hf_oauth_")
    HfApi(hub.url, token=token).create_repo("alice/by-device")  # `hf` may do what its user may
    names = [a["name"] for a in browser.act("GET", "/api/settings/applications").json()]
    assert "Hugging Face CLI" in names


def test_device_codes_wait_slow_down_and_are_refused(hub, browser):
    client = {"client_id": "26be6b09-91c5-47da-9861-d2d2bb7a7e36"}
    start = lambda: requests.post(hub.url + "/oauth/device", data=client).json()
    poll = lambda made: requests.post(hub.url + "/oauth/token", data=client | {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": made["device_code"]})
    made = start()
    assert made["interval"] == 5 and made["expires_in"] == 900
    assert poll(made).json()["error"] == "authorization_pending"
    assert poll(made).json()["error"] == "slow_down"
    browser.act("POST", "/oauth/device/decide", {"user_code": made["user_code"], "allow": False})
    assert (poll(made).status_code, poll(made).json()["error"]) == (400, "expired_token")  # told once: access_denied
    refused = start()
    browser.act("POST", "/oauth/device/decide", {"user_code": refused["user_code"], "allow": False})
    assert poll(refused).json()["error"] == "access_denied"
    assert requests.post(hub.url + "/oauth/device", data={"client_id": "x"}).json()["error"] == "invalid_client"


def test_clients_register_themselves(hub, browser, metadata):
    answer = requests.post(metadata["registration_endpoint"], json={"client_name": "Editor", "redirect_uris": [BACK], "scope": "openid profile nonsense"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["scope"] == "openid profile" and made["token_endpoint_auth_method"] == "client_secret_basic"
    sign_in((made["client_id"], made["client_secret"]), browser, metadata)
    for uris in ([], ["javascript:alert(1)"], ["https://a/#x"]):
        bad = requests.post(metadata["registration_endpoint"], json={"client_name": "Bad", "redirect_uris": uris})
        assert (bad.status_code, bad.json()["error"]) == (400, "invalid_redirect_uri")


def test_what_a_user_takes_back_is_over(hub, browser, metadata):
    app = make_app(hub, "Fleeting")
    _, token, _ = sign_in(app, browser, metadata)
    (grant,) = [a for a in browser.act("GET", "/api/settings/applications").json() if a["name"] == "Fleeting"]
    assert grant["scopes"] == "openid profile"
    url, _ = session(app).create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER, prompt="none")
    assert "code" in query(browser.authorize(url))  # agreed before: not asked again
    assert browser.act("DELETE", f"/api/settings/applications/{grant['id']}").status_code == 200
    assert hub.call("GET", "/api/whoami-v2", token=token["access_token"])[0] == 401
    assert query(browser.authorize(url))["error"] == "consent_required"
    _, token, _ = sign_in(app, browser, metadata)
    revoked = requests.post(metadata["revocation_endpoint"], data={"token": token["refresh_token"]}, auth=tuple(app))
    assert revoked.status_code == 200 and hub.call("GET", "/api/whoami-v2", token=token["access_token"])[0] == 401
    log = [json.loads(line) for line in hub.admin("audit", "--action", "user.application", "--json").stdout.splitlines()]
    told = [(e["action"].split(".")[-1], e["data"]["scopes"]) for e in reversed(log) if (e["actor"], e["target"]) == ("alice", "application Fleeting")]
    assert told == [(action, "openid profile") for action in ("grant", "revoke", "grant")]


def test_scopes_open_the_organisations_that_the_user_chose(hub, metadata):
    browser, app = Browser(hub, "alice"), make_app(hub, "Board", "--scopes", "openid,profile,read-billing,read-repos")
    alice = HfApi(endpoint=hub.url, token=hub.alice)
    for name in ("red", "blue", "green"):
        hub.admin("org", "create", name, "--owner", "bob" if name == "green" else "alice")
    for name in ("red", "blue"):
        alice.create_repo(f"{name}/plans", private=True)
    scope = "openid profile read-billing read-repos"
    ids = {o["preferred_username"]: o["sub"] for o in hub_userinfo(hub, hub.alice)["orgs"]}

    def agree(chosen, **asked):
        client = session(app, scope)
        url, _ = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER, **asked)
        page = browser.get(url, allow_redirects=False)
        if "Location" in page.headers:
            back = page.headers["Location"]
        else:
            agree.page = {o["name"]: (o["required"], o["chosen"]) for o in browser.data(page.text)["orgs"]}
            back = browser.act("POST", "/oauth/authorize", {"request": browser.data(page.text)["request"], "allow": True, "orgs": [ids[n] for n in chosen]}).json()["location"]
        if "error" in query(back):
            return query(back)["error"]
        return client.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=VERIFIER)["access_token"]

    def sees(token):
        api = HfApi(endpoint=hub.url, token=token)
        return [name for name in ("red", "blue") if api.repo_exists(f"{name}/plans")]

    token = agree([])
    assert {"red", "blue"} <= agree.page.keys() and not any(a or b for a, b in agree.page.values()) and sees(token) == []
    token = agree([], orgIds=ids["red"])  # asked for: the page does not leave it out
    assert agree.page["red"] == (True, True) and sees(token) == ["red"]
    payers = {o["preferred_username"]: "canPay" in o for o in hub_userinfo(hub, token)["orgs"]}
    assert payers["red"] and not payers["blue"]
    (grant,) = [a for a in browser.act("GET", "/api/settings/applications").json() if a["name"] == "Board"]
    assert grant["orgs"] == ["red"]
    assert sees(agree(["red"], orgIds=ids["red"])) == ["red"]  # agreed before: not asked again
    assert sees(agree(["red", "blue"], prompt="consent")) == ["red", "blue"]
    assert agree([], orgIds="nonsense") == "invalid_request"
    green = hub_userinfo(hub, hub.bob)["orgs"]
    assert agree([], orgIds=[o["sub"] for o in green if o["preferred_username"] == "green"][0]) == "access_denied"  # alice is no member
    hub.admin("org", "add-member", "blue", "bob", "--role", "admin"), hub.admin("org", "remove-member", "blue", "alice")
    assert sees(agree(["red"], orgIds=ids["red"])) == ["red"]  # what the user has lost, the application has lost


def hub_userinfo(hub, token):
    return requests.get(hub.url + "/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()


def test_the_javascript_client_signs_in(hub, browser):
    folder = javascript_client()
    (client,) = make_app(hub, "Page", "--public", "--scopes", "openid,profile,read-repos")
    script = pathlib.Path(__file__).parent / "oauth" / "sign_in.mjs"
    process = subprocess.Popen(["node", script, hub.url, client, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    back = browser.authorize(process.stdout.readline().strip())
    out, _ = process.communicate(back + "\n", timeout=60)
    result = json.loads(out)
    assert result["userInfo"]["preferred_username"] == "alice" and result["state"] == "mine"
    assert result["scope"] == "openid profile read-repos"
    assert HfApi(hub.url, token=result["accessToken"]).whoami()["name"] == "alice"


def test_the_pages_in_a_browser(hub):
    app = make_app(hub, "Notebook", "--scopes", "openid,profile,email", redirect=hub.url + "/healthz")
    url = f"{hub.url}/oauth/authorize?" + urllib.parse.urlencode(
        {"client_id": app[0], "redirect_uri": hub.url + "/healthz", "response_type": "code", "state": "s"})
    made = requests.post(hub.url + "/oauth/device", data={"client_id": "26be6b09-91c5-47da-9861-d2d2bb7a7e36"}).json()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        for width in (390, 1280):
            page = chromium.new_context(viewport={"width": width, "height": 800}).new_page()
            page.goto(url)
            page.get_by_label("User name").fill("bob")
            page.get_by_label("Password").fill("correct horse battery")
            page.get_by_role("button", name="Sign in").click()
            if width == 390:  # agreed once, asked once
                expect(page.get_by_role("heading", name="Notebook wants to use your account")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                page.get_by_role("button", name="Authorise").click()
            page.wait_for_url(re.compile(r"/healthz\?code=\w+&state=s"))
        page.goto(made["verification_uri"])
        page.get_by_label("Code that your terminal shows").fill(made["user_code"].lower())
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Hugging Face CLI")).to_be_visible()
        page.get_by_role("button", name="Allow").click()
        expect(page.get_by_role("status")).to_contain_text("connected")
        chromium.close()


def javascript_client():
    """The folder of @huggingface/hub, installed by npm beside the other clients of the tests."""
    place = pathlib.Path(__file__).parent / "oauth"
    folder = place / "node_modules" / "@huggingface" / "hub"
    if not (folder / "dist" / "index.mjs").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=place, check=True, timeout=300)
    return folder
