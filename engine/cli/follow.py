"""Follows tasks that other processes run, and sees to it that somebody runs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from engine import AsyncEngine, TaskResult
from engine.cli.progress import Watcher
from engine.cli.settings import Settings
from engine.cli.spawn import take_over

_EVERY = 2.0  # seconds between looks for tasks that nobody runs


async def follow(settings: Settings, engine: AsyncEngine, task_id: str, watcher: Watcher) -> TaskResult:
    """The end of a task; until then its events are shown.

    Raises:
        TaskNotFound: There is no such task.
    """
    async with somebody_runs(settings, engine, {task_id}):
        async for event in engine.events(task_id):
            watcher(event)
        return await engine.result(task_id)


@asynccontextmanager
async def somebody_runs(
    settings: Settings, engine: AsyncEngine, task_ids: Collection[str] | None
) -> AsyncIterator[None]:
    """Inside the block, a task whose engine died before it began gets a process that runs it.

    Args:
        task_ids: The tasks that somebody waits for; None for all.

    This process would end too early to run it itself. One is enough: it stays until no task waits for an engine.
    """

    async def look_after() -> None:
        asked = False
        while True:
            found = await engine.orphaned()
            waits = bool(found) if task_ids is None else not set(task_ids).isdisjoint(found)
            if waits and not asked:
                await asyncio.to_thread(take_over, settings)
            asked = waits
            await asyncio.sleep(_EVERY)

    looking = asyncio.create_task(look_after())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
