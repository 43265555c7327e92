"""The time until a replay on a redesigned site is told as drift, on every fixture site. Goal: a median under 4 s.

Each site's automation is written by a recorded model and replayed twice; then the site gets its redesign, and each
replay with `ai="never"` ends in a verdict: the replay that fails, and the check with other parameters. Run with
`make bench`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from engine import AsyncEngine, TaskResult
from engine.testing.heal.sites import site
from fixtures_sites.scenarios import SCENARIOS
from tests.benchmarks import subjects

GOAL = 4.0  # seconds
REPLAYS = 2


async def verdict(name: str) -> tuple[float, TaskResult]:
    """Return the seconds until the verdict on one redesigned site, with the result."""
    with tempfile.TemporaryDirectory() as folder, site(name) as server:
        subject = await subjects.written(name, server, Path(folder, "store"), replays=REPLAYS)
        server.version = "v2"
        async with AsyncEngine(store=subject.store) as engine:
            await engine.warm()
            await asyncio.sleep(1)
            began = time.perf_counter()
            result = await subjects.replay(engine, subject)
            return time.perf_counter() - began, result


async def measure(names: list[str]) -> int:
    """Print each site's time; return 1 if the goal is missed."""
    taken: list[float] = []
    for name in names:
        seconds, result = await verdict(name)
        reason = result.error.reason if result.error is not None else "none"
        runs = " + ".join(f"{each.kind} {each.seconds:.1f}" for each in result.attempts)
        print(f"{name:12} {seconds:5.1f} s  {reason} ({runs})", flush=True)
        if result.error is not None:
            taken.append(seconds)
    median = statistics.median(taken)
    print(f"median {median:.1f} s, goal {GOAL:.1f} s")
    return median >= GOAL


if __name__ == "__main__":
    sys.exit(asyncio.run(measure(sys.argv[1:] or sorted(SCENARIOS))))
