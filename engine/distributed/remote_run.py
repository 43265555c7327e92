"""One task of the cluster's queue: it runs on some node, and again on another one where its node died."""

from __future__ import annotations

import asyncio
import itertools
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.aio import to_thread_uncancellable
from engine.distributed.files import moved
from engine.distributed.orders import Order, Settings
from engine.distributed.placement import Placement, RunnerHandle, RunnerLost
from engine.errors import EngineError
from engine.scheduling.queued import RunControl, RunEnd
from engine.scheduling.recovery import Recovery
from engine.scheduling.states import StopReason
from engine.storage.task_queue import UnfinishedTask
from engine.storage.tasks import TaskRecords
from engine.task.outputs import FileResult
from engine.task.wire import TaskRequest, TaskResult

log = logging.getLogger(__name__)


class Tokens:
    """The executions from which the records take anything, at most one for each task."""

    def __init__(self) -> None:
        self._current: dict[str, str] = {}

    def admit(self, order: Order) -> None:
        """Take from this execution, and no longer from an earlier one of the task."""
        self._current[order.task_id] = order.token

    def withdraw(self, task_id: str) -> None:
        """Take nothing more from the task's execution."""
        self._current.pop(task_id, None)

    def holds(self, task_id: str, token: str) -> bool:
        """Return True for the execution that counts."""
        return self._current.get(task_id) == token


@dataclass(frozen=True)
class Services:
    """The parts of the head that its runs use.

    Args:
        root: The workspace's directory.
        recovery: Ends what may not be run again.
    """

    root: Path
    records: TaskRecords
    recovery: Recovery
    placement: Placement
    tokens: Tokens


@dataclass
class RemoteRun:
    """Runs one task on a node; what the scheduler calls is `run`.

    Args:
        request: The request, secrets included.
        settings: Of its store.
    """

    task_id: str
    request: TaskRequest
    settings: Settings
    services: Services
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _runner: RunnerHandle | None = None
    _canceled: bool = False

    async def announce_waiting(self, position: int | None) -> None:
        """Do nothing: the task's events begin on its node."""

    def release(self) -> None:
        """Do nothing: nothing is held open."""

    async def run(self, control: RunControl) -> RunEnd:
        """Run the task to its end, on as many nodes as it takes; a cancellation is passed on to its node."""
        working = asyncio.ensure_future(self._to_end())
        while True:
            try:
                return RunEnd(await asyncio.shield(working))
            except asyncio.CancelledError:
                if working.cancelled():
                    raise
                if control.stop_reason is StopReason.HANDED_OVER:
                    working.cancel()
                    return RunEnd(await to_thread_uncancellable(self._hand_over))
                self._canceled = True
                if self._runner is not None:
                    with suppress(RunnerLost):  # then it ends as canceled all the same
                        await self._runner.call("cancel", self.task_id)

    async def _to_end(self) -> TaskResult:
        for interruptions in itertools.count():
            try:
                return await self._on_a_node()
            except RunnerLost as lost:
                # First: it may live on where nobody reaches it.
                self.services.tokens.withdraw(self.task_id)
                self.services.placement.forget(self.request.reuse_key)
                ended = await asyncio.to_thread(self._end_or_run_again, interruptions)
                if ended is not None:
                    return ended
                log.warning("task %s is run again, for its node was lost: %s", self.task_id, lost)
            except EngineError as error:
                self.services.placement.forget(self.request.reuse_key)
                return await asyncio.to_thread(self._interrupted, f"it cannot be run on that node: {error.message}")
            finally:
                self.services.tokens.withdraw(self.task_id)
        raise AssertionError("unreachable")

    async def _on_a_node(self) -> TaskResult:
        order = Order(self.task_id, self.request, self.settings, self.created)
        placement, key = self.services.placement, self.request.reuse_key
        self._runner = await placement.take(key)
        self.services.tokens.admit(order)
        try:
            if self._canceled:
                await self._runner.call("cancel", self.task_id)
            reply, root, node = await self._runner.call("run", order)
        finally:
            self._runner = None
        placement.give_back(key, node)
        return await asyncio.to_thread(self._as_stored, TaskResult.model_validate_json(reply), Path(root))

    def _as_stored(self, result: TaskResult, root: Path) -> TaskResult:
        """Return the result with the places of its files in the store."""
        if isinstance(result.result, FileResult):
            recorded = self.services.records.task(self.task_id)
            return result if recorded is None else result.model_copy(update={"result": recorded.result})
        return TaskResult.model_validate(moved(result.model_dump(mode="json"), root, self.services.root))

    def _hand_over(self) -> TaskResult | None:
        """Put the task back into the queue for the next head, if it may run again; else return its end."""
        self.services.tokens.withdraw(self.task_id)
        self.services.placement.forget(self.request.reuse_key)
        ended = self._end_or_run_again(0)
        if ended is None:
            self.services.records.queue.requeue([self.task_id])
        return ended

    def _end_or_run_again(self, interruptions: int) -> TaskResult | None:
        """Return the task's end, recorded before its node died or now; None where it may be run again."""
        services = self.services
        recorded = services.records.task(self.task_id)
        if recorded is not None and recorded.final:
            return recorded
        if self._canceled:
            services.recovery.cancel(self.task_id)
            return services.records.task(self.task_id)
        unfinished = UnfinishedTask(self.task_id, started=True, canceled=False, interruptions=interruptions)
        remedy = services.recovery.refusal(unfinished, self.request)
        return None if remedy is None else self._interrupted(remedy)

    def _interrupted(self, remedy: str) -> TaskResult:
        self.services.recovery.interrupt(self.task_id, remedy)
        recorded = self.services.records.task(self.task_id)
        assert recorded is not None, "a task is never deleted"
        return recorded
