"""Organisations, roles, fine-grained tokens, sessions, quotas, the audit log and rate limits, by the real clients.
Source: huggingface_hub 2.4.0 (HfApi.whoami, create_repo, list_organization_members, get_organization_overview,
auth_check, list_user_repos; utils/_http.py parse_ratelimit_headers); git and its credentials."""
import csv
import http.cookies
import io
import json
import re
import sqlite3
import subprocess
import urllib.parse
import urllib.request

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils import parse_ratelimit_headers


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def status(error):
    return error.value.response.status_code


@pytest.fixture(scope="module")
def acme(hub):
    """hub with the private-by-default organisation acme: alice admin, writer, helper (contributor), reader; bob a stranger."""
    hub.admin("org", "create", "acme", "--fullname", "Acme Corp.", "--owner", "alice", "--default-visibility", "private")
    hub.tokens = {"alice": hub.alice, "bob": hub.bob}
    for name, role in {"writer": "write", "helper": "contributor", "reader": "read"}.items():
        hub.tokens[name] = hub.user(name)
        hub.admin("org", "add-member", "acme", name, "--role", role)
    hub.api = {name: HfApi(endpoint=hub.url, token=token) for name, token in hub.tokens.items()}
    hub.api["alice"].create_repo("acme/plans")
    hub.api["alice"].upload_file(path_or_fileobj=b"secret", path_in_repo="plan.txt", repo_id="acme/plans")
    return hub


def fine_grained(hub, user, *scopes, options=()):
    words = [w for scope in scopes for w in ("--scope", scope)]
    return hub.admin("token", "create", user, "--role", "fineGrained", *words, *options).stdout.split()[-1]


def test_whoami_tells_organisations_and_roles(acme):
    me = acme.api["helper"].whoami()
    assert [(o["name"], o["fullname"], o["roleInOrg"]) for o in me["orgs"]] == [("acme", "Acme Corp.", "contributor")]
    assert me["auth"]["accessToken"]["role"] == "write" and "fineGrained" not in me["auth"]["accessToken"]
    assert acme.api["bob"].whoami()["orgs"] == []


def test_new_repositories_take_the_organisations_visibility(acme):
    info = acme.api["alice"].model_info("acme/plans")
    assert info.private and info.author == "acme"
    public = acme.api["writer"].create_repo("acme/paper", repo_type="dataset", private=False)
    assert public == f"{acme.url}/datasets/acme/paper" and not acme.api["bob"].dataset_info("acme/paper").private


@pytest.mark.parametrize("who, may_create, may_write", [
    ("alice", True, True), ("writer", True, True), ("helper", True, False), ("reader", False, False), ("bob", False, None)])
def test_what_each_role_may_do(acme, who, may_create, may_write):
    api = acme.api[who]
    if may_create:
        api.create_repo(f"acme/by-{who}")
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=f"acme/by-{who}")  # the own one
        api.delete_repo(f"acme/by-{who}")
    else:
        with pytest.raises(HfHubHTTPError) as error:
            api.create_repo(f"acme/by-{who}")
        assert status(error) == 403
    if may_write is None:
        for call in (lambda: api.model_info("acme/plans"), lambda: api.auth_check("acme/plans"), lambda: api.auth_check("acme/plans", write=True)):
            with pytest.raises(RepositoryNotFoundError) as error:
                call()
            assert status(error) == 404
        return
    api.auth_check("acme/plans")
    assert [f.rfilename for f in api.model_info("acme/plans").siblings] == [".gitattributes", "plan.txt"]
    if may_write:
        api.auth_check("acme/plans", write=True)
    else:
        with pytest.raises(HfHubHTTPError) as error:
            api.auth_check("acme/plans", write=True)
        assert status(error) == 403


