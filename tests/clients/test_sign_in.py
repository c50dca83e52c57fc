"""Signing in: second factor, throttling, the account's settings, and an outside provider (a second hub plays it)."""
import base64
import csv
import hashlib
import hmac
import io
import json
import re
import struct
import subprocess
import time
import urllib.parse

import pytest
import requests
import zxingcpp
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image

PASSWORD = "correct horse battery"


def totp(secret, offset=0):
    """RFC 6238 in ten lines, with nothing of ours."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + offset), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def scanned(svg):
    """What a phone reads from the picture: its rectangles drawn, eight dots a module, and given to zxing."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    picture = Image.new("L", (side, side), 255)
    for x, y, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1H(\d+)z", svg):
        assert x == back
        picture.paste(0, (int(x), int(y), int(x) + int(width), int(y) + 1))
    (code,) = zxingcpp.read_barcodes(picture.resize((side * 8, side * 8), Image.Resampling.NEAREST))
    return code.text


class Browser(requests.Session):
    def __init__(self, hub):
        super().__init__()
        self.hub = hub

    def data(self, answer):
        return json.loads(re.search(r'id="data">(.*?)</script>', answer.text)[1])

    def login(self, name, password=PASSWORD, **more):
        return self.post(self.hub.url + "/login", data={"username": name, "password": password} | more, allow_redirects=False)

    def call(self, method, path, body=None):
        return self.request(method, self.hub.url + path, json=body, headers={"Origin": self.hub.url})

    def who(self):
        answer = self.get(self.hub.url + "/api/whoami-v2")
        return answer.json()["name"] if answer.ok else None


def test_a_second_factor_is_enrolled_asked_for_and_reset(hub):
    hub.user("tess")
    tess = Browser(hub)
    assert tess.login("tess").status_code == 303 and tess.who() == "tess"
    assert tess.call("POST", "/api/settings/totp", {"password": "wrong wrong"}).status_code == 403
    made = tess.call("POST", "/api/settings/totp", {"password": PASSWORD}).json()
    assert made["uri"].startswith("otpauth://totp/") and f"secret={made['secret']}" in made["uri"]
    assert scanned(made["qr"]) == made["uri"]
    assert Browser(hub).login("tess").status_code == 303  # not confirmed: the password alone is enough
    assert tess.call("POST", "/api/settings/totp/confirm", {"code": "nonsense"}).status_code == 403
    codes = tess.call("POST", "/api/settings/totp/confirm", {"code": totp(made["secret"], -1)}).json()["recoveryCodes"]
    assert len(set(codes)) == 10 and tess.call("GET", "/api/settings/totp").json() == {"enabled": True}

    def second(code, **change):
        other = Browser(hub)
        page = other.login("tess")
        assert page.status_code == 200 and other.who() is None
        return other, other.login(**({"name": "tess", "password": "", "code": code} | {k: v for k, v in other.data(page)["second"].items() if k != "username"} | change))

    other, answer = second(totp(made["secret"]))
    assert answer.status_code == 303 and other.who() == "tess"
    assert second(totp(made["secret"]))[1].status_code == 401  # no code works twice
    assert second(codes[0])[1].status_code == 303
    assert second(codes[0])[1].status_code == 401
    assert second(codes[1], proof="0" * 64)[1].status_code == 401  # the proof is signed
    assert Browser(hub).login("tess", "wrong wrong", code=codes[1]).status_code == 401
    hub.admin("user", "reset-totp", "tess")
    assert Browser(hub).login("tess").status_code == 303


def test_failed_sign_ins_are_throttled_for_the_account(hub):
    hub.user("thea")
    for _ in range(10):
        assert Browser(hub).login("thea", "wrong wrong").status_code == 401
    blocked = Browser(hub).login("thea")  # even the right password is not tried
    assert blocked.status_code == 429
    assert Browser(hub).login("bob").status_code == 303  # others sign in


