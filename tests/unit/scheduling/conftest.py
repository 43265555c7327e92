"""A run that can be held at one of its events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine import Event
from engine.task.events import EventLog
from tests.support.closing import closing

__all__ = ["closing"]


class Hold:
    """A listener whose task's run stops at an event until it is canceled; the cleanup then takes a while."""

    def __init__(self, at: str = "task.started", *, cleaning: float = 0) -> None:
        self.at, self.cleaning = at, cleaning
        self.reached = asyncio.Event()
        self.left = asyncio.Event()

    def __call__(self, event: Event) -> None: ...

    async def stop(self, what: str) -> None:
        if what != self.at:
            return
        self.reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
            await asyncio.sleep(self.cleaning)


@pytest.fixture(autouse=True)
def runs_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the run where its listener is a `Hold`; other listeners stop no run."""
    emit = EventLog.emit

    async def emit_and_stop(log: EventLog, what: str, **data: Any) -> None:
        await emit(log, what, **data)
        if log.listener is not None and isinstance(log.listener.callback, Hold):
            await log.listener.callback.stop(what)

    monkeypatch.setattr(EventLog, "emit", emit_and_stop)
