"""`hearth serve` on a folder that holds 100 repositories, to the first answer of /healthz."""
import tempfile

import _common
import _server

better = "lower"
goal = 0.5


def run():
    times = []
    with tempfile.TemporaryDirectory() as data:
        port = _server.free_port()
        process, _ = _server.start(data, port)
        _server.fill(port, data, models=100, file_bytes=1000)
        _server.stop(process)
        for _ in range(5):
            process, seconds = _server.start(data, port)
            _server.stop(process)
            times.append(seconds)
    return {"unit": "s", "ours": _common.median(times)}
