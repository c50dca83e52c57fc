"""MB a second of a 1 GB stored file by plain HTTP over 16 connections, beside nginx with sendfile on the same file."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import _server

better = "higher"
SIZE, CONNECTIONS, EACH = 1 << 30, 16, 2


def read(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    sock = connection.sock
    response = connection.getresponse()
    assert response.status == 200
    buffer, left = bytearray(4 << 20), SIZE
    while left:
        count = response.readinto(buffer)
        assert count, "the body ended early"
        left -= count
    sock.close()


def rate(port, path):
    read(port, path)  # the file is in memory
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        begin = time.monotonic()
        list(pool.map(lambda _: read(port, path), range(CONNECTIONS * EACH // 4)))
        return CONNECTIONS * EACH // 4 * SIZE / 1e6 / (time.monotonic() - begin)


def nginx_rate(file):
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not pathlib.Path(program).exists():
        return None
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        os.link(file, f"{home}/file") if os.stat(file).st_dev == os.stat(home).st_dev else shutil.copy(file, f"{home}/file")
        os.chmod(f"{home}/file", 0o644)
        port = _server.free_port()
        pathlib.Path(home, "nginx.conf").write_text(f"""
user root; worker_processes {os.cpu_count()}; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; tcp_nopush on; server {{ listen 127.0.0.1:{port}; root {home}; }} }}
""")
        process = subprocess.Popen([program, "-p", home, "-c", f"{home}/nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            return rate(port, "/file")
        finally:
            process.terminate()
            process.wait()


def run():
    with _server.served(models=1, file_bytes=1000) as (port, data, token):
        content = os.urandom(1 << 20) * (SIZE >> 20)
        oid = hashlib.sha256(content).hexdigest()
        answer = json.loads(_server.call(port, token, "POST", "/bench/m0.git/info/lfs/objects/batch",
                                         json.dumps({"operation": "upload", "objects": [{"oid": oid, "size": SIZE}]}).encode()))
        href = answer["objects"][0]["actions"]["upload"]["href"].split(str(port), 1)[1]
        _server.call(port, token, "PUT", href, content)
        lines = [{"key": "header", "value": {"summary": "big"}}, {"key": "lfsFile", "value": {"path": "big.bin", "algo": "sha256", "oid": oid}}]
        _server.call(port, token, "POST", "/api/models/bench/m0/commit/main", "\n".join(map(json.dumps, lines)).encode(), "application/x-ndjson")
        ours = rate(port, "/bench/m0/resolve/main/big.bin")
        peer = nginx_rate(f"{data}/objects/sha256/{oid[:2]}/{oid[2:4]}/{oid}")
    return {"unit": "MB/s", "ours": ours, "peers": {"nginx": peer}}
