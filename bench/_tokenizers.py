"""Tokenizers on the same documents: ours (bench_tokenizers) and the peers, each in a process of its own, turn by turn.

The text is what the Python packages of the machine carry as sources and prose, cut into documents of 6000 characters; no
tokenizer has seen it. A first pass meets each word for the first time, a second one may have kept them.
"""
import functools
import json
import os
import random
import subprocess
import sys

import _common

out = _common.root / "build" / "bench" / "tokenizers"
python = _common.root / ".deps" / "python" / "bin" / "python"
packages = next((_common.root / ".deps" / "python").glob("lib/python3*/site-packages"))


@functools.lru_cache(maxsize=1)
def texts(size=24_000_000):
    """Path of the documents, parted by NUL bytes."""
    path = out / "texts.bin"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        parts, total = [], 0
        files = sorted(p for p in packages.rglob("*") if p.suffix in (".py", ".md", ".rst", ".txt") and p.is_file())
        for file in files[::5]:
            try:
                text = file.read_text("utf-8").replace("\0", "")
            except UnicodeDecodeError:
                continue
            parts += [text[i:i + 6000].encode() for i in range(0, len(text), 6000)]
            total += len(text)
            if total > size:
                break
        path.write_bytes(b"\0".join(parts))
    return path


@functools.lru_cache(maxsize=1)
def long_word():
    """Path of one document: a word of 60 kB of letters."""
    path = out / "word.bin"
    r = random.Random(60)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(r.choices("etaoinshrdlcumwfgypbvkjxqz", weights=range(52, 0, -2), k=60_000)).encode())
    return path


def vocabulary(kind):
    """Path of the tokenizer.json of a kind: bpe (SmolLM2's merges, GPT-2's pattern), wordpiece and unigram (trained here)."""
    path = out / f"{kind}.json"
    if not path.exists():
        script = _common.root / "bench" / "_tokenizers_make.py"
        subprocess.run([str(python), str(script), kind, str(path), str(texts())], check=True, stdout=subprocess.DEVNULL)
    return path


@functools.lru_cache(maxsize=1)
def package():
    """Makes the Python package, and makes it known to the processes that are started."""
    folder = out / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--upgrade", "--target", str(folder),
                    str(_common.root / "bindings" / "python"), "-C", f"build-dir={_common.root / 'build-python'}"],
                   check=True, env={**os.environ, "CC": "cc", "CXX": "c++"})
    os.environ["PYTHONPATH"] = str(folder)


def ask(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print(f"bench: {command[2] if len(command) > 2 else command[0]}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


@functools.lru_cache(maxsize=None)
def measure(kind, peers, what="ids", documents=None, turns=3, through_python=False):
    """{"ours" or a peer's name: {"cold", "warm": MB per CPU second, "load_s"}}: the best of the turns. A peer whose ids
    are others in number is left out."""
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_tokenizers"], check=True, stdout=subprocess.DEVNULL)
    documents = documents or texts()
    program, peer = _common.root / "build" / "bin" / "bench_tokenizers", _common.root / "bench" / "_tokenizers_peer.py"
    commands = {"ours": [program, vocabulary(kind), documents, what]}
    if through_python:
        package()
        commands = {"ours": [python, peer, "hearth_tokenizers", vocabulary(kind), documents, what]}
    commands |= {name: [python, peer, name, vocabulary(kind), documents, what] for name in peers}
    best = {}
    for _ in range(turns):
        for name, command in list(commands.items()):
            got = ask(command)
            if got is None or got["tokens"] not in (None, best.get("ours", got)["tokens"]):
                if got is not None:
                    print(f"bench: {name} makes {got['tokens']} ids, not {best['ours']['tokens']}: left out", file=sys.stderr)
                del commands[name]
                continue
            seen = best.setdefault(name, dict(got))
            for key in ("cold", "warm"):
                seen[key] = max(seen[key], got[key])
            seen["load_s"] = min(seen["load_s"], got["load_s"])
    return best


def row(kind, key, peers, what="ids", through_python=False):
    measured = measure(kind, tuple(peers), what, through_python=through_python)
    return {"unit": "MB/CPU s", "ours": measured["ours"][key], "peers": {k: v[key] for k, v in measured.items() if k != "ours"}, "limit": None}
