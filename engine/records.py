"""What survives the process: tasks, attempts, the journal of irreversible actions, judgments, clean runs."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engine.errors import StoreError
from engine.task import Attempt, TaskResult

_VERSION = 1
_GOOD_KEPT = 3  # sets of parameters
_SCHEMA = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, task TEXT NOT NULL, parameters TEXT NOT NULL, status TEXT NOT NULL,
    created_at TEXT NOT NULL, result TEXT
) STRICT;
CREATE INDEX tasks_by_key ON tasks (key, created_at);
CREATE TABLE attempts (
    task_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT;
CREATE TABLE gates (
    task_id TEXT NOT NULL, action TEXT NOT NULL, item TEXT NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (task_id, action, item)
) STRICT;
CREATE TABLE judgments (digest TEXT PRIMARY KEY, answer TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE revisions (
    revision TEXT PRIMARY KEY, clean_runs INTEGER NOT NULL DEFAULT 0, parameters TEXT, sample TEXT
) STRICT;
"""

GateState = Literal["passed", "confirmed", "failed"]


class Records:
    """The store's SQLite database; every method may be called from any thread and blocks for a few milliseconds.

    Args:
        path: The database file; made with its directory where it does not exist.

    Raises:
        StoreError: It cannot be opened, or a newer version of the engine made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the records {path}: {error}", path=str(path)) from error

    def _migrate(self) -> None:
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise StoreError(
                    f"{self.path} was made by a newer version of webtasks-engine (format {version}); upgrade to use it",
                    path=str(self.path),
                )
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise StoreError(f"the records {self.path} cannot be used: {error}", path=str(self.path)) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._alone() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes the database."""
        with self._lock:
            self._db.close()

    # Tasks and attempts

    def add_task(self, task_id: str, key: str, task: str, parameters: Mapping[str, Any], created_at: datetime) -> None:
        """Records a task that starts; secrets must be out of ``parameters`` already."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, 'started', ?, NULL)",
                (task_id, key, task, _dump(parameters), created_at.isoformat()),
            )

    def finish_task(self, result: TaskResult) -> None:
        """Records a task's end with its attempts, in one transaction."""
        with self._transaction() as db:
            db.execute(
                "UPDATE tasks SET status = ?, result = ? WHERE id = ?",
                (result.status, result.model_dump_json(), result.web_task_id),
            )
            (key,) = db.execute("SELECT key FROM tasks WHERE id = ?", (result.web_task_id,)).fetchone()
            now = _now()
            db.executemany(
                "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)",
                [(result.web_task_id, n, key, now, a.model_dump_json()) for n, a in enumerate(result.attempts, 1)],
            )

    def result(self, task_id: str) -> TaskResult | None:
        """The recorded result of a task that ended, or None."""
        with self._alone() as db:
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
        with self._alone() as db:
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

    # The journal of irreversible actions

    def pass_gate(self, task_id: str, action: str, item: str) -> bool:
        """Writes (task, action, item) to disk, synced, and says whether this was the first time.

        Only after True may the action happen: what this returned True for is never returned True for again.
        """
        return self._synced(
            "INSERT OR IGNORE INTO gates VALUES (?, ?, ?, 'passed', ?)", (task_id, action, item, _now())
        )

    def close_gate(self, task_id: str, action: str, item: str, state: GateState) -> None:
        """Writes how the code behind a passed gate ended."""
        self._synced(
            "UPDATE gates SET state = ?, at = ? WHERE task_id = ? AND action = ? AND item = ?",
            (state, _now(), task_id, action, item),
        )

    def _synced(self, statement: str, values: tuple[str, ...]) -> bool:
        with self._alone() as db:
            # In WAL mode only FULL syncs the log at each commit; the journal must be on disk before the action.
            db.execute("PRAGMA synchronous = FULL")
            try:
                return db.execute(statement, values).rowcount == 1
            finally:
                db.execute("PRAGMA synchronous = NORMAL")

    def gates(self, task_id: str) -> list[tuple[str, str, GateState]]:
        """The gates that a task passed: action, item, and how it ended."""
        with self._alone() as db:
            return db.execute(
                "SELECT action, item, state FROM gates WHERE task_id = ? ORDER BY at", (task_id,)
            ).fetchall()

    # Judgments: answers to task.ask, by content

    def judgment(self, digest: str) -> str | None:
        """The cached answer, as JSON, to a question asked before."""
        with self._alone() as db:
            row = db.execute("SELECT answer FROM judgments WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row else None

    def keep_judgment(self, digest: str, answer: str) -> None:
        """Caches an answer."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO judgments VALUES (?, ?, ?)", (digest, answer, _now()))

    # Revisions: what replays have shown

    def clean_run(self, revision: str, good: Sequence[Mapping[str, Any]], sample: str | None) -> None:
        """Counts a clean run.

        Args:
            good: Parameters that gave rows; the last three sets are kept, to be replayed when in doubt.
            sample: What it was asked and gave, for a later repair; None where it says nothing.
        """
        with self._transaction() as db:
            row = db.execute("SELECT parameters FROM revisions WHERE revision = ?", (revision,)).fetchone()
            sets = [dict(p) for p in good] + (json.loads(row[0]) if row and row[0] else [])
            distinct = [p for n, p in enumerate(sets) if p not in sets[:n]][:_GOOD_KEPT]
            db.execute(
                "INSERT INTO revisions VALUES (?, 1, ?, ?) ON CONFLICT (revision) DO UPDATE SET clean_runs = clean_runs"
                " + 1, parameters = excluded.parameters, sample = coalesce(excluded.sample, sample)",
                (revision, _dump(distinct), sample),
            )

    def sample(self, revision: str) -> str:
        """What the last good run of a revision was asked and gave; empty where there was none."""
        with self._alone() as db:
            row = db.execute("SELECT sample FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return row[0] or "" if row else ""

    def clean_runs(self, revision: str) -> tuple[int, list[dict[str, Any]]]:
        """How many clean runs a revision has had, and parameters that gave rows, the last first."""
        with self._alone() as db:
            row = db.execute("SELECT clean_runs, parameters FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return (row[0], json.loads(row[1] or "[]")) if row else (0, [])


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _now() -> str:
    return datetime.now(UTC).isoformat()
