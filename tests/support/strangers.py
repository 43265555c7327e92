"""A user's own project: plain files of one automation, and pytest with the plugin alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bundles import BundleStore, write_plain
from tests.support.command import BUSINESSES
from tests.support.saved import save

KEY = "businesses"
SETTINGS = """\
[tool.pytest.ini_options]
addopts = "-p webtasks_pytest -p pytest_asyncio.plugin"
webtasks_bundles = "automations"
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
"""


def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, start_url: str | None = None) -> Path:
    """Make the project, and have its pytest load no plugin but those that a test names."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyprojecttoml(SETTINGS)
    made = pytester.path.parent / f"{pytester.path.name}-made"
    save(made, KEY, BUSINESSES, parameters={"category": ""}, start_url=start_url)
    bundle = BundleStore(made / "default").load(KEY)
    assert bundle is not None
    write_plain(pytester.path / "automations", KEY, bundle)
    return pytester.path
