"""Fixtures for tests of the engine with a real browser.

Their engines run automations in the session's warm sandbox; a test that is about starting, keeping or ending workers
is marked ``own_sandbox``, or asks for a certain pool, jail or browser.
"""

from __future__ import annotations

from typing import Any

import pytest

import sandbox
from tests.support.stage import site, stage
from tests.support.warm import LentSandbox, warm

__all__ = ["site", "stage", "warm"]

_USUAL_POOLS = (None, sandbox.PoolOptions(), sandbox.PoolOptions(spare=0))


@pytest.fixture(autouse=True)
def engines_share_a_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, warm: LentSandbox) -> None:
    """Give engines in this process the warm sandbox."""
    if request.node.get_closest_marker("own_sandbox"):
        return
    real = sandbox.Sandbox

    def lend(*, isolation: Any = "auto", browser: Any = None, pool: Any = None, **options: Any) -> Any:
        if isolation == "auto" and browser is None and pool in _USUAL_POOLS:
            return warm
        return real(isolation=isolation, browser=browser, pool=pool or sandbox.PoolOptions(), **options)

    monkeypatch.setattr(sandbox, "Sandbox", lend)
