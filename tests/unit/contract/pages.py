"""Pages and outputs for the contract's tests."""

from __future__ import annotations

from typing import Any

from engine.contract import Breach, History, Observed, check, learn
from engine.storage.database import Database
from engine.storage.run_history import RunHistory
from sandbox import Evidence

_TOWNS = ("Harrow", "Penfield", "Ashby", "Corran", "Low Mill")


def shops(n: int, start: int = 0, **change: Any) -> list[dict[str, Any]]:
    """Return rows of five fields; ``change`` replaces some, each by a value or by a function of the row."""
    rows = [
        {
            "name": f"{chr(65 + i % 26)}ndover & Sons {chr(97 + i // 26)}",
            "town": _TOWNS[i % len(_TOWNS)],
            "price": 40.0 + 3 * i % 61,
            "since": f"{1 + i % 28:02}/{1 + i % 12:02}/20{10 + i % 15}",
            "note": f"Open on weekdays, number {i} of the guild",
        }
        for i in range(start, start + n)
    ]
    return [row | {k: v(row) if callable(v) else v for k, v in change.items()} for row in rows]


def run_of(output: Any, parameters: dict[str, Any] | None = None, **page: Any) -> Observed:
    """Return what a run observed."""
    return Observed(output, Evidence(**page), None, parameters or {})


class CleanRuns:
    """Clean runs in a database of their own."""

    def __init__(self, database: Database, *runs: Observed, task: str = "") -> None:
        self.run_history = RunHistory(database)
        self.contract = learn(runs[:1], task)
        self.revision = "r"
        for run in runs:
            self.add(run)

    def add(self, run: Observed) -> None:
        """Record one more clean run."""
        self.run_history.clean_run(self.revision, [], None, [run])

    def history(self, run: Observed) -> History:
        """Return the history that this run is checked against."""
        return self.run_history.history(self.revision, run.parameters, run.account)

    def kinds(self, run: Observed) -> list[str]:
        """Return the kinds of the run's breaches."""
        return [b.kind for b in self.breaches(run)]

    def breaches(self, run: Observed) -> list[Breach]:
        """Return the run's breaches."""
        return check(self.contract, run, self.history(run))
