"""A real `hearth serve` on a folder of its own, for tests that drive it with real clients.

HEARTH_TEST_DATABASE=postgresql gives every hub a new PostgreSQL database in place of its folder's SQLite file, and
HEARTH_TEST_OBJECTS=s3 a place in an S3 server instead of its folder's objects ("s3&redirect=off": with such options)."""
import atexit
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
import uuid

import pytest

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@functools.cache
def postgres_cluster():
    """The URL of the run's PostgreSQL cluster, else of one that ends with this process."""
    if given := os.environ.get("HEARTH_TEST_POSTGRES"):
        return given
    cluster = subprocess.Popen([root / "scripts" / "test_postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(lambda: (cluster.stdin.close(), cluster.wait(timeout=60)))
    return cluster.stdout.readline().strip()


def new_database():
    """The URL of a new PostgreSQL database."""
    url, name = postgres_cluster(), "t" + uuid.uuid4().hex
    subprocess.run(["psql", "-q", url, "-c", f"CREATE DATABASE {name}"], check=True)
    return url.replace("/postgres?", f"/{name}?")


@functools.cache
def s3_server():
    """(endpoint, access key, secret key) of the run's S3 server, else of moto's, which ends with this process."""
    address = os.environ.get("HEARTH_TEST_S3")
    if not address:
        server = subprocess.Popen([root / "scripts" / "test_s3", "moto"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(lambda: (server.stdin.close(), server.wait(timeout=60)))
        address = server.stdout.readline().strip()
    parts = urllib.parse.urlsplit(address)
    return f"http://{parts.hostname}:{parts.port}", urllib.parse.unquote(parts.username), parts.password


def new_objects(options=""):
    """An empty place in the S3 server, as --objects takes it; `Hub.env` has the keys."""
    return f"s3://hearth/{uuid.uuid4().hex}?endpoint={s3_server()[0]}{options}"


def s3_names(objects):
    """The keys in such a place, and their sizes."""
    import boto3

    endpoint, access, secret = s3_server()
    client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1")
    prefix = objects.partition("?")[0].split("/", 3)[3] + "/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="hearth", Prefix=prefix)
    return {item["Key"].removeprefix(prefix): item["Size"] for page in pages for item in page.get("Contents", [])}


class Hub:
    """One hub: its folder, its process, its users. `env()` is what a client's shell would export."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        if os.environ.get("HEARTH_TEST_DATABASE") == "postgresql" and "--database" not in options:
            self.options += ("--database", new_database())
        if os.environ.get("HEARTH_TEST_OBJECTS", "").startswith("s3") and "--objects" not in options:
            self.options += ("--objects", new_objects(os.environ["HEARTH_TEST_OBJECTS"].removeprefix("s3")))
        self.process = None
        self.prefix = []  # words before the command that serves
        self.log = self.folder / "serve.log"

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, hearth, "serve", "--port", str(self.port), "--data", str(self.folder / "data"), *self.options],
                stdout=log, stderr=log, env=self.env())
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=2).read()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("hearth serve did not come up:\n" + self.log.read_text()) from None
                time.sleep(0.02)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def env(self, token=None, **more):
        """The environment of a client: this hub's address, a home of its own, no leftovers of the tester's."""
        home = self.folder / "home"
        out = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "HEARTH_DATA"))}
        out |= {"HF_ENDPOINT": self.url, "HF_HOME": str(home / "hf"), "XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home),
                "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": ""}
        home.mkdir(parents=True, exist_ok=True)
        if "--objects" in self.options:
            _, out["AWS_ACCESS_KEY_ID"], out["AWS_SECRET_ACCESS_KEY"] = s3_server()
        if token:
            out["HF_TOKEN"] = token
        return out | more

    def run(self, *words, token=None, check=True, **kwargs):
        """A `hearth` command as a user of this hub; the completed process with text output."""
        kwargs.setdefault("env", self.env(token))
        done = subprocess.run([hearth, *map(str, words)], capture_output=True, text=True, timeout=300, **kwargs)
        if check and done.returncode:
            raise AssertionError(f"hearth {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def admin(self, *words, **kwargs):
        return self.run("admin", *words, "--data", self.folder / "data", **kwargs)

    def user(self, name, *options, role="write", password="correct horse battery"):
        """A new user's token."""
        self.admin("user", "create", name, *options, "--password-stdin", input=password)
        return self.token(name, role)

    def token(self, name, role):
        return self.admin("token", "create", name, "--role", role).stdout.split()[-1]

    def leaves_nothing_incoming(self, seconds=20):
        """Nothing stays where files arrive: what a scan or a fetch keeps there meanwhile passes."""
        incoming, deadline = self.folder / "data" / "objects" / "incoming", time.monotonic() + seconds
        while list(incoming.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return not list(incoming.iterdir())

    def call(self, method, path, body=None, token=None, headers=None):
        """(status, headers, bytes) of one raw request; JSON when the body is no bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers or {})
        if data is not None and not isinstance(body, bytes):
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


@pytest.fixture
def make_hub(tmp_path):
    """make_hub(*serve_options): a fresh hub, stopped at the end of the test."""
    hubs = []

    def make(*options):
        hubs.append(Hub(tmp_path / f"hub{len(hubs)}", *options).start())
        return hubs[-1]

    yield make
    for hub in hubs:
        hub.stop()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One hub a test file, with users alice (hub.alice: write, hub.alice_read: read) and bob (hub.bob: write)."""
    made = Hub(tmp_path_factory.mktemp("hub")).start()
    made.alice, made.bob = made.user("alice"), made.user("bob")
    made.alice_read = made.token("alice", "read")
    yield made
    made.stop()


def api(hub, token):
    from huggingface_hub import HfApi  # here, so that tests without it need not load it

    return HfApi(endpoint=hub.url, token=token)


@pytest.fixture(scope="module")
def alice(hub):
    """huggingface_hub's HfApi as alice; `bob` and `anyone` (who shows no token) likewise."""
    return api(hub, hub.alice)


@pytest.fixture(scope="module")
def bob(hub):
    return api(hub, hub.bob)


@pytest.fixture(scope="module")
def anyone(hub):
    return api(hub, False)
