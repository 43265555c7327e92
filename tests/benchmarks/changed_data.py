"""Runs in which only the site's data change, and not its markup, so that every alarm is a false one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import AsyncEngine
from engine.testing.drift import difference
from engine.testing.heal.sites import plain, site
from fixtures_sites.archive.model import COUNTS
from fixtures_sites.directory.data import CATEGORIES
from fixtures_sites.feed.data import TOPICS
from fixtures_sites.ledger.data import STATUSES
from fixtures_sites.scenarios import SCENARIOS
from fixtures_sites.truths import truth
from tests.benchmarks import subjects

ASKED: Mapping[str, tuple[str, Sequence[Any]]] = {
    "archive": ("year", tuple(COUNTS)),
    "directory": ("category", tuple(CATEGORIES.values())),
    "feed": ("topic", tuple(TOPICS.values())),
    "ledger": ("status", tuple(STATUSES.values())),
}


@dataclass(frozen=True)
class Run:
    """One run on another day; `wrong` describes its failure (`alarm`) or its wrong output, if any."""

    subject: str
    seed: int
    asked: Any
    wrong: str = ""
    alarm: bool = False


async def on_site(name: str, runs: int, room: asyncio.Semaphore, author: subjects.Author) -> list[Run]:
    """Run one automation a number of times, each on another day and with the next value of its parameter."""
    async with room:
        with tempfile.TemporaryDirectory() as folder, site(name) as server:
            subject = await subjects.written(name, server, Path(folder), author=author)
            field, values = ASKED[name]
            found: list[Run] = []
            async with AsyncEngine(store=folder) as engine:
                while len(found) < runs:
                    seed = server.seed = server.seed + 1
                    parameters = {**SCENARIOS[name].parameters, field: values[seed % len(values)]}
                    right = truth(name, parameters, seed=seed)
                    if author == "careless" and not right:
                        continue  # careless code does not use task.empty, so an empty list is refused by design
                    result = await subjects.replay(engine, subject, parameters=parameters)
                    found.append(_judged(subject.name, seed, parameters[field], result, right))
                    print(f"run {len(found)} of {runs}: {found[-1]}", file=sys.stderr, flush=True)
            return found


def _judged(name: str, seed: int, asked: Any, result: Any, right: Any) -> Run:
    if result.error is not None:
        return Run(name, seed, asked, f"{result.error.reason}: {result.error.message[:300]}", alarm=True)
    given = plain(result.output)
    return Run(name, seed, asked, "" if given == right else difference(given, right))


async def runs(total: int, at_once: int) -> list[Run]:
    """Make half of the runs with the good automations, a quarter with careless ones, a quarter without a browser."""
    room = asyncio.Semaphore(at_once)
    each, rest = total // 8, total // 16
    parts = [on_site(name, each + (total - 4 * (each + 2 * rest)) * (name == "archive"), room, "model")
             for name in ASKED]  # fmt: skip
    parts += [on_site(name, rest, room, author) for author in ("careless", "web") for name in ASKED]
    return [run for part in await asyncio.gather(*parts) for run in part]


def report(found: Sequence[Run]) -> str:
    """Format the figures, with a line for each run that was not good."""
    alarms = [run for run in found if run.alarm]
    wrong = [run for run in found if run.wrong and not run.alarm]
    lines = [
        f"changed data, same markup: {len(alarms)} false alarms in {len(found)} runs ({len(alarms) / len(found):.1%});"
        f" {len(wrong)} wrong outputs"
    ]
    lines += [f"  {run.subject}, day {run.seed}, {run.asked!r}: {run.wrong}" for run in (*alarms, *wrong)]
    return "\n".join(lines)