def test_writers_do_not_lift_what_binds_them(acme, tmp_path):
    admin, writer = acme.api["alice"], acme.api["writer"]
    repo = writer.create_repo("acme/bound").repo_id
    rules = {"protectedBranches": [{"pattern": "main", "push": "admin"}, {"pattern": "release/*", "push": "admin"}]}
    path = f"/api/models/{repo}/protected-branches"
    for who, expected in {"bob": 404, "reader": 403, "writer": 403, "alice": 200}.items():
        assert acme.call("PUT", path, rules, token=acme.tokens[who])[0] == expected, who
    put = {"path_or_fileobj": b"x", "path_in_repo": "x.txt", "repo_id": repo}
    for refused in (lambda: writer.upload_file(**put), lambda: writer.create_branch(repo, branch="release/1"),
                    lambda: writer.move_repo(repo, "writer/bound")):
        with pytest.raises(HfHubHTTPError, match="administrator") as error:
            refused()
        assert status(error) == 403
    assert acme.call("POST", f"/api/models/{repo}/resource-group", {"resourceGroupId": None}, token=acme.tokens["writer"])[0] == 403
    proposed = writer.upload_file(**put, create_pr=True)
    with pytest.raises(HfHubHTTPError, match="administrators"):
        writer.merge_pull_request(repo, proposed.pr_num)
    admin.merge_pull_request(repo, proposed.pr_num)
    admin.create_branch(repo, branch="release/1")
    writer.update_repo_settings(repo, gated="manual")  # settings and renaming are a writer's, as on the public Hub
    writer.move_repo(repo, "acme/bound-2")
    admin.move_repo("acme/bound-2", "alice/bound")
    assert admin.model_info("alice/bound").private


def test_lists_show_members_what_is_private(acme):
    assert "acme/plans" in [m.id for m in acme.api["reader"].list_models(author="acme")]
    assert "acme/plans" not in [m.id for m in acme.api["bob"].list_models(author="acme")]


def test_git_follows_the_roles(acme, tmp_path):
    def clone(who):
        address = acme.url.replace("://", f"://{who}:{acme.tokens[who]}@") + "/acme/plans"
        return subprocess.run(["git", "clone", "-q", address, tmp_path / who], capture_output=True, text=True, env=acme.env())
    assert clone("reader").returncode == 0 and clone("bob").returncode != 0
    (tmp_path / "reader" / "more.txt").write_text("more")
    git = ["git", "-C", tmp_path / "reader", "-c", "user.name=r", "-c", "user.email=r@example.com"]
    subprocess.run([*git, "add", "more.txt"], check=True)
    subprocess.run([*git, "commit", "-qm", "more"], check=True)
    refused = subprocess.run([*git, "push", "-q"], capture_output=True, text=True, env=acme.env())
    assert refused.returncode != 0 and "403" in refused.stderr


def test_overviews_and_members(acme):
    api = acme.api["bob"]
    org = api.get_organization_overview("acme")
    assert (org.name, org.fullname, org.num_users, org.is_verified) == ("acme", "Acme Corp.", 4, False)
    members = {m.username for m in api.list_organization_members("acme")}
    assert members == {"alice", "writer", "helper", "reader"}
    user = api.get_user_overview("helper")
    assert user.username == "helper" and user.user_type == "user" and [o.name for o in user.orgs] == ["acme"]
    assert json.loads(acme.call("GET", "/api/users/helper/avatar")[2]) == {"avatarUrl": user.avatar_url}
    with urllib.request.urlopen(user.avatar_url) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml" and b"<svg" in answer.read()
    for call in (lambda: api.get_organization_overview("nobody"), lambda: api.get_user_overview("nobody"),
                 lambda: list(api.list_organization_members("nobody"))):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert status(error) == 404


def test_members_pages(acme):
    got, path = [], "/api/organizations/acme/members?limit=3"
    while path:
        _, headers, body = acme.call("GET", path, token=acme.tokens["reader"])
        got += [(m["user"], m["role"]) for m in json.loads(body)]
        link = re.search(r'<([^>]+)>; rel="next"', headers.get("Link", ""))
        path = link and link[1].removeprefix(acme.url)
    assert got == [("alice", "admin"), ("writer", "write"), ("helper", "contributor"), ("reader", "read")]


def test_administrators_change_members(acme):
    call = lambda method, path, body=None, who="alice": acme.call(method, "/api/organizations/acme" + path, body, acme.tokens[who])[0]
    acme.tokens["temp"] = acme.user("temp")
    assert call("POST", "/members", {"user": "temp", "role": "read"}, "writer") == 403
    assert call("POST", "/members", {"user": "temp", "role": "read"}) == 200
    assert call("POST", "/members", {"user": "temp"}) == 409
    assert call("PUT", "/members/temp/role", {"role": "write"}) == 200
    assert HfApi(endpoint=acme.url, token=acme.tokens["temp"]).whoami()["orgs"][0]["roleInOrg"] == "write"
    assert call("PUT", "/members/temp/role", {"role": "emperor"}) == 400
    assert call("PUT", "/members/alice/role", {"role": "read"}) == 409  # the only administrator
    assert call("DELETE", "/members/temp") == 204
    assert call("PUT", "/members/temp/role", {"role": "read"}) == 404


