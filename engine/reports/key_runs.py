"""The runs of a reuse key: when each ran, how it ended, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from engine.task.attempts import giving_attempt
from engine.task.formatting import dollars, seconds

Outcome = Literal["replayed", "written", "failed"]


@dataclass(frozen=True)
class Run:
    """One task of a key, as its attempts tell it.

    Args:
        task_id: The task.
        at: Its end.
        outcome: ``replayed``; ``written``, where a model wrote or repaired the code, or read the result; or ``failed``.
        kind: The kind of the attempt that gave the result, or the last one.
        reason: The cause of its failure, or of the repair; empty for a replay.
        seconds: The time of all its attempts.
        usd: Dollars for the model.
    """

    task_id: str
    at: datetime
    outcome: Outcome
    kind: str
    reason: str
    seconds: float
    usd: float

    @property
    def label(self) -> str:
        """The run in words, for a plot."""
        cost = f", {dollars(self.usd)}" if self.usd else ""
        return f"{self.kind} {self.reason}".strip() + f", {seconds(self.seconds)}{cost}"


def runs_of(attempts: Sequence[Mapping[str, Any]], outcomes: Mapping[str, bool]) -> list[Run]:
    """Return the runs of a key, the oldest first.

    Args:
        attempts: Its attempts, the oldest first, as ``engine.attempts`` returns them.
        outcomes: By id of a task, True where it succeeded.
    """
    tasks: dict[str, list[Mapping[str, Any]]] = {}
    for attempt in attempts:
        tasks.setdefault(attempt["task_id"], []).append(attempt)
    return [_run(task_id, found, ok=outcomes.get(task_id, False)) for task_id, found in tasks.items()]


def _run(task_id: str, attempts: Sequence[Mapping[str, Any]], *, ok: bool) -> Run:
    place = giving_attempt([(each["kind"], each["outcome"]) for each in attempts]) if ok else None
    kind = str(attempts[-1 if place is None else place]["kind"])
    outcome: Outcome = "failed" if not ok else "replayed" if kind == "replay" else "written"
    reasons = [str(each["reason"]) for each in attempts if each["reason"]]
    return Run(
        task_id=task_id,
        at=datetime.fromisoformat(attempts[0]["at"]),
        outcome=outcome,
        kind=kind,
        reason=(reasons[-1] if not ok else reasons[0]) if reasons else "",
        seconds=round(sum(float(each["seconds"]) for each in attempts), 2),
        usd=sum(float(each["usd"]) for each in attempts),
    )
