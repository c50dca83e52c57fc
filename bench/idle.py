"""Resident memory of a served hub of 100 repositories that has answered its lists once and is asked nothing since."""
import tempfile
import time

import _server

better = "lower"
goal = 60.0
floor = 100.0


def run():
    with tempfile.TemporaryDirectory() as data:
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, 100, 100_000)
            _server.call(port, token, "GET", "/api/models?limit=100")
            time.sleep(2)
            with open(f"/proc/{process.pid}/statm") as file:
                used = int(file.read().split()[1]) * 4096 / 1e6
        finally:
            _server.stop(process)
    return {"unit": "MB", "ours": used}
