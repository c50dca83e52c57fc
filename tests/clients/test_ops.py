"""TLS, proxies, the names that clients hard-code, metrics, logs, and stopping without a lost request."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from conftest import Hub, free_port, hearth
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError


class TlsHub(Hub):
    """A hub over TLS whose clients believe `authority`."""

    def __init__(self, folder, authority, *options):
        super().__init__(folder, *options)
        self.url = f"https://127.0.0.1:{self.port}"
        self.authority = str(authority)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([hearth, "serve", "--port", str(self.port), "--data", str(self.folder / "data"), *self.options],
                                            stdout=log, stderr=log, env=self.env())
        context = ssl.create_default_context(cafile=self.authority)
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=2, context=context).read()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("hearth serve did not come up:\n" + self.log.read_text()) from None
                time.sleep(0.02)

    def env(self, token=None, **more):
        return super().env(token, SSL_CERT_FILE=self.authority, REQUESTS_CA_BUNDLE=self.authority, CURL_CA_BUNDLE=self.authority, **more)


def curl(*words, **kwargs):
    return subprocess.run(["curl", "-sS", "--max-time", "30", *words], capture_output=True, text=True, **kwargs)


def python(hub, code, token, **env):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=hub.env(token, **env))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    """A hub that serves plain HTTP, and TLS under the names that clients hard-code on trust_port."""
    folder = tmp_path_factory.mktemp("trusted")
    port = free_port()
    made = Hub(folder, "--trust", "--trust-port", str(port), "--log-format", "json")
    made.trust = made.run("trust", "--name", "hub.example.org", "--data", folder / "data").stdout
    made.start()
    made.trust_port = port
    made.authority = folder / "data" / "trust" / "authority.pem"
    made.alice = made.user("alice")
    yield made
    made.stop()


def test_own_certificate_serves_git_requests_and_huggingface_hub(tmp_path):
    """A hub on a certificate of the operator's: the clients as they are, told only where the authority lies."""
    subprocess.run([hearth, "trust", "--data", tmp_path / "ca"], check=True, capture_output=True)
    trust = tmp_path / "ca" / "trust"
    http_port = free_port()
    # `hearth serve --trust` has issued hub.pem; here it stands for the operator's own certificate.
    hub = TlsHub(tmp_path / "hub", trust / "authority.pem", "--tls-cert", str(trust / "hub.pem"), "--tls-key", str(trust / "hub.key"),
                 "--http-port", str(http_port))
    hub.start()
    try:
        token = hub.user("alice")
        out = python(hub, """
import huggingface_hub as h, os, requests
api = h.HfApi()
api.create_repo("alice/m")
api.upload_file(path_or_fileobj=b"x" * 3_000_000, path_in_repo="a/b.txt", repo_id="alice/m")
path = h.hf_hub_download("alice/m", "a/b.txt")
assert open(path, "rb").read() == b"x" * 3_000_000
r = requests.get(os.environ["HF_ENDPOINT"] + "/api/whoami-v2", headers={"Authorization": "Bearer " + os.environ["HF_TOKEN"]})
print(r.status_code, r.json()["name"])
""", token, HF_HUB_DISABLE_XET="1")
        assert out.split() == ["200", "alice"]
        clone = subprocess.run(["git", "clone", "-q", f"{hub.url}/alice/m", str(tmp_path / "clone")], capture_output=True, text=True,
                               env=hub.env(GIT_SSL_CAINFO=hub.authority, GIT_TERMINAL_PROMPT="0", GIT_LFS_SKIP_SMUDGE="1"))
        assert clone.returncode == 0, clone.stderr
        assert (tmp_path / "clone" / ".gitattributes").exists()
        # `hearth` itself as a client
        assert "alice/m" in hub.run("models", "ls", "--author", "alice", token=token).stdout
        # Plain HTTP is sent on, from its own port and from the port of TLS.
        for url in (f"http://127.0.0.1:{http_port}/alice/m?x=1", f"http://127.0.0.1:{hub.port}/alice/m?x=1"):
            got = curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", url)
            assert got.stdout == f"308 {hub.url}/alice/m?x=1", got.stderr
        # Another certificate under the same names, without a restart.
        serial = lambda: ssl.get_server_certificate(("127.0.0.1", hub.port))
        before = serial()
        (trust / "hub.pem").unlink()
        subprocess.run([hearth, "trust", "--data", tmp_path / "ca"], check=True, capture_output=True)
        hub.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while serial() == before:
            assert time.monotonic() < deadline, hub.log.read_text()
            time.sleep(0.02)
        assert curl("--cacert", hub.authority, hub.url + "/healthz").stdout == "ok\n"
    finally:
        hub.stop()


