"""A Xet-stored file of 512 MiB by plain HTTP, 4 connections, against nginx sending the same file whole by sendfile."""
import os
import tempfile

import _server
import _xet

better = "higher"


def run():
    size, connections = 512 << 20, 4
    with tempfile.TemporaryDirectory() as data:
        os.mkdir(os.path.join(data, "www"))
        path = _xet.random_file(os.path.join(data, "www", "noise"), size)
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, 1, 1000)
            _xet.upload(port, token, os.path.join(data, "home"), path, "noise.bin")
            ours = max(_xet.read_rate(port, "/bench/m0/resolve/main/noise.bin", size, connections) for _ in range(3))
        finally:
            _server.stop(process)
        peers = {}
        with _xet.nginx(data) as peer_port:
            if peer_port:
                peers["nginx"] = max(_xet.read_rate(peer_port, "/noise", size, connections) for _ in range(3)) / 1e6
    return {"unit": "MB/s", "ours": ours / 1e6, "peers": peers, "limit": 0.4 * max(peers.values()) if peers else None}
