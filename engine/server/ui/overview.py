"""The contents of the dashboard's first page: keys with their health, and tasks as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError
from engine.reports.key_runs import Run, runs_of
from engine.task.event_text import event_line
from engine.task.events import Follower
from engine.task.wire import TaskResult

_TASKS = 25
_RUNS = 12  # of a key, as its health


@dataclass(frozen=True)
class KeyLine:
    """A saved automation in the list.

    Args:
        key: The reuse key.
        runs: Its last runs, the oldest first.
        count: The number of all its runs.
        usd: Dollars spent on it.
        saved_usd: Dollars saved against asking the model each time.
        at: When it was last changed; None where that cannot be read.
        problem: The reason why its bundle cannot be read; empty for a sound one.
        pinned: It is pinned.
    """

    key: str
    runs: Sequence[Run]
    count: int
    usd: float
    saved_usd: float
    at: datetime | None
    problem: str = ""
    pinned: bool = False


@dataclass(frozen=True)
class TaskLine:
    """A task in the list, with the last thing that happened in it."""

    task: TaskResult
    now: str = ""


async def keys_of(engine: AsyncEngine) -> list[KeyLine]:
    """Return the workspace's saved automations, by key."""
    names = await asyncio.to_thread(engine.bundles.keys)
    costs = {each.key: each for each in await engine.costs()}
    attempts = await engine.attempts()
    ended = {task.web_task_id: task.ok for task in await engine.list(limit=max(1, len(attempts)))}
    found = []
    for key in names:
        runs = runs_of([each for each in attempts if each["key"] == key], ended)
        cost = costs.get(key)
        at, pinned, problem = await asyncio.to_thread(_bundle, engine, key)
        found.append(
            KeyLine(
                key, runs[-_RUNS:], len(runs), cost.total_usd if cost else 0.0, cost.saved_usd if cost else 0.0, at,
                problem, pinned,
            )
        )  # fmt: skip
    return found


def _bundle(engine: AsyncEngine, key: str) -> tuple[datetime | None, bool, str]:
    try:
        found = engine.bundles.last(key)
    except EngineError as error:  # one broken bundle does not hide the others
        return None, False, str(error)
    if found is None:
        return None, False, "nothing is saved under it"
    return found.revision.timestamp, found.pinned is not None, ""


async def tasks_of(engine: AsyncEngine) -> list[TaskLine]:
    """Return the workspace's last tasks, the newest first."""
    tasks = await engine.list(limit=_TASKS)
    return [TaskLine(task, await asyncio.to_thread(_now, engine.root, task)) for task in tasks]


def _now(root: Path, task: TaskResult) -> str:
    """Return the last thing that happened in a task that runs, in words."""
    if task.status != "started":
        return ""
    events = Follower(root / "traces" / f"{task.web_task_id}.jsonl").read()
    lines = [line.text for event in events[-20:] if (line := event_line(event)) is not None]
    return lines[-1] if lines else ""