def test_fine_grained_tokens(acme):
    token = fine_grained(acme, "alice", "model:acme/plans=repo.content.read", "discussion.write")
    api = HfApi(endpoint=acme.url, token=token)
    auth = api.whoami()["auth"]["accessToken"]
    assert auth["role"] == "fineGrained" and auth["fineGrained"]["global"] == ["discussion.write"]
    [scope] = auth["fineGrained"]["scoped"]
    assert (scope["entity"]["type"], scope["entity"]["name"], scope["permissions"]) == ("model", "acme/plans", ["repo.content.read"])
    assert re.fullmatch("[0-9a-f]{24}", scope["entity"]["_id"]) and auth["fineGrained"]["canReadGatedRepos"] is False
    api.auth_check("acme/plans")
    with pytest.raises(HfHubHTTPError) as error:
        api.auth_check("acme/plans", write=True)
    assert status(error) == 403 and "repo.write" in str(error.value)
    api.create_discussion("acme/plans", title="by a propose-only token")
    acme.api["alice"].create_repo("acme/other")
    with pytest.raises(RepositoryNotFoundError):  # private, and not among the scopes
        api.model_info("acme/other")
    assert [m.id for m in api.list_models(author="acme")] == ["acme/plans"]

    writer = HfApi(endpoint=acme.url, token=fine_grained(acme, "alice", "org:acme=repo.write"))
    writer.create_repo("acme/made")
    writer.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="acme/made")
    with pytest.raises(HfHubHTTPError) as error:
        writer.create_repo("alice/made")
    assert status(error) == 403
    refused = acme.admin("token", "create", "bob", "--role", "fineGrained", "--scope", "org:acme=repo.write", check=False)
    assert refused.returncode != 0 and "one of your organisations" in refused.stderr
    refused = acme.admin("token", "create", "bob", "--role", "fineGrained", "--scope", "user:bob=repo.everything", check=False)
    assert refused.returncode != 0 and "repo.everything" in refused.stderr


def test_tokens_expire_and_are_revoked(acme):
    token = fine_grained(acme, "bob", "user:bob=repo.write", options=("--expires", "2s", "--name", "short"))
    api = HfApi(endpoint=acme.url, token=token)
    assert api.whoami()["auth"]["expiresAt"].endswith("Z")
    listed = acme.admin("token", "list", "bob").stdout
    [line] = [line for line in listed.splitlines() if "short" in line]
    assert line.split("\t")[1] == "fineGrained" and token[-4:] in line and "expires 20" in line and token not in listed
    number = line.split("\t")[0]
    acme.admin("token", "revoke", "bob", number)
    with pytest.raises(HfHubHTTPError) as error:
        api.whoami()
    assert status(error) == 401
    assert acme.admin("token", "revoke", "bob", number, check=False).returncode == 4


