"""What the rows about commits and files share: CPU time of the served hub with its finished children, a commit by API."""
import base64
import concurrent.futures
import http.client
import json
import os
import threading
import time


def cpu_seconds(pid):
    """Of the process and the children that it has waited for."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def commit_body(text):
    lines = [{"key": "header", "value": {"summary": "one file"}},
             {"key": "file", "value": {"path": "data.txt", "encoding": "base64", "content": base64.b64encode(text.encode()).decode()}}]
    return "\n".join(map(json.dumps, lines)).encode()


def commits_a_second(port, token, repos, threads, count):
    """`count` commits, one file each, spread over the repositories; each thread keeps its connection."""
    local = threading.local()

    def one(i):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port)
        local.connection.request("POST", f"/api/models/{repos[i % len(repos)]}/commit/main", commit_body(f"{i}"),
                                 {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"})
        response = local.connection.getresponse()
        body = response.read()
        assert response.status == 200, body

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(threads)))  # connections and statements are warm
        begin = time.monotonic()
        list(pool.map(one, range(threads, threads + count)))
        return count / (time.monotonic() - begin)
