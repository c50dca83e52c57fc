"""The surroundings that huggingface_hub's published tests expect, for a hub of ours in place of the staging one.

The tests come from the package's source archive, which leaves its conftest.py out: this one stands in for it, written
from how the tests use their fixtures. HEARTH_TEST_* name the hub and its tokens (tests/clients/test_published.py).
Source: huggingface_hub 2.4.0 pyproject.toml (the markers), tests/testing_constants.py.
"""
import os
import warnings

import pytest

from . import testing_constants, testing_utils

testing_constants.ENDPOINT_STAGING = os.environ["HF_ENDPOINT"]
for name in ("TOKEN", "OTHER_TOKEN", "ENTERPRISE_TOKEN"):
    setattr(testing_constants, name, os.environ[f"HEARTH_TEST_{name}"])

from huggingface_hub import HfApi, constants  # noqa: E402  (after the environment is what it should be)
from huggingface_hub.hf_api import RepoUrl  # noqa: E402


class RepoFactory:
    """repo_factory(type, repo_id=..., token=...) makes a repository that is deleted at the end."""

    def __init__(self):
        self.made = []

    def __call__(self, repo_type="model", *, repo_id=None, token=None, **options) -> RepoUrl:
        api = HfApi(endpoint=testing_constants.ENDPOINT_STAGING, token=token or testing_constants.TOKEN)
        if repo_type == "space":
            options.setdefault("space_sdk", "static")
        url = api.create_repo(repo_id or testing_utils.repo_name(), repo_type=repo_type, **options)
        self.made.append((api, url))
        return url

    def clean(self):
        for api, url in self.made:
            api.delete_repo(url.repo_id, repo_type=url.repo_type, missing_ok=True)


@pytest.fixture(scope="session")
def repo_factory():
    factory = RepoFactory()
    yield factory
    factory.clean()


@pytest.fixture(scope="session")
def api():
    return HfApi(endpoint=testing_constants.ENDPOINT_STAGING, token=testing_constants.TOKEN)


@pytest.fixture
def new_repo_id(api):
    """The name of a model that the test makes; deleted afterwards."""
    repo_id = f"{testing_constants.USER}/{testing_utils.repo_name()}"
    yield repo_id
    api.delete_repo(repo_id, missing_ok=True)


@pytest.fixture(autouse=True)
def _xet_mode(request, monkeypatch):
    """Tests marked `xet` run with Xet, those marked `no_xet` without."""
    if request.node.get_closest_marker("xet"):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    elif request.node.get_closest_marker("no_xet"):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test marked `deprecated("name")` must warn of that name."""
    marker = pyfuncitem.get_closest_marker("deprecated")
    if marker is None:
        return (yield)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = yield
    said = " ".join(str(w.message) for w in caught if issubclass(w.category, FutureWarning))
    for name in marker.args:
        assert name in said, f"no FutureWarning names {name}"
    return out


def pytest_collection_modifyitems(config, items):
    """Tests of the production hub's own content are not ours to answer."""
    production = [item for item in items if item.get_closest_marker("production")]
    config.hook.pytest_deselected(items=production)
    items[:] = [item for item in items if not item.get_closest_marker("production")]
