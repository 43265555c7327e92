"""What the store knows of tasks, whoever runs them: the part of AsyncEngine that works from any process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from engine.api.workspace import Workspace
from engine.errors import EngineError, InvalidRequest, TaskNotFound
from engine.task.events import Event, Follower
from engine.task.wire import Status, TaskResult

if TYPE_CHECKING:
    from engine.storage.spending import KeyCosts

T = TypeVar("T")

_CANCEL_POLL = 0.1  # seconds between looks whether the engine that runs a canceled task has ended it


class TaskQueries:
    """Asks about tasks, waits for them, and ends them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._running: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def result(self, task_id: str) -> TaskResult:
        """A task as it is now, from any process on the store: ``pending``, ``started``, or its final result.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        task = await self._look(task_id)
        if not task.final:
            await (await self._workspace.scheduler()).reap()
            task = await self._look(task_id)
        return task

    async def wait(
        self, task_ids: Iterable[str], *, timeout: float | None = None, poll: float = 5.0
    ) -> Sequence[TaskResult]:
        """The results of tasks, in the order asked for, when all have ended.

        Args:
            timeout: Seconds until ``TimeoutError``; the tasks go on all the same.
            poll: Seconds between looks at tasks that other processes run; those of this one are known at once.

        Raises:
            TaskNotFound: The workspace has no such task.
            TimeoutError: They have not all ended in time.
        """
        wanted = list(task_ids)

        async def all_ends() -> Sequence[TaskResult]:
            return await asyncio.gather(*(self._end(task_id, poll) for task_id in wanted))

        self._check_usable()
        try:
            return await self._tracked(all_ends(), timeout)
        except TimeoutError:
            raise TimeoutError(f"not all of {len(wanted)} tasks ended within {timeout:g} s; they go on") from None

    async def as_completed(self, task_ids: Iterable[str], *, poll: float = 5.0) -> AsyncIterator[TaskResult]:
        """The results of tasks in the order in which they end."""
        self._check_usable()
        ends = {asyncio.ensure_future(self._end(task_id, poll)) for task_id in task_ids}
        try:
            while ends:
                done, ends = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for end in done:
                    yield end.result()
        finally:
            for end in ends:
                end.cancel()

    async def cancel(self, task_id: str) -> TaskResult:
        """Ends a task as canceled, whichever process runs it: its browser and model call end, its bundle stays.

        Returns:
            The task's end; one that had ended before is as it was.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        self._check_usable()
        scheduler = await self._workspace.scheduler()
        task = await scheduler.cancel(task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task if task.final else await self._end(task_id, _CANCEL_POLL)

    async def run_until_idle(self) -> None:
        """Waits until there is nothing more to run here: its own tasks have ended, and no other waits for an engine.

        For a process that lives for its tasks only; the engine starts no further ones.
        """
        self._check_usable()
        await self._tracked((await self._workspace.scheduler()).run_until_idle())

    async def orphaned(self) -> Sequence[str]:
        """Tasks that wait for an engine to run them, since theirs died or was closed; the oldest first."""
        self._check_usable()
        await (await self._workspace.scheduler()).reap()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.queue.orphaned)

    async def list(
        self, *, status: Status | None = None, reuse_key: str | None = None, limit: int = 50, offset: int = 0
    ) -> Sequence[TaskResult]:
        """Tasks, the newest first.

        Args:
            status: Only those ``pending``, ``started``, ``completed`` or ``canceled``.
            reuse_key: Only those of this key.
            limit: Most tasks, from 1.
            offset: How many to pass over.
        """
        if status not in (None, "pending", "started", "completed", "canceled"):
            raise InvalidRequest(f"status must be one of the four states, not {status!r}", field="status")
        for name, value, least in (("limit", limit, 1), ("offset", offset, 0)):
            if not isinstance(value, int) or not least <= value < 1 << 62:
                raise InvalidRequest(f"{name} must be a whole number from {least}, not {value!r}", field=name)
        self._check_usable()
        await (await self._workspace.scheduler()).reap()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.tasks, status, reuse_key, limit, offset)

    async def set_title(self, task_id: str, title: str | None) -> TaskResult:
        """Gives a task a title, or takes it away.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        self._check_usable()
        records = await self._workspace.records()
        task = await asyncio.to_thread(records.set_title, task_id, title)
        if task is None:
            raise TaskNotFound(task_id)
        return task

    async def events(self, task_id: str, *, poll: float = 0.2) -> AsyncIterator[Event]:
        """The events of a task from its first to its last, as they happen; from any process on the store.

        Args:
            poll: Seconds between looks at the trace.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        await self._look(task_id)
        follower = Follower(self._workspace.trace_file(task_id))
        while True:
            ended = (await self._look(task_id)).final  # before the read: what came before the end is read after it
            for event in await asyncio.to_thread(follower.read):
                yield event
            if ended:
                return
            await (await self._workspace.scheduler()).reap()
            await asyncio.sleep(poll)

    async def _look(self, task_id: str) -> TaskResult:
        self._check_usable()
        records = await self._workspace.records()
        task = await asyncio.to_thread(records.task, task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task

    async def _end(self, task_id: str, poll: float) -> TaskResult:
        """The end of a task: at once where it is known, when it comes where this engine runs it, else by looking."""
        scheduler = await self._workspace.scheduler()
        here = scheduler.completion(task_id)
        if here is not None:
            return await asyncio.shield(here)
        while True:
            task = await self._look(task_id)
            if task.final:
                return task
            if (here := scheduler.completion(task_id)) is not None:
                return await asyncio.shield(here)
            await scheduler.open()  # somebody has to run it, should its engine have died
            await scheduler.reap()
            await asyncio.sleep(poll)

    async def costs(self, *, reuse_key: str | None = None) -> Sequence[KeyCosts]:
        """What each automation has cost, and what it has saved against asking the model each time."""
        self._check_usable()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.spending.costs, reuse_key)

    async def attempts(self, *, reuse_key: str | None = None, task_id: str | None = None) -> Sequence[dict[str, Any]]:
        """Every attempt, oldest first: task, key, revision, outcome, reason, tokens, dollars, seconds, model."""
        self._check_usable()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.attempts, reuse_key, task_id)

    async def _tracked(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        running = asyncio.ensure_future(work)
        self._running.add(running)
        try:
            async with asyncio.timeout(timeout):
                return await running
        finally:
            self._running.discard(running)
            if not running.done():
                running.cancel()
                await asyncio.wait([running])

    def _check_usable(self) -> None:
        """Its browsers and connections live on one event loop; on another they would hang."""
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise EngineError("this AsyncEngine belongs to another event loop; make one for each, or use Engine")
        self._loop = loop
