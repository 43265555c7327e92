"""Measure what weak models come to: scripted answers, one mistake each, and players of graded skill.

A result is silently wrong where the task ended well, its rows are not right, now or with other parameters in a replay,
and no warning was given. A failure is honest where its message says what to do. The players' mistakes are not what the
engine was tuned on: a change of the gate is measured by them, and not made for them.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from engine import AsyncEngine, Limits, TaskResult
from engine.models.base import Model
from fixtures_sites import FixtureServer, serve
from tests.benchmarks.weak.players import Player
from tests.benchmarks.weak.scripted import SCRIPTED, Scripted, endpoint
from tests.benchmarks.weak.sites import GUILD
from tests.benchmarks.weak.tasks import TASKS, WeakTask
from tests.support.stage import NoModel
from tests.support.warm import shared_by_engines

RATES = (0.0, 0.25, 0.5)
MOST_WRONG = 0.05  # of the tasks at the highest rate, silently
LEAST_RIGHT = 0.8  # at the middle rate
LIMITS = Limits(action_timeout=3, timeout=120, turns=20)
_REMEDY = (
    "; ",
    "raise ",
    "use ",
    "give ",
    "set ",
    "read ",
    "wait ",
    "finish needs ",
    "propose ",
    "write ",
    "may get further",
    "try again",
)


@dataclass(frozen=True)
class Played:
    """The end of one task, and what it cost."""

    end: str  # "right", "wrong", "silently wrong", "failed", "failed without a remedy"
    turns: int
    usd: float
    told: str


def rows_of(output: Any) -> Any:
    """Return rows with files as the truths have them, by their contents alone."""
    if isinstance(output, list):
        return [rows_of(each) for each in output]
    if isinstance(output, Mapping):
        if "sha256" in output:
            return {"sha256": output["sha256"]}
        return {name: rows_of(value) for name, value in output.items()}
    if isinstance(output, str) and Path(output).is_absolute() and Path(output).is_file():
        return {"sha256": hashlib.sha256(Path(output).read_bytes()).hexdigest()}
    return output


@contextmanager
def served(task: WeakTask) -> Iterator[FixtureServer]:
    """Serve the task's site, without its artificial delays."""
    if task.site == "guild":
        with FixtureServer(GUILD) as server:
            yield server
        return
    with serve(task.site) as server:
        if task.site == "feed":
            server.state.delay, server.state.modal_after = 0.01, 60.0
        yield server


async def ran(task: WeakTask, url: str, store: Path, player: Model | None, **options: Any) -> TaskResult:
    """Run the task with a model, or replay what is saved with the later parameters."""
    chosen = task.parameters[0] if player is not None or options else task.parameters[1]
    arguments: dict[str, Any] = {
        "start_url": urljoin(url, task.path), "parameters": dict(chosen), "reuse_key": "k",
        "secrets": list(task.secrets),
        "output_schema": task.output_schema,
    }  # fmt: skip
    engine = AsyncEngine(store=store, limits=LIMITS, **({"model": player or NoModel()} | options))
    async with engine:
        return await engine.run(task.task, **arguments, ai="never" if chosen is task.parameters[1] else "auto")


async def play(task: WeakTask, player: Model | None, **options: Any) -> tuple[str, str]:
    """Let a model work on a task; return what it came to, and why."""
    with served(task) as site, tempfile.TemporaryDirectory() as store:
        result = await ran(task, site.url, Path(store), player, **options)
        if not result.ok:
            message = result.error.message if result.error else ""
            helps = any(word in message for word in _REMEDY)
            return ("failed" if helps else "failed without a remedy"), message
        right = rows_of(result.output) == task.rows(task.parameters[0])
        warned = "; ".join(result.warnings)
        if right:
            later = await ran(task, site.url, Path(store), None)
            right = not later.ok or rows_of(later.output) == task.rows(task.parameters[1])
            warned += "; ".join(later.warnings)
        if right:
            return "right", ""
        return ("wrong, with a warning" if warned else "silently wrong"), warned or json.dumps(
            result.output, default=str
        )


async def players(seeds: int, only: str) -> dict[float, list[Played]]:
    """Let the players of each skill work on all tasks."""
    found: dict[float, list[Played]] = {}
    for rate in RATES:
        for task in TASKS:
            for seed in range(1 if not rate else seeds):
                if only not in f"{rate} {task.site} {task.path}":
                    continue
                player = Player(task, rate, seed)
                end, told = await play(task, player)
                found.setdefault(rate, []).append(Played(end, player.turns, player.usd, told))
                print(
                    f"{rate:4} {task.site:9} {task.path:9} {seed} {end:22} {player.turns:2} {player.made} {told[:300]}",
                    flush=True,
                )
    return found


async def scripted(only: str) -> list[tuple[Scripted, Played]]:
    """Play each scripted answer."""
    found = []
    for script in SCRIPTED:
        if only not in script.name:
            continue
        began = time.monotonic()
        with endpoint(script) as (url, exchange):
            end, told = await play(script.task, None, model="weak", base_url=url, api_key="none")
        played = Played(end, exchange.answers, exchange.usd, told)
        found.append((script, played))
        print(
            f"{script.name:45} {end:22} {played.turns:2} ${played.usd:.4f} {time.monotonic() - began:4.1f} s"
            f" {told[:200]}",
            flush=True,
        )
    return found


def _share(played: Sequence[Played], end: str) -> float:
    return sum(each.end == end for each in played) / len(played)


def report(found: Mapping[float, Sequence[Played]], answers: Sequence[tuple[Scripted, Played]]) -> list[str]:
    """Print the figures, and return the goals that were missed."""
    missed = []
    for rate, played in found.items():
        counts = ", ".join(f"{end} {n}" for end, n in Counter(each.end for each in played).most_common())
        turns, usd = statistics.median(e.turns for e in played), statistics.mean(e.usd for e in played)
        print(f"a mistake in {rate:.0%} of the turns: {counts} of {len(played)}; {turns:g} turns, ${usd:.4f}")
        if rate == RATES[-1] and _share(played, "silently wrong") > MOST_WRONG:
            missed.append(f"silently wrong in {_share(played, 'silently wrong'):.0%} at a rate of {rate}")
        if rate == RATES[1] and _share(played, "right") < LEAST_RIGHT:
            missed.append(f"right in {_share(played, 'right'):.0%} alone at a rate of {rate}")
    if answers:
        ends = Counter(played.end for _, played in answers)
        print(f"scripted: {', '.join(f'{end} {n}' for end, n in ends.most_common())} of {len(answers)}")
    everything = [*(played for _, played in answers), *(each for played in found.values() for each in played)]
    missed += [f"no remedy in: {each.told}" for each in everything if each.end == "failed without a remedy"]
    for script, played in answers:
        if played.end == "silently wrong":
            missed.append(f"{script.name}: silently wrong: {played.told}")
        if played.turns > script.most_turns or played.usd > script.most_usd or played.end not in script.ends:
            missed.append(
                f"{script.name}: {played.end} after {played.turns} turns and ${played.usd:.4f}: {played.told}"
            )
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_weak_models")
    parser.add_argument("--seeds", type=int, default=3, help="of the players, for each task and rate")
    parser.add_argument("--only", default="", help="runs whose names have this in them")
    parser.add_argument("--part", choices=("all", "players", "scripted"), default="all")
    options = parser.parse_args()
    with shared_by_engines():
        answers = asyncio.run(scripted(options.only)) if options.part != "players" else []
        found = asyncio.run(players(options.seeds, options.only)) if options.part != "scripted" else {}
    if missed := report(found, answers):
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
