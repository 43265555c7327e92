"""A run's events in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Event, TaskResult
from engine.task.event_text import event_line, summary

# Playwright's own messages
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
    ("problem", "shown"),
    [
        (TIMED_OUT, 'Locator.click: Timeout 3000ms exceeded. Call log: - waiting for locator("#more")'),
        (
            CRASHED,
            "Page.goto: net::ERR_ABORTED; maybe frame was detached? navigating to"
            ' "http://127.0.0.1/", waiting until "load"',
        ),
    ],
)
def test_rules_around_playwright_logs_are_left_out(problem: str, shown: str) -> None:
    assert line("replay.failed", problems=[problem]) == f"the saved automation failed: {shown}"


def line(kind: str, **data: Any) -> str:
    found = event_line(Event(type=kind, task_id="wt_1", time=datetime.now(UTC), data=data))
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("attempts", "done"),
    [
        ([("explore", "success")], "explored"),
        ([("replay", "failed"), ("replay", "success")], "replayed"),
        ([("replay", "failed"), ("check", "success")], "replayed"),
        ([("replay", "success"), ("check", "failed"), ("repair", "success")], "repaired"),
        ([("replay", "failed"), ("repair", "failed"), ("continue", "success")], "result read from the open page"),
    ],
)
def test_summary_names_what_gave_the_result(attempts: list[tuple[str, str]], done: str) -> None:
    wire = {"webTaskId": "wt_1", "status": "completed", "outcome": "success", "createdAt": "2026-11-23T10:00:00Z"}
    made = [{"kind": kind, "outcome": outcome} for kind, outcome in attempts]
    assert summary(TaskResult.model_validate({**wire, "attempts": made}), 2).startswith(f"{done} in 2.0 s")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("connection-refused", "the site is not available (connection-refused); retrying in 1.0 s"),
        ("one-time-code", "the one-time code was not taken; retrying in 1.0 s"),
        ("session-ended", "the session ended; retrying in 1.0 s"),
    ],
)
def test_retry_says_what_it_is_for(reason: str, shown: str) -> None:
    assert line("retry.waiting", reason=reason, message="", seconds=1.0, retries_left=1) == shown


def test_replay_that_the_site_stopped_is_no_failure_of_the_automation() -> None:
    message = "http://shop.test/ answers with status 503; try again later"
    shown = line("replay.failed", problems=[TIMED_OUT], reason="http-error", message=message)
    assert shown == f"the replay ended early: {message}"
