"""The records of tasks and attempts, which survive the process; they open the store's other records, too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.errors import EngineError, InvalidRequest
from engine.storage.database import Database, now
from engine.storage.journal import Journal
from engine.storage.packed_tasks import (
    as_attempt,
    deflate,
    identity,
    pack,
    pack_trace,
    unpack_request,
    unpack_result,
    unpack_trace,
)
from engine.storage.result_files import KEPT
from engine.storage.run_history import RunHistory
from engine.storage.spending import SpendingLedger
from engine.storage.task_queue import TaskQueue
from engine.task.wire import Status, TaskError, TaskRequest, TaskResult

_COLUMNS = "id, key, status, created_at, started_at, title, place, result, packed"
_CANCELED = (
    "UPDATE tasks SET status = 'canceled', canceled = 1, completed_at = ?, result = ?, expires_at = ?"
    " WHERE id = ? AND status = ?"
)


@dataclass(frozen=True)
class Enqueued:
    """The outcome of putting a request into the queue.

    Args:
        task_id: The request's task; an earlier one where the idempotency key was used before.
        new: True where the task is the request's own.
        result: The task's end, where the queue was full.
    """

    task_id: str
    new: bool = True
    result: TaskResult | None = None


class TaskRecords:
    """The records of a workspace. Every method may be called from any thread, and blocks for a few milliseconds.

    Args:
        path: The database file; made with its directory where it does not exist.

    Attributes:
        queue: The queue that engines claim tasks from.
        journal: Irreversible actions and judgments.
        spending: Payments for the model.
        run_history: Clean runs by revision.

    Raises:
        StoreError: The file cannot be opened, or a newer version of the engine made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.queue = TaskQueue(self._database)
        self.journal = Journal(self._database)
        self.spending = SpendingLedger(self._database)
        self.run_history = RunHistory(self._database)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # Tasks

    def enqueue(
        self,
        task_id: str,
        request: TaskRequest,
        created_at: datetime,
        *,
        owner: str | None = None,
        room: int = 1_000,
        web: bool = False,
    ) -> Enqueued:
        """Put a task at the end of the queue.

        Args:
            request: The task's request, without secrets.
            owner: The engine that is to run it; None leaves it to any.
            room: Most tasks that may wait; one more ends as ``workspace-rate-limited``.
            web: It replays without a browser what only reads.

        Raises:
            InvalidRequest: The idempotency key stands for another request.
        """
        with self._database.transaction() as db:
            if request.idempotency_key is not None and (earlier := _earlier(db, request)) is not None:
                return Enqueued(earlier, new=False)
            (waiting,) = db.execute("SELECT count(*) FROM tasks WHERE status = 'pending'").fetchone()
            refused = _refused(task_id, request, created_at, waiting) if waiting >= room else None
            # A refused task may be started again later with the same idempotency key.
            idempotency_key = request.idempotency_key if refused is None else None
            db.execute(
                "INSERT INTO tasks (id, key, task, parameters, status, created_at, place, owner, request,"
                " idempotency_key, web) VALUES (?, ?, ?, ?, 'pending', ?, (SELECT coalesce(max(place), 0) + 1 FROM"
                " tasks), ?, ?, ?, ?)",
                (
                    task_id, request.reuse_key, request.task, identity(request.parameters), _stamp(created_at), owner,
                    request.model_dump_json(), idempotency_key, web,
                ),
            )  # fmt: skip
            if refused is not None:
                _finish(db, refused)
        return Enqueued(task_id, result=refused)

    def finish(self, result: TaskResult, trace: str | None = None) -> bool:
        """Record a task's end with its attempts, in one transaction; its files are kept for seven days from now.

        Args:
            trace: Its events as lines of JSON, to be kept as long; None where they have a file.

        Returns:
            False where it had ended already.
        """
        with self._database.transaction() as db:
            return _finish(db, result, trace)

    def request_cancellation(self, task_id: str) -> TaskResult | None:
        """Cancel a pending task; mark a started one for the engine that runs it.

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
        """Return a task as it is now, with its result or its position in the queue; None where there is none."""
        with self._database.alone() as db:
            return _task(db, task_id)

    def request(self, task_id: str) -> TaskRequest:
        """Return a task's request, without its secrets.

        Raises:
            EngineError: Another version of the engine stored it, with options that this one does not know.
        """
        with self._database.alone() as db:
            text, packed = db.execute("SELECT request, packed FROM tasks WHERE id = ?", (task_id,)).fetchone()
            return _as_request(text if packed is None else unpack_request(db, packed))

    def trace(self, task_id: str) -> str | None:
        """Return the events of a task as lines of JSON; None where they have a file, or expired."""
        with self._database.alone() as db:
            row = db.execute("SELECT trace, packed FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return unpack_trace(*row) if row and row[0] is not None else None

    def tasks(
        self, status: Status | None = None, key: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[TaskResult]:
        """Return tasks, the newest first."""
        wanted = [(c, v) for c, v in (("status", status), ("key", key)) if v is not None]
        where = " WHERE " + " AND ".join(f"{column} = ?" for column, _ in wanted) if wanted else ""
        query = f"SELECT {_COLUMNS} FROM tasks{where} ORDER BY place DESC LIMIT ? OFFSET ?"  # noqa: S608  our own names
        with self._database.alone() as db:
            rows = db.execute(query, [*(v for _, v in wanted), limit, offset]).fetchall()
            return [_as_result(db, row) for row in rows]

    def numbers(self) -> dict[str, int]:
        """Return the number of tasks in each state; a completed one's is ``success`` or ``failed``."""
        with self._database.alone() as db:
            rows = db.execute("SELECT status, outcome, count(*) FROM tasks GROUP BY status, outcome").fetchall()
        found = dict.fromkeys(("pending", "started", "success", "failed", "canceled"), 0)
        for status, outcome, number in rows:
            found[(outcome or "failed") if status == "completed" else status] += number
        return found

    def set_title(self, task_id: str, title: str | None) -> TaskResult | None:
        """Set a task's title, and return the task; None where there is none."""
        with self._database.transaction() as db:
            db.execute("UPDATE tasks SET title = ? WHERE id = ?", (title, task_id))
            return _task(db, task_id)

    def expired(self, at: datetime) -> list[str]:
        """Return the ids of tasks whose files are kept no longer, until they are marked as swept."""
        with self._database.alone() as db:
            return [row[0] for row in db.execute("SELECT id FROM tasks WHERE expires_at < ?", (_stamp(at),))]

    def mark_swept(self, task_ids: Sequence[str]) -> None:
        """Note that the files of these tasks are removed."""
        with self._database.transaction() as db:
            db.executemany(
                "UPDATE tasks SET expires_at = NULL, trace = NULL WHERE id = ?", [(task_id,) for task_id in task_ids]
            )

    # Attempts

    def attempts(self, key: str | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Return every attempt, oldest first, each with its task, key and time."""
        query = (
            "SELECT a.task_id, a.key, a.at, t.task, t.packed, a.number, a.data, a.packed"
            " FROM attempts a JOIN tasks t ON t.id = a.task_id"
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
                    "task": text if whole is None else json.loads(unpack_request(db, whole))["task"],
                    "number": n,
                    **as_attempt(data, packed).model_dump(),
                }
                for t, k, at, text, whole, n, data, packed in found
            ]


def _earlier(db: sqlite3.Connection, request: TaskRequest) -> str | None:
    """Return the id of the task that has this idempotency key already."""
    row = db.execute(
        "SELECT id, request, packed FROM tasks WHERE idempotency_key = ?", (request.idempotency_key,)
    ).fetchone()  # fmt: skip
    if row is None:
        return None
    first = _as_request(row[1] if row[2] is None else unpack_request(db, row[2]))
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
        message=f"the queue is full: {waiting} tasks wait already; start the task again later, or raise max_pending",
        details={"reason": "line-full", "waiting": waiting},
    )
    return TaskResult(
        web_task_id=task_id, status="completed", outcome="failed", created_at=created_at,
        completed_at=datetime.now(UTC), error=error, reuse_key=request.reuse_key,
    )  # fmt: skip


def _finish(db: sqlite3.Connection, result: TaskResult, trace: str | None = None) -> bool:
    row = db.execute(
        "SELECT key, request FROM tasks WHERE id = ? AND status IN ('pending', 'started')", (result.web_task_id,)
    ).fetchone()
    if row is None:
        return False
    key, request = row
    packed = pack(db, request or "{}", result)  # tasks of the first format have no request
    # What the result tells, and what a queue needs, is not kept twice.
    db.execute(
        "UPDATE tasks SET status = ?, outcome = ?, completed_at = ?, expires_at = ?, packed = ?, trace = ?,"
        " task = '', request = NULL, owner = NULL, started_at = NULL WHERE id = ?",
        (
            result.status, result.outcome, _stamp(result.completed_at), _stamp(datetime.now(UTC) + KEPT), packed,
            pack_trace(trace, packed) if trace is not None else None, result.web_task_id,
        ),
    )  # fmt: skip
    at = now()
    db.executemany(
        "INSERT OR REPLACE INTO attempts (task_id, number, key, at, data, packed) VALUES (?, ?, ?, ?, '', ?)",
        [(result.web_task_id, n, key, at, deflate(a.model_dump_json())) for n, a in enumerate(result.attempts, 1)],
    )
    return True


def _task(db: sqlite3.Connection, task_id: str) -> TaskResult | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM tasks WHERE id = ?", (task_id,)).fetchone()  # noqa: S608  our own names
    return _as_result(db, row) if row is not None else None


def _as_result(db: sqlite3.Connection, row: tuple[Any, ...]) -> TaskResult:
    task_id, key, status, created, started, title, place, result, packed = row
    if packed is not None:
        result = unpack_result(db, packed)
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