@pytest.fixture(scope="module")
def session(acme):
    """The cookie of alice's session and the page's token."""
    form = urllib.parse.urlencode({"username": "alice", "password": "correct horse battery"}).encode()
    try:
        urllib.request.build_opener(NoRedirect).open(acme.url + "/login", data=form)
        raise AssertionError("no redirect")
    except urllib.error.HTTPError as answer:
        assert answer.code == 303
        cookie = http.cookies.SimpleCookie(answer.headers["Set-Cookie"])["hearth_session"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    header = f"hearth_session={cookie.value}"
    page = acme.call("GET", "/", headers={"Cookie": header})[2].decode()
    return header, re.search(r'"csrfToken":"([0-9a-f]+)"', page)[1]


def test_a_cookie_acts_only_from_our_pages(acme, session):
    cookie, csrf = session
    def create(name, **headers):
        return acme.call("POST", "/api/repos/create", {"name": name}, headers={"Cookie": cookie} | {k.replace("_", "-"): v for k, v in headers.items()})[0]
    assert create("forged") == 403
    assert create("forged", Origin="https://evil.example") == 403
    assert create("forged", Origin="null") == 403
    assert create("forged", X_CSRF_Token="0" * 32) == 403
    assert create("by-origin", Origin=acme.url) == 200
    assert create("by-token", X_CSRF_Token=csrf) == 200
    assert acme.call("POST", "/login", b"username=bob&password=x", headers={"Origin": "https://evil.example"})[0] == 403
    assert not acme.api["alice"].repo_exists("alice/forged")


def test_settings_tokens_and_sessions(acme, session):
    cookie, csrf = session
    ask = lambda method, path, body=None: acme.call(method, "/api/settings" + path, body, headers={"Cookie": cookie, "X-CSRF-Token": csrf})
    assert acme.call("POST", "/api/settings/tokens", {"displayName": "x"}, token=acme.alice)[0] == 403  # tokens make no tokens
    code, _, body = ask("POST", "/tokens", {"displayName": "site", "role": "fineGrained", "fineGrained": {
        "global": [], "scoped": [{"entity": {"type": "org", "name": "acme"}, "permissions": ["repo.content.read"]}]}})
    made = json.loads(body)
    assert code == 201 and HfApi(endpoint=acme.url, token=made["token"]).auth_check("acme/plans") is None
    listed = {t["displayName"]: t for t in json.loads(ask("GET", "/tokens")[2])}
    assert listed["site"]["hint"] == made["token"][-4:] and "token" not in listed["site"]
    assert ask("DELETE", f"/tokens/{made['id']}")[0] == 204
    assert acme.call("GET", "/api/whoami-v2", token=made["token"])[0] == 401
    [current] = [s for s in json.loads(ask("GET", "/sessions")[2]) if s["current"]]
    assert current["address"] == "127.0.0.1" and "Python" in current["agent"]
    assert ask("DELETE", "/sessions/0000000000000000")[0] == 404


def test_resource_groups(acme):
    acme.admin("org", "add-member", "acme", "bob", "--role", "no_access")
    call = lambda method, path, body=None, who="alice": acme.call(method, "/api/organizations/acme/resource-groups" + path, body, acme.tokens[who])
    code, _, body = call("POST", "", {"name": "lab", "users": [{"user": "bob", "role": "contributor"}]})
    group = json.loads(body)
    assert code == 200 and [(u["name"], u["role"]) for u in group["users"]] == [("bob", "contributor")]
    assert call("POST", "", {"name": "LAB"})[0] == 409 and call("POST", "", {"name": "x"}, "writer")[0] == 403
    bob = acme.api["bob"]
    with pytest.raises(HfHubHTTPError):  # the organisation itself gives no access
        bob.create_repo("acme/loose")
    bob.create_repo("acme/in-lab", resource_group_id=group["id"])
    assert bob.model_info("acme/in-lab", expand=["resourceGroup"]).resource_group == {"id": group["id"], "name": "lab"}
    bob.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="acme/in-lab")
    for outside in ("writer", "reader"):  # members of the organisation, but not of the group
        with pytest.raises(RepositoryNotFoundError):
            acme.api[outside].model_info("acme/in-lab")
    assert acme.api["alice"].model_info("acme/in-lab").private
    assert [json.loads(call("GET", "", who=w)[2]) == [] for w in ("writer", "bob")] == [True, False]
    assert acme.call("POST", "/api/models/acme/in-lab/resource-group", {"resourceGroupId": None}, acme.tokens["bob"])[0] == 403
    assert acme.call("POST", "/api/models/acme/in-lab/resource-group", {"resourceGroupId": None}, acme.alice)[0] == 200
    acme.api["reader"].model_info("acme/in-lab")
    acme.admin("org", "remove-member", "acme", "bob")


