"""Many models under one memory budget: engines start when they are asked for, the one idle longest makes room, and who asks
while all are answering is held, not refused."""
import os
import pathlib
import signal
import subprocess
import threading
import time

import openai
import pytest

from conftest import Hub
from test_openai import engines, tiny  # noqa: F401  (a fixture)

root = pathlib.Path(__file__).resolve().parents[2]
NAMES = ("one", "two", "three")


@pytest.fixture(scope="module")
def wide(tiny, tmp_path_factory):
    """The tiny model with 50 MB of weights, all of which a token reads."""
    folder = tmp_path_factory.mktemp("wide")
    script = """
import shutil, sys, torch
torch.manual_seed(7)
from transformers import LlamaConfig, LlamaForCausalLM
shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)
config = LlamaConfig.from_pretrained(sys.argv[1])
config.intermediate_size, config.eos_token_id = 32768, None
LlamaForCausalLM(config).save_pretrained(sys.argv[2])
"""
    subprocess.run([str(root / ".deps/python/bin/python"), "-c", script, str(tiny), str(folder)], check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return folder


@pytest.fixture(scope="module")
def hub(tmp_path_factory, wide):
    """A hub whose budget holds two engines of three models (70 MB each, 100 while they start); a fourth model is larger."""
    made = Hub(tmp_path_factory.mktemp("engines"), "--engine-memory", "200MB", "--engine-cache", "16MB", "--engine-streams", "4").start()
    made.alice = made.user("alice")
    for name in NAMES:
        made.run("repos", "create", f"alice/{name}", token=made.alice)
        made.run("upload", f"alice/{name}", wide, token=made.alice)
    large = tmp_path_factory.mktemp("large")
    for path in wide.iterdir():
        (large / path.name).write_bytes(path.read_bytes())
    header = b'{"padding":{"dtype":"U8","shape":[200000000],"data_offsets":[0,200000000]}}'
    with open(large / "model.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 200_000_000)
    made.run("repos", "create", "alice/large", token=made.alice)
    made.run("upload", "alice/large", large, token=made.alice)
    yield made
    made.stop()


@pytest.fixture
def client(hub):
    return openai.OpenAI(base_url=hub.url + "/v1", api_key="any", max_retries=0, timeout=60)


def ask(client, name, tokens=1):
    return client.completions.create(model=f"alice/{name}", prompt="Once", max_tokens=tokens, temperature=0)


def stream(client, name, tokens=3000):
    """An answer that goes on: its end is never the likeliest token."""
    return client.completions.create(model=f"alice/{name}", prompt="Once", max_tokens=tokens, temperature=0, stream=True, logit_bias={"1": -100})


def running(hub):
    """{model: process id} of this hub's engines."""
    out = {}
    for pid in engines(hub):
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        out[words[words.index("--name") + 1].split("/")[1]] = pid
    return out


def test_the_one_idle_longest_makes_room(hub, client):
    for name in ("one", "two", "one", "three"):
        ask(client, name)
    assert set(running(hub)) == {"one", "three"}
    words = pathlib.Path(f"/proc/{running(hub)['one']}/cmdline").read_bytes().decode().split("\0")
    assert words[words.index("--streams") + 1] == "4" and words[words.index("--cache-bytes") + 1] == "16MB"


def test_a_request_is_held_until_there_is_room(hub, client):
    """Both places are taken by answers: the third model's clients wait, in none of the hub's threads."""
    streams = [stream(client, name) for name in ("one", "two")]
    for answer in streams:
        next(iter(answer))
    held, done = [], []
    for _ in range(12):  # more than the hub has threads
        held.append(threading.Thread(target=lambda: done.append(ask(client, "three").choices[0].text)))
        held[-1].start()
    time.sleep(0.5)
    assert not done and set(running(hub)) == {"one", "two"}
    assert 'hearth_engines{model="alice/three",state="held"} 12' in hub.call("GET", "/metrics")[2].decode()
    assert client.models.list().data  # the hub answers others meanwhile
    streams[1].close()  # its client leaves: its engine is idle and makes room
    for thread in held:
        thread.join(60)
    assert len(done) == 12 and set(running(hub)) == {"one", "three"}
    streams[0].close()


def test_who_is_held_may_leave(hub, client):
    streams = [stream(client, name) for name in ("one", "two")]
    for answer in streams:
        next(iter(answer))
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.5), "three")
    end = time.monotonic() + 10  # the hub notices it in its own time: before that there is somebody to make room for
    while 'model="alice/three",state="held"} 1' in hub.call("GET", "/metrics")[2].decode() and time.monotonic() < end:
        time.sleep(0.05)
    for answer in streams:
        answer.close()
    assert ask(client, "two").choices[0].text is not None
    assert "three" not in running(hub)  # nobody waits for it


def test_a_model_larger_than_the_budget(client):
    with pytest.raises(openai.APIStatusError, match=r"alice/large takes about 2\d\d.* MB.*200.* MB.*--engine-memory"):
        ask(client, "large")


def test_an_engine_that_cannot_start_says_why(hub, client, tiny, tmp_path):
    for path in tiny.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text((tiny / "config.json").read_text().replace('"hidden_size": 64', '"hidden_size": 128'))
    hub.run("repos", "create", "alice/broken", token=hub.alice)
    hub.run("upload", "alice/broken", tmp_path, token=hub.alice)
    for _ in range(2):
        with pytest.raises(openai.APIStatusError, match="did not start.*configuration asks for") as error:
            ask(client, "broken")
        assert error.value.status_code == 503


def test_an_engine_killed_under_streams(hub, client):
    """Clients get an error event; the next request starts it again."""
    answers = [stream(client, "one") for _ in range(3)]
    for answer in answers:
        next(iter(answer))
    os.kill(running(hub)["one"], signal.SIGKILL)
    for answer in answers:
        with pytest.raises(openai.APIError, match="engine stopped"):
            for _ in answer:
                pass
    assert ask(client, "one").choices[0].text is not None
