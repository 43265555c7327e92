"""The queue of tasks over all processes of a store: slots, order, and the unfinished tasks of engines that died.

An engine holds a lock of the operating system as long as it lives. An engine whose lock can be taken has died, however
it died; one on a laptop that slept, or whose event loop hung, is not taken for dead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from engine.storage.database import Database, now


class HeldLock(Protocol):
    """A lock that is held."""

    def release(self) -> None:
        """Release the lock."""


TryLock = Callable[[str, bool], HeldLock | None]

# The tasks whose turn it is, of one kind. One that shares its key passes those of its own engine that do so, too.
_TURN = """
SELECT id, key, coalesce(owner, :owner), web FROM tasks AS t
WHERE status = 'pending' AND blocked = 0 AND web = :web AND (owner IS NOT NULL OR :all)
AND NOT EXISTS (SELECT 1 FROM tasks AS s WHERE s.key = t.key AND s.status = 'started'
    AND NOT (t.web AND s.web AND s.owner = coalesce(t.owner, :owner)))
AND NOT EXISTS (SELECT 1 FROM tasks AS s WHERE s.key = t.key AND s.status = 'pending' AND s.place < t.place
    AND (s.owner IS NOT NULL OR :all) AND NOT (t.web AND s.web AND s.owner IS t.owner))
ORDER BY place LIMIT :left
"""


@dataclass(frozen=True)
class Slots:
    """The tasks that may run at once, over all processes.

    Args:
        tasks: Most of those that have, or may need, a browser.
        web: Most replays without one.
    """

    tasks: int
    web: int

    def left(self, running: Mapping[int, int]) -> list[int]:
        """Return how many more may run, without ``web`` and with it."""
        return [max(0, most - running.get(web, 0)) for web, most in enumerate((self.tasks, self.web))]


@dataclass(frozen=True)
class Claim:
    """A task that is this engine's to run now, with the lock of its reuse key."""

    task_id: str
    lock: HeldLock


@dataclass(frozen=True)
class UnfinishedTask:
    """A task whose engine died.

    Args:
        task_id: The task's id.
        started: True where it was running.
        canceled: True where its cancellation had been requested.
        interruptions: The number of earlier engines that died while they ran it.
    """

    task_id: str
    started: bool
    canceled: bool
    interruptions: int


