"""p99 of lists over 1,000,000 repositories at 500 requests a second: a search, two filters, a sort, 100 items each.

The rows are written straight into SQLite (fixed seed); requests leave at fixed times whatever the answers take, and a
request's time runs from when it was due."""
import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

import _common
import _server

better = "lower"
goal = 10.0
floor = 50.0

COUNT = int(os.environ.get("HEARTH_LIST_COUNT", 1_000_000))
RATE, SECONDS, CONNECTIONS = 500, 20, 32
WORDS = ["tiny", "base", "large", "chat", "instruct", "bert", "llama", "gpt", "mistral", "qwen", "gemma", "roberta", "whisper", "vit",
         "lora", "gguf", "awq", "distil", "multi", "medical", "legal", "code", "math", "vision", "audio", "sql", "ner", "sum", "qa", "emb"]
TASKS = ["text-generation", "fill-mask", "text-classification", "token-classification", "translation", "summarization",
         "image-classification", "automatic-speech-recognition", "sentence-similarity", "text-to-image"]
LIBRARIES = ["transformers", "diffusers", "peft", "gguf", "sentence-transformers", "timm", "keras"]
LANGUAGES = ["en", "fr", "de", "zh", "es", "ru", "ja", "ko", "ar", "pt", "it", "nl", "pl", "sv", "hi"]
LICENSES = ["apache-2.0", "mit", "openrail", "llama3", "cc-by-4.0", "other"]


def zipf(rng, items):
    """The first items far more often than the last."""
    return items[min(int(rng.paretovariate(0.9)) - 1, len(items) - 1)]


def fill(data):
    rng = random.Random(20260101)
    db = sqlite3.connect(os.path.join(data, "hearth.db"))
    db.execute("PRAGMA synchronous = OFF")
    owners = 20_000
    db.executemany("INSERT INTO owners (id, kind, name, fullname, created_ms) VALUES (?, 'user', ?, '', 0)",
                   ((10 + i, f"user{i}") for i in range(owners)))
    now = int(time.time() * 1000)
    day = now // 86_400_000

    def rows():
        for i in range(1, COUNT + 1):
            task, library, language, licence = zipf(rng, TASKS), zipf(rng, LIBRARIES), zipf(rng, LANGUAGES), zipf(rng, LICENSES)
            name = f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{rng.choice(WORDS)}-{i:x}"
            tags = [library, "safetensors", task, language, f"license:{licence}", f"dataset:user{rng.randrange(1000)}/data",
                    "region:us", f"topic{rng.randrange(500)}", f"base_model:user{rng.randrange(owners)}/base", "endpoints_compatible"]
            downloads = int(rng.paretovariate(0.7)) if rng.random() < 0.5 else 0
            yield i, 10 + rng.randrange(owners), name, int(rng.random() < 0.05), now - rng.randrange(10**10), min(downloads, 10**9), \
                rng.randrange(100) if rng.random() < 0.1 else 0, task, library, json.dumps(tags, separators=(",", ":")), rng.randrange(10**9)

    repos, index, days = [], [], []

    def flush():
        db.executemany("INSERT INTO repos (id, kind, owner_id, name, private, created_ms, modified_ms, downloads, likes, downloads_all_time, "
                       "trending) VALUES (?, 'model', ?, ?, ?, ?, ?, ?, ?, ?, ?)", repos)
        db.executemany("INSERT INTO repo_index (repo_id, head, pipeline_tag, library_name, tags, parameters, version) "
                       "VALUES (?, ?, ?, ?, ?, ?, 1)", index)
        db.executemany("INSERT INTO repo_days (repo_id, day, downloads) VALUES (?, ?, ?)", days)
        for batch in (repos, index, days):
            batch.clear()

    for i, owner, name, private, at, downloads, likes, task, library, tags, parameters in rows():
        repos.append((i, owner, name, private, at, at, downloads, likes, downloads, downloads))
        index.append((i, f"{i:040x}", task, library, tags, parameters))
        if downloads:
            days.append((i, day, downloads))
        if len(repos) == 20_000:
            flush()
    flush()
    db.commit()
    db.close()


def queries():
    rng = random.Random(7)
    sorts = ["trendingScore", "lastModified", "createdAt", "downloads", "likes"]
    while True:
        second = rng.choice([f"license:{zipf(rng, LICENSES)}", zipf(rng, LANGUAGES), f"topic{rng.randrange(500)}", "safetensors"])
        path = f"/api/models?search={rng.choice(WORDS)}&filter={zipf(rng, TASKS)}&filter={second}&sort={rng.choice(sorts)}&direction=-1&limit=100"
        yield f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def drive(port, rate, seconds):
    todo, times = asyncio.Queue(), []

    async def worker():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        while (item := await todo.get()) is not None:
            due, request = item
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head[:200]
            lowered = head.lower()
            length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.monotonic() - due)
        writer.close()

    workers = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    asked, begin = queries(), time.monotonic()
    for i in range(rate * seconds):
        due = begin + i / rate
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        todo.put_nowait((due, next(asked)))
    for _ in workers:
        todo.put_nowait(None)
    await asyncio.gather(*workers)
    return sorted(times)


def memory(pid):
    """Resident memory of the process in MB."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def run():
    with tempfile.TemporaryDirectory() as data:
        port = _server.free_port()
        process, _ = _server.start(data, port)  # makes the schema
        _server.stop(process)
        fill(data)
        process, up = _server.start(data, port)
        try:
            begin = time.monotonic()
            import urllib.request
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/models?limit=1", timeout=300).read()
            loaded = time.monotonic() - begin
            asyncio.run(drive(port, 100, 2))  # warm
            times = asyncio.run(drive(port, RATE, SECONDS))
            used = memory(process.pid)
        finally:
            _server.stop(process)
    at = lambda share: times[int(len(times) * share)] * 1000
    print(f"{COUNT} repositories: up {up:.2f} s, first list {loaded:.1f} s, {used:.0f} MB; p50 {at(0.5):.1f} p90 {at(0.9):.1f} "
          f"p99 {at(0.99):.1f} max {times[-1] * 1000:.1f} ms", file=sys.stderr)
    return {"unit": "ms p99", "ours": at(0.99)}


if __name__ == "__main__":
    print(run())
