"""Who runs which task: the slots and the order, over all processes of a store, and what a dead one left behind.

An engine holds a lock of the operating system for as long as it lives. Whoever can take it knows that the engine died,
at once, however it died; a laptop that slept, or a loop that hung, is not taken for dead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from engine.storage.database import Database, now


class Held(Protocol):
    """A lock that is held."""

    def release(self) -> None:
        """Gives it back."""


TryLock = Callable[[str], Held | None]


@dataclass(frozen=True)
class Claim:
    """A task that is now this engine's to run, and the lock of its key."""

    task_id: str
    lock: Held


@dataclass(frozen=True)
class Left:
    """A task whose engine died.

    Args:
        task_id: The task.
        started: Whether it ran.
        canceled: Whether somebody had asked for its end.
        interruptions: How often that has happened to it before.
    """

    task_id: str
    started: bool
    canceled: bool
    interruptions: int


class TaskQueue:
    """Hands tasks to engines. Every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        owner: str,
        slots: int,
        try_lock: TryLock,
        ending: Collection[str] = frozenset(),
        *,
        take_over: bool = True,
    ) -> list[Claim]:
        """Starts the tasks whose turn it is and that this engine may run: its own, and those that have no engine.

        The oldest task of each key is in the line for a slot; those of other engines count, so that the order is one
        over all processes. A task whose key is locked by somebody who runs no task steps aside, and is tried again.

        Args:
            owner: The engine.
            slots: Most tasks that run at once.
            try_lock: Takes the lock of a key, or gives None at once.
            ending: Keys that this engine still holds, for runs that are about to end; the order waits for them.
            take_over: Whether those that have no engine are taken, too. Else they are passed over: nobody may ever run
                them, and whoever waited behind them would wait for ever.
        """
        queue: list[Claim] = []
        if not self.waits(owner, take_over=take_over):
            return queue
        with ExitStack() as held:  # where the claim fails, no lock is
            with self._database.transaction() as db:
                (running,) = db.execute("SELECT count(*) FROM tasks WHERE status = 'started'").fetchone()
                if running >= slots:
                    return queue
                turn = db.execute(
                    "SELECT id, key, coalesce(owner, ?) FROM tasks AS t WHERE status = 'pending' AND blocked = 0"
                    " AND (owner IS NOT NULL OR ?)"
                    " AND NOT EXISTS (SELECT 1 FROM tasks AS s WHERE s.key = t.key AND s.status = 'started')"
                    " AND NOT EXISTS (SELECT 1 FROM tasks AS s WHERE s.key = t.key AND s.status = 'pending'"
                    " AND s.place < t.place AND (s.owner IS NOT NULL OR ?)) ORDER BY place LIMIT ?",
                    (owner, take_over, take_over, slots - running),
                ).fetchall()
                aside = db.execute(
                    "SELECT id, key, owner FROM tasks WHERE status = 'pending' AND blocked = 1 AND owner = ?"
                    " ORDER BY place LIMIT 50",
                    (owner,),
                ).fetchall()
                for task_id, key, whose in [*turn, *aside]:
                    if whose != owner or running + len(queue) >= slots:
                        continue
                    if key in ending:
                        break
                    lock = try_lock(key)
                    if lock is None:
                        db.execute("UPDATE tasks SET blocked = 1, owner = ? WHERE id = ?", (owner, task_id))
                        continue
                    held.callback(lock.release)
                    queue.append(Claim(task_id, lock))
                    db.execute(
                        "UPDATE tasks SET status = 'started', started_at = ?, owner = ?, blocked = 0 WHERE id = ?",
                        (now(), owner, task_id),
                    )
            held.pop_all()
        return queue

    def waits(self, owner: str, *, take_over: bool = True) -> bool:
        """Whether there is anything to claim, asked without keeping others from writing."""
        query = "SELECT 1 FROM tasks WHERE status = 'pending' AND (owner = ? OR (owner IS NULL AND ?)) LIMIT 1"
        with self._database.alone() as db:
            return db.execute(query, (owner, take_over)).fetchone() is not None

    def orphaned(self) -> list[str]:
        """Tasks that wait for an engine, the oldest first."""
        with self._database.alone() as db:
            rows = db.execute("SELECT id FROM tasks WHERE status = 'pending' AND owner IS NULL ORDER BY place")
            return [row[0] for row in rows.fetchall()]

    def to_cancel(self, owner: str) -> list[str]:
        """Tasks of this engine that somebody canceled; each is named until it is said that this was heard."""
        with self._database.alone() as db:
            rows = db.execute("SELECT id FROM tasks WHERE owner = ? AND canceled = 1", (owner,)).fetchall()
        return [row[0] for row in rows]

    def heard(self, task_ids: Sequence[str]) -> None:
        """Notes that these are ended as somebody asked; of others, another process may have asked since."""
        with self._database.alone() as db:
            db.executemany("UPDATE tasks SET canceled = 2 WHERE id = ?", [(task_id,) for task_id in task_ids])

    def give_back(self, task_ids: Sequence[str], *, interrupted: bool = False) -> None:
        """Puts tasks back into the line, at their old place, for any engine to take.

        Args:
            interrupted: Counts that, for a task that ends every engine must not be run for ever.
        """
        with self._database.transaction() as db:
            db.executemany(
                "UPDATE tasks SET status = 'pending', started_at = NULL, owner = NULL, blocked = 0,"
                " interruptions = interruptions + ? WHERE id = ? AND status IN ('pending', 'started')",
                [(int(interrupted), task_id) for task_id in task_ids],
            )

    def owners(self) -> list[str]:
        """Engines that have tasks which have not ended."""
        with self._database.alone() as db:
            rows = db.execute(
                "SELECT DISTINCT owner FROM tasks WHERE status IN ('pending', 'started') AND owner IS NOT NULL"
            ).fetchall()
        return [row[0] for row in rows]

    def left_by(self, owner: str) -> list[Left]:
        """What an engine that died had not ended."""
        with self._database.alone() as db:
            rows = db.execute(
                "SELECT id, status = 'started', canceled > 0, interruptions FROM tasks"
                " WHERE owner = ? AND status IN ('pending', 'started')",
                (owner,),
            ).fetchall()
        return [Left(task_id, bool(started), bool(canceled), times) for task_id, started, canceled, times in rows]
