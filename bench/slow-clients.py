"""p99 of /api/models while 200 clients read a 4 MB file at 1 KB/s each."""
import http.client
import socket
import threading
import time

import _server

better = "lower"
goal = 50.0


def slow_reader(port, token, stop):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", port))
        s.sendall(f"GET /bench/m0/resolve/main/data.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        while not stop.wait(1.0):
            if not s.recv(1024):
                return


def run():
    with _server.served() as (port, _, token):
        stop = threading.Event()
        readers = [threading.Thread(target=slow_reader, args=(port, token, stop)) for _ in range(200)]
        for reader in readers:
            reader.start()
        time.sleep(2)
        connection, times = http.client.HTTPConnection("127.0.0.1", port), []
        for _ in range(500):
            begin = time.monotonic()
            connection.request("GET", "/api/models?limit=50", headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            assert response.status == 200 and response.read()
            times.append(time.monotonic() - begin)
        alive = sum(reader.is_alive() for reader in readers)
        stop.set()
        for reader in readers:
            reader.join()
    assert alive == 200, f"only {alive} slow readers were still served"
    return {"unit": "ms p99", "ours": sorted(times)[int(len(times) * 0.99)] * 1000}