def test_hard_coded_names_reach_this_hub(trusted):
    """No HF_ENDPOINT at all: names resolve to this hub (as /etc/hosts would say), and its authority is believed."""
    resolve = []
    for host in ("huggingface.co", "hf.co", "router.huggingface.co", "hub.example.org", "api.endpoints.huggingface.cloud"):
        resolve += ["--resolve", f"{host}:{trusted.trust_port}:127.0.0.1"]
    for host in ("huggingface.co", "hf.co", "router.huggingface.co", "hub.example.org", "api.endpoints.huggingface.cloud"):
        got = curl("--cacert", str(trusted.authority), *resolve, f"https://{host}:{trusted.trust_port}/healthz")
        assert got.stdout == "ok\n", (host, got.stderr)
    # The authority vouches for no other name.
    got = curl("--cacert", str(trusted.authority), "--resolve", f"example.net:{trusted.trust_port}:127.0.0.1", f"https://example.net:{trusted.trust_port}/")
    assert got.returncode == 60, got.stderr

    code = f"""
import socket
real = socket.getaddrinfo
def here(host, port, *a, **k):
    name = host.decode() if isinstance(host, bytes) else host
    return real("127.0.0.1", {trusted.trust_port}, *a, **k) if name.endswith(("huggingface.co", "hf.co")) else real(host, port, *a, **k)
socket.getaddrinfo = here
import huggingface_hub as h, huggingface_hub.constants
assert h.constants.ENDPOINT == "https://huggingface.co"
api = h.HfApi()
print(api.whoami()["name"])
url = api.create_repo("alice/named")
print(url)
api.upload_file(path_or_fileobj=b"hello", path_in_repo="hello.txt", repo_id="alice/named")
print(open(h.hf_hub_download("alice/named", "hello.txt")).read())
import requests
print(requests.get("https://huggingface.co/api/models/alice/named").json()["id"])
"""
    env = trusted.env(trusted.alice, SSL_CERT_FILE=str(trusted.authority), REQUESTS_CA_BUNDLE=str(trusted.authority), HF_HUB_DISABLE_XET="1")
    del env["HF_ENDPOINT"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["alice", "https://huggingface.co/alice/named", "hello", "alice/named"]


def test_trust_says_what_to_do_and_keeps_its_authority(trusted):
    assert "update-ca-certificates" in trusted.trust and "127.0.0.1 router.huggingface.co" in trusted.trust
    fingerprint = re.search(r"SHA-256 (\S+)", trusted.trust)[1]
    again = trusted.run("trust", "--data", trusted.folder / "data").stdout
    assert fingerprint in again and "hub.example.org" in again  # the name is remembered
    assert (trusted.folder / "data" / "trust" / "authority.key").stat().st_mode & 0o77 == 0
    text = subprocess.run(["openssl", "x509", "-in", trusted.authority, "-noout", "-text"], capture_output=True, text=True).stdout
    assert "Name Constraints: critical" in text and "DNS:huggingface.co" in text and "prime256v1" in text


def test_proxy_is_believed_only_when_trusted(make_hub):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.example.org", "X-Forwarded-For": "198.51.100.7"}
    for options, link in (((), "http://127.0.0.1"), (("--trusted-proxy", "127.0.0.0/8"), "https://hub.example.org/"),
                          (("--public-url", "https://public.example.org"), "https://public.example.org/")):
        hub = make_hub(*options, "--access-log", "on")
        alice = hub.user("alice")
        for name in "ab":
            hub.call("POST", "/api/repos/create", {"name": name}, token=alice)
        _, headers, _ = hub.call("GET", "/api/models?limit=1", headers=forwarded)
        assert headers["Link"].startswith("<" + link), options
        logged = "198.51.100.7" in hub.log.read_text()
        assert logged == ("--trusted-proxy" in options)


def test_downloads_behind_a_proxy_count_its_clients(make_hub):
    hub = make_hub("--trusted-proxy", "127.0.0.0/8")
    token = hub.user("alice")
    hub.call("POST", "/api/repos/create", {"name": "counted", "type": "dataset"}, token=token)
    line = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"rows.csv","content":"a,b"}}'
    assert hub.call("POST", "/api/datasets/alice/counted/commit/main", line, token, {"Content-Type": "application/x-ndjson"})[0] == 200
    for address in ("198.51.100.7", "198.51.100.8", "198.51.100.8"):  # the last within the five minutes of the one before
        assert hub.call("GET", "/datasets/alice/counted/resolve/main/rows.csv", headers={"X-Forwarded-For": address})[0] == 200
    hub.stop()  # what was counted is written down
    hub.start()
    assert json.loads(hub.call("GET", "/api/datasets/alice/counted?expand=downloads")[2])["downloads"] == 2


