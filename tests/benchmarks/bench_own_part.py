"""The engine's own part of a kept replay without a browser: from the call of `run` to its result, records and events
included, without what passes in the sandbox. Median of wall time, and of processor time, one replay after another.

Goal: at most 5 ms. Run with `make bench`, or `python -m tests.benchmarks.bench_own_part --rounds 30`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import sandbox
from engine import AsyncEngine
from sandbox import Outcome, Sandbox
from tests.benchmarks.bench_replay import site
from tests.benchmarks.rounds import measure_in_rounds
from tests.support.saved import TASK, save

GOAL_MS = 5.0
PAUSE_SECONDS = 0.05  # in which the worker is made ready for its next run
CODE = """\
async def run(web, parameters, task):
    page = await web.get(task.start_url, params={"p": parameters["n"]})
    rows = [(entry.css("blockquote").one.text, entry.css("h2").one.text) for entry in page.css("li.entry")]
    return await task.read([{"said": said, "by": by} for said, by in rows])
"""


class TimedSandbox(Sandbox):
    """A sandbox that sums up the time that passes in it."""

    wall = cpu = 0.0

    async def run(self, *args: Any, **options: Any) -> Outcome:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return await super().run(*args, **options)
        finally:
            TimedSandbox.wall += time.perf_counter() - wall
            TimedSandbox.cpu += time.process_time() - cpu


async def main(rounds: int) -> int:
    walls, cpus, wholes = [], [], []
    with (
        site("tests.benchmarks.bench_web_workers", "--serve") as url,
        tempfile.TemporaryDirectory() as folder,
        patch.object(sandbox, "Sandbox", TimedSandbox),
    ):
        save(Path(folder), "key", CODE, parameters={"n": 0})
        async with AsyncEngine(store=folder) as engine:
            for number in range(rounds + 5):
                await asyncio.sleep(PAUSE_SECONDS)
                TimedSandbox.wall = TimedSandbox.cpu = 0.0
                wall, cpu = time.perf_counter(), time.process_time()
                result = await engine.run(
                    TASK, reuse_key="key", start_url=url, parameters={"n": number % 2}, ai="never"
                )
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                assert result.ok, result.error
                assert TimedSandbox.wall > 0
                wholes.append(1000 * wall)
                walls.append(1000 * (wall - TimedSandbox.wall))
                cpus.append(1000 * (cpu - TimedSandbox.cpu))
    own, busy, whole = (median(each[5:]) for each in (walls, cpus, wholes))
    print(
        f"kept replay {whole:.1f} ms; the engine's own part {own:.1f} ms, {busy:.1f} of processor (goal: {GOAL_MS:g})"
    )
    return own > GOAL_MS


if __name__ == "__main__":
    sys.exit(measure_in_rounds("bench_own_part", main, rounds=60))
