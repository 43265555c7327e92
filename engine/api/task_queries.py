"""TaskQueries, the part of AsyncEngine that works on the tasks of a store from any process."""

from __future__ import annotations

import asyncio
import os
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.api.workspace import Workspace
from engine.errors import EngineError, InvalidRequest, TaskNotFound
from engine.storage.spending import today
from engine.task.events import END_EVENTS, Event, Follower
from engine.task.wire import Status, TaskResult
from sandbox.loop_end import close_with_loop

if TYPE_CHECKING:
    from engine.storage.spending import KeyCosts

T = TypeVar("T")

_CANCEL_POLL = 0.1  # seconds between checks of a canceled task that another engine runs


class TaskQueries:
    """Methods that read tasks, wait for them, and cancel them, whichever engine runs them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._running: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._finalizer: weakref.finalize[..., TaskQueries] | None = None
        self._forget_loop: Callable[[], None] | None = None

    async def result(self, task_id: str) -> TaskResult:
        """Return a task as it is now: ``pending``, ``started``, or its final result.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        task = await self._current(task_id)
        if not task.final:
            await (await self._workspace.scheduler()).reap()
            task = await self._current(task_id)
        return task

    async def wait(
        self, task_ids: Iterable[str], *, timeout: float | None = None, poll: float = 5.0
    ) -> Sequence[TaskResult]:
        """Return the results of tasks, in the order of their ids, when all have ended.

        Args:
            timeout: Seconds until ``TimeoutError``; the tasks go on all the same. Default: no limit.
            poll: Seconds between checks of tasks that other processes run; the end of this one's is known at once.

        Raises:
            TaskNotFound: The workspace has no such task.
            TimeoutError: They have not all ended in time.
        """
        wanted = list(task_ids)

        async def all_completed() -> Sequence[TaskResult]:
            return await asyncio.gather(*(self._completed(task_id, poll) for task_id in wanted))

        self._check_usable()
        try:
            results = await self._tracked(all_completed(), timeout)
        except TimeoutError:
            raise TimeoutError(f"not all of {len(wanted)} tasks ended within {timeout:g} s; they go on") from None
        await self._workspace.events_delivered(*wanted)
        return results

    async def as_completed(self, task_ids: Iterable[str], *, poll: float = 5.0) -> AsyncIterator[TaskResult]:
        """Yield the results of tasks in the order in which they end.

        Args:
            poll: Seconds between checks of tasks that other processes run.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        self._check_usable()
        ends = {asyncio.ensure_future(self._completed(task_id, poll)) for task_id in task_ids}
        try:
            while ends:
                done, ends = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for end in done:
                    await self._workspace.events_delivered(end.result().web_task_id)
                    yield end.result()
        finally:
            for end in ends:
                end.cancel()

    async def cancel(self, task_id: str) -> TaskResult:
        """Cancel a task, whichever process runs it: its browser and model call end, its bundle stays as it was.

        Returns:
            The task's end. A task that had ended before, or that is about to save, is not canceled any more.

        Raises:
            TaskNotFound: The workspace has no such task.
            StoreError: The cancellation cannot be recorded; a task of this engine is canceled all the same.
        """
        self._check_usable()
        scheduler = await self._workspace.scheduler()
        task = await scheduler.cancel(task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return task if task.final else await self._completed(task_id, _CANCEL_POLL)

    async def run_until_idle(self) -> None:
        """Return when this engine's tasks have ended and none is left in the queue that it could take over.

        For a process that lives for its tasks only; the engine starts no further ones.
        """
        self._check_usable()
        await self._tracked((await self._workspace.scheduler()).run_until_idle())

    async def orphaned(self) -> Sequence[str]:
        """Return the ids of pending tasks that no engine has, since theirs died or was closed; the oldest first."""
        self._check_usable()
        await (await self._workspace.scheduler()).reap()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.queue.orphaned)

    def run_out(self) -> Coroutine[Any, Any, None]:
        """Do the same as ``run_until_idle``: the former name.

        Deprecated: it goes with the next release.
        """
        warnings.warn("run_out is deprecated; use run_until_idle", DeprecationWarning, stacklevel=2)
        return self.run_until_idle()

    def unowned(self) -> Coroutine[Any, Any, Sequence[str]]:
        """Do the same as ``orphaned``: the former name.

        Deprecated: it goes with the next release.
        """
        warnings.warn("unowned is deprecated; use orphaned", DeprecationWarning, stacklevel=2)
        return self.orphaned()

    async def list(
        self, *, status: Status | None = None, reuse_key: str | None = None, limit: int = 50, offset: int = 0
    ) -> Sequence[TaskResult]:
        """Return tasks, the newest first.

        Args:
            status: Only those ``pending``, ``started``, ``completed`` or ``canceled``; default all.
            reuse_key: Only those of this key; default all.
            limit: Most tasks, from 1.
            offset: Number of tasks to skip.

        Raises:
            InvalidRequest: An argument is malformed.
        """
        if status not in (None, "pending", "started", "completed", "canceled"):
            raise InvalidRequest(f"status must be one of the four states, not {status!r}", field="status")
        for name, value, least in (("limit", limit, 1), ("offset", offset, 0)):
            if not isinstance(value, int) or not least <= value < 1 << 62:
                raise InvalidRequest(f"{name} must be a whole number from {least}, not {value!r}", field=name)
        self._check_usable()
        await (await self._workspace.scheduler()).reap()
        records = await self._workspace.records()
        found = await asyncio.to_thread(records.tasks, status, reuse_key, limit, offset)
        return [self._workspace.with_store(task) for task in found]

    async def set_title(self, task_id: str, title: str | None) -> TaskResult:
        """Set a task's title; None removes it.

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
        """Yield the events of a task from its first to its last, as they happen, whichever process runs it.

        Args:
            poll: Seconds between checks of the trace.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        await self._current(task_id)
        records = await self._workspace.records()
        follower = Follower(self._workspace.trace_file(task_id), partial(records.trace, task_id))
        unread: list[Event] = []
        while True:
            ended = (await self._current(task_id)).final  # before the read: events before the end are read after it
            unread += await asyncio.to_thread(follower.read)
            # The last event is written before the result is recorded; who gets it may ask for the result at once.
            held = unread[-1:] if unread and unread[-1].type in END_EVENTS and not ended else []
            for event in unread[: len(unread) - len(held)]:
                yield event
            unread = held
            if ended:
                return
            await (await self._workspace.scheduler()).reap()
            await asyncio.sleep(poll)

    async def _current(self, task_id: str) -> TaskResult:
        self._check_usable()
        records = await self._workspace.records()
        task = await asyncio.to_thread(records.task, task_id)
        if task is None:
            raise TaskNotFound(task_id)
        return self._workspace.with_store(task)

    async def _completed(self, task_id: str, poll: float) -> TaskResult:
        """Return a task's end: at once where it is known, when it comes where this engine runs it, else by polling."""
        scheduler = await self._workspace.scheduler()
        completion = scheduler.completion(task_id)
        if completion is not None:
            return await asyncio.shield(completion)
        while True:
            task = await self._current(task_id)
            if task.final:
                return task
            if (completion := scheduler.completion(task_id)) is not None:
                return await asyncio.shield(completion)
            await scheduler.open()  # some engine has to run it, should its own have died
            await scheduler.reap()
            await asyncio.sleep(poll)

    async def costs(self, *, reuse_key: str | None = None) -> Sequence[KeyCosts]:
        """Return the costs of each automation, and its savings against asking the model each time, by key.

        Args:
            reuse_key: Only this key's; default all.
        """
        self._check_usable()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.spending.costs, reuse_key)

    async def figures(self) -> dict[str, Any]:
        """Return figures of the workspace for monitoring.

        Returns:
            ``tasks``: their number by state (``pending``, ``started``, ``success``, ``failed``, ``canceled``);
            ``usd_today``: dollars for the model on this day (UTC), those reserved for calls included.
        """
        self._check_usable()
        records = await self._workspace.records()
        numbers = await asyncio.to_thread(records.numbers)
        spent = await asyncio.to_thread(records.spending.spent_on, today())
        return {"tasks": numbers, "usd_today": sum(spent.values())}

    async def report(self, path: str | os.PathLike[str], *, reuse_key: str) -> Path:
        """Write a report of a reuse key: one HTML file with its revisions, its runs over time, and what it saved.

        ``TaskResult.report`` writes that of one task. Both need the extra ``report``.

        Args:
            path: The file; one that is there is replaced.
            reuse_key: The key.

        Returns:
            The file's absolute path.

        Raises:
            BundleNotFound: Nothing is saved under the key.
            EngineError: It cannot be written, or packages are missing.
        """
        from engine.reports import write_key_report  # not at the top: few programs need it

        self._check_usable()
        return await asyncio.to_thread(write_key_report, self._workspace.root, reuse_key, path)

    async def attempts(self, *, reuse_key: str | None = None, task_id: str | None = None) -> Sequence[dict[str, Any]]:
        """Return every attempt, oldest first: task, key, revision, outcome, reason, tokens, dollars, seconds, model.

        Args:
            reuse_key: Only those of this key; default all.
            task_id: Only those of this task; default all.
        """
        self._check_usable()
        records = await self._workspace.records()
        return await asyncio.to_thread(records.attempts, reuse_key, task_id)

    async def _tracked(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Await work that closing the engine cancels."""
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

    def _mark_closed(self) -> None:
        self._closed = True
        if self._finalizer is not None:
            self._finalizer.detach()

    def _check_usable(self) -> None:
        """Refuse a closed engine, and another event loop: browsers and connections live on one, and would hang."""
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise EngineError("this AsyncEngine belongs to another event loop; make one for each, or use Engine")
        if self._loop is None:
            self._close_when_left_open(loop)
        self._loop = loop

    def _close_when_left_open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the workspace closed when nothing refers to this engine any more, or the loop ends."""
        workspace = self._workspace

        async def close() -> None:
            finalizer.detach()
            await asyncio.wait([_closing(workspace)])

        self._forget_loop = close_with_loop(close)
        self._finalizer = finalizer = weakref.finalize(self, _close_dropped, workspace, loop, self._forget_loop)
        finalizer.atexit = False  # the loop is gone by then, and the workers end with this process


_CLOSING: dict[Workspace, asyncio.Task[None]] = {}


def _closing(workspace: Workspace) -> asyncio.Task[None]:
    """Return the task that closes a workspace, begun now if there is none."""

    async def close() -> None:
        try:
            await workspace.close_scheduler()
        finally:
            await workspace.close()

    task = _CLOSING.get(workspace)
    if task is None or task.done():
        task = _CLOSING[workspace] = asyncio.get_running_loop().create_task(close())
        task.add_done_callback(lambda _: _CLOSING.pop(workspace, None))
    return task


def _close_dropped(workspace: Workspace, loop: asyncio.AbstractEventLoop, forget_loop: Callable[[], None]) -> None:
    """Close the workspace of an engine that nothing refers to any more, if its event loop still runs."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():  # as it is where the loop ends meanwhile, which closes it then
            forget_loop()

    if loop.is_running():
        loop.call_soon_threadsafe(lambda: _closing(workspace).add_done_callback(ended))
