"""These tests are not about starting workers: they run in the session's warm sandbox."""

from __future__ import annotations

import pytest

from tests.support.jails import JAILS
from tests.support.warm import LentSandbox, warm, warm_landlock

__all__ = ["warm", "warm_landlock"]


@pytest.fixture
def sandbox(warm: LentSandbox) -> LentSandbox:
    """The session's sandbox."""
    return warm


@pytest.fixture(params=JAILS)
def each_jail(request: pytest.FixtureRequest) -> LentSandbox:
    """The session's sandbox of every jail: what automations import must work in all of them."""
    lent: LentSandbox = request.getfixturevalue("warm" if request.param == "bubblewrap" else "warm_landlock")
    return lent
