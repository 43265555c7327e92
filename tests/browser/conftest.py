"""Fixtures for tests of the engine with a real browser.

Their engines run automations in the session's warm sandbox; a test that is about starting, keeping or ending workers
is marked ``own_sandbox``, or asks for a certain pool, jail or browser.
"""

from __future__ import annotations

import pytest

from tests.support.stage import site, stage
from tests.support.warm import LentSandbox, lend

__all__ = ["site", "stage"]


@pytest.fixture(autouse=True)
def engines_share_a_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, warm: LentSandbox) -> None:
    """Give engines in this process the warm sandbox."""
    if request.node.get_closest_marker("own_sandbox"):
        return
    lend(warm, monkeypatch)
