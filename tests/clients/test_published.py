"""The tests that huggingface_hub publishes with its source archive, run unmodified against a hub of ours.

They were written for the Hub's own staging server; published_conftest.py puts this hub in its place. What they ask that
no hub but huggingface.co can answer stands in NOT_HERE with the reason. Tests marked `production` read what lies on huggingface.co and are left out.
Source: huggingface_hub 2.4.0, the archive that `pip download --no-binary` gives (scripts/setup test).
"""
import os
import pathlib
import shutil
import subprocess
import sys

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

# What is left out, and why: prefixes of pytest's names.
NOT_HERE = {
    "test_hf_api.py::TestHfApiInferenceCatalog": "asks huggingface.co itself",
    "test_kernels.py::test_create_kernel": "expects the staging server's own address",
    "test_kernels.py::test_kernel_info": "reads huggingface.co",
    "test_kernels.py::test_list_repo_": "reads huggingface.co",
    "test_kernels.py::test_download_": "reads huggingface.co",
    "test_kernels.py::test_redownload_": "reads huggingface.co",
    "test_kernels.py::test_snapshot_download_": "reads huggingface.co",
}
# Tests of huggingface_hub alone whose sample files the archive leaves out.
NO_SAMPLES = {
    "test_repocard.py": "load_repocard_from_file change_repocard_data custom_template must_be_dict without_metadata "
                        "test_validate_repocard linebreaks updating_text invalid_model_index_and_ignore card_with_model_index "
                        "load_model_card_from_file from_template_eval load_datasetcard_from_file",
}  # fmt: skip

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
  vcr: recorded answers
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
        "HEARTH_TEST_TOKEN": hub.user("__DUMMY_HUB_USER__", "--fullname", "Dummy User"),
        "HEARTH_TEST_OTHER_TOKEN": hub.user("DVUser"),
        "HEARTH_TEST_ENTERPRISE_TOKEN": hub.user("EnterpriseAdmin"),
    }
    hub.admin("org", "create", "EnterpriseOrgPrivate", "--owner", "EnterpriseAdmin", "--default-visibility", "private")
    hub.admin("org", "create", "valid_org_hub", "--fullname", "Dummy Hub Org", "--owner", "__DUMMY_HUB_USER__")
    yield folder, env
    hub.stop()


@pytest.mark.parametrize("file", FILES)
def test_published(place, file):
    folder, env = place
    left_out = [f"--deselect=tests/{name}" for name in NOT_HERE if name.startswith(file + "::")]
    unnamed = [f"-k=not ({' or '.join(NO_SAMPLES[file].split())})"] if file in NO_SAMPLES else []
    done = subprocess.run([sys.executable, "-m", "pytest", "-c", "pytest.ini", f"tests/{file}", "--tb=short", *left_out, *unnamed],
                          cwd=folder, env=env, capture_output=True, text=True, timeout=1200)  # fmt: skip
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
