"""Histories of good runs: young, fresh or old."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

History = Literal["young", "fresh", "old"]
HISTORIES: tuple[History, ...] = get_args(History)
"""``young``: only the runs that proved the code; ``fresh``: good runs of today, too; ``old``: these were weeks ago."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+-]\d\d:\d\d)?")


def age(store: Path, days: float) -> None:
    """Move everything that a store knows of past runs into the past, as if that many days had gone by since.

    Args:
        store: The store; no engine may have it open.
    """
    for file in [path for path in store.rglob("*") if path.is_file() and _is_database(path)]:
        database = sqlite3.connect(file)
        try:
            with database:
                _age_database(database, timedelta(days=days))
        finally:
            database.close()


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _age_database(database: sqlite3.Connection, since: timedelta) -> None:
    def earlier(value: str | float | bytes | None) -> str | float | bytes | None:
        if not isinstance(value, str):
            return value
        return _MOMENT.sub(lambda found: (datetime.fromisoformat(found[0]) - since).isoformat(), value)

    database.create_function("earlier", 1, earlier)
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")') if "TEXT" in row[2]]
        for column in columns:
            database.execute(f'UPDATE "{table}" SET "{column}" = earlier("{column}")')  # noqa: S608  names of its own tables
