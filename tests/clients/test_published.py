"""The tests that huggingface_hub publishes with its source archive, run unmodified against a hub of ours.

They were written for the Hub's own staging server; published_conftest.py puts this hub in its place. What they ask that
this hub does not do stands in NOT_HERE with the reason, and must go on failing: a test that begins to pass has to leave
the list. Tests marked `production` read what lies on huggingface.co and are left out.
Source: huggingface_hub 2.4.0, the archive that `pip download --no-binary` gives (scripts/setup test).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from conftest import Hub

here = pathlib.Path(__file__).resolve().parent
root = here.parents[1]
archive = root / ".deps" / "published" / "huggingface_hub-2.4.0"

# The files whose tests talk to a hub.
FILES = [
    "test_hf_api.py", "test_file_download.py", "test_snapshot_download.py", "test_hf_file_system.py", "test_copy_files.py",
    "test_buckets.py", "test_buckets_cli.py", "test_buckets_hf_file_system.py", "test_xet_upload.py", "test_commit_scheduler.py",
    "test_cli_discussions.py", "test_kernels.py", "test_repocard.py", "test_hub_mixin.py", "test_cache_layout.py",
]  # fmt: skip

# test -> why it fails here and may.
NOT_HERE = {}

PYTEST_INI = """[pytest]
addopts = -Werror::FutureWarning --strict-markers -q -p no:cacheprovider
asyncio_mode = strict
markers =
  api: no Xet needed
  transfer: uploads and downloads
  inference: inference
  xet: with Xet
  no_xet: without Xet
  production: reads huggingface.co
  deprecated: warns
  git_lfs: needs git-lfs
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the published tests, and the environment that leads them to a hub with their users."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(archive / "tests", folder / "tests")
    (folder / "tests" / "__init__.py").touch()
    shutil.copy(here / "published_conftest.py", folder / "tests" / "conftest.py")
    (folder / "pytest.ini").write_text(PYTEST_INI)
    hub = Hub(folder / "hub").start()
    env = hub.env() | {
        "HEARTH_TEST_TOKEN": hub.user("__DUMMY_HUB_USER__"),
        "HEARTH_TEST_OTHER_TOKEN": hub.user("DVUser"),
        "HEARTH_TEST_ENTERPRISE_TOKEN": hub.user("EnterpriseAdmin"),
    }
    hub.admin("org", "create", "EnterpriseOrgPrivate", "--owner", "EnterpriseAdmin", "--default-visibility", "private")
    hub.admin("org", "create", "valid_org", "--fullname", "Dummy Org", "--owner", "__DUMMY_HUB_USER__")
    yield folder, env
    hub.stop()


@pytest.mark.parametrize("file", FILES)
def test_published(place, file):
    folder, env = place
    report = folder / f"{file}.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pytest.ini", f"tests/{file}", f"--junitxml={report}", "--tb=short"],
        cwd=folder, env=env, capture_output=True, text=True, timeout=1200)  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    passed, failed = set(), set()
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname').removeprefix('tests.')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(name)
        elif case.find("skipped") is None:
            passed.add(name)
    known = {name for name in NOT_HERE if name.startswith(file.removesuffix(".py") + ".")}
    assert passed, done.stdout
    assert failed - known == set(), done.stdout[-20000:]
    assert known - failed == set(), "these pass: take them out of NOT_HERE"
