"""A file of 1 GiB of noise through hf_xet: unpacked, hashed, SHA-256 checked and synced; by the server's own CPU time."""
import os
import tempfile

import _server
import _xet

better = "higher"
goal = 1.0


def run():
    size = 1 << 30
    with tempfile.TemporaryDirectory() as data:
        path = _xet.random_file(os.path.join(data, "noise"), size)
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, 1, 1000)
            before = _xet.cpu_seconds(process.pid)
            _xet.upload(port, token, os.path.join(data, "home"), path, "noise.bin")
            used = _xet.cpu_seconds(process.pid) - before
        finally:
            _server.stop(process)
    return {"unit": "GiB/s a core", "ours": size / (1 << 30) / used, "limit": 0.5}
