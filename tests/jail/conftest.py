"""A small site on loopback, and a sandbox for each module."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from tests.support.jailed import run, sandbox, site
from tests.support.paths import DRIVER_CACHE

__all__ = ["run", "sandbox", "site"]


@pytest.fixture(autouse=True)
def sandboxes_share_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give sandboxes without a cache that of all tests: their workers start with a twelfth less processor time."""
    if DRIVER_CACHE.parent.is_dir():
        monkeypatch.setitem(Sandbox.__init__.__kwdefaults__, "cache", DRIVER_CACHE)
