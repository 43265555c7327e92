"""Unit tests: no browser, no jail, no process.

The exception is git, which bundles are stored in: a test that needs it asks for the fixture `git`, and so is marked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.no_processes import ProcessGuard

_GUARD = ProcessGuard()


@pytest.fixture
def processes() -> list[str]:
    """This test's attempts to start a process; one that provokes them on purpose clears the list."""
    return _GUARD.attempts


@pytest.fixture(autouse=True)
def starts_no_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test that starts a process."""
    with _GUARD.armed(git_allowed="git" in request.fixturenames):
        yield
    assert not _GUARD.attempts, f"started {_GUARD.attempts}; such a test belongs into tests/process or tests/browser"
