"""A real `hearth serve` on a folder of its own, filled through the public interface."""
import base64
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import _common


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(data, port):
    """(process, seconds until /healthz answered)."""
    begin = time.monotonic()
    process = subprocess.Popen([_common.hearth, "serve", "--port", str(port), "--data", data], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": data})
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if s.recv(64).startswith(b"HTTP/1.1 200"):
                    return process, time.monotonic() - begin
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() - begin > 30:
            raise RuntimeError(f"hearth serve did not come up: {process.poll()}")
        time.sleep(0.002)


def pid_of(port):
    """The process that listens on the port."""
    inodes = {line.split()[9] for line in open("/proc/net/tcp").readlines()[1:] if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link).removeprefix("socket:[").rstrip("]") in inodes:
                return int(link.parts[2])
    raise RuntimeError(f"nobody listens on {port}")


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def call(port, token, method, path, body=None, content_type="application/json"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method=method,
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": content_type})
    with urllib.request.urlopen(request) as response:
        return response.read()


def fill(port, data, models, file_bytes):
    """User `bench`, `models` repositories, the first with a file of `file_bytes` random bytes at data.txt."""
    admin = [_common.hearth, "admin", "--data", data]
    subprocess.run([*admin, "user", "create", "bench", "--password-stdin"], input=b"a long bench password", check=True, capture_output=True)
    out = subprocess.run([*admin, "token", "create", "bench", "--role", "write"], check=True, capture_output=True, text=True).stdout
    token = out.split()[-1]
    for i in range(models):
        call(port, token, "POST", "/api/repos/create", json.dumps({"name": f"m{i}", "type": "model"}).encode())
    text = base64.b64encode(os.urandom(file_bytes * 3 // 4))
    lines = [{"key": "header", "value": {"summary": "data"}},
             {"key": "file", "value": {"path": "data.txt", "encoding": "base64", "content": base64.b64encode(text).decode()}}]
    call(port, token, "POST", "/api/models/bench/m0/commit/main", "\n".join(map(json.dumps, lines)).encode(), "application/x-ndjson")
    return token


@contextlib.contextmanager
def served(models=100, file_bytes=4_000_000):
    with tempfile.TemporaryDirectory() as data:
        port = free_port()
        process, _ = start(data, port)
        try:
            yield port, data, fill(port, data, models, file_bytes)
        finally:
            stop(process)
