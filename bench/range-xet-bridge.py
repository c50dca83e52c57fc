"""1 MiB at random places of a Xet-stored file of 512 MiB, by plain HTTP with Range: the slowest of a hundred."""
import os
import tempfile

import _server
import _xet

better = "lower"
goal = 5.0


def run():
    size = 512 << 20
    with tempfile.TemporaryDirectory() as data:
        path = _xet.random_file(os.path.join(data, "noise"), size)
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, 1, 1000)
            _xet.upload(port, token, os.path.join(data, "home"), path, "noise.bin")
            times = _xet.range_times(port, "/bench/m0/resolve/main/noise.bin", size, 500)
        finally:
            _server.stop(process)
    return {"unit": "ms p99", "ours": sorted(times)[int(len(times) * 0.99)] * 1000, "limit": 20.0}