def test_quotas_refuse_uploads_and_name_themselves(acme):
    acme.user("carol")
    api = HfApi(endpoint=acme.url, token=acme.token("carol", "write"))
    api.create_repo("carol/big")
    acme.admin("quota", "set", "carol", "1MB", "--private", "none")
    with pytest.raises(HfHubHTTPError) as error:
        api.upload_file(path_or_fileobj=b"a" * 1_500_000, path_in_repo="a.txt", repo_id="carol/big")
    assert status(error) == 403 and "the storage quota of carol reached" in str(error.value)
    objects = [{"oid": "ab" * 32, "size": 5_000_000}]
    code, _, body = acme.call("POST", "/carol/big/info/lfs/objects/batch", {"operation": "upload", "transfers": ["basic"], "objects": objects},
                              token=api.token)
    assert code == 403 and b"the storage quota of carol reached" in body
    api.upload_file(path_or_fileobj=b"a" * 400_000, path_in_repo="a.txt", repo_id="carol/big")
    acme.admin("quota", "set", "carol", "none")
    api.upload_file(path_or_fileobj=b"b" * 1_500_000, path_in_repo="b.txt", repo_id="carol/big")
    assert acme.admin("quota", "set", "carol", "much", check=False).returncode != 0


def test_a_full_quota_gives_no_token_to_upload_by_xet(acme):
    token = acme.user("dave")
    api = HfApi(endpoint=acme.url, token=token)
    api.create_repo("dave/full")
    api.create_bucket("dave/box")
    api.upload_file(path_or_fileobj=b"a" * 300_000, path_in_repo="a.txt", repo_id="dave/full")
    ask = [f"/api/models/dave/full/xet-write-token/{rev}" for rev in ("main", "main?create_pr=1")] + ["/api/buckets/dave/box/xet-write-token"]
    assert [acme.call("GET", path, token=token)[0] for path in ask] == [200, 200, 200]
    acme.admin("quota", "set", "dave", "100KB")
    for path in ask:
        code, _, body = acme.call("GET", path, token=token)
        assert code == 403 and b"the storage quota of dave reached" in body, path
    assert acme.call("GET", "/api/models/dave/full/xet-read-token/main", token=token)[0] == 200


def test_administrators_list_users_and_set_passwords(make_hub):
    hub = make_hub()
    made = hub.admin("user", "create", "eve", "--fullname", "Eve Adams", "--email", "eve@example.org", "--password-stdin", input="a first password")
    assert made.returncode == 0
    for wrong in (("--email", "nowhere"), ("--email", "a@b>c"), ("--fullname", "Eve <eve>")):
        refused = hub.admin("user", "create", "adam", *wrong, "--password-stdin", input="a long password", check=False)
        assert refused.returncode != 0 and ("no email address" if wrong[0] == "--email" else "full name") in refused.stderr
    hub.admin("user", "create", "adam", "--admin", "--password-stdin", input="a long password")
    users = [json.loads(line) for line in hub.admin("user", "list", "--json").stdout.splitlines()]
    assert [(u["name"], u["fullname"], u["email"], u["isAdmin"]) for u in users] == [
        ("adam", "", "", True), ("eve", "Eve Adams", "eve@example.org", False)]
    assert [line.split("\t")[:2] for line in hub.admin("user", "list").stdout.splitlines()] == [["adam", "admin"], ["eve", "user"]]
    me = HfApi(endpoint=hub.url, token=hub.token("eve", "write")).whoami()
    assert (me["fullname"], me["email"]) == ("Eve Adams", "eve@example.org")

    def cookie_after_sign_in(password):
        form = urllib.parse.urlencode({"username": "eve", "password": password}).encode()
        try:
            urllib.request.build_opener(NoRedirect).open(hub.url + "/login", data=form)
        except urllib.error.HTTPError as answer:
            return http.cookies.SimpleCookie(answer.headers.get("Set-Cookie", "")) if answer.code == 303 else None

    def knows(cookie):
        return hub.call("GET", "/api/whoami-v2", headers={"Cookie": f"hearth_session={cookie['hearth_session'].value}"})[0] == 200

    former = cookie_after_sign_in("a first password")
    assert knows(former)
    hub.admin("user", "set-password", "eve", "--password-stdin", input="a second password")
    assert not knows(former) and not cookie_after_sign_in("a first password") and knows(cookie_after_sign_in("a second password"))
    assert hub.admin("user", "set-password", "nobody", "--password-stdin", input="a second password", check=False).returncode != 0
    assert hub.admin("user", "set-password", "eve", "--password-stdin", input="short", check=False).returncode != 0


