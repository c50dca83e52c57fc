"""The ways of generate() that transformers 5 has no more: the files of transformers 4.49's generation/, out of its wheel, once.

Their classes and functions are loaded into the installed transformers 5, whose tensors and helpers they use; the package itself
cannot stand beside the libraries that version 5 needs.
"""
import ast
import importlib.util
import os
import pathlib
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "4.49.0"


def fetch():
    """The folder with beam_search.py, utils.py and logits_process.py."""
    out = pathlib.Path(os.environ.get("HEARTH_BUILD", ROOT / "build")) / "oracle" / f"transformers-{VERSION}"
    files = ["beam_constraints.py", "beam_search.py", "logits_process.py", "utils.py"]
    if not all((out / name).exists() for name in files):
        out.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(out), f"transformers=={VERSION}"]
        subprocess.run(words, check=True, timeout=300)
        wheel = next(out.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            for name in files:
                (out / name).write_bytes(archive.read(f"transformers/generation/{name}"))
        wheel.unlink()
    return out


def module(name):
    """A file as a module of the installed transformers.generation."""
    full = f"transformers.generation.{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, fetch() / f"{name}.py")
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


def definition(file, name, home):
    """One function or class of a file, with the names of the module `home` around it."""
    source = (fetch() / file).read_text()
    node = next(node for node in ast.parse(source).body if getattr(node, "name", None) == name)
    names = dict(vars(home))
    exec(compile(ast.Module([node], []), file, "exec"), names)
    return names[name]
