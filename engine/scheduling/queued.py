"""A queued task: the protocol of what runs it, and its states from the queue to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.scheduling.states import TASK_TRANSITIONS, StopReason, TaskState
from engine.task.wire import TaskRequest, TaskResult

_PENDING = {TaskState.ENTERING, TaskState.QUEUED, TaskState.WAITING}


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Args:
        result: The task's result; None where the task went back into the queue for another engine.
        record: Records the result, where that failed: to be called until it succeeds.
    """

    result: TaskResult | None
    record: Callable[[], object] | None = None


class RunControl(Protocol):
    """The scheduler's side of a run."""

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason for which the run is being stopped; None where it is not."""

    def settle(self) -> None:
        """Declare the outcome settled: from here on the run is not stopped but seen to its end.

        To be called right before the bundle changes or the result is recorded. May be called again.

        Raises:
            asyncio.CancelledError: The run is being stopped already.
        """


class RunnableTask(Protocol):
    """A task that this engine is to run."""

    task_id: str
    request: TaskRequest

    async def run(self, control: RunControl) -> RunEnd:
        """Run the task to its end and record that; a canceled run ends normally, with a result that says so."""

    async def announce_waiting(self, position: int | None) -> None:
        """Report that the task has to wait, at this position of the queue."""

    def release(self) -> None:
        """Close what the task holds open; called instead of ``run`` for a task that is not run here."""


class QueuedTask:
    """A task in an engine's scheduler, from entering the queue to its end. It is the control of its own run.

    Args:
        work: Runs the task.
        durable: Whether the task outlives its caller.

    Attributes:
        done: Resolves with the task's result; canceled where the task is not run here.
        execution: The run's asyncio task, from when the task was claimed.
    """

    def __init__(self, work: RunnableTask, *, durable: bool) -> None:
        self.work = work
        self.durable = durable
        self.done: asyncio.Future[TaskResult] = asyncio.get_running_loop().create_future()
        self.execution: asyncio.Task[None] | None = None
        self._state = TaskState.ENTERING
        self._stop_reason: StopReason | None = None

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.work.task_id

    @property
    def state(self) -> TaskState:
        """The current state."""
        return self._state

    @property
    def pending(self) -> bool:
        """True until the task is claimed; then it is run, whatever happens."""
        return self._state in _PENDING

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason for which the task is to be stopped; None where it is not."""
        return self._stop_reason

    def _become(self, state: TaskState) -> None:
        if state not in TASK_TRANSITIONS[self._state]:
            raise RuntimeError(f"task {self.task_id} cannot go from {self._state.name} to {state.name}")
        self._state = state

    def enqueued(self) -> None:
        """Note that the records hold the task; it may have been claimed, or ended, before that is known here."""
        if self._state is TaskState.ENTERING:
            self._become(TaskState.QUEUED)

    def waiting(self) -> None:
        """Note that its wait is announced."""
        self._become(TaskState.WAITING)

    def claimed(self, execution: asyncio.Task[None]) -> None:
        """Note that the task is this engine's to run.

        Args:
            execution: Runs it; calls ``begin`` first of all.
        """
        self._become(TaskState.CLAIMED)
        self.execution = execution

    def begin(self) -> None:
        """Begin the run; one that was stopped before its first step is canceled at its next."""
        self._become(TaskState.RUNNING)
        if self._stop_reason is not None:
            self.stop(self._stop_reason)

    def settle(self) -> None:
        """See ``RunControl.settle``."""
        if self._state is TaskState.STOPPING:
            raise asyncio.CancelledError
        if self._state is not TaskState.SETTLED:
            self._become(TaskState.SETTLED)

    def stop(self, reason: StopReason) -> None:
        """Stop the task: cancel its run as soon as that has begun, and unless its outcome is settled.

        Stopping a run that is stopping cancels its cleanup, too. A cancellation outweighs a handover.
        """
        if self._stop_reason is not StopReason.CANCELED:
            self._stop_reason = reason
        if self._state is TaskState.RUNNING:
            self._become(TaskState.STOPPING)
        if self._state is TaskState.STOPPING and self.execution is not None:
            self.execution.cancel()

    def cancel(self) -> None:
        """Stop the task as canceled; a second call does nothing, so that the run can clean up."""
        if self._stop_reason is not StopReason.CANCELED:
            self.stop(StopReason.CANCELED)

    def end(self, result: TaskResult | BaseException | None) -> None:
        """End the task and report that to those who wait for it.

        Args:
            result: Its result, or the error that those who wait get; None cancels their wait.
        """
        if self.pending:
            self.work.release()
        self._become(TaskState.ENDED)
        if self.done.done():
            return
        if result is None:
            self.done.cancel()
        elif isinstance(result, BaseException):
            self.done.set_exception(result)
            self.done.exception()  # retrieved, else asyncio logs an error where nothing awaits it
        else:
            self.done.set_result(result)
