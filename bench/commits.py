"""Commits by API a second over 50 repositories, 16 at once; each is on the disk when it is answered."""
import _git
import _server

better = "higher"
goal = 500.0


def run():
    with _server.served(models=50, file_bytes=1000) as (port, _, token):
        rate = _git.commits_a_second(port, token, [f"bench/m{i}" for i in range(50)], threads=16, count=600)
    return {"unit": "commits/s", "ours": rate}
