"""The store's SQLite database: one connection, its transactions, and the steps by which its format grew."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import StoreError

# One entry for each format: the changes to the one before it. Never changed once released, only added to.
_STEPS = (
    """
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
""",
    # A durable queue: the engine that runs a task, its place and request; and payments, call by call.
    """
ALTER TABLE tasks ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN owner TEXT;
ALTER TABLE tasks ADD COLUMN request TEXT;
ALTER TABLE tasks ADD COLUMN started_at TEXT;
ALTER TABLE tasks ADD COLUMN completed_at TEXT;
ALTER TABLE tasks ADD COLUMN outcome TEXT;
ALTER TABLE tasks ADD COLUMN title TEXT;
ALTER TABLE tasks ADD COLUMN idempotency_key TEXT;
ALTER TABLE tasks ADD COLUMN canceled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN expires_at TEXT;
UPDATE tasks SET place = rowid, completed_at = created_at;
CREATE INDEX tasks_by_status ON tasks (status, place);
CREATE INDEX tasks_by_key_and_status ON tasks (key, status, place);
CREATE INDEX tasks_by_place ON tasks (place);
CREATE INDEX tasks_by_expiry ON tasks (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tasks_to_cancel ON tasks (owner) WHERE canceled = 1;
CREATE UNIQUE INDEX tasks_by_idempotency ON tasks (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE spending (
    id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, key TEXT NOT NULL, day TEXT NOT NULL, usd REAL NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX spending_by_day ON spending (day, key);
CREATE INDEX spending_by_task ON spending (task_id);
""",
    # Outputs of clean runs: their profile, and the last one for each set of parameters.
    """
ALTER TABLE revisions ADD COLUMN profile TEXT;
CREATE TABLE outputs (
    revision TEXT NOT NULL, parameters TEXT NOT NULL, runs INTEGER NOT NULL, fewest INTEGER, most INTEGER,
    output TEXT NOT NULL, digest TEXT NOT NULL, joins INTEGER NOT NULL, kept REAL NOT NULL, changed TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (revision, parameters)
) STRICT;
""",
    # The longest time over which rows were seen to stay.
    """
ALTER TABLE outputs ADD COLUMN span REAL NOT NULL DEFAULT 0;
""",
    # Seconds that a revision's clean runs waited for the page at one time, at most.
    """
ALTER TABLE revisions ADD COLUMN longest_wait REAL;
""",
    # Outputs of the same parameters by account, with what stands beside their rows; where values stood; and refused
    # results.
    """
CREATE TABLE outputs_by_account (
    revision TEXT NOT NULL, parameters TEXT NOT NULL, account TEXT NOT NULL, runs INTEGER NOT NULL, fewest INTEGER,
    most INTEGER, output TEXT NOT NULL, digest TEXT NOT NULL, joins INTEGER NOT NULL, kept REAL NOT NULL,
    changed TEXT NOT NULL, at TEXT NOT NULL, span REAL NOT NULL, beside TEXT,
    PRIMARY KEY (revision, parameters, account)
) STRICT;
INSERT INTO outputs_by_account
    SELECT revision, parameters, '', runs, fewest, most, output, digest, joins, kept, changed, at, span, NULL
    FROM outputs;
DROP TABLE outputs;
ALTER TABLE outputs_by_account RENAME TO outputs;
ALTER TABLE revisions ADD COLUMN provenance TEXT;
CREATE TABLE suspicions (
    revision TEXT NOT NULL, parameters TEXT NOT NULL, account TEXT NOT NULL, problems TEXT NOT NULL,
    repeatable INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (revision, parameters, account)
) STRICT;
""",
    # Repairs that failed, which are not paid again at once.
    """
CREATE TABLE failed_repairs (
    revision TEXT PRIMARY KEY, count INTEGER NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
""",
    # Tasks that replay without a browser what only reads: they have slots of their own, and share their key.
    """
ALTER TABLE tasks ADD COLUMN web INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tasks_started ON tasks (web) WHERE status = 'started';
""",
    # Ended tasks and their short traces, deflated; texts that many of them share, by digest.
    """
ALTER TABLE tasks ADD COLUMN packed BLOB;
ALTER TABLE tasks ADD COLUMN trace BLOB;
ALTER TABLE attempts ADD COLUMN packed BLOB;
CREATE TABLE shared_texts (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
""",
    # How often a revision gave the same without the pictures of its pages; none where they have few, -1 if it did not.
    """
ALTER TABLE revisions ADD COLUMN same_without_images INTEGER;
""",
)


_BUSY_TIMEOUT = 30.0  # seconds for which a connection waits for another


class Database:
    """One connection to the database. Every method may be called from any thread, and blocks for a few milliseconds.

    Args:
        path: The file; made with its directory where it does not exist.

    Raises:
        StoreError: The file cannot be opened, or a newer version of the engine made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
            self._write_ahead()
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the records {path}: {error}", path=str(path)) from error

    def _write_ahead(self) -> None:
        """Switch to the write-ahead log, once in a file's life; SQLite does not wait for others that do so, too."""
        end = time.monotonic() + _BUSY_TIMEOUT
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.02)
            else:
                return

    def _migrate(self) -> None:
        with self.transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > len(_STEPS):
                raise StoreError(
                    f"{self.path} was made by a newer version of webtasks-engine (format {version}); upgrade to use it",
                    path=str(self.path),
                )
            for step in _STEPS[version:]:
                for statement in filter(str.strip, step.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(_STEPS)}")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, for one statement; its errors become ``StoreError``."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise StoreError(f"the records {self.path} cannot be used: {error}", path=str(self.path)) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, for statements that take effect together or not at all."""
        with self.alone() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:  # an interrupt, too, must not leave the transaction open
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def synced(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection, for one statement that is on disk when the block ends."""
        with self.alone() as db:
            # In WAL mode only FULL syncs the log at each commit.
            db.execute("PRAGMA synchronous = FULL")
            try:
                yield db
            finally:
                db.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()


def dump(value: Any) -> str:
    """Return JSON as the database holds it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def now() -> str:
    """Return the current time as the database holds it; later times sort after earlier ones."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
