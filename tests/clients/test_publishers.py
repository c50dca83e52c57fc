"""Trusted publishers: jobs elsewhere push with the identity token of their provider, by huggingface_hub itself.
Source: hub-docs trusted-publishers.md; huggingface_hub 2.4.0 _oidc.py and utils/_auth.py (HF_OIDC_RESOURCE)."""
import http.server
import json
import subprocess
import sys
import threading
import time

import pytest
import requests
from huggingface_hub import HfApi
from huggingface_hub._oidc import exchange_oidc_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from joserfc import jwt
from joserfc.jwk import RSAKey

from conftest import Hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("publishers"), "--private-webhooks", "on").start()
    hub.alice, hub.bob = hub.user("alice"), hub.user("bob")
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def ci():
    """A CI provider: its discovery, its keys, and tokens for its jobs."""
    key, other = (RSAKey.generate_key(2048, {"kid": kid}, private=True) for kid in ("one", "one"))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            documents = {"/.well-known/openid-configuration": {"issuer": ci.url, "jwks_uri": ci.url + "/keys"}, "/keys": {"keys": [key.as_dict(private=False)]}}
            body = json.dumps(documents.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Ci:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = f"http://127.0.0.1:{server.server_address[1]}"

        def token(self, audience, forged=False, **claims):
            now = int(time.time())
            claims = {"iss": self.url, "aud": audience, "sub": "repo:acme/training", "iat": now, "exp": now + 300, "repository": "acme/training", "ref": "refs/heads/main"} | claims
            return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other if forged else key)

    ci = Ci()
    threading.Thread(target=ci.server.serve_forever, daemon=True).start()
    yield ci
    ci.server.shutdown()


CLAIMS = {"repository": "acme/training", "ref": "refs/heads/main"}


def publisher(hub, path, ci, token, **more):
    return hub.call("POST", path, {"issuer": ci.url, "claims": CLAIMS} | more, token=token)


def test_a_job_pushes_with_its_providers_token(hub, ci):
    alice = HfApi(endpoint=hub.url, token=hub.alice)
    for name, private in (("model", True), ("other", True)):
        alice.create_repo(f"alice/{name}", private=private)
    path = "/api/models/alice/model/trusted-publishers"
    assert publisher(hub, path, ci, hub.bob)[0] == 404
    assert publisher(hub, path, ci, hub.alice, claims={})[0] == 400  # would be every job of the provider
    status, _, body = publisher(hub, path, ci, hub.alice)
    made = json.loads(body)
    assert status == 201 and made["claims"] == CLAIMS and made["lastUsedAt"] is None

    script = "from huggingface_hub import HfApi; HfApi().upload_file(path_or_fileobj=b'weights', path_in_repo='w.txt', repo_id='alice/model')"
    job = subprocess.run([sys.executable, "-c", script], env=hub.env(HF_OIDC_RESOURCE="alice/model", HF_OIDC_ID_TOKEN=ci.token(hub.url)), capture_output=True, text=True)
    assert job.returncode == 0, job.stderr
    assert alice.file_exists("alice/model", "w.txt")

    given = exchange_oidc_token(subject_token=ci.token(hub.url), resource="alice/model", endpoint=hub.url)
    assert (given["token_type"], given["expires_in"], given["issued_token_type"]) == ("bearer", 3600, "urn:ietf:params:oauth:token-type:access_token")
    api = HfApi(endpoint=hub.url, token=given["access_token"])
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("alice/other")
    with pytest.raises(HfHubHTTPError):
        api.create_repo("alice/new")
    (listed,) = json.loads(hub.call("GET", path, token=hub.alice)[2])
    assert listed["lastUsedAt"] is not None
    log = [json.loads(line) for line in hub.admin("audit", "--json").stdout.splitlines()]
    told = [(e["action"], e["actor"], e["target"]) for e in log if "publisher" in e["action"] or "exchange" in e["action"]]
    assert told == [("user.token.exchange", "alice", "alice/model")] * 2 + [("repo.publisher.add", "alice", "model alice/model")]
    [commit] = [e["via"] for e in log if e["action"] == "repo.commit"]
    assert commit == f"token publisher repo:acme/training ({ci.url})"

    assert hub.call("DELETE", f"{path}/{made['id']}", token=hub.alice)[0] == 204
    with pytest.raises(HfHubHTTPError) as error:  # what it gave ends with it
        api.model_info("alice/model")
    assert error.value.response.status_code == 401


