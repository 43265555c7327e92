"""What must not be done twice: irreversible actions, once for each task, and judgments that were paid for."""

from __future__ import annotations

from typing import Literal

from engine.storage.database import Database, now

GateState = Literal["passed", "confirmed", "failed"]


class Journal:
    """The synced journal of irreversible actions, and the cache of judgments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pass_gate(self, task_id: str, action: str, item: str) -> bool:
        """Writes (task, action, item) to disk, synced, and says whether this was the first time.

        Only after True may the action happen: what this returned True for is never returned True for again.
        """
        with self._database.synced() as db:
            values = (task_id, action, item, now())
            return db.execute("INSERT OR IGNORE INTO gates VALUES (?, ?, ?, 'passed', ?)", values).rowcount == 1

    def close_gate(self, task_id: str, action: str, item: str, state: GateState) -> None:
        """Writes how the code behind a passed gate ended."""
        with self._database.synced() as db:
            db.execute(
                "UPDATE gates SET state = ?, at = ? WHERE task_id = ? AND action = ? AND item = ?",
                (state, now(), task_id, action, item),
            )

    def gates(self, task_id: str) -> list[tuple[str, str, GateState]]:
        """The gates that a task passed: action, item, and how it ended."""
        with self._database.alone() as db:
            return db.execute(
                "SELECT action, item, state FROM gates WHERE task_id = ? ORDER BY at", (task_id,)
            ).fetchall()

    def judgment(self, digest: str) -> str | None:
        """The cached answer, as JSON, to a question asked before."""
        with self._database.alone() as db:
            row = db.execute("SELECT answer FROM judgments WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row else None

    def keep_judgment(self, digest: str, answer: str) -> None:
        """Caches an answer."""
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO judgments VALUES (?, ?, ?)", (digest, answer, now()))
