"""The ledger of payments for the model: reserved before each call, settled after it, over all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import ModelOverBudget
from engine.task.attempts import giving_attempt
from engine.task.wire import Attempt

if TYPE_CHECKING:
    from engine.storage.database import Database


@dataclass(frozen=True)
class DailyCaps:
    """The most dollars to spend on one day (UTC); None for no cap.

    Args:
        key: For each reuse key.
        workspace: For all tasks of the workspace.
    """

    key: float | None = None
    workspace: float | None = None


class SpendingLedger:
    """The payments of a workspace, in dollars. Every method may be called from any thread, and blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, task_id: str, key: str, usd: float, caps: DailyCaps) -> int:
        """Reserve the worst price of a call, and return the number of the entry.

        Raises:
            ModelOverBudget: A day's cap could be passed; ``details["cap"]`` is ``key-day`` or ``workspace-day``.
        """
        day = today()
        with self._database.transaction() as db:
            for cap, limit, where, values in (
                ("key-day", caps.key, "day = ? AND key = ?", (day, key)),
                ("workspace-day", caps.workspace, "day = ?", (day,)),
            ):
                if limit is None:
                    continue
                query = f"SELECT coalesce(sum(usd), 0) FROM spending WHERE {where}"  # noqa: S608  our own names
                (spent,) = db.execute(query, values).fetchone()
                if spent + usd > limit:
                    raise _over(cap, limit, spent, usd)
            entry = db.execute(
                "INSERT INTO spending (task_id, key, day, usd) VALUES (?, ?, ?, ?)", (task_id, key, day, usd)
            ).lastrowid
        assert entry is not None, "SQLite numbers every row"
        return entry

    def settle(self, entry: int, usd: float) -> None:
        """Replace a reservation by the call's actual cost."""
        with self._database.alone() as db:
            db.execute("UPDATE spending SET usd = ?, settled = 1 WHERE id = ?", (usd, entry))

    def spent(self, task_id: str) -> tuple[float, float]:
        """Return the dollars that a task has paid, and those reserved for calls whose end is not known."""
        with self._database.alone() as db:
            rows = db.execute(
                "SELECT settled, sum(usd) FROM spending WHERE task_id = ? GROUP BY settled", (task_id,)
            ).fetchall()
        by_state = dict(rows)
        return by_state.get(1, 0.0), by_state.get(0, 0.0)

    def spent_on(self, day: str) -> dict[str, float]:
        """Return the dollars of a day (UTC, ``YYYY-MM-DD``) by key, reservations included."""
        with self._database.alone() as db:
            return dict(db.execute("SELECT key, sum(usd) FROM spending WHERE day = ? GROUP BY key", (day,)).fetchall())

    def costs(self, key: str | None = None) -> list[KeyCosts]:
        """Return the costs of each key, sorted by key; of one key only where it is given."""
        from engine.storage.packed_tasks import as_attempt  # needs the database, which the help of the command does not

        query = (
            "SELECT a.key, a.task_id, coalesce(t.outcome, json_extract(t.result, '$.outcome')), a.data, a.packed"
            " FROM attempts a LEFT JOIN tasks t ON t.id = a.task_id"
            " WHERE a.key = coalesce(?, a.key) ORDER BY a.key, a.at, a.task_id, a.number"
        )
        with self._database.alone() as db:
            rows = db.execute(query, (key,)).fetchall()
            paid = dict(db.execute("SELECT key, sum(usd) FROM spending WHERE settled = 1 GROUP BY key").fetchall())
        by_key: dict[str, dict[str, _Task]] = {}
        for name, task_id, outcome, data, packed in rows:
            task = by_key.setdefault(name, {}).setdefault(task_id, _Task(outcome == "success"))
            task.attempts.append(as_attempt(data, packed))
        for name, usd in paid.items():
            if usd > 0 and key in (None, name):
                by_key.setdefault(name, {})  # all its tasks may have been interrupted
        return [_summary(name, list(found.values()), paid.get(name, 0.0)) for name, found in sorted(by_key.items())]


