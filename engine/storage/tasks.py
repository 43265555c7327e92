"""What survives the process: tasks and attempts; beside them the journal of irreversible actions, and statistics."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.errors import EngineError, InvalidRequest
from engine.storage.database import Database, dump, now
from engine.storage.journal import Journal
from engine.storage.result_files import KEPT
from engine.storage.run_history import RunHistory
from engine.storage.spending import SpendingLedger
from engine.storage.task_queue import TaskQueue
from engine.task.wire import Attempt, Status, TaskError, TaskRequest, TaskResult

_COLUMNS = "id, key, status, created_at, started_at, title, place, result"
_CANCELED = (
    "UPDATE tasks SET status = 'canceled', canceled = 1, completed_at = ?, result = ?, expires_at = ?"
    " WHERE id = ? AND status = ?"
)


@dataclass(frozen=True)
class Entered:
    """What became of a request that was entered.

    Args:
        task_id: Its task; an earlier one where the idempotency key was used before.
        new: Whether it is a task of its own.
        result: Its end, where the line was full.
    """

    task_id: str
    new: bool = True
    result: TaskResult | None = None


class TaskRecords:
    """The store's records; every method may be called from any thread and blocks for a few milliseconds.

    Args:
        path: The database file; made with its directory where it does not exist.

    Attributes:
        queue: Who runs which task.
        journal: Irreversible actions and judgments.
        spending: What was paid for the model.
        run_history: Clean runs by revision.

    Raises:
        StoreError: It cannot be opened, or a newer version of the engine made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.queue = TaskQueue(self._database)
        self.journal = Journal(self._database)
        self.spending = SpendingLedger(self._database)
        self.run_history = RunHistory(self._database)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    # Tasks

    def enter(
        self, task_id: str, request: TaskRequest, created_at: datetime, *, owner: str | None = None, room: int = 1_000
    ) -> Entered:
        """Puts a task at the end of the line.

        Args:
            request: What is asked; secrets must be out of it already.
            owner: The engine that means to run it; None leaves it to any.
            room: Most tasks that may wait; one more ends as ``workspace-rate-limited``.
        """
        with self._database.transaction() as db:
            if request.idempotency_key is not None and (earlier := _earlier(db, request)) is not None:
                return Entered(earlier, new=False)
            (waiting,) = db.execute("SELECT count(*) FROM tasks WHERE status = 'pending'").fetchone()
            refused = _refused(task_id, request, created_at, waiting) if waiting >= room else None
            # What is refused is to be started again later, and then it is a task of its own.
            idempotency_key = request.idempotency_key if refused is None else None
            db.execute(
                "INSERT INTO tasks (id, key, task, parameters, status, created_at, place, owner, request,"
                " idempotency_key) VALUES (?, ?, ?, ?, 'pending', ?, (SELECT coalesce(max(place), 0) + 1 FROM tasks),"
                " ?, ?, ?)",
                (
                    task_id, request.reuse_key, request.task, dump(request.parameters), _stamp(created_at), owner,
                    request.model_dump_json(), idempotency_key,
                ),
            )  # fmt: skip
            if refused is not None:
                _finish(db, refused)
        return Entered(task_id, result=refused)

    def finish(self, result: TaskResult) -> bool:
        """Records a task's end with its attempts, in one transaction; False where it had ended already.

        From now on what it left in files is kept for seven days.
        """
        with self._database.transaction() as db:
            return _finish(db, result)

    def ask_to_cancel(self, task_id: str) -> TaskResult | None:
        """Ends a pending task as canceled; a started one is marked, for the engine that runs it to see.

        Returns:
            The task as it is now; None where there is none.
        """
        with self._database.transaction() as db:
            task = _task(db, task_id)
            if task is None or task.final:
                return task
            if task.status == "started":
                db.execute("UPDATE tasks SET canceled = 1 WHERE id = ?", (task_id,))
                return task
            at = datetime.now(UTC)
            ended = task.model_copy(update={"status": "canceled", "completed_at": at, "queue_position": None})
            db.execute(_CANCELED, (_stamp(at), ended.model_dump_json(), _stamp(at + KEPT), task_id, "pending"))
        return ended

    def task(self, task_id: str) -> TaskResult | None:
        """A task as it is now: its result where it ended, its place where it waits; None where there is none."""
        with self._database.alone() as db:
            return _task(db, task_id)

    def request(self, task_id: str) -> TaskRequest:
        """What a task was asked, without its secrets.

        Raises:
            EngineError: A version of the engine stored it that knows more, or less, than this one.
        """
        with self._database.alone() as db:
            (text,) = db.execute("SELECT request FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return _as_request(text)

    def tasks(
        self, status: Status | None = None, key: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[TaskResult]:
        """Tasks, the newest first."""
        wanted = [(c, v) for c, v in (("status", status), ("key", key)) if v is not None]
        where = " WHERE " + " AND ".join(f"{column} = ?" for column, _ in wanted) if wanted else ""
        query = f"SELECT {_COLUMNS} FROM tasks{where} ORDER BY place DESC LIMIT ? OFFSET ?"  # noqa: S608  our own names
        with self._database.alone() as db:
            rows = db.execute(query, [*(v for _, v in wanted), limit, offset]).fetchall()
            return [_as_result(db, row) for row in rows]

    def set_title(self, task_id: str, title: str | None) -> TaskResult | None:
        """Gives a task a title; None where there is no such task."""
        with self._database.transaction() as db:
            db.execute("UPDATE tasks SET title = ? WHERE id = ?", (title, task_id))
            return _task(db, task_id)

    def expired(self, at: datetime) -> list[str]:
        """Tasks whose files have had their time, until it is said that these are swept."""
        with self._database.alone() as db:
            return [row[0] for row in db.execute("SELECT id FROM tasks WHERE expires_at < ?", (_stamp(at),))]

    def swept(self, task_ids: Sequence[str]) -> None:
        """Notes that nothing is left of their files."""
        with self._database.transaction() as db:
            db.executemany("UPDATE tasks SET expires_at = NULL WHERE id = ?", [(task_id,) for task_id in task_ids])

    # Attempts

    def attempts(self, key: str | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Every attempt, oldest first, each with its task, key and time."""
        query = (
            "SELECT a.task_id, a.key, a.at, t.task, a.number, a.data FROM attempts a JOIN tasks t ON t.id = a.task_id"
        )
        wanted = [(c, v) for c, v in (("a.key", key), ("a.task_id", task_id)) if v is not None]
        if wanted:
            query += " WHERE " + " AND ".join(f"{column} = ?" for column, _ in wanted)
        with self._database.alone() as db:
            found = db.execute(query + " ORDER BY a.at, a.task_id, a.number", [v for _, v in wanted]).fetchall()
        return [
            {
                "task_id": t,
                "key": k,
                "at": at,
                "task": text,
                "number": n,
                **Attempt.model_validate_json(data).model_dump(),
            }
            for t, k, at, text, n, data in found
        ]


def _earlier(db: sqlite3.Connection, request: TaskRequest) -> str | None:
    """The task that this idempotency key stands for already."""
    row = db.execute(
        "SELECT id, request FROM tasks WHERE idempotency_key = ?", (request.idempotency_key,)
    ).fetchone()  # fmt: skip
    if row is None:
        return None
    first = _as_request(row[1])
    if (first.task, first.parameters, first.start_url) != (request.task, request.parameters, request.start_url):
        raise InvalidRequest(
            f"the idempotency key {request.idempotency_key!r} stands for another request, task {row[0]}; use a new one",
            field="idempotency_key",
            task_id=row[0],
        )
    return str(row[0])


def _as_request(text: str) -> TaskRequest:
    try:
        return TaskRequest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise EngineError(
            f"another version of webtasks-engine stored its request, and this one cannot read it: {problem}"
        ) from error


def _refused(task_id: str, request: TaskRequest, created_at: datetime, waiting: int) -> TaskResult:
    error = TaskError(
        code="workspace-rate-limited",
        message=f"{waiting} tasks wait already, which is all that the line holds; start it again later, or raise"
        " max_pending",
        details={"reason": "line-full", "waiting": waiting},
    )
    return TaskResult(
        web_task_id=task_id, status="completed", outcome="failed", created_at=created_at,
        completed_at=datetime.now(UTC), error=error, reuse_key=request.reuse_key,
    )  # fmt: skip


def _finish(db: sqlite3.Connection, result: TaskResult) -> bool:
    changed = db.execute(
        "UPDATE tasks SET status = ?, outcome = ?, started_at = ?, completed_at = ?, result = ?, expires_at = ?"
        " WHERE id = ? AND status IN ('pending', 'started')",
        (
            result.status, result.outcome, _stamp(result.started_at), _stamp(result.completed_at),
            result.model_dump_json(), _stamp(datetime.now(UTC) + KEPT), result.web_task_id,
        ),
    ).rowcount  # fmt: skip
    if not changed:
        return False
    (key,) = db.execute("SELECT key FROM tasks WHERE id = ?", (result.web_task_id,)).fetchone()
    at = now()
    db.executemany(
        "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)",
        [(result.web_task_id, n, key, at, a.model_dump_json()) for n, a in enumerate(result.attempts, 1)],
    )
    return True


def _task(db: sqlite3.Connection, task_id: str) -> TaskResult | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM tasks WHERE id = ?", (task_id,)).fetchone()  # noqa: S608  our own names
    return _as_result(db, row) if row is not None else None


def _as_result(db: sqlite3.Connection, row: tuple[Any, ...]) -> TaskResult:
    task_id, key, status, created, started, title, place, result = row
    if result is not None:
        return TaskResult.model_validate_json(result).model_copy(update={"title": title, "reuse_key": key})
    position = None
    if status == "pending":
        query = "SELECT count(*) FROM tasks WHERE status = 'pending' AND place <= ?"
        (position,) = db.execute(query, (place,)).fetchone()
    return TaskResult(
        web_task_id=task_id, status=status, created_at=created, started_at=started, reuse_key=key, title=title,
        queue_position=position,
    )  # fmt: skip


def _stamp(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="microseconds") if time is not None else None
