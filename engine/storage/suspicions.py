"""Drifts that are remembered: parameters for which a revision gave a result that was refused, until they are good."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.storage.database import Database, dump, now

_KEPT = 5  # by revision, the last


@dataclass(frozen=True)
class Suspicion:
    """A result that was refused, which puts the whole revision in doubt.

    Args:
        parameters: The parameters that gave it, without secret ones.
        account: Identity of the secrets that it was given; see `engine.storage.accounts`.
        problems: Why it was refused.
        at: The time, as the database holds it.
        repeatable: True where its parameters may be run again.
    """

    parameters: Mapping[str, Any]
    account: str
    problems: Sequence[str]
    at: str
    repeatable: bool = True


class Suspicions:
    """The open suspicions of each revision. Every method may be called from any thread, and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, revision: str, parameters: Mapping[str, Any], account: str, problems: Sequence[str], *, repeatable: bool
    ) -> None:
        """Remember that a revision gave a bad result; the same parameters replace their earlier one."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO suspicions VALUES (?, ?, ?, ?, ?, ?)",
                (revision, dump(parameters), account, dump(list(problems)), repeatable, now()),
            )
            db.execute(
                "DELETE FROM suspicions WHERE revision = ?1 AND rowid NOT IN"
                " (SELECT rowid FROM suspicions WHERE revision = ?1 ORDER BY at DESC LIMIT ?2)",
                (revision, _KEPT),
            )

    def of(self, revision: str) -> list[Suspicion]:
        """Return the open suspicions of a revision, the last first."""
        with self._database.alone() as db:
            found = db.execute(
                "SELECT parameters, account, problems, at, repeatable FROM suspicions WHERE revision = ?"
                " ORDER BY at DESC",
                (revision,),
            ).fetchall()
        return [
            Suspicion(json.loads(p), account, json.loads(why), at, bool(again)) for p, account, why, at, again in found
        ]

    def clear(self, revision: str, parameters: Mapping[str, Any], account: str) -> None:
        """Forget what these parameters gave with these secrets."""
        with self._database.transaction() as db:
            clear(db, revision, parameters, account)


def clear(db: sqlite3.Connection, revision: str, parameters: Mapping[str, Any], account: str) -> None:
    """Forget, within a transaction, what these parameters gave with these secrets."""
    db.execute(
        "DELETE FROM suspicions WHERE revision = ? AND parameters = ? AND account = ?",
        (revision, dump(parameters), account),
    )


def inherit(db: sqlite3.Connection, old: str, new: str) -> None:
    """Hold against the next revision, within a transaction, what is held against one of the same code."""
    db.execute(
        "INSERT OR IGNORE INTO suspicions SELECT ?, parameters, account, problems, repeatable, at FROM suspicions"
        " WHERE revision = ?",
        (new, old),
    )
