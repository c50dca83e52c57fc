"""Commits by API a second on one repository, 4 writers at once; each is on the disk when it is answered."""
import _git
import _server

better = "higher"
goal = 50.0


def run():
    with _server.served(models=1, file_bytes=1000) as (port, _, token):
        rate = _git.commits_a_second(port, token, ["bench/m0"], threads=4, count=200)
    return {"unit": "commits/s", "ours": rate}