class TaskQueue:
    """The queue that engines claim tasks from. Every method may be called from any thread, and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        owner: str,
        slots: Slots,
        try_lock: TryLock,
        held: Collection[str] = frozenset(),
        *,
        shared: Collection[str] = frozenset(),
        take_over: bool = True,
    ) -> list[Claim]:
        """Claim the tasks whose turn it is and that this engine may run: its own, and those without an engine.

        The oldest task of each key competes for a slot; those of other engines count, so that one order holds over all
        processes. A task whose key is locked by something that is no run (a change by hand) is blocked: it lets others
        pass, and is tried again. Replays without a browser of code that only reads share their key within an engine,
        unless an older task of the key waits that does not.

        Args:
            owner: The engine's id.
            slots: Most tasks that run at once.
            try_lock: Takes the lock of a key, or returns None at once; a second argument says if it is to be shared.
            held: Keys that this engine holds for runs that are about to end; the order waits for them.
            shared: Those of ``held`` that more such replays may share.
            take_over: Whether tasks without an engine are claimed, too. If not, they are skipped, since perhaps none
                will ever run them, and tasks behind them would wait forever.
        """
        claims: list[Claim] = []
        if not self.has_pending(owner, take_over=take_over):
            return claims
        with ExitStack() as locks:  # released where the claim fails
            with self._database.transaction() as db:
                free = slots.left(
                    dict(db.execute("SELECT web, count(*) FROM tasks WHERE status = 'started' GROUP BY 1"))
                )
                if not any(free):
                    return claims
                turn = [
                    row
                    for web, left in enumerate(free)
                    if left
                    for row in db.execute(_TURN, {"owner": owner, "all": take_over, "web": web, "left": left})
                ]
                blocked = db.execute(
                    "SELECT id, key, owner, web FROM tasks WHERE status = 'pending' AND blocked = 1 AND owner = ?"
                    " ORDER BY place LIMIT 50",
                    (owner,),
                ).fetchall()
                waits = False
                for task_id, key, whose, web in [*turn, *blocked]:
                    if whose != owner or not free[web] or (waits and not web):
                        continue
                    if key in held and not (web and key in shared):
                        waits = True
                        continue
                    lock = try_lock(key, bool(web))
                    if lock is None:
                        db.execute("UPDATE tasks SET blocked = 1, owner = ? WHERE id = ?", (owner, task_id))
                        continue
                    locks.callback(lock.release)
                    claims.append(Claim(task_id, lock))
                    free[web] -= 1
                    db.execute(
                        "UPDATE tasks SET status = 'started', started_at = ?, owner = ?, blocked = 0 WHERE id = ?",
                        (now(), owner, task_id),
                    )
            locks.pop_all()
        return claims

    def has_pending(self, owner: str, *, take_over: bool = True) -> bool:
        """Return True where there is a task to claim; does not block writers."""
        query = "SELECT 1 FROM tasks WHERE status = 'pending' AND (owner = ? OR (owner IS NULL AND ?)) LIMIT 1"
        with self._database.alone() as db:
            return db.execute(query, (owner, take_over)).fetchone() is not None

    def orphaned(self) -> list[str]:
        """Return the ids of pending tasks without an engine, the oldest first."""
        with self._database.alone() as db:
            rows = db.execute("SELECT id FROM tasks WHERE status = 'pending' AND owner IS NULL ORDER BY place")
            return [row[0] for row in rows.fetchall()]

    def cancellations(self, owner: str) -> list[str]:
        """Return the engine's tasks that are to be canceled, until they are acknowledged."""
        with self._database.alone() as db:
            rows = db.execute("SELECT id FROM tasks WHERE owner = ? AND canceled = 1", (owner,)).fetchall()
        return [row[0] for row in rows]

    def acknowledge_cancellations(self, task_ids: Sequence[str]) -> None:
        """Note that the engine has canceled these tasks, and no others: a cancellation may have come since."""
        with self._database.alone() as db:
            db.executemany("UPDATE tasks SET canceled = 2 WHERE id = ?", [(task_id,) for task_id in task_ids])

    def requeue(self, task_ids: Sequence[str], *, interrupted: bool = False) -> None:
        """Put tasks back into the queue, at their old place, for any engine to claim.

        Args:
            interrupted: Counts an interruption: a task that ends every engine must not be run forever.
        """
        with self._database.transaction() as db:
            db.executemany(
                "UPDATE tasks SET status = 'pending', started_at = NULL, owner = NULL, blocked = 0,"
                " interruptions = interruptions + ? WHERE id = ? AND status IN ('pending', 'started')",
                [(int(interrupted), task_id) for task_id in task_ids],
            )

    def owners(self) -> list[str]:
        """Return the ids of engines with tasks that have not ended."""
        with self._database.alone() as db:
            rows = db.execute(
                "SELECT DISTINCT owner FROM tasks WHERE status IN ('pending', 'started') AND owner IS NOT NULL"
            ).fetchall()
        return [row[0] for row in rows]

    def unfinished(self, owner: str) -> list[UnfinishedTask]:
        """Return the tasks of an engine that have not ended."""
        with self._database.alone() as db:
            rows = db.execute(
                "SELECT id, status = 'started', canceled > 0, interruptions FROM tasks"
                " WHERE owner = ? AND status IN ('pending', 'started')",
                (owner,),
            ).fetchall()
        return [
            UnfinishedTask(task_id, bool(started), bool(canceled), times) for task_id, started, canceled, times in rows
        ]
