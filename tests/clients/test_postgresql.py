"""The parts of the Hub that are mostly SQL, once more on PostgreSQL: their own tests with HEARTH_TEST_DATABASE set."""
import os
import pathlib
import subprocess
import sys

import pytest
from conftest import postgres_cluster

here = pathlib.Path(__file__).parent


@pytest.mark.parametrize("modules", ["discussions social commits", "access lfs webhooks", "listing buckets gated"])
def test_the_hub_is_the_same_on_postgresql(modules):
    words = [str(here / f"test_{module}.py") for module in modules.split()]
    env = os.environ | {"HEARTH_TEST_DATABASE": "postgresql", "HEARTH_TEST_POSTGRES": postgres_cluster()}
    # Browsers and the waits between two tries are the same on every database; the test of failed jobs opens SQLite's file.
    words += ["-k", "not the_page and not tried_again and not private_addresses and not failed_jobs"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