def test_tokens_that_do_not_fit_get_nothing(hub, ci):
    HfApi(endpoint=hub.url, token=hub.alice).create_repo("alice/strict", exist_ok=True)
    publisher(hub, "/api/models/alice/strict/trusted-publishers", ci, hub.alice)

    def error(resource="alice/strict", **token):
        answer = requests.post(hub.url + "/oauth/token", json={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "subject_token": ci.token(**({"audience": hub.url} | token)), "resource": resource})
        assert answer.status_code == 400
        return answer.json()

    refused = [error(audience="https://huggingface.co"), error(ref="refs/heads/main-2"), error(ref=None), error(repository="acme/Training"), error(forged=True),
               error(exp=int(time.time()) - 600), error(iss="http://127.0.0.1:1"), error("alice/absent"), error("datasets/alice/strict"), error("alice"), error("nobody")]
    assert {e["error"] for e in refused} == {"invalid_grant"} and len({e["error_description"] for e in refused}) == 1  # and nobody learns why
    assert error("a/b/c/d")["error"] == "invalid_request"
    for missing in ({"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}, {"resource": ""}):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "subject_token": "x", "resource": "alice/strict"}
        assert requests.post(hub.url + "/oauth/token", data=form | missing).json()["error"] == "invalid_request"


def test_a_users_publisher_reads_gated_files_and_no_more(hub, ci):
    alice, bob = (HfApi(endpoint=hub.url, token=token) for token in (hub.alice, hub.bob))
    alice.create_repo("alice/gated")
    alice.upload_file(path_or_fileobj=b"secret", path_in_repo="s.txt", repo_id="alice/gated")
    alice.update_repo_settings("alice/gated", gated="manual")
    alice.grant_access("alice/gated", "bob")
    bob.create_repo("bob/own", private=True)
    session = requests.Session()
    session.post(hub.url + "/login", data={"username": "bob", "password": "correct horse battery"}, allow_redirects=False)
    answer = session.post(hub.url + "/api/settings/trusted-publishers", json={"issuer": ci.url, "claims": CLAIMS}, headers={"Origin": hub.url})
    assert answer.status_code == 201 and answer.json()["readOnly"]
    token = exchange_oidc_token(subject_token=ci.token(hub.url), resource="bob", endpoint=hub.url)["access_token"]
    api = HfApi(endpoint=hub.url, token=token)
    assert api.whoami()["name"] == "bob"
    assert hub.call("GET", "/alice/gated/resolve/main/s.txt", token=token)[2] == b"secret"
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("bob/own")
    with pytest.raises(HfHubHTTPError):
        api.create_repo("bob/new")
    assert hub.call("POST", "/api/settings/trusted-publishers", {"issuer": ci.url, "claims": CLAIMS}, token=hub.bob)[0] == 403  # by session alone


def test_a_read_only_publisher_reads(hub, ci):
    alice = HfApi(endpoint=hub.url, token=hub.alice)
    alice.create_repo("alice/data", repo_type="dataset", private=True)
    assert publisher(hub, "/api/datasets/alice/data/trusted-publishers", ci, hub.alice, readOnly=True)[0] == 201
    api = HfApi(endpoint=hub.url, token=exchange_oidc_token(subject_token=ci.token(hub.url), resource="datasets/alice/data", endpoint=hub.url)["access_token"])
    assert api.dataset_info("alice/data").private
    with pytest.raises(HfHubHTTPError) as error:
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="alice/data", repo_type="dataset")
    assert error.value.response.status_code == 403
