"""The line of waiting tasks: it starts this engine's when their turn comes, and ends those that somebody canceled."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from engine.aio import to_thread_uncancellable
from engine.bundles import BundleStore
from engine.bundles.lock import Lock, try_lock
from engine.errors import EngineError, StoreError
from engine.scheduling.queued import QueuedTask, RunnableTask
from engine.scheduling.recovery import SECRETS_ARE_GONE, Recovery, not_taken_over
from engine.storage import result_files
from engine.storage.task_queue import Claim
from engine.storage.tasks import Entered, TaskRecords
from engine.task import ids
from engine.task.wire import TaskRequest, TaskResult

log = logging.getLogger(__name__)

_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5  # seconds between looks while a task of ours waits or runs
_IDLE_POLL = 5.0
_REAP_EVERY = 2.0
_SWEEP_EVERY = 3600.0
_PATIENCE = 60.0  # seconds that a call waits for a store that is broken
_TOLD_AT_ONCE = 20  # a long line must not keep those waiting whose turn it is


class Scheduler:
    """The tasks of one engine, in the one line of the store.

    Args:
        records: The workspace's records.
        root: The workspace's directory.
        bundles: For the locks of keys.
        slots: Most tasks that run at once, over all processes.
        adopt: Makes the job of a task that another engine left.
        take_over: Whether such tasks are run here at all.
    """

    def __init__(
        self,
        records: TaskRecords,
        root: Path,
        bundles: BundleStore,
        slots: int,
        adopt: Callable[[str, TaskRequest], Awaitable[RunnableTask]],
        *,
        take_over: bool = True,
    ) -> None:
        self.owner = ids.new_id("en_")
        self._records = records
        self._root = root
        self._bundles = bundles
        self._slots = slots
        self._adopt = adopt
        self._take_over = take_over
        self._reaper = Recovery(records, root / "engines", try_lock)
        self._entries: dict[str, QueuedTask] = {}
        self._dropped: set[str] = set()  # told to have failed, and still in the records
        self._unrecorded: dict[str, Callable[[], object]] = {}  # what the records could not be told yet, by task
        self._wake = asyncio.Event()
        self._alive: Lock | None = None
        self._door = asyncio.Lock()  # who comes in before the closing is ended by it; who comes after is told
        self._moving = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None
        self._broken_since: float | None = None
        self._reaped = self._swept = -math.inf  # the clock may begin with the machine
        self._draining = self._closed = False

    # What the engine asks

    async def open(self) -> None:
        """Makes this engine one that runs tasks: its own, and those that others left.

        Raises:
            EngineError: It was closed.
        """
        async with self._door:
            await self._open()

    async def _open(self) -> None:
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
        if self._alive is None:
            self._alive = await to_thread_uncancellable(try_lock, self._reaper.lock_file(self.owner))
            if self._alive is None:
                raise StoreError(f"{self._reaper.lock_file(self.owner)} is locked by somebody else")
        if self._loop is None:
            self._loop = asyncio.create_task(self._keep_moving())

    async def enter(
        self, job: RunnableTask, kept: TaskRequest, created: datetime, *, room: int, durable: bool
    ) -> Entered:
        """Puts a job at the end of the line.

        Args:
            kept: Its request as it may be stored, without secrets.
            room: Most tasks that may wait.
            durable: Whether it goes on without whoever asked for it.

        Raises:
            EngineError: The line was closed; nothing was stored.
        """
        entry = QueuedTask(job, durable, asyncio.get_running_loop().create_future())
        try:
            async with self._door:
                await self._open()
                self._entries[job.task_id] = entry  # before it is in the records, where it may be claimed at once
                entered = await to_thread_uncancellable(
                    self._records.enter, job.task_id, kept, created, owner=self.owner, room=room
                )  # fmt: skip
        except asyncio.CancelledError:
            if job.task_id in self._entries:
                await self.cancel(job.task_id)
            raise
        except BaseException:
            self._forget(job.task_id)
            raise
        if not entered.new or entered.result is not None:
            self._forget(job.task_id)
        entry.entered = True
        self._wake.set()
        return entered

    def running_here(self, task_id: str) -> asyncio.Future[TaskResult] | None:
        """The end of a task of this engine; None for a task of another."""
        entry = self._entries.get(task_id)
        return entry.done if entry is not None else None

    async def cancel(self, task_id: str) -> TaskResult | None:
        """Ends a task as canceled, wherever it is; one of this engine's has ended when this returns.

        Raises:
            StoreError: That could not be recorded yet; one of this engine's does not run later, all the same.
        """
        try:
            task = await to_thread_uncancellable(self._records.ask_to_cancel, task_id)
        except StoreError as error:
            if (entry := self._entries.get(task_id)) is not None:
                self._drop(entry, error)
            raise
        entry = self._entries.get(task_id)
        if entry is None or task is None:
            self._forget(task_id)
            return task
        self._cancel_here(entry, task)
        return await asyncio.shield(entry.done)

    async def reap(self) -> None:
        """Deals with the tasks of engines that died."""
        alive = self.owner if self._alive is not None else None
        await to_thread_uncancellable(self._reaper.reap, alive=alive)
        self._reaped = time.monotonic()

    async def drain(self, seconds: float) -> None:
        """Starts nothing more, and gives what runs some time to end."""
        self._draining = True
        running = [entry.running for entry in self._entries.values() if entry.running is not None]
        if running:
            await asyncio.wait(running, timeout=seconds)

    async def run_until_idle(self) -> None:
        """Returns when there is nothing more to run here; from then on nothing is started any more."""
        if self._closed:
            return
        await self.open()
        while True:
            async with self._moving:  # between two turns: no claim is on its way
                ends = [entry.done for entry in self._entries.values()]
                waits = bool(ends) or await to_thread_uncancellable(
                    self._records.queue.waits, self.owner, take_over=self._take_over
                )  # fmt: skip
                if not waits and not self._entries and not self._unrecorded:
                    self._closed = True
                    if self._loop is not None:
                        self._loop.cancel()
                    return
            if ends:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            else:
                self._wake.set()
                await asyncio.sleep(_LONGEST_POLL)

    async def close(self) -> None:
        """Ends what runs; durable tasks go back into the line where that is safe, the others are canceled."""
        self._closed = True
        async with self._door:  # what is coming in has come
            pass
        if self._loop is not None:
            async with self._moving:  # between two turns: what is being claimed is known
                self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        try:
            await self._hear()  # else it would be handed over
        except StoreError as error:
            log.warning("what other processes canceled cannot be read: %s", error)
        for entry in list(self._entries.values()):
            # Secrets are known here only: nobody else could run it.
            entry.job.hand_over = entry.durable and not entry.canceled and not entry.job.request.secrets
            if entry.running is not None:
                entry.stop()
            else:
                await self._put_away(entry)
        running = [entry.running for entry in self._entries.values() if entry.running is not None]
        if running:
            await asyncio.wait(running)
        try:
            await self._catch_up()
        except StoreError as error:
            log.warning("what was given up before cannot be taken out of the line: %s", error)
        for task_id in list(self._entries):
            self._forget(task_id)
        if self._alive is not None:
            try:
                self._reaper.lock_file(self.owner).unlink(missing_ok=True)
            finally:
                self._alive.release()
                self._alive = None

    async def _put_away(self, entry: QueuedTask) -> None:
        """What a store that cannot be written still holds is, after that, a task whose engine died."""
        task_id = entry.job.task_id
        try:
            if entry.job.hand_over:
                await to_thread_uncancellable(self._records.queue.give_back, [task_id])
            else:
                await to_thread_uncancellable(self._records.ask_to_cancel, task_id)
        except StoreError as error:
            what = "given back" if entry.job.hand_over else "canceled"
            log.warning("task %s cannot be %s: %s", task_id, what, error)

    # The loop

    async def _keep_moving(self) -> None:
        pause = _FIRST_POLL
        while True:
            woken = self._wake.is_set()
            self._wake.clear()
            try:
                async with self._moving:
                    await self._turn()
                self._broken_since = None
            except Exception as error:  # noqa: BLE001  the loop has to go on, whatever it is
                self._bear(error)
            busy = bool(self._entries or self._dropped or self._unrecorded)
            pause = _FIRST_POLL if woken else min(pause * 1.5, _LONGEST_POLL)
            # Not wait_for: that of Python 3.11 loses a cancellation that comes with the wake.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause if busy else _IDLE_POLL):
                    await self._wake.wait()

    def _bear(self, error: Exception) -> None:
        """A turn failed, and the next may not. Who waits in ``run`` does not wait for ever; then the task never runs.

        Durable ones stay in the line, and what runs goes on.
        """
        if self._broken_since is None:
            log.warning("the line cannot move, and tries again: %s", error, exc_info=not isinstance(error, StoreError))
            self._broken_since = time.monotonic()
        if time.monotonic() - self._broken_since < _PATIENCE:
            return
        self._broken_since = None
        told = StoreError(f"the task was given up, for the line could not move for {_PATIENCE:g} s: {error}")
        for entry in list(self._entries.values()):
            if entry.entered and entry.running is None and not entry.durable:
                self._drop(entry, told)

    async def _turn(self) -> None:
        if time.monotonic() - self._reaped >= _REAP_EVERY:
            await self.reap()
        if time.monotonic() - self._swept >= _SWEEP_EVERY:
            self._swept = time.monotonic()
            await to_thread_uncancellable(self._sweep)
        await self._hear()
        await self._catch_up()
        if self._draining or self._closed:
            return
        ending = {entry.job.request.reuse_key for entry in self._entries.values() if entry.running is not None}
        queue = await to_thread_uncancellable(
            self._records.queue.claim, self.owner, self._slots, self._bundles.try_lock, ending,
            take_over=self._take_over,
        )  # fmt: skip
        for claim in queue:
            await self._start(claim)
        untold = (e for e in list(self._entries.values()) if e.running is None and not e.told and not e.done.done())
        for entry in islice(untold, _TOLD_AT_ONCE):
            await self._tell(entry)

    async def _hear(self) -> None:
        """Ends what somebody canceled, in whichever process."""
        if canceled := await to_thread_uncancellable(self._records.queue.to_cancel, self.owner):
            for task_id in canceled:
                if (entry := self._entries.get(task_id)) is not None:
                    self._cancel_here(entry, await to_thread_uncancellable(self._records.task, task_id))
            await to_thread_uncancellable(self._records.queue.heard, canceled)

    def _sweep(self) -> None:
        now = datetime.now(UTC)
        expired = self._records.expired(now)
        result_files.sweep(self._root, expired, now)
        self._records.swept(expired)  # only now: a process that dies before leaves it to the next

    async def _start(self, claim: Claim) -> None:
        entry = self._entries.get(claim.task_id) or await self._take_over_task(claim.task_id)
        if entry is None:
            claim.lock.release()
            return
        self._entries[claim.task_id] = entry
        entry.running = asyncio.create_task(self._run(entry, claim))

    async def _take_over_task(self, task_id: str) -> QueuedTask | None:
        """A task that another engine left; None where it is not run here, which must not stop the others."""
        told: Callable[[], object] = partial(self._records.queue.give_back, [task_id])
        try:
            # It may have been dropped, or the engine closed, since it was claimed.
            if task_id in self._dropped:
                told = partial(self._reaper.end, task_id, "canceled")
            elif not self._closed:
                request = await to_thread_uncancellable(self._records.request, task_id)
                if not request.secrets:
                    return QueuedTask(
                        await self._adopt(task_id, request), True, asyncio.get_running_loop().create_future()
                    )
                told = partial(self._reaper.end, task_id, SECRETS_ARE_GONE)
        except StoreError as error:
            log.warning("task %s cannot be taken over yet: %s", task_id, error)
        except Exception as error:
            log.warning("task %s cannot be taken over", task_id, exc_info=True)
            told = partial(self._reaper.end, task_id, not_taken_over(error))
        await self._record(task_id, told)
        return None

    async def _catch_up(self) -> None:
        """Tells the records what they could not be told before; nothing is claimed until what was dropped has left."""
        for task_id, told in list(self._unrecorded.items()):
            await self._record(task_id, told)
        for task_id in list(self._dropped):
            await to_thread_uncancellable(self._records.ask_to_cancel, task_id)
            self._dropped.discard(task_id)

    async def _record(self, task_id: str, told: Callable[[], object]) -> None:
        """Tells the records what became of a task that is no longer run here: now, or when they can be written."""
        try:
            await to_thread_uncancellable(told)
        except (StoreError, OSError) as error:
            if task_id not in self._unrecorded:
                log.warning("what became of task %s cannot be recorded yet: %s", task_id, error)
            self._unrecorded[task_id] = told
        else:
            self._unrecorded.pop(task_id, None)

    async def _run(self, entry: QueuedTask, claim: Claim) -> None:
        try:
            entry.begin()
            entry.end(await entry.job.run())
        except asyncio.CancelledError:
            entry.end(None)
        except BaseException as error:
            entry.end(error)  # whoever waits for the task is told, whatever it is
            if not isinstance(error, Exception):
                raise
        finally:
            claim.lock.release()
            self._entries.pop(claim.task_id, None)
            if entry.job.unrecorded is not None:
                self._unrecorded[claim.task_id] = entry.job.unrecorded
            self._wake.set()

    def _cancel_here(self, entry: QueuedTask, task: TaskResult | None) -> None:
        if entry.running is None and task is not None and task.final:
            entry.end(task)
            self._entries.pop(entry.job.task_id, None)
        else:  # it runs, or was claimed and is about to
            self._cancel_run(entry)

    def _cancel_run(self, entry: QueuedTask) -> None:
        if not entry.canceled:
            entry.canceled = True
            entry.stop()

    def _drop(self, entry: QueuedTask, error: StoreError) -> None:
        """Sees to it that a task does not run of which somebody is told an error: it leaves the line when it can."""
        if entry.running is not None:
            self._cancel_run(entry)
            return
        self._dropped.add(entry.job.task_id)
        entry.end(error)
        self._entries.pop(entry.job.task_id, None)

    async def _tell(self, entry: QueuedTask) -> None:
        task = await to_thread_uncancellable(self._records.task, entry.job.task_id)
        if task is None or task.status != "pending":
            return
        entry.told = True
        await entry.job.waits(task.queue_position)

    def _forget(self, task_id: str) -> None:
        if (entry := self._entries.pop(task_id, None)) is not None:
            entry.end(None)