def test_the_password_changes_and_other_sessions_end(hub):
    hub.user("pat")
    here, there = Browser(hub), Browser(hub)
    here.login("pat"), there.login("pat")
    listed = here.call("GET", "/api/settings/sessions").json()
    assert len(listed) == 2 and sum(s["current"] for s in listed) == 1
    assert here.call("POST", "/api/settings/password", {"password": "wrong wrong", "newPassword": "another long one"}).status_code == 403
    assert here.call("POST", "/api/settings/password", {"password": PASSWORD, "newPassword": "short"}).status_code == 400
    assert here.call("POST", "/api/settings/password", {"password": PASSWORD, "newPassword": "another long one"}).status_code == 200
    assert (here.who(), there.who()) == ("pat", None)
    assert Browser(hub).login("pat").status_code == 401
    again = Browser(hub)
    assert again.login("pat", "another long one").status_code == 303
    (other,) = [s["id"] for s in here.call("GET", "/api/settings/sessions").json() if not s["current"]]
    assert here.call("DELETE", f"/api/settings/sessions/{other}").status_code == 200 and again.who() is None
    token = hub.token("pat", "write")
    assert hub.call("POST", "/api/settings/password", {"password": "another long one", "newPassword": "one more of them"}, token=token)[0] == 403


def test_signing_in_leads_on_but_never_away(hub):
    for following, place in (("/alice/x?tab=1", "/alice/x?tab=1"), ("https://evil.example", "/"), ("//evil.example", "/"), ("/\\evil.example", "/")):
        assert Browser(hub).login("bob", next=following).headers["Location"] == place


def test_an_organisation_asks_for_the_second_factor(hub):
    tokens = {name: hub.user(name) for name in ("sam", "sue")}
    hub.admin("org", "create", "strict", "--owner", "sam", "--default-visibility", "private")
    hub.admin("org", "add-member", "strict", "sue", "--role", "write")
    api = {name: HfApi(endpoint=hub.url, token=token) for name, token in tokens.items()}
    api["sam"].create_repo("strict/plans"), api["sam"].create_repo("strict/paper", private=False)
    browsers = {name: Browser(hub) for name in tokens}
    for name in tokens:
        browsers[name].login(name)
    ask = lambda: browsers["sam"].call("PUT", "/api/organizations/strict/settings", {"requireSecondFactor": True})
    assert ask().status_code == 409  # sam would lock himself out

    def enrol(name):
        secret = browsers[name].call("POST", "/api/settings/totp", {"password": PASSWORD}).json()["secret"]
        assert browsers[name].call("POST", "/api/settings/totp/confirm", {"code": totp(secret)}).status_code == 200

    enrol("sam")
    assert api["sue"].model_info("strict/plans").private
    assert ask().status_code == 200 and ask().json()["requireSecondFactor"] is True
    for refused in (lambda: api["sue"].model_info("strict/plans"), lambda: api["sue"].create_repo("strict/new"),
                    lambda: api["sue"].upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="strict/paper")):
        with pytest.raises(HfHubHTTPError, match="strict asks its members for a second factor") as error:
            refused()
        assert error.value.response.status_code == 403
    assert api["sue"].model_info("strict/paper") and [m.id for m in api["sue"].list_models(author="strict")] == ["strict/paper"]
    claims = requests.get(hub.url + "/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['sue']}"}).json()
    assert claims["orgs"][0]["securityRestrictions"] == ["mfa"]
    clone = subprocess.run(["git", "clone", hub.url.replace("://", f"://sue:{tokens['sue']}@") + "/strict/plans", hub.folder / "plans"], capture_output=True, text=True, env=hub.env())
    assert clone.returncode != 0 and "403" in clone.stderr
    enrol("sue")
    assert api["sue"].model_info("strict/plans").private and api["sue"].create_repo("strict/new")


def told(hub, name):
    """What the audit log tells of somebody's account, oldest first: (action, target, data)."""
    entries = [json.loads(line) for line in hub.admin("audit", "--action", "user", "--json").stdout.splitlines()]
    return [(e["action"], e["target"], e["data"]) for e in reversed(entries) if e["actor"] == name]


