"""Follow tasks that other processes run, and start a process for orphaned ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from engine import AsyncEngine, TaskResult
from engine.cli.progress import EventHandler
from engine.cli.settings import Settings
from engine.cli.spawn import spawn_takeover

_POLL_SECONDS = 2.0  # between checks for orphaned tasks


async def follow(settings: Settings, engine: AsyncEngine, task_id: str, on_event: EventHandler) -> TaskResult:
    """Wait for a task's end and return its result.

    Args:
        on_event: Called with each event of the task, from the first.

    Raises:
        TaskNotFound: There is no such task.
    """
    async with takeover_of_orphans(settings, engine, {task_id}):
        async for event in engine.events(task_id):
            on_event(event)
        return await engine.result(task_id)


@asynccontextmanager
async def takeover_of_orphans(
    settings: Settings, engine: AsyncEngine, task_ids: Collection[str] | None
) -> AsyncIterator[None]:
    """Start a process for orphaned tasks, pending ones whose engine's process has died, while the block runs.

    This process would end too early to run them itself. One new process is enough: it stays until no task is orphaned.

    Args:
        task_ids: The tasks that the caller waits for; None for all.
    """

    async def poll() -> None:
        spawned = False
        while True:
            orphaned = await engine.orphaned()
            needed = bool(orphaned) if task_ids is None else not set(task_ids).isdisjoint(orphaned)
            if needed and not spawned:
                await asyncio.to_thread(spawn_takeover, settings)
            spawned = needed
            await asyncio.sleep(_POLL_SECONDS)

    polling = asyncio.create_task(poll())
    try:
        yield
    finally:
        polling.cancel()
        with suppress(asyncio.CancelledError):
            await polling
