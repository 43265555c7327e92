"""A listener gets its task's events in order, and neither a slow nor a broken one holds up who tells it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

import engine.task.callbacks
from engine import Event
from engine.task.events import Listener


def event(what: str) -> Event:
    return Event(what, "wt_1", datetime.now(UTC))


class Slow:
    """Takes one event, then no other before it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.taken: list[Event] = []

    async def __call__(self, event: Event) -> None:
        await self.go.wait()
        self.taken.append(event)


async def test_slow_listener_loses_the_oldest_progress_and_is_told_how_much() -> None:
    slow = Slow()
    listener = Listener("wt_1", slow)
    for what in ("task.pending", "task.started", *(f"log.{n}" for n in range(1000)), "task.completed"):
        listener.put(event(what))
        await asyncio.sleep(0)
    slow.go.set()
    await listener.delivered()
    first, note, *others = [each.type for each in slow.taken]
    assert (first, note, slow.taken[1].data["count"]) == ("task.pending", "events.dropped", 1000 - len(others) + 2)
    assert (others[0], others[-2:]) == ("task.started", ["log.999", "task.completed"])
    assert all(int(b[4:]) == int(a[4:]) + 1 for a, b in pairwise(others[1:-1])), "in order, and without a further gap"


async def test_listener_that_raises_or_is_canceled_gets_the_next_event(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[str] = []

    async def breaks(event: Event) -> None:
        taken.append(event.type)
        if event.type == "a":
            raise ValueError("no such client")
        if event.type == "b":
            raise asyncio.CancelledError

    listener = Listener("wt_1", breaks)
    for what in "abc":
        listener.put(event(what))
    await listener.delivered()
    assert taken == ["a", "b", "c"]
    assert "no such client" in caplog.text
    assert "canceled from within" in caplog.text


async def test_stuck_listener_is_waited_for_once_and_then_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.task.callbacks, "_STUCK_AFTER", 0.05)
    slow = Slow()
    listener = Listener("wt_1", slow)
    listener.put(event("task.started"))
    for _ in range(3):
        async with asyncio.timeout(30):
            await listener.delivered()
    await listener.stop()
    slow.go.set()
    await asyncio.sleep(0)
    assert slow.taken == []
