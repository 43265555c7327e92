"""These tests are not about starting workers: they run in the session's warm sandbox."""

from __future__ import annotations

import pytest

from tests.support.warm import LentSandbox


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> LentSandbox:
    """The session's sandbox; of each jail where a test is marked ``IN_EACH_JAIL``."""
    lent: LentSandbox = request.getfixturevalue(getattr(request, "param", "warm"))
    return lent
