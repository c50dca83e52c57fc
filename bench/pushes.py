"""The server's CPU for a `git push` of a small commit: its own, git's and the hooks'."""
import os
import pathlib
import subprocess
import tempfile

import _git
import _server

better = "lower"
goal = 15.0
COUNT = 40


def run():
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as home:
        port = _server.free_port()
        process, _ = _server.start(data, port)
        try:
            token = _server.fill(port, data, 1, 1000)
            env = os.environ | {"HOME": home, "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@x",
                                "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@x"}

            def git(*words):
                subprocess.run(["git", *words], check=True, capture_output=True, env=env, cwd=here)

            here = home
            git("clone", "-q", f"http://bench:{token}@127.0.0.1:{port}/bench/m0", "clone")
            here = str(pathlib.Path(home, "clone"))
            before = 0.0
            for i in range(COUNT + 1):
                pathlib.Path(here, "file.txt").write_text(str(i))
                git("add", "file.txt")
                git("commit", "-qm", str(i))
                if i == 1:  # the first one warms up
                    before = _git.cpu_seconds(process.pid)
                git("push", "-q", "origin", "HEAD:main")
            spent = _git.cpu_seconds(process.pid) - before
        finally:
            _server.stop(process)
    return {"unit": "ms CPU", "ours": spent / COUNT * 1000}
