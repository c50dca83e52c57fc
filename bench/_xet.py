"""A hub with a big Xet-stored file, and what its server's process has used."""
import contextlib
import http.client
import os
import pathlib
import subprocess
import sys
import time

import _server

UPLOAD = """
import sys
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=sys.argv[1], path_in_repo=sys.argv[2], repo_id="bench/m0")
"""


def random_file(path, size):
    with open(path, "wb") as file:
        for _ in range(0, size, 1 << 24):
            file.write(os.urandom(min(1 << 24, size)))
    return path


def upload(port, token, home, path, name):
    """By hf_xet in a process of its own, with the caches in `home`."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    env |= {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_TOKEN": token, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    subprocess.run([sys.executable, "-c", UPLOAD, str(path), name], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stored_bytes(data):
    return sum(p.stat().st_size for p in pathlib.Path(data, "objects", "xorbs").rglob("*") if p.is_file())


def read_rate(port, path, size, connections):
    """Bytes per second of `connections` readers that take the whole file once each."""
    code = f"""
import socket
s = socket.create_connection(("127.0.0.1", {port}))
s.sendall(b"GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
buffer, total = bytearray(1 << 20), 0
while got := s.recv_into(buffer):
    total += got
assert total > {size}, total
"""
    begin = time.monotonic()
    readers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(connections)]
    assert all(reader.wait() == 0 for reader in readers)
    return connections * size / (time.monotonic() - begin)


def range_times(port, path, size, count):
    """Seconds of each of `count` reads of 1 MiB at random places, one after another on one connection."""
    import random

    places, connection, times = random.Random(1), http.client.HTTPConnection("127.0.0.1", port), []
    for _ in range(count):
        at = places.randrange(size - (1 << 20))
        begin = time.monotonic()
        connection.request("GET", path, headers={"Range": f"bytes={at}-{at + (1 << 20) - 1}"})
        response = connection.getresponse()
        assert response.status == 206 and len(response.read()) == 1 << 20
        times.append(time.monotonic() - begin)
    return times


@contextlib.contextmanager
def nginx(folder):
    """The port of an nginx that serves a folder by sendfile; None where it is not installed."""
    import shutil

    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        yield None
        return
    port, folder = _server.free_port(), pathlib.Path(folder)
    (folder / "nginx.conf").write_text(f"""
worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
        uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
user {'root' if os.getuid() == 0 else 'nobody'};
""")
    process = subprocess.Popen([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        import socket

        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()
