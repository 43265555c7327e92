"""The journal of actions and judgments that must not be repeated: irreversible actions, and paid answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.storage.database import Database, dump, now
from engine.storage.packed_tasks import identity
from engine.task.wire import Effect

GateState = Literal["passed", "confirmed", "failed"]
_SHOWN = 5  # earlier actions


@dataclass(frozen=True)
class EffectOnSite:
    """The effect of a task's irreversible actions on the site.

    Args:
        effect: ``none``; ``performed`` where every action was confirmed; ``unknown`` where one was let through whose
            end is not known, or that failed.
        actions: The actions that were let through, in order.
    """

    effect: Effect = "none"
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class EarlierAction:
    """An irreversible action that an earlier task was let through to.

    Args:
        action: The action, in the words of the automation.
        item: Its key; empty where it had none.
        state: ``confirmed`` where the code behind it ended well, ``failed`` where it did not, ``passed`` where that is
            not known.
        at: The time, in ISO 8601.
    """

    action: str
    item: str
    state: GateState
    at: str

    def __str__(self) -> str:
        ends = {"confirmed": "confirmed", "failed": "its end failed", "passed": "its end is not known"}
        key = f" (key {self.item!r})" if self.item else ""
        return f"{self.action!r}{key} at {self.at[:16]}Z: {ends[self.state]}"


class Journal:
    """The journal of irreversible actions, synced to disk, and the cache of judgments. Its methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pass_gate(self, task_id: str, action: str, item: str) -> bool:
        """Write (task, action, item) to disk, synced, before the action happens.

        Returns:
            True once for each (task, action, item), over all processes and crashes; only then may the action happen.
        """
        with self._database.synced() as db:
            values = (task_id, action, item, now())
            return db.execute("INSERT OR IGNORE INTO gates VALUES (?, ?, ?, 'passed', ?)", values).rowcount == 1

    def close_gate(self, task_id: str, action: str, item: str, state: GateState) -> None:
        """Write the end of the code behind a gate that was passed."""
        with self._database.synced() as db:
            db.execute(
                "UPDATE gates SET state = ?, at = ? WHERE task_id = ? AND action = ? AND item = ?",
                (state, now(), task_id, action, item),
            )

    def gates(self, task_id: str) -> list[tuple[str, str, GateState]]:
        """Return the gates that a task passed, in order: action, item, and state."""
        with self._database.alone() as db:
            return db.execute(
                "SELECT action, item, state FROM gates WHERE task_id = ? ORDER BY at", (task_id,)
            ).fetchall()

    def earlier(self, reuse_key: str, parameters: Mapping[str, Any], task_id: str) -> list[EarlierAction]:
        """Return the last gates that other tasks of a key passed with the same parameters, the latest first.

        Args:
            parameters: As the tasks' records hold them, without secret values.
            task_id: The task that asks, which is left out.
        """
        with self._database.alone() as db:
            found = db.execute(
                "SELECT action, item, state, gates.at FROM gates JOIN tasks ON tasks.id = gates.task_id"
                " WHERE tasks.key = ? AND tasks.parameters IN (?, ?) AND tasks.id != ? ORDER BY gates.at DESC LIMIT ?",
                (reuse_key, identity(parameters), dump(parameters), task_id, _SHOWN),
            ).fetchall()
        return [EarlierAction(*row) for row in found]

    def effect(self, task_id: str) -> EffectOnSite:
        """Return the effect of a task's irreversible actions.

        Raises:
            StoreError: The journal cannot be read.
        """
        gates = self.gates(task_id)
        if not gates:
            return EffectOnSite()
        confirmed = all(state == "confirmed" for _, _, state in gates)
        return EffectOnSite("performed" if confirmed else "unknown", tuple(action for action, _, _ in gates))

    def judgment(self, digest: str) -> str | None:
        """Return the cached answer, as JSON, to a question asked before; None where there is none."""
        with self._database.alone() as db:
            row = db.execute("SELECT answer FROM judgments WHERE digest = ?", (digest,)).fetchone()
        return row[0] if row else None

    def keep_judgment(self, digest: str, answer: str) -> None:
        """Cache an answer."""
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO judgments VALUES (?, ?, ?)", (digest, answer, now()))
