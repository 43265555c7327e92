"""Writes to the records that failed, to be repeated until they succeed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from engine.aio import to_thread_uncancellable
from engine.errors import StoreError
from engine.storage.tasks import TaskRecords

log = logging.getLogger(__name__)


class RecordBacklog:
    """Failed writes about tasks that this engine no longer runs; the scheduler repeats them at each tick.

    Args:
        records: The workspace's records.
    """

    def __init__(self, records: TaskRecords) -> None:
        self._records = records
        self._writes: dict[str, Callable[[], object]] = {}
        self._abandoned: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._writes or self._abandoned)

    @property
    def writes(self) -> bool:
        """True where ends of tasks are not recorded yet."""
        return bool(self._writes)

    def defer(self, task_id: str, write: Callable[[], object]) -> None:
        """Keep a write that failed for the next ``retry``."""
        self._writes[task_id] = write

    def abandon(self, task_id: str) -> None:
        """Keep a pending task to be canceled: its caller was given an error, so it must not run."""
        self._abandoned.add(task_id)

    def is_abandoned(self, task_id: str) -> bool:
        """Return True for a task that is to be canceled and may still be pending in the records."""
        return task_id in self._abandoned

    async def write(self, task_id: str, write: Callable[[], object]) -> None:
        """Record a task's end now, or at a later ``retry`` where the records cannot be written."""
        try:
            await to_thread_uncancellable(write)
        except (StoreError, OSError) as error:
            if task_id not in self._writes:
                log.warning("the end of task %s cannot be recorded; retrying: %s", task_id, error)
            self._writes[task_id] = write
        else:
            self._writes.pop(task_id, None)

    async def retry(self) -> None:
        """Repeat all writes.

        Raises:
            StoreError: An abandoned task is still pending; nothing may be claimed until it is canceled.
        """
        for task_id, write in list(self._writes.items()):
            await self.write(task_id, write)
        for task_id in list(self._abandoned):
            await to_thread_uncancellable(self._records.request_cancellation, task_id)
            self._abandoned.discard(task_id)
