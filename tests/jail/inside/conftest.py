"""These tests are not about starting workers: they run in the session's warm sandbox."""

from __future__ import annotations

import pytest

from tests.support.warm import LentSandbox


@pytest.fixture
def sandbox(warm: LentSandbox) -> LentSandbox:
    """The session's sandbox."""
    return warm
