"""The moment from which an engine that is being closed begins nothing more."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.api.workspace import Workspace


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set in that moment, for work in a thread that is to be overtaken by it."""
    closes, close = threading.Event(), Workspace.close_scheduler

    async def tell(workspace: Workspace) -> None:
        going_on = asyncio.ensure_future(close(workspace))
        await asyncio.sleep(0)  # it has begun, and waits for that work
        closes.set()
        await going_on

    monkeypatch.setattr(Workspace, "close_scheduler", tell)
    return closes