def test_the_audit_log_tells_how_people_sign_in_and_what_they_change(hub):
    hub.user("vera")
    vera = Browser(hub)
    link = urllib.parse.urlsplit(hub.admin("login-link", "vera").stdout.split()[-1])
    assert vera.get(f"{hub.url}{link.path}?{link.query}").ok and vera.who() == "vera"
    vera.post(hub.url + "/logout", headers={"Origin": hub.url})
    vera.login("vera", "wrong wrong"), vera.login("no-such-person", "hidden words"), vera.login("vera")
    vera.call("POST", "/api/settings/password", {"password": "wrong wrong", "newPassword": "another long one"})
    made = vera.call("POST", "/api/settings/totp", {"password": PASSWORD}).json()
    codes = vera.call("POST", "/api/settings/totp/confirm", {"code": totp(made["secret"])}).json()["recoveryCodes"]
    again = Browser(hub)
    step = lambda code: again.login("vera", "", code=code, **{k: v for k, v in again.data(again.login("vera"))["second"].items() if k != "username"})
    assert (step("000000").status_code, step(codes[0]).status_code) == (401, 303)
    vera.call("DELETE", "/api/settings/totp", {"password": PASSWORD})
    token = vera.call("POST", "/api/settings/tokens", {"displayName": "ci", "role": "read"}).json()
    vera.call("DELETE", f"/api/settings/tokens/{token['id']}")
    vera.call("POST", "/api/settings/password", {"password": PASSWORD, "newPassword": "another long one"})
    assert told(hub, "vera") == [
        ("user.login", "", {"with": "link"}), ("user.logout", "", {}),
        ("user.login_failed", "", {"step": "password"}), ("user.login", "", {"with": "password"}),
        ("user.login_failed", "", {"step": "settings"}), ("user.totp.enable", "", {}),
        ("user.login_failed", "", {"step": "second factor"}), ("user.login", "", {"with": "second factor"}), ("user.totp.disable", "", {}),
        ("user.token.create", "token ci", {"role": "read"}), ("user.token.delete", f"token {token['id']}", {}), ("user.password", "", {})]
    everything = hub.admin("audit", "--json").stdout
    assert '"step":"name"' in everything
    for secret in ("no-such-person", "hidden words", "wrong wrong", made["secret"], codes[0], token["token"], "another long one", link.query):
        assert secret not in everything
    root = hub.user("root-of-all", "--admin")
    status, headers, body = hub.call("GET", "/api/admin/audit-log/export?format=csv&actor=vera&action=user.login_failed", token=root)
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert status == 200 and headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert [(r["actor"], r["via"], r["ip"]) for r in rows] == [("vera", "session", "127.0.0.1")] * 3


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """Another hub, whose accounts sign in to the first one."""
    from conftest import Hub

    made = Hub(tmp_path_factory.mktemp("provider")).start()
    yield made
    made.stop()


def connect(hub, provider, name, *options):
    words = provider.admin("oauth-app", "create", f"for {name}", f"{hub.url}/login/with/{name}/callback", "--scopes", "openid,profile,email").stdout.split()
    client, secret = [word for word in words if re.fullmatch(r"[0-9a-f-]{36}|oauth_app_secret_\w+", word)]
    hub.admin("login-provider", "set", name, "--issuer", provider.url, "--client-id", client, "--client-secret-stdin", *options, input=secret)


def travel(hub, provider, name, user, browser=None):
    """Signs in at `hub` with an account of `provider`: the last answer."""
    browser = browser or Browser(hub)
    there = Browser(provider)
    there.login(user)
    away = browser.get(f"{hub.url}/login/with/{name}?next=/models", allow_redirects=False).headers["Location"]
    assert away.startswith(provider.url + "/oauth/authorize?")
    page = there.get(away, allow_redirects=False)
    back = page.headers.get("Location") or there.call("POST", "/oauth/authorize", {"request": there.data(page)["request"], "allow": True}).json()["location"]
    return browser, back, browser.get(back, allow_redirects=False)