@dataclass(frozen=True)
class KeyCosts:
    """The costs of one automation, and its savings against asking the model each time.

    Args:
        key: The reuse key.
        runs: Number of tasks that ran.
        first_usd: Dollars for exploring, failed attempts included.
        replays: Number of results that a replay gave; ``replay_usd`` is the cost of all replays and of their checks,
            for judgments only.
        repairs: Number of repairs and updates, failed ones included; ``repair_usd`` is their cost, and that of reading
            a result off the page.
        total_usd: All dollars, those of tasks whose process ended before them included.
        model_usd: The cost of asking the model each time: each result at the price of the exploration.
        saved_usd: ``model_usd`` less ``total_usd``; negative until the automation has paid for itself.
        paid_after: The run after which it had cost no more than asking the model each time; None until then.
        model_calls, tokens: Of all runs; tokens by kind.
        browser_seconds: Seconds of browser time.
    """

    key: str
    runs: int
    first_usd: float
    replays: int
    replay_usd: float
    repairs: int
    repair_usd: float
    total_usd: float
    model_usd: float
    saved_usd: float
    paid_after: int | None
    model_calls: int
    tokens: Mapping[str, int]
    browser_seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the costs as JSON-able data."""
        return {**vars(self), "tokens": dict(self.tokens)}


@dataclass
class _Task:
    """One task's attempts, in order, and whether it succeeded as a whole."""

    ok: bool
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def usd(self) -> float:
        """Its cost."""
        return sum(each.usd for each in self.attempts)

    @property
    def replayed(self) -> bool:
        """True where its result is a replay's."""
        giving = giving_attempt([(each.kind, each.outcome) for each in self.attempts]) if self.ok else None
        return giving is not None and self.attempts[giving].kind == "replay"

    @property
    def explored(self) -> float | None:
        """The cost of its exploration, if that gave an automation."""
        return next((each.usd for each in self.attempts if each.kind == "explore" and each.outcome == "success"), None)

    def usd_for(self, purpose: Literal["first", "replay", "repair"]) -> float:
        """Return the cost of exploring, of replaying, or of mending; each attempt counts once."""
        usd, before = 0.0, "repair"
        for each in self.attempts:
            found = before if each.kind == "continue" else _PURPOSES[each.kind]
            before = found if found != "replay" else before
            usd += each.usd if found == purpose else 0.0
        return usd


_PURPOSES = {
    "explore": "first",
    "replay": "replay",
    "check": "replay",
    "confirm": "replay",
    "repair": "repair",
    "update": "repair",
    "adopt": "repair",
    "compile": "repair",
}


def _summary(key: str, tasks: Sequence[_Task], paid: float) -> KeyCosts:
    attempts = [each for task in tasks for each in task.attempts]
    price = next((task.explored for task in tasks if task.explored is not None), None) or 0.0
    spent = max(0.0, paid - sum(each.usd for each in attempts))  # no attempt of an interrupted task is recorded
    results, paid_after = 0, None
    for number, task in enumerate(tasks, 1):
        spent += task.usd
        results += task.ok
        if paid_after is None and price and task.ok and results > 1 and results * price >= spent:
            paid_after = number
    return KeyCosts(
        key=key,
        runs=len(tasks),
        first_usd=sum(task.usd_for("first") for task in tasks),
        replays=sum(task.replayed for task in tasks),
        replay_usd=sum(task.usd_for("replay") for task in tasks),
        repairs=sum(each.kind in ("repair", "update") for each in attempts),
        repair_usd=sum(task.usd_for("repair") for task in tasks),
        total_usd=spent,
        model_usd=results * price,
        saved_usd=results * price - spent,
        paid_after=paid_after,
        model_calls=sum(each.model_calls for each in attempts),
        tokens={
            name: sum(getattr(each.tokens, name) for each in attempts)
            for name in ("input", "output", "cache_read", "cache_write")
        },
        browser_seconds=sum(each.seconds for each in attempts),
    )


@dataclass(frozen=True)
class TaskAccount:
    """One task's account in the ledger, for async code."""

    spending: SpendingLedger
    task_id: str
    key: str
    caps: DailyCaps

    async def reserve(self, usd: float) -> int:
        """See ``SpendingLedger.reserve``."""
        return await asyncio.to_thread(self.spending.reserve, self.task_id, self.key, usd, self.caps)

    async def spent(self) -> tuple[float, float]:
        """See ``SpendingLedger.spent``."""
        return await asyncio.to_thread(self.spending.spent, self.task_id)

    async def settle(self, entry: int, usd: float) -> None:
        """See ``SpendingLedger.settle``."""
        await asyncio.to_thread(self.spending.settle, entry, usd)


def today() -> str:
    """Return the current day of the caps, in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _over(cap: str, limit: float, spent: float, usd: float) -> ModelOverBudget:
    whose = "this reuse key" if cap == "key-day" else "the workspace"
    option = "key_usd_per_day" if cap == "key-day" else "usd_per_day"
    return ModelOverBudget(
        f"the next call could cost ${usd:.4f}; ${spent:.4f} of today's ${limit:.4f} for {whose} is spent or reserved;"
        f" wait for tomorrow (UTC), or raise {option}",
        cap=cap, budget_usd=limit, spent_usd=spent, needed_usd=usd,
    )  # fmt: skip
