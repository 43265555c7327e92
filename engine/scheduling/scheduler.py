"""The scheduler: starts this engine's tasks in the order of the store's queue, and stops those that are canceled."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from engine.aio import to_thread_uncancellable
from engine.bundles import BundleStore
from engine.bundles.lock import Lock, try_lock
from engine.errors import EngineError, StoreError
from engine.scheduling.backlog import RecordBacklog
from engine.scheduling.key_locks import KeyLocks
from engine.scheduling.queued import QueuedTask, RunnableTask
from engine.scheduling.recovery import SECRETS_ARE_GONE, Recovery, not_taken_over, sweep
from engine.scheduling.states import SCHEDULER_TRANSITIONS, SchedulerState, StopReason, TaskState
from engine.storage.task_queue import Claim, Slots
from engine.storage.tasks import Enqueued, TaskRecords
from engine.task import ids
from engine.task.wire import TaskRequest, TaskResult

log = logging.getLogger(__name__)

_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5  # seconds between ticks while a task of ours waits or runs
_IDLE_POLL = 5.0
_REAP_EVERY = 2.0
_SWEEP_EVERY = 3600.0
_ABANDON_AFTER = 60.0  # seconds that a call waits for a store that is broken
_ANNOUNCED_PER_TICK = 20  # announcing a long queue must not delay the tasks whose turn it is


class Scheduler:
    """The tasks of one engine, in the queue that all engines on the store share.

    Args:
        records: The workspace's records.
        root: The workspace's directory.
        bundles: For the locks of reuse keys.
        slots: Most tasks that run at once, over all processes.
        adopt: Makes a task that another engine left runnable.
        take_over: Whether such tasks are run here at all.
    """

    def __init__(
        self,
        records: TaskRecords,
        root: Path,
        bundles: BundleStore,
        slots: Slots,
        adopt: Callable[[str, TaskRequest], Awaitable[RunnableTask]],
        *,
        take_over: bool = True,
    ) -> None:
        self.owner = ids.new_id("en_")
        self._records = records
        self._root = root
        self._bundles = bundles
        self._locks = KeyLocks(bundles)
        self._slots = slots
        self._adopt = adopt
        self._take_over = take_over
        self._recovery = Recovery(records, root / "engines", try_lock)
        self._state = SchedulerState.NEW
        self._tasks: dict[str, QueuedTask] = {}
        self._backlog = RecordBacklog(records)
        self._wake = asyncio.Event()
        self._alive: Lock | None = None
        self._entering = asyncio.Lock()  # closing waits for a task that is being entered, and admits none after
        self._ticking = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None
        self._failing_since: float | None = None
        self._reaped_at = self._swept_at = -math.inf  # the clock may begin with the machine

    def _become(self, state: SchedulerState) -> None:
        """Enter a state, unless the scheduler is past it."""
        if state in SCHEDULER_TRANSITIONS[self._state]:
            self._state = state

    # What the engine calls

    async def open(self) -> None:
        """Start running tasks: this engine's own, and those that others left.

        Raises:
            EngineError: The scheduler is closed.
        """
        async with self._entering:
            await self._open()

    async def _open(self) -> None:
        if self._state is SchedulerState.CLOSED:
            raise EngineError("the engine is closed; make a new one")
        if self._alive is None:
            lock_file = self._recovery.lock_file(self.owner)
            self._alive = await to_thread_uncancellable(try_lock, lock_file)
            if self._alive is None:
                raise StoreError(f"the engine's own lock, {lock_file}, is held by another process")
        if self._loop is None:
            self._loop = asyncio.create_task(self._tick_forever())
        self._become(SchedulerState.OPEN)

    async def enqueue(
        self, work: RunnableTask, kept: TaskRequest, created: datetime, *, room: int, durable: bool
    ) -> Enqueued:
        """Put a task at the end of the queue.

        Args:
            kept: The task's request as it may be stored, without secrets.
            room: Most tasks that may wait.
            durable: Whether the task outlives its caller.

        Raises:
            EngineError: The scheduler is closed; nothing was stored.
        """
        task = QueuedTask(work, durable=durable)
        try:
            async with self._entering:
                await self._open()
                self._tasks[task.task_id] = task  # before the records hold it, from where it may be claimed at once
                enqueued = await to_thread_uncancellable(self._record, task.task_id, kept, created, room)
        except asyncio.CancelledError:
            if task.task_id in self._tasks:
                await self.cancel(task.task_id)
            raise
        except BaseException:  # whatever kept it from being recorded, it is in no queue
            self._end(task, None)
            raise
        if not enqueued.new or enqueued.result is not None:
            self._end(task, None)
        task.enqueued()
        self._wake.set()
        return enqueued

    def _record(self, task_id: str, kept: TaskRequest, created: datetime, room: int) -> Enqueued:
        web = not (kept.adopt or kept.compile) and self._bundles.reads_without_browser(kept.reuse_key)
        return self._records.enqueue(task_id, kept, created, owner=self.owner, room=room, web=web)

    def completion(self, task_id: str) -> asyncio.Future[TaskResult] | None:
        """Return the future result of a task of this engine; None for a task of another."""
        task = self._tasks.get(task_id)
        return task.done if task is not None else None

    async def cancel(self, task_id: str) -> TaskResult | None:
        """Cancel a task, whichever engine has it; one of this engine's has ended when this returns.

        Returns:
            The task as it is then; None where the store has no such task.

        Raises:
            StoreError: That could not be recorded yet; a task of this engine does not run later, all the same.
        """
        try:
            recorded = await to_thread_uncancellable(self._records.request_cancellation, task_id)
        except StoreError as error:
            if (task := self._tasks.get(task_id)) is not None:
                self._abandon(task, error)
            raise
        task = self._tasks.get(task_id)
        if task is None or recorded is None:
            if task is not None:
                self._end(task, None)
            return recorded
        self._cancel(task, recorded)
        return await asyncio.shield(task.done)

    async def reap(self) -> None:
        """Deal with the tasks of engines that died."""
        alive = self.owner if self._alive is not None else None
        await to_thread_uncancellable(self._recovery.reap, alive=alive)
        self._reaped_at = time.monotonic()

    async def drain(self, seconds: float) -> None:
        """Claim nothing more, and give the tasks that run this much time to end."""
        self._become(SchedulerState.DRAINING)
        if running := self._executions():
            await asyncio.wait(running, timeout=seconds)

    async def run_until_idle(self) -> None:
        """Return, closed, when there is nothing more to run here."""
        if self._state is SchedulerState.CLOSED:
            return
        await self.open()
        while True:
            async with self._ticking:  # between two ticks: no claim is on its way
                ends = [task.done for task in self._tasks.values()]
                busy = bool(ends) or await to_thread_uncancellable(
                    self._records.queue.has_pending, self.owner, take_over=self._take_over
                )  # fmt: skip
                if not busy and not self._tasks and not self._backlog.writes:
                    self._become(SchedulerState.CLOSED)
                    if self._loop is not None:
                        self._loop.cancel()
                    return
            if ends:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            else:
                self._wake.set()
                await asyncio.sleep(_LONGEST_POLL)

    async def close(self) -> None:
        """Stop what runs; durable tasks go back into the queue where that is safe, the others are canceled."""
        self._become(SchedulerState.CLOSED)
        async with self._entering:
            pass
        if self._loop is not None:
            async with self._ticking:  # between two ticks: what is being claimed is known
                self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        try:
            await self._poll_cancellations()  # else those tasks would be handed over
        except StoreError as error:
            log.warning("cancellations by other processes cannot be read: %s", error)
        for task in list(self._tasks.values()):
            # Secrets are known here only: no other engine could run it.
            canceled = task.stop_reason is StopReason.CANCELED
            hand_over = task.durable and not canceled and not task.work.request.secrets
            reason = StopReason.HANDED_OVER if hand_over else StopReason.CANCELED
            task.stop(reason)
            if task.pending:
                await self._requeue_or_cancel(task.task_id, reason)
        if running := self._executions():
            await asyncio.wait(running)
        try:
            await self._backlog.retry()
        except StoreError as error:
            log.warning("tasks that were given up cannot be taken out of the queue: %s", error)
        for task in list(self._tasks.values()):
            self._end(task, None)
        if self._alive is not None:
            try:
                self._recovery.lock_file(self.owner).unlink(missing_ok=True)
            finally:
                self._alive.release()
                self._alive = None

    async def _requeue_or_cancel(self, task_id: str, reason: StopReason) -> None:
        """Record a pending task's stop. A failure leaves it to other engines, as the task of one that died."""
        try:
            if reason is StopReason.HANDED_OVER:
                await to_thread_uncancellable(self._records.queue.requeue, [task_id])
            else:
                await to_thread_uncancellable(self._records.request_cancellation, task_id)
        except StoreError as error:
            what = "put back into the queue" if reason is StopReason.HANDED_OVER else "canceled"
            log.warning("task %s cannot be %s: %s", task_id, what, error)

    def _executions(self) -> list[asyncio.Task[None]]:
        return [task.execution for task in self._tasks.values() if task.execution is not None]

    # The loop

    async def _tick_forever(self) -> None:
        pause = _FIRST_POLL
        while True:
            woken = self._wake.is_set()
            self._wake.clear()
            try:
                async with self._ticking:
                    await self._tick()
                self._failing_since = None
            except Exception as error:  # noqa: BLE001  the loop has to go on, whatever it is
                self._on_error(error)
            busy = bool(self._tasks or self._backlog)
            pause = _FIRST_POLL if woken else min(pause * 1.5, _LONGEST_POLL)
            # Not wait_for: that of Python 3.11 loses a cancellation that comes with the wake.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause if busy else _IDLE_POLL):
                    await self._wake.wait()

    def _on_error(self, error: Exception) -> None:
        """Handle a failed tick: retry, and after a minute of failures give up the tasks that a caller waits for.

        Their callers get the error, and the tasks never run. Durable tasks stay in the queue, and what runs goes on.
        """
        if self._failing_since is None:
            log.warning("scheduler failed; retrying: %s", error, exc_info=not isinstance(error, StoreError))
            self._failing_since = time.monotonic()
        if time.monotonic() - self._failing_since < _ABANDON_AFTER:
            return
        self._failing_since = None
        reported = StoreError(f"the task was given up, for the scheduler failed for {_ABANDON_AFTER:g} s: {error}")
        for task in list(self._tasks.values()):
            if task.state in (TaskState.QUEUED, TaskState.WAITING) and not task.durable:
                self._abandon(task, reported)

    async def _tick(self) -> None:
        if time.monotonic() - self._reaped_at >= _REAP_EVERY:
            await self.reap()
        if time.monotonic() - self._swept_at >= _SWEEP_EVERY:
            self._swept_at = time.monotonic()
            await to_thread_uncancellable(sweep, self._records, self._root)
        await self._poll_cancellations()
        await self._backlog.retry()
        if self._state is not SchedulerState.OPEN:
            return
        held = {task.work.request.reuse_key for task in self._tasks.values() if not task.pending}
        claims = await to_thread_uncancellable(
            self._records.queue.claim, self.owner, self._slots, self._locks.take, held,
            shared=self._locks.shared, take_over=self._take_over,
        )  # fmt: skip
        for claim in claims:
            await self._start(claim)
        unannounced = [task for task in self._tasks.values() if task.state is TaskState.QUEUED]
        for task in unannounced[:_ANNOUNCED_PER_TICK]:
            await self._announce_waiting(task)

    async def _poll_cancellations(self) -> None:
        """Cancel this engine's tasks whose cancellation another process requested."""
        if canceled := await to_thread_uncancellable(self._records.queue.cancellations, self.owner):
            for task_id in canceled:
                if (task := self._tasks.get(task_id)) is not None:
                    self._cancel(task, await to_thread_uncancellable(self._records.task, task_id))
            await to_thread_uncancellable(self._records.queue.acknowledge_cancellations, canceled)

    async def _announce_waiting(self, task: QueuedTask) -> None:
        recorded = await to_thread_uncancellable(self._records.task, task.task_id)
        if recorded is not None and recorded.status == "pending" and task.state is TaskState.QUEUED:
            task.waiting()
            await task.work.announce_waiting(recorded.queue_position)

    # Running

    async def _start(self, claim: Claim) -> None:
        task = self._tasks.get(claim.task_id) or await self._take_over_task(claim.task_id)
        if task is None:
            claim.lock.release()
            return
        self._tasks[claim.task_id] = task
        task.claimed(asyncio.create_task(self._run(task, claim)))

    async def _take_over_task(self, task_id: str) -> QueuedTask | None:
        """Make a claimed task runnable that another engine left.

        Returns:
            None where it is not run here, which must not stop the others.
        """
        write: Callable[[], object] = partial(self._records.queue.requeue, [task_id])
        try:
            # It may have been abandoned, or the engine closed, since it was claimed.
            if self._backlog.is_abandoned(task_id):
                write = partial(self._recovery.cancel, task_id)
            elif self._state is not SchedulerState.CLOSED:
                request = await to_thread_uncancellable(self._records.request, task_id)
                if not request.secrets:
                    return QueuedTask(await self._adopt(task_id, request), durable=True)
                write = partial(self._recovery.interrupt, task_id, SECRETS_ARE_GONE)
        except StoreError as error:
            log.warning("task %s cannot be taken over yet: %s", task_id, error)
        except Exception as error:  # one malformed record must not keep the others waiting
            log.warning("task %s cannot be taken over", task_id, exc_info=True)
            write = partial(self._recovery.interrupt, task_id, not_taken_over(error))
        await self._backlog.write(task_id, write)
        return None

    async def _run(self, task: QueuedTask, claim: Claim) -> None:
        try:
            task.begin()
            end = await task.work.run(task)
            if end.record is not None:
                self._backlog.defer(claim.task_id, end.record)
            task.end(end.result)
        except asyncio.CancelledError:
            task.end(None)
        except BaseException as error:  # those who wait for the task get it, whatever it is
            task.end(error)
            if not isinstance(error, Exception):
                raise
        finally:
            claim.lock.release()
            self._tasks.pop(claim.task_id, None)
            self._wake.set()

    def _cancel(self, task: QueuedTask, recorded: TaskResult | None) -> None:
        """Cancel a task of this engine; its cancellation is in the records, which hold it as ``recorded``."""
        if task.pending and recorded is not None and recorded.final:
            self._end(task, recorded)
        else:  # it runs, or was claimed and is about to
            task.cancel()

    def _abandon(self, task: QueuedTask, error: StoreError) -> None:
        """Give a task up and report the error to its callers; it is canceled when the records can be written."""
        if task.pending:
            self._backlog.abandon(task.task_id)
            self._end(task, error)
        else:
            task.cancel()

    def _end(self, task: QueuedTask, result: TaskResult | BaseException | None) -> None:
        if self._tasks.pop(task.task_id, None) is not None:
            task.end(result)