def test_failed_jobs_are_shown_and_retried(make_hub):
    hub = make_hub()
    hub.stop()
    database = sqlite3.connect(hub.folder / "data" / "hearth.db")
    with database:
        database.execute("DELETE FROM jobs")
        for state in ("failed", "waiting"):
            database.execute("INSERT INTO jobs (kind, job_key, payload, run_at_ms, created_ms, state, attempts, error) VALUES "
                             "('scan', ?, '{}', 4000000000000, 0, ?, 6, 'no such file')", (state, state))
    failed = [json.loads(line) for line in hub.admin("jobs", "--failed", "--json").stdout.splitlines()]
    assert [(j["kind"], j["key"], j["state"], j["attempts"], j["error"]) for j in failed] == [("scan", "failed", "failed", 6, "no such file")]
    assert len(hub.admin("jobs", "--json").stdout.splitlines()) == 2
    assert "no such file" in hub.admin("jobs", "--failed").stdout
    hub.admin("jobs", "retry", failed[0]["id"])
    assert hub.admin("jobs", "--failed").stdout == ""
    assert database.execute("SELECT state, attempts FROM jobs WHERE id = ?", (failed[0]["id"],)).fetchone() == ("waiting", 0)
    for wrong in ((), ("seven",), (failed[0]["id"],)):
        assert hub.admin("jobs", "retry", *wrong, check=False).returncode != 0


def test_repositories_with_their_storage(acme):
    repos = {r.id: r for r in acme.api["alice"].list_user_repos(namespace="acme")}
    assert repos["acme/plans"].type == "model" and repos["acme/plans"].visibility == "private" and repos["acme/plans"].storage > 0
    assert repos["acme/paper"].type == "dataset" and repos["acme/paper"].visibility == "public"
    assert all(r.id.startswith("alice/") for r in acme.api["alice"].list_user_repos())
    one = json.loads(acme.call("GET", "/api/organizations/acme/settings/repositories?limit=1&cursor=1", token=acme.alice)[2])
    assert [r["id"] for r in one] == [list(repos)[1]]
    with pytest.raises(HfHubHTTPError) as error:
        list(acme.api["bob"].list_user_repos(namespace="acme"))
    assert status(error) == 403


def test_the_audit_log_tells_who_did_what(acme):
    code, _, body = acme.call("GET", "/api/organizations/acme/audit-log", token=acme.alice)
    entries = json.loads(body)
    created = [e for e in entries if e["action"] == "repo.create" and e["target"] == "dataset acme/paper"]
    assert code == 200 and len(created) == 1
    assert created[0]["actor"] == "writer" and created[0]["ip"] == "127.0.0.1" and "hf_hub/" in created[0]["userAgent"]
    assert any(e["action"] == "repo.commit" and e["target"] == "model acme/plans" for e in entries)
    roles = [(e["target"], e["data"]["role"]) for e in entries if e["action"] == "org.member.role"]
    assert ("user temp", "write") in roles
    assert acme.call("GET", "/api/organizations/acme/audit-log", token=acme.tokens["writer"])[0] == 403
    assert acme.call("GET", "/api/admin/audit-log", token=acme.alice)[0] == 403
    first, headers, _ = acme.call("GET", "/api/organizations/acme/audit-log?limit=2", token=acme.alice)
    assert "rel=\"next\"" in headers["Link"]
    lines = acme.call("GET", "/api/organizations/acme/audit-log/export", token=acme.alice)[2].decode().splitlines()
    assert [json.loads(line)["id"] for line in lines] == sorted((json.loads(line)["id"] for line in lines), reverse=True)
    table = list(csv.DictReader(io.StringIO(acme.call("GET", "/api/organizations/acme/audit-log/export?format=csv", token=acme.alice)[2].decode())))
    assert len(table) >= len(lines) and table[-1]["action"] == "org.create"
    told = [json.loads(line) for line in acme.admin("audit", "--action", "user", "--json").stdout.splitlines()]
    assert {"user.create", "user.login", "user.token.delete"} <= {e["action"] for e in told}
    assert not any("hf_" in json.dumps(e["data"]) for e in told)


