"""Repairs that failed, by revision: the next one waits, so that what no code can mend is not paid for each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.storage.database import Database, now

_FIRST = timedelta(minutes=10)
_FACTOR = 3
_LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class FailedRepair:
    """The failed repairs of one revision.

    Args:
        count: How many there were in a row.
        reason: The reason of the last.
        at: The time of the last.
    """

    count: int
    reason: str
    at: datetime

    @property
    def next(self) -> datetime:
        """The time from which the model is asked again.

        >>> FailedRepair(2, "turns", datetime(2026, 1, 1, 12)).next
        datetime.datetime(2026, 1, 1, 12, 30)
        """
        factor: int = _FACTOR ** min(self.count - 1, 10)
        return self.at + min(_FIRST * factor, _LONGEST)


class FailedRepairs:
    """The failed repairs of all revisions. Every method may be called from any thread, and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, revision: str, reason: str) -> None:
        """Count one."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO failed_repairs VALUES (?, 1, ?, ?) ON CONFLICT (revision) DO UPDATE SET"
                " count = count + 1, reason = excluded.reason, at = excluded.at",
                (revision, reason, now()),
            )

    def of(self, revision: str) -> FailedRepair | None:
        """Return those of a revision; None where there are none."""
        with self._database.alone() as db:
            row = db.execute("SELECT count, reason, at FROM failed_repairs WHERE revision = ?", (revision,)).fetchone()
        return FailedRepair(row[0], row[1], datetime.fromisoformat(row[2])) if row else None
