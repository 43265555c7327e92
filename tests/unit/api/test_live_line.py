"""The live line: what it says, where it shows, and that it stays out of the way of a user's callback."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest

from engine import Event
from engine.api.live_line import both, live_line

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def event(what: str, at: float, task_id: str = "wt_1", **facts: object) -> Event:
    return Event(what, task_id, BEGAN + timedelta(seconds=at), facts)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_happens_and_keeps_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    line = live_line()
    assert line is not None
    for each in (
        event("task.pending", 0, key="shelf"),
        event("replay.started", 1, revision="0123456789abcdef"),
        event("replay.started", 1, "wt_2", revision="0123456789abcdef"),
        event("agent.step", 4, turn=1, text="", spent_usd=0.002),
        event("task.completed", 9, outcome="success", error=None),
    ):
        line(each)
    shown = terminal.getvalue().split("\r\x1b[K")
    assert shown == [
        "",
        "0.0 s task wt_1, key shelf",
        "1.0 s replaying revision 0123456789",
        "0.0 s (2 tasks) replaying revision 0123456789",
        "4.0 s, $0.0020 (2 tasks) step 1",
        "shelf: success, 9.0 s, $0.0020\n",
    ]


def test_nothing_is_shown_where_nobody_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert live_line() is None
    monkeypatch.setattr(sys, "stderr", None)
    assert live_line() is None


async def test_a_users_callback_gets_the_events_too() -> None:
    got: list[str] = []

    async def later(given: Event) -> None:
        got.append(f"async {given.type}")

    call = both(lambda given: got.append(given.type), later)
    assert call is not None
    found = call(event("commit", 0))
    assert found is not None
    await found
    assert got == ["commit", "async commit"]
    assert both(None, later) is later
    assert both(None, None) is None