def test_a_token_used_from_a_new_address_is_in_the_audit_log(make_hub):
    hub = make_hub("--trusted-proxy", "127.0.0.1")
    token = hub.user("alice")
    log = lambda: [json.loads(line) for line in hub.admin("audit", "--action", "user.token.new_address", "--json").stdout.splitlines()]
    ask = lambda address, token=token: hub.call("GET", "/api/whoami-v2", token=token, headers={"X-Forwarded-For": address})[0]
    assert [ask(a) for a in ("192.0.2.1", "192.0.2.1")] == [200, 200] and log() == []  # its first: nothing to compare with
    assert ask("198.51.100.7", "hf_" + "x" * 34) == 401 and log() == []
    for address in ("198.51.100.7", "198.51.100.7", "2001:db8:1:2::5", "2001:db8:1:2:ffff::9", "192.0.2.1"):
        assert ask(address) == 200
    assert [(e["actor"], e["via"].split()[0], e["ip"], e["target"]) for e in reversed(log())] == [
        ("alice", "token", "198.51.100.7", log()[0]["via"]), ("alice", "token", "2001:db8:1:2::5", log()[0]["via"])]
    # Each token has its own places, and a restart forgets none.
    other = hub.token("alice", "read")
    assert ask("203.0.113.9", other) == 200 and len(log()) == 2
    hub.stop()
    hub.start()
    assert ask("198.51.100.7") == 200 and len(log()) == 2
    assert ask("198.51.100.7", other) == 200 and log()[0]["ip"] == "198.51.100.7" and len(log()) == 3
    assert not any("hf_" in json.dumps(e) for e in log())


def test_pushes_are_in_the_audit_log(acme, tmp_path):
    address = acme.url.replace("://", f"://writer:{acme.tokens['writer']}@") + "/acme/plans"
    git = ["git", "-c", "user.name=w", "-c", "user.email=w@example.com"]
    subprocess.run([*git, "clone", "-q", address, tmp_path / "w"], check=True, env=acme.env())
    (tmp_path / "w" / "pushed.txt").write_text("pushed")
    for words in (["add", "."], ["commit", "-qm", "pushed"], ["push", "-q"]):
        subprocess.run([*git, "-C", tmp_path / "w", *words], check=True, env=acme.env())
    [entry] = [json.loads(line) for line in acme.admin("audit", "--action", "repo.push", "--json").stdout.splitlines()]
    assert (entry["actor"], entry["via"], entry["target"], entry["ip"]) == ("writer", "git", "model acme/plans", "127.0.0.1")
    assert [ref["ref"] for ref in entry["data"]["updatedRefs"]] == ["refs/heads/main"]


def test_renamed_and_deleted_owners(acme):
    acme.user("dora")
    acme.admin("org", "create", "club", "--owner", "dora")
    api = HfApi(endpoint=acme.url, token=acme.token("dora", "write"))
    api.create_repo("club/song")
    acme.admin("org", "rename", "club", "choir")
    assert api.model_info("choir/song").id == "choir/song" and api.model_info("club/song").id == "choir/song"
    acme.admin("user", "rename", "dora", "dorothy")
    assert api.whoami()["name"] == "dorothy"
    for words, said in ((("user", "delete", "dorothy"), "only administrator"), (("org", "delete", "choir"), "choir/song")):
        refused = acme.admin(*words, check=False)
        assert refused.returncode == 5 and said in refused.stderr
    acme.admin("org", "delete", "choir", "--with-repos")
    assert not acme.api["alice"].repo_exists("choir/song")
    acme.admin("user", "delete", "dorothy")
    assert acme.call("GET", "/api/whoami-v2", token=api.token)[0] == 401


def test_rate_limits(make_hub):
    hub = make_hub("--rate-limit", "anonymous-api=3/600", "--rate-limit", "api=5/600")
    token = hub.user("ann")
    for left in (2, 1, 0):
        code, headers, _ = hub.call("GET", "/api/models")
        info = parse_ratelimit_headers(headers)
        assert code == 200 and (info.resource_type, info.remaining, info.limit, info.window_seconds) == ("api", left, 3, 600)
    code, headers, body = hub.call("GET", "/api/models")
    assert code == 429 and 0 < int(headers["Retry-After"]) <= 600 and b"too many requests" in body
    assert parse_ratelimit_headers(headers).remaining == 0
    assert hub.call("GET", "/api/models", token="hf_" + "0" * 34)[0] == 429  # guesses count as visits
    code, headers, _ = hub.call("GET", "/api/models", token=token)
    assert code == 200 and parse_ratelimit_headers(headers).remaining == 4  # a counter of one's own
    assert hub.call("GET", "/")[0] == 200  # pages are another kind
    assert hub.call("GET", "/healthz")[0] == 200