def test_accounts_of_an_outside_provider_sign_in(hub, provider):
    provider.user("otto"), provider.user("alice"), provider.user("nina")
    connect(hub, provider, "work", "--label", "the office")
    page = Browser(hub).get(hub.url + "/login")
    assert Browser(hub).data(page)["providers"] == [{"name": "work", "label": "the office"}]

    browser, back, answer = travel(hub, provider, "work", "otto")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/models") and browser.who() == "otto"
    assert browser.get(back, allow_redirects=False).status_code == 403  # the journey's cookie is gone
    assert travel(hub, provider, "work", "otto")[0].who() == "otto"  # the second time: the same account

    thief, _, _ = travel(hub, provider, "work", "otto")
    stolen = Browser(hub).get(back, allow_redirects=False)  # another browser with somebody's code
    assert stolen.status_code == 403

    browser, _, answer = travel(hub, provider, "work", "alice")  # alice has an account here, which is not theirs
    assert answer.status_code == 403 and browser.who() is None and "belongs to somebody" in answer.text
    connect(hub, provider, "linking", "--link-names")
    assert travel(hub, provider, "linking", "alice")[0].who() == "alice"

    connect(hub, provider, "closed", "--no-create")
    assert travel(hub, provider, "closed", "nina")[2].status_code == 403
    connect(hub, provider, "domain", "--domains", "example.org")
    assert travel(hub, provider, "domain", "nina")[2].status_code == 403  # no verified address
    hub.admin("login-provider", "remove", "domain")
    assert requests.get(hub.url + "/login/with/domain").status_code == 404


def test_groups_of_the_provider_are_places_in_organisations(hub, provider):
    provider.user("gero"), provider.user("gitta")
    provider.admin("org", "create", "research", "--owner", "gitta")
    provider.admin("org", "create", "board", "--owner", "gitta")
    provider.admin("org", "add-member", "research", "gero", "--role", "read")
    hub.admin("org", "create", "lab", "--owner", "alice")
    connect(hub, provider, "mapped", "--groups-claim", "orgs", "--groups", "research=lab:write,board=lab:admin,research=not-made-yet:read")
    places = lambda who: {o["name"]: o["roleInOrg"] for o in travel(hub, provider, "mapped", who)[0].get(hub.url + "/api/whoami-v2").json()["orgs"]}
    assert places("gero") == {"lab": "write"} == places("gero")  # the second time nothing changes
    assert places("gitta") == {"lab": "admin"}  # the larger of the two roles
    provider.admin("org", "add-member", "board", "gero", "--role", "read")
    assert places("gero") == {"lab": "admin"}
    provider.admin("org", "remove-member", "board", "gero"), provider.admin("org", "remove-member", "research", "gero")
    assert places("gero") == {}
    log = [json.loads(line) for line in hub.admin("audit", "--owner", "lab", "--json").stdout.splitlines()]
    assert [(e["action"], e["via"], e["data"].get("role")) for e in reversed(log) if e["actor"] == "gero"] == [
        ("org.member.add", "provider mapped", "write"), ("org.member.role", "provider mapped", "admin"), ("org.member.remove", "provider mapped", None)]


def test_a_provider_that_refuses_or_is_gone_signs_nobody_in(hub, provider):
    connect(hub, provider, "refusing")
    browser, there = Browser(hub), Browser(provider)
    provider.user("rosa")
    there.login("rosa")
    away = browser.get(f"{hub.url}/login/with/refusing", allow_redirects=False).headers["Location"]
    request = there.data(there.get(away))["request"]
    back = there.call("POST", "/oauth/authorize", {"request": request, "allow": False}).json()["location"]
    answer = browser.get(back, allow_redirects=False)
    assert answer.status_code == 403 and "access_denied" in answer.text and browser.who() is None
    hub.admin("login-provider", "set", "gone", "--issuer", "http://127.0.0.1:1", "--client-id", "x")
    assert browser.get(f"{hub.url}/login/with/gone").status_code == 503
    hub.admin("login-provider", "set", "liar", "--issuer", provider.url + "/", "--client-id", "x")
    assert browser.get(f"{hub.url}/login/with/liar").status_code == 503  # calls itself otherwise
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(away).query)["state"][0]
    assert browser.get(f"{hub.url}/login/with/refusing/callback?code=x&state={state}x", allow_redirects=False).status_code == 403
