"""What stands in the line: the task that an engine means to run, and who waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.task.wire import TaskRequest, TaskResult


class RunnableTask(Protocol):
    """A task that this engine means to run."""

    task_id: str
    request: TaskRequest
    hand_over: bool  # once canceled, it goes back into the line where it may be run again
    settled: bool  # it is as good as done, and its bundle about to change: too late to cancel
    unrecorded: Callable[[], object] | None  # records its end, where that was not possible at once

    async def run(self) -> TaskResult:
        """Takes the task to its end and records that."""

    async def waits(self, position: int | None) -> None:
        """Tells, once, that it is not its turn yet."""

    def put_down(self) -> None:
        """Lets go of what it holds open: it is not run, or not here."""


@dataclass
class QueuedTask:
    """A job in the line, from when it comes in to its end.

    Attributes:
        durable: It outlives whoever asked for it.
        done: Its end, for those who wait for that.
        entered: It is in the records.
        running: Its run, from when it was claimed; ``begun`` once that had its first step.
        stopped: The run is to be canceled, for whatever reason; ``canceled`` where somebody asked for the task's end.
        told: That it waits was told.
    """

    job: RunnableTask
    durable: bool
    done: asyncio.Future[TaskResult]
    entered: bool = False
    running: asyncio.Task[None] | None = None
    begun: bool = False
    stopped: bool = False
    canceled: bool = False
    told: bool = False

    def begin(self) -> None:
        """Called by the run itself, first of all."""
        self.begun = True
        if self.stopped:
            self.stop()

    def stop(self) -> None:
        """Cancels the run.

        Not before it has begun, for it would end without recording that, and keep its lock; nor when it is as good as
        done, for a canceled run changes no bundle.
        """
        self.stopped = True
        if self.begun and self.running is not None and not self.job.settled:
            self.running.cancel()

    def end(self, result: TaskResult | BaseException | None) -> None:
        """Tells who waits; None where there is nothing to tell."""
        if self.running is None:
            self.job.put_down()
        if self.done.done():
            return
        if result is None:
            self.done.cancel()
        elif isinstance(result, BaseException):
            self.done.set_exception(result)
            self.done.exception()  # it may be that nobody waits
        else:
            self.done.set_result(result)
