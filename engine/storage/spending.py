"""The ledger of payments for the model: reserved before each call, settled after it, over all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.errors import ModelOverBudget

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
        query = (
            "SELECT key, task_id, number, at, json_extract(data, '$.kind'), json_extract(data, '$.outcome'),"
            " json_extract(data, '$.usd'), json_extract(data, '$.seconds'), json_extract(data, '$.model_calls'),"
            " json_extract(data, '$.tokens.input'), json_extract(data, '$.tokens.output'),"
            " json_extract(data, '$.tokens.cache_read'), json_extract(data, '$.tokens.cache_write')"
            " FROM attempts WHERE key = coalesce(?, key) ORDER BY key, at, task_id, number"
        )
        with self._database.alone() as db:
            rows = db.execute(query, (key,)).fetchall()
            paid = dict(db.execute("SELECT key, sum(usd) FROM spending WHERE settled = 1 GROUP BY key").fetchall())
        by_key: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            by_key.setdefault(row[0], []).append(row)
        for name, usd in paid.items():
            if usd > 0 and key in (None, name):
                by_key.setdefault(name, [])  # all its tasks may have been interrupted
        return [_summary(name, found, paid.get(name, 0.0)) for name, found in sorted(by_key.items())]


@dataclass(frozen=True)
class KeyCosts:
    """The costs of one automation, and its savings against asking the model each time.

    Args:
        key: The reuse key.
        runs: Number of tasks that ran.
        first_usd: Dollars until the first revision existed, failed attempts included.
        replays: Number of replays that gave the result; ``replay_usd`` is their cost, for judgments only.
        repairs: Number of repairs and updates, failed ones included; ``repair_usd`` is their cost.
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


def _summary(key: str, attempts: list[tuple[Any, ...]], paid: float) -> KeyCosts:
    tasks: dict[str, list[tuple[Any, ...]]] = {}
    for row in attempts:
        tasks.setdefault(row[1], []).append(row)
    exploring = [row for row in attempts if row[4] == "explore"]
    explored = next((row[6] for row in exploring if row[5] == "success"), None)
    unaccounted = max(0.0, paid - sum(row[6] for row in attempts))  # no attempt of an interrupted task is recorded
    spent, results, paid_after = unaccounted, 0, None
    for number, rows in enumerate(tasks.values(), 1):
        spent += sum(row[6] for row in rows)
        results += rows[-1][5] == "success"
        if paid_after is None and explored and number > 1 and results * explored >= spent:
            paid_after = number
    replays = [row for row in attempts if row[4] == "replay" and row[5] == "success"]
    repairs = [row for row in attempts if row[4] in ("repair", "update")]
    model = results * (explored or 0.0)
    return KeyCosts(
        key=key,
        runs=len(tasks),
        first_usd=sum(row[6] for row in exploring),
        replays=len(replays),
        replay_usd=sum(row[6] for row in replays),
        repairs=len(repairs),
        repair_usd=sum(row[6] for row in repairs),
        total_usd=spent,
        model_usd=model,
        saved_usd=model - spent,
        paid_after=paid_after,
        model_calls=sum(row[8] for row in attempts),
        tokens={
            name: sum(row[n] for row in attempts)
            for n, name in ((9, "input"), (10, "output"), (11, "cache_read"), (12, "cache_write"))
        },
        browser_seconds=sum(row[7] for row in attempts),
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
