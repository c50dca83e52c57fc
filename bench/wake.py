"""From a request for a model that no engine has loaded to its whole answer of one token, asked by the openai client: 20
repositories of SmolLM2-135M Q4_1, each asked for the first time. The file is in the page cache."""
import os
import subprocess
import tempfile
import time

import _common
import _server

better = "lower"
goal = 200.0
floor = 500.0
MODELS, ASKED = 20, 7


def run():
    import openai

    with tempfile.TemporaryDirectory() as data:
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, MODELS, 1000)
            env = os.environ | {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_TOKEN": token, "HF_HOME": data + "/home"}
            for i in range(MODELS):
                subprocess.run([_common.hearth, "upload", f"bench/m{i}", _common.smollm2(), "model.gguf"], check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=token, max_retries=0, timeout=60)
            client.models.list()  # the connection, and what the client loads at its first call
            taken = []
            for i in range(ASKED):
                begin = time.monotonic()
                client.completions.create(model=f"bench/m{i}", prompt="The capital of France is", max_tokens=1, temperature=0)
                taken.append((time.monotonic() - begin) * 1000)
        finally:
            _server.stop(process)
    return {"unit": "ms", "ours": _common.median(taken)}
