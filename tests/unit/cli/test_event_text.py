"""What a person reads of a run's events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Event
from engine.cli.event_text import narrate

# As Playwright says it
TIMED_OUT = """Locator.click: Timeout 3000ms exceeded.
Call log:
  - waiting for locator("#more")
"""
CRASHED = """Page.goto: net::ERR_ABORTED; maybe frame was detached?
=========================== logs ===========================
navigating to "http://127.0.0.1/", waiting until "load"
============================================================
"""


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (TIMED_OUT, 'Locator.click: Timeout 3000ms exceeded. Call log: - waiting for locator("#more")'),
        (
            CRASHED,
            "Page.goto: net::ERR_ABORTED; maybe frame was detached? navigating to"
            ' "http://127.0.0.1/", waiting until "load"',
        ),
    ],
)
def test_what_playwright_draws_around_its_logs_is_left_out(problem: str, told: str) -> None:
    assert line("replay.failed", problems=[problem]) == f"the saved automation does not hold any more: {told}"


def line(kind: str, **data: Any) -> str:
    found = narrate(Event(type=kind, task_id="wt_1", time=datetime.now(UTC), data=data))
    assert found is not None
    return found.text
