"""Clients by version by feature: the same questions (compatibility/features.py, features.mjs) to every client, with and
without Xet. The answers make build/compatibility.md, which `make docs` takes to docs/compatibility.md."""
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys

import pytest

here = pathlib.Path(__file__).resolve().parent / "compatibility"
root = here.parents[2]
build = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build"))
newest = importlib.metadata.version("huggingface_hub")
older = sorted(path.name.removeprefix("huggingface_hub-") for path in (root / ".deps").glob("huggingface_hub-*"))
javascript = json.loads((here / "package.json").read_text())["dependencies"]["@huggingface/hub"]

# (client, version, Xet); a version of huggingface_hub writes by Xet unless it is told not to.
CLIENTS = [("huggingface_hub", version, xet) for version in [*older, newest] for xet in (True, False)]
CLIENTS += [("@huggingface/hub", javascript, xet) for xet in (True, False)]


def column(client, version, xet):
    return f"{client} {version}, {'Xet' if xet else 'LFS'}"


@pytest.fixture(scope="module")
def table():
    """feature -> column -> result; written down at the end."""
    results = {}
    yield results
    columns = [column(*client) for client in CLIENTS]
    lines = ["# Compatibility", "", "Written by tests/clients/test_compatibility.py: what each client did with this hub. `-`: it has no such call.", ""]
    lines += ["| feature | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for feature, row in results.items():
        lines.append(f"| {feature.replace('_', ' ')} | " + " | ".join(row.get(c, "-") if row.get(c, "-") in ("ok", "-") else "**fails**" for c in columns) + " |")
    (build / "compatibility.md").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda c: column(*c).replace(" ", "-"))
def test_client(hub, table, tmp_path, client):
    name, version, xet = client
    label = f"{name.strip('@').replace('/', '-')}-{version}-{'xet' if xet else 'lfs'}".replace(".", "-").lower()
    env = hub.env(hub.alice) | {"OTHER_TOKEN": hub.bob, "HF_HUB_DISABLE_XET": "0" if xet else "1", "HF_HOME": str(tmp_path / "hf"),
                                "HF_XET_CACHE": str(tmp_path / "xet")}  # fmt: skip
    if name == "huggingface_hub":
        if version != newest:
            env["PYTHONPATH"] = str(root / ".deps" / f"huggingface_hub-{version}")
        command = [sys.executable, str(here / "features.py"), str(tmp_path), label]
    else:
        command = ["node", "features.mjs", label]
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=600)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"feature"')]
    assert done.returncode == 0 and answers, done.stdout + done.stderr
    for answer in answers:
        table.setdefault(answer["feature"], {})[column(*client)] = answer["result"]
    failed = {a["feature"]: a["result"] for a in answers if a["result"] not in ("ok", "-")}
    assert not failed, json.dumps(failed, indent=1) + done.stderr[-4000:]
