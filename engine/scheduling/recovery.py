"""What becomes of tasks whose engine died: taken over, run again where that was asked for, or ended as interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.bundles.lock import Lock
from engine.errors import StoreError
from engine.storage.task_queue import Left
from engine.storage.tasks import TaskRecords
from engine.task.wire import Cost, Effect, TaskError, TaskResult

log = logging.getLogger(__name__)

SECRETS_ARE_GONE = "its secret parameters are never stored, so no other process can run it; start it again"
_MOST_RERUNS = 3
TryLock = Callable[[Path], Lock | None]


class Recovery:
    """Looks after the tasks of engines that died.

    Args:
        records: The workspace's records.
        engines: The directory where engines hold their locks.
        try_lock: Takes a lock, or gives None at once.
    """

    def __init__(self, records: TaskRecords, engines: Path, try_lock: TryLock) -> None:
        self._records = records
        self._engines = engines
        self._try_lock = try_lock

    def lock_file(self, owner: str) -> Path:
        """The file that an engine holds locked as long as it lives."""
        return self._engines / f"{owner}.lock"

    def reap(self, *, alive: str | None = None) -> int:
        """Deals with what dead engines left; gives the number of tasks.

        Args:
            alive: The engine that asks.
        """
        found = 0
        for owner in self._records.queue.owners():
            if owner == alive:
                continue
            lock = self._try_lock(self.lock_file(owner))
            if lock is None:
                continue  # it lives, or another looks after it
            try:
                left = self._records.queue.left_by(owner)
                for task in left:
                    self._settle_or_end(task)
                found += len(left)
                self.lock_file(owner).unlink(missing_ok=True)
            finally:
                lock.release()
        return found

    def _settle_or_end(self, left: Left) -> None:
        try:
            self._settle(left)
        except StoreError:
            raise  # that is not the task's fault: its turn comes again
        except Exception as error:
            log.warning("task %s cannot be taken over", left.task_id, exc_info=True)
            self.end(left.task_id, not_taken_over(error))

    def _settle(self, left: Left) -> None:
        if left.canceled:
            self.end(left.task_id, "canceled")
            return
        request = self._records.request(left.task_id)
        if request.secrets:
            self.end(left.task_id, SECRETS_ARE_GONE)
        elif not left.started:
            self._records.queue.give_back([left.task_id])
        elif request.if_interrupted == "rerun" and not self._records.journal.gates(left.task_id):
            if left.interruptions >= _MOST_RERUNS:
                self.end(left.task_id, f"that happened {left.interruptions + 1} times, so it is not run again")
            else:
                self._records.queue.give_back([left.task_id], interrupted=True)
        else:
            self.end(left.task_id, 'run it again, or start such tasks with if_interrupted="rerun"')

    def end(self, task_id: str, what: str) -> None:
        """Ends a task with what is known of it: what it cost, and what it may have done.

        Args:
            what: What to do about it, for the error's message; or ``canceled``, which is none.
        """
        task = self._records.task(task_id)
        assert task is not None, "a task is never deleted"
        paid, open_calls = self._records.spending.spent(task_id)
        gates = self._records.journal.gates(task_id)
        effect: Effect = "none"
        if gates:
            effect = "performed" if all(state == "confirmed" for _, _, state in gates) else "unknown"
        error = None
        if what != "canceled":
            error = interrupted_error(what, [action for action, _, _ in gates], effect)
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
            effect=effect,
            warnings=warnings,
        )
        self._records.finish(result)
        log.warning("task %s has no process that runs it; it ended as %s", task_id, result.status)


def not_taken_over(error: Exception) -> str:
    """What is told of a task that another engine left, and this one cannot run."""
    return f"another that was to take it over cannot run it ({error}); start it again"


def interrupted_error(remedy: str, actions: list[str], effect: Effect) -> TaskError:
    """The error of a task whose process ended before it."""
    details = {"reason": "interrupted", "effect": effect}
    message = "the process that ran this task ended before the task did"
    if actions:
        names = ", ".join(map(repr, actions))
        took = "was done" if effect == "performed" else "was let through, and whether it took effect is not known"
        return TaskError(
            code="internal-error",
            message=f"{message}; before that, {names} {took}: check on the site before you run the task again",
            details={**details, "actions": actions},
        )
    return TaskError(code="internal-error", message=f"{message}; {remedy}", details=details)
