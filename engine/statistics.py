"""What replays have shown of each revision: how many were clean, with which parameters, and what they gave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.database import Database, dump

_GOOD_KEPT = 3  # sets of parameters


class Statistics:
    """Clean runs by revision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clean_run(self, revision: str, good: Sequence[Mapping[str, Any]], sample: str | None) -> None:
        """Counts a clean run.

        Args:
            good: Parameters that gave rows; the last three sets are kept, to be replayed when in doubt.
            sample: What it was asked and gave, for a later repair; None where it says nothing.
        """
        with self._database.transaction() as db:
            row = db.execute("SELECT parameters FROM revisions WHERE revision = ?", (revision,)).fetchone()
            sets = [dict(p) for p in good] + (json.loads(row[0]) if row and row[0] else [])
            distinct = [p for n, p in enumerate(sets) if p not in sets[:n]][:_GOOD_KEPT]
            db.execute(
                "INSERT INTO revisions VALUES (?, 1, ?, ?) ON CONFLICT (revision) DO UPDATE SET clean_runs = clean_runs"
                " + 1, parameters = excluded.parameters, sample = coalesce(excluded.sample, sample)",
                (revision, dump(distinct), sample),
            )

    def inherit(self, old: str, new: str, *, trust: bool) -> None:
        """Hands what is known of one revision on to the next, which gives the same kind of output.

        Args:
            trust: Whether its clean runs count for the new one too: only where the code is the same.
        """
        with self._database.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO revisions (revision, clean_runs, parameters, sample)"
                " SELECT ?, iif(?, clean_runs, 0), parameters, sample FROM revisions WHERE revision = ?",
                (new, trust, old),
            )

    def sample(self, revision: str) -> str:
        """What the last good run of a revision was asked and gave; empty where there was none."""
        with self._database.alone() as db:
            row = db.execute("SELECT sample FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return row[0] or "" if row else ""

    def clean_runs(self, revision: str) -> tuple[int, list[dict[str, Any]]]:
        """How many clean runs a revision has had, and parameters that gave rows, the last first."""
        with self._database.alone() as db:
            row = db.execute("SELECT clean_runs, parameters FROM revisions WHERE revision = ?", (revision,)).fetchone()
        return (row[0], json.loads(row[1] or "[]")) if row else (0, [])
