"""GiB a second and core of LFS uploads: 8 files of 128 MiB, hashed on the way, synced to the disk. The limit is SHA-256 on one core."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import time

import _git
import _server

better = "higher"
goal = 1.3
SIZE, FILES = 128 << 20, 8


def put(port, href, content):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", href.split(str(port), 1)[1], content)
    response = connection.getresponse()
    assert response.status == 200, response.read()


def run():
    base = os.urandom(SIZE - 8)
    contents = [base + i.to_bytes(8, "big") for i in range(FILES)]
    begin = time.process_time()
    objects = [{"oid": hashlib.sha256(c).hexdigest(), "size": SIZE} for c in contents]
    limit = FILES * SIZE / 2**30 / (time.process_time() - begin)
    with _server.served(models=1, file_bytes=1000) as (port, data, token):
        answer = json.loads(_server.call(port, token, "POST", "/bench/m0.git/info/lfs/objects/batch",
                                         json.dumps({"operation": "upload", "objects": objects}).encode()))
        pid = _server.pid_of(port)
        before = _git.cpu_seconds(pid)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda pair: put(port, pair[0]["actions"]["upload"]["href"], pair[1]), zip(answer["objects"], contents)))
        spent = _git.cpu_seconds(pid) - before
    return {"unit": "GiB/s/core", "ours": FILES * SIZE / 2**30 / spent, "limit": limit}
