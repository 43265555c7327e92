"""Recovery of tasks whose engine died: run by another engine, run again where the request allows it, or ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.bundles.lock import Lock
from engine.errors import StoreError
from engine.storage import result_files
from engine.storage.journal import EffectOnSite
from engine.storage.task_queue import UnfinishedTask
from engine.storage.tasks import TaskRecords
from engine.task.wire import Cost, TaskError, TaskRequest, TaskResult

log = logging.getLogger(__name__)

SECRETS_ARE_GONE = "its secret parameters are never stored, so no other process can run it; start it again"
_MOST_RERUNS = 3
TryLock = Callable[[Path], Lock | None]


class Recovery:
    """The recovery of unfinished tasks of engines that died. Its methods block.

    Args:
        records: The workspace's records.
        engines: The directory of the lock files of engines.
        try_lock: Takes a lock, or returns None at once.
    """

    def __init__(self, records: TaskRecords, engines: Path, try_lock: TryLock) -> None:
        self._records = records
        self._engines = engines
        self._try_lock = try_lock

    def lock_file(self, owner: str) -> Path:
        """Return the file that an engine holds locked as long as it lives."""
        return self._engines / f"{owner}.lock"

    def reap(self, *, alive: str | None = None) -> int:
        """Recover the tasks of all engines that died, and return their number.

        Args:
            alive: The engine that calls.

        Raises:
            StoreError: The records cannot be read or written; the tasks are left for the next call.
        """
        recovered = 0
        for owner in self._records.queue.owners():
            if owner == alive:
                continue
            lock = self._try_lock(self.lock_file(owner))
            if lock is None:
                continue  # it lives, or another engine is recovering its tasks
            try:
                unfinished = self._records.queue.unfinished(owner)
                for task in unfinished:
                    self._requeue_or_end(task)
                recovered += len(unfinished)
                self.lock_file(owner).unlink(missing_ok=True)
            finally:
                lock.release()
        return recovered

    def _requeue_or_end(self, task: UnfinishedTask) -> None:
        try:
            if task.canceled:
                self.cancel(task.task_id)
            elif (remedy := self._refusal(task)) is not None:
                self.interrupt(task.task_id, remedy)
            else:
                self._records.queue.requeue([task.task_id], interrupted=task.started)
        except StoreError:
            raise  # not the task's fault: it is tried again
        except Exception as error:  # one malformed record must not keep the others waiting
            log.warning("task %s cannot be taken over", task.task_id, exc_info=True)
            self.interrupt(task.task_id, not_taken_over(error))

    def _refusal(self, task: UnfinishedTask) -> str | None:
        """Return the remedy for a task that no engine may run now; None for one that may be run."""
        request = self._records.request(task.task_id)
        return SECRETS_ARE_GONE if request.secrets else self.refusal(task, request)

    def refusal(self, task: UnfinishedTask, request: TaskRequest) -> str | None:
        """Return the remedy for an interrupted task that may not be run again; None for one that may.

        Args:
            request: Its request, secrets included, if they are known here.
        """
        if not task.started:
            return None
        if request.if_interrupted != "rerun" or self._records.journal.gates(task.task_id):
            return 'run it again, or start such tasks with if_interrupted="rerun"'
        if task.interruptions >= _MOST_RERUNS:
            return f"that happened {task.interruptions + 1} times, so it is not run again"
        return None

    def cancel(self, task_id: str) -> None:
        """Record a task that no process runs as canceled."""
        self._end(task_id, self._records.journal.effect(task_id), None)

    def interrupt(self, task_id: str, remedy: str) -> None:
        """Record a task that no process runs as interrupted, with its cost and its effect so far.

        Args:
            remedy: The advice in the error's message.
        """
        effect = self._records.journal.effect(task_id)
        self._end(task_id, effect, interrupted_error(remedy, effect))

    def _end(self, task_id: str, effect: EffectOnSite, error: TaskError | None) -> None:
        task = self._records.task(task_id)
        assert task is not None, "a task is never deleted"
        paid, open_calls = self._records.spending.spent(task_id)
        warnings = (
            (f"up to ${open_calls:.4f} more may have been paid for an answer that never came",) if open_calls else ()
        )
        result = TaskResult(
            web_task_id=task_id,
            status="completed" if error is not None else "canceled",
            outcome="failed" if error is not None else None,
            created_at=task.created_at,
            started_at=task.started_at,
            completed_at=datetime.now(UTC),
            cost=Cost(ai_usd=paid),
            error=error,
            reuse_key=task.reuse_key,
            effect=effect.effect,
            warnings=warnings,
        )
        self._records.finish(result)
        log.warning("task %s has no process that runs it; it ended as %s", task_id, result.status)


def not_taken_over(error: Exception) -> str:
    """Return the remedy for a task that another engine left and this one cannot run."""
    return f"another that was to take it over cannot run it ({error}); start it again"


def interrupted_error(remedy: str, effect: EffectOnSite) -> TaskError:
    """Return the error of a task whose process ended before it."""
    details = {"reason": "interrupted", "effect": effect.effect}
    message = "the process that ran this task ended before the task did"
    if effect.actions:
        names = ", ".join(map(repr, effect.actions))
        performed = effect.effect == "performed"
        state = "was done" if performed else "was let through, and whether it took effect is not known"
        return TaskError(
            code="internal-error",
            message=f"{message}; before that, {names} {state}: check on the site before you run the task again",
            details={**details, "actions": list(effect.actions)},
        )
    return TaskError(code="internal-error", message=f"{message}; {remedy}", details=details)


def sweep(records: TaskRecords, root: Path) -> None:
    """Remove what expired."""
    now = datetime.now(UTC)
    expired = records.expired(now)
    result_files.sweep(root, expired, now)
    records.mark_swept(expired)  # only now: a process that dies before leaves it to the next
