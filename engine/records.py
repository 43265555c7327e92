"""What survives the process: tasks and attempts; beside them the journal of irreversible actions, and statistics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.database import Database, dump, now
from engine.journal import Journal
from engine.statistics import Statistics
from engine.task import Attempt, TaskResult


class Records:
    """The store's records; every method may be called from any thread and blocks for a few milliseconds.

    Args:
        path: The database file; made with its directory where it does not exist.

    Attributes:
        journal: Irreversible actions and judgments.
        statistics: Clean runs by revision.

    Raises:
        StoreError: It cannot be opened, or a newer version of the engine made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path)
        self.journal = Journal(self._database)
        self.statistics = Statistics(self._database)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def add_task(self, task_id: str, key: str, task: str, parameters: Mapping[str, Any], created_at: datetime) -> None:
        """Records a task that starts; secrets must be out of ``parameters`` already."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, 'started', ?, NULL)",
                (task_id, key, task, dump(parameters), created_at.isoformat()),
            )

    def finish_task(self, result: TaskResult) -> None:
        """Records a task's end with its attempts, in one transaction."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE tasks SET status = ?, result = ? WHERE id = ?",
                (result.status, result.model_dump_json(), result.web_task_id),
            )
            (key,) = db.execute("SELECT key FROM tasks WHERE id = ?", (result.web_task_id,)).fetchone()
            at = now()
            db.executemany(
                "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)",
                [(result.web_task_id, n, key, at, a.model_dump_json()) for n, a in enumerate(result.attempts, 1)],
            )

    def result(self, task_id: str) -> TaskResult | None:
        """The recorded result of a task that ended, or None."""
        with self._database.alone() as db:
            row = db.execute("SELECT result FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return TaskResult.model_validate_json(row[0]) if row and row[0] else None

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