def parse_metrics(text):
    """name{labels} -> value; each family has its HELP and TYPE first."""
    out, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            kinds[line.split()[2]] = line.split()[3]
        elif not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            family = re.sub(r"_(bucket|sum|count)$", "", key.split("{")[0])
            assert key.split("{")[0] in kinds or family in kinds, line
            out[key] = float(value)
    return out


def test_metrics_count_routes_not_paths(trusted):
    trusted.call("POST", "/api/repos/create", {"name": "metered"}, token=trusted.alice)
    for _ in range(3):
        trusted.call("GET", "/api/models/alice/metered", token=trusted.alice)
    trusted.call("GET", "/api/models/alice/no-such", token=trusted.alice)
    trusted.call("BREW", "/coffee")
    status, headers, body = trusted.call("GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "metered" not in body.decode() and "coffee" not in body.decode()
    values = parse_metrics(body.decode())
    ours = {k: v for k, v in values.items() if 'route="/api/{kind}/{repo}"' in k and 'method="GET"' in k}
    total = {k: v for k, v in ours.items() if k.startswith("hearth_http_requests_total")}
    assert any('status="200"' in k and v >= 3 for k, v in total.items()) and any('status="404"' in k and v >= 1 for k, v in total.items())
    buckets = [v for k, v in ours.items() if "_bucket{" in k]
    count = next(v for k, v in ours.items() if "duration_seconds_count" in k)
    assert buckets == sorted(buckets) and buckets[-1] == count == sum(total.values())
    assert any('method="other"' in k for k in values)
    assert values['hearth_repositories{kind="model"}'] >= 1 and values['hearth_owners{kind="user"}'] == 1
    assert values["hearth_connections"] >= 1 and values["hearth_draining"] == 0 and values["hearth_disk_free_bytes"] > 0


def test_metrics_are_for_whom_they_are_meant(make_hub, monkeypatch):
    token = "scrape-" + "m" * 20
    monkeypatch.setenv("HEARTH_METRICS_TOKEN", token)
    hub = make_hub("--metrics", "token")
    assert hub.call("GET", "/metrics")[0] == 404
    assert hub.call("GET", "/metrics", token="scrape-" + "n" * 20)[0] == 404
    assert hub.call("GET", "/metrics", token=token)[0] == 200
    hub = make_hub("--trusted-proxy", "127.0.0.1")  # a proxy's clients all seem to come from here
    assert hub.call("GET", "/metrics")[0] == 404


def test_json_log_has_a_line_a_request(trusted):
    trusted.call("GET", "/api/whoami-v2?secret=1", token=trusted.alice, headers={"X-Amzn-Trace-Id": "trace-me"})
    deadline = time.monotonic() + 5
    while True:
        lines = [json.loads(line) for line in trusted.log.read_text().splitlines() if line.startswith("{")]
        mine = [line for line in lines if line.get("id") == "trace-me"]
        if mine or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert len(mine) == 1
    line = mine[0]
    assert (line["room"], line["level"], line["user"], line["route"], line["status"]) == ("access", "info", "alice", "/api/whoami-v2", 200)
    assert line["text"] == "GET /api/whoami-v2" and line["bytes"] > 100 and line["ms"] >= 0 and "secret" not in json.dumps(line)


def test_stop_drains(make_hub, tmp_path):
    """SIGTERM: /readyz says no at once, new requests are still answered, a download under way ends whole, systemd is told."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(tmp_path / "notify"))
    hub = Hub(tmp_path / "drained", "--drain", "1", "--grace", "20")
    hub.env = lambda token=None, **more: Hub.env(hub, token, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000", **more)
    hub.start()
    try:
        said = []
        threading.Thread(target=lambda: [said.append(notify.recv(4096)) for _ in iter(int, 1)], daemon=True).start()

        def systemd_hears(word):
            deadline = time.monotonic() + 10
            while not any(word in message for message in said):
                assert time.monotonic() < deadline, said
                time.sleep(0.02)

        systemd_hears(b"READY=1")
        systemd_hears(b"WATCHDOG=1")
        alice = hub.user("alice")
        hub.call("POST", "/api/repos/create", {"name": "big"}, token=alice)
        size = 24 << 20
        (hub.folder / "blob").write_bytes(os.urandom(1 << 20) * 24)
        hub.run("upload", "alice/big", hub.folder / "blob", "blob.bin", token=alice)
        assert hub.call("GET", "/readyz")[0] == 200

        slow = socket.create_connection(("127.0.0.1", hub.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        slow.sendall(b"GET /alice/big/resolve/main/blob.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = [len(slow.recv(1 << 16))]
        hub.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while hub.call("GET", "/readyz")[0] != 503:
            assert time.monotonic() < deadline
        assert hub.call("GET", "/healthz")[0] == 200  # not ready, and still answering
        time.sleep(1.2)  # past the drain: only the download is left
        with pytest.raises(OSError):
            urllib.request.urlopen(hub.url + "/healthz", timeout=2)
        while piece := slow.recv(1 << 20):
            got.append(len(piece))
        assert sum(got) > size
        assert hub.process.wait(timeout=20) == 0
        systemd_hears(b"STOPPING=1")
    finally:
        hub.stop()


def test_bad_options_say_what_is_wrong(tmp_path):
    hub = Hub(tmp_path / "none")
    for words, message in ((("--tls-cert", "x"), "belong together"), (("--http-port", "80"), "needs --tls-cert"),
                           (("--tls-cert", "/no/such", "--tls-key", "/no/such"), "/no/such"), (("--trusted-proxy", "x"), "no address"),
                           (("--metrics", "token"), "HEARTH_METRICS_TOKEN"), (("--log-format", "xml"), "text or json")):
        done = hub.run("serve", "--data", tmp_path / "data", *words, check=False)
        assert done.returncode and message in done.stderr, (words, done.stderr)


def begin_upload(hub, token, repo, size, sent):
    """A preupload of `size` bytes of which so many have come, unless it is refused before that; its socket."""
    s = socket.create_connection(("127.0.0.1", hub.port), timeout=5)
    with contextlib.suppress(OSError):  # refused: nobody reads the rest
        s.sendall(f"POST /api/models/{repo}/preupload/main HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n".encode() + b" " * sent)
    return s


def test_large_requests_have_a_bounded_memory_together(make_hub):
    hub = make_hub("--request-memory", "16MB")
    token = hub.user("alice")
    alice = HfApi(endpoint=hub.url, token=token)
    alice.create_repo("alice/a")
    # Bodies in memory: two stall with 7 MB each, a third is told to wait, small ones are not.
    stalled = [begin_upload(hub, token, "alice/a", 8_000_000, 7_000_000) for _ in range(2)]
    deadline = time.monotonic() + 60
    body = json.dumps({"files": []}).encode()
    while (answer := hub.call("POST", "/api/models/alice/a/preupload/main", body + b" " * 4_000_000, token))[0] == 200:
        assert time.monotonic() < deadline
        for i, s in enumerate(stalled):  # one that came while this call held its 4 MB was refused itself
            if select.select([s], [], [], 0)[0]:
                s.close()
                stalled[i] = begin_upload(hub, token, "alice/a", 8_000_000, 7_000_000)
    status, headers, text = answer
    assert status == 503 and int(headers["Retry-After"]) > 0 and b"large requests" in text
    assert hub.call("POST", "/api/models/alice/a/preupload/main", body, token)[0] == 200
    for s in stalled:
        s.close()
    while hub.call("POST", "/api/models/alice/a/preupload/main", body + b" " * 4_000_000, token)[0] != 200:
        assert time.monotonic() < deadline


def test_large_commits_have_a_bounded_memory_together(make_hub):
    """While one of 7 MB waits for its repository, another as large is told to come back; a small one is made."""
    hub = make_hub("--request-memory", "16MB")
    alice = HfApi(endpoint=hub.url, token=hub.user("alice"))
    for name in "abc":
        alice.create_repo(f"alice/{name}")
    notes = b"words " * 1_200_000
    commit = lambda name, content=notes: alice.upload_file(repo_id=f"alice/{name}", path_in_repo="notes.txt", path_or_fileobj=content)
    repository = min((hub.folder / "data" / "repos" / "models").glob("*.git"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool, open(repository / "hearth.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = pool.submit(commit, "a")
        waits = re.compile(rf"-> FLOCK .*:{os.fstat(lock.fileno()).st_ino} ")
        deadline = time.monotonic() + 30
        while not waits.search(pathlib.Path("/proc/locks").read_text()):
            assert time.monotonic() < deadline and not first.done()
        with pytest.raises(HfHubHTTPError, match="many large commits") as caught:
            commit("b")
        assert caught.value.response.status_code == 503 and int(caught.value.response.headers["Retry-After"]) > 0
        commit("c", b"few words")
        assert not first.done()
        fcntl.flock(lock, fcntl.LOCK_UN)
        first.result(timeout=60)
    assert alice.file_exists("alice/a", "notes.txt")
    commit("b")
