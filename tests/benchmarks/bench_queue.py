"""A thousand pending tasks on trivial automations: order, memory, and the engine's own time beyond the browser's.

Then a tenth as many again with listeners that never return: they may cost memory, no time.

One slot, so that what a task takes is what it costs: the time of its attempt is the worker's and the browser's, the
rest is the engine's own. Give a smaller number to look quickly: ``python -m tests.benchmarks.bench_queue 100``.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from engine import AsyncEngine, Event, TaskResult
from tests.support.saved import TASK, save

KEYS = 5
STUCK_FACTOR = 1.5
GOAL_MS = 30  # of the engine's own, for each task
TRIVIAL = "async def run(page, parameters, task):\n    return {'n': parameters['n']}\n"


def peak_mb() -> float:
    """Most memory that this process has had, in MiB; its workers are processes of their own."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(tasks: int) -> int:
    """Prints the figures; 1 where the goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        for key in range(KEYS):
            save(Path(folder), f"k{key}", TRIVIAL, parameters={"n": 1})
        async with AsyncEngine(store=folder, max_tasks=1, max_pending=tasks) as engine:
            await engine.run(TASK, reuse_key="k0", parameters={"n": -1}, ai="never")  # all is imported
            before = peak_mb()
            began = time.perf_counter()
            # In blocks of one key, as a batch would have them.
            ids = [
                await engine.start(TASK, reuse_key=f"k{n * KEYS // tasks}", parameters={"n": n}, ai="never")
                for n in range(tasks)
            ]
            started = time.perf_counter() - began
            results = await engine.wait(ids)
            took = time.perf_counter() - began
            assert all(result.ok for result in results), next(r.error for r in results if not r.ok)
            ends = [result.completed_at for result in results]
            in_order = ends == sorted(ends, key=lambda end: end.timestamp() if end else 0.0)
            browser = sum(attempt.seconds for result in results for attempt in result.attempts)
            own = (took - browser) / tasks * 1000
            missed = await under_stuck_listeners(engine, max(5, tasks // 10), took / tasks)
    print(
        f"{tasks} waiting tasks: {'in order' if in_order else 'OUT OF ORDER'}, all started in {started:.1f} s,"
        f" {took / tasks * 1000:.0f} ms a task, of it {own:.1f} ms beyond the worker's (goal: under {GOAL_MS}),"
        f" {(peak_mb() - before) * 1024 / tasks:.1f} KiB of memory each",
        flush=True,
    )
    return int(not in_order or own >= GOAL_MS or missed)


async def under_stuck_listeners(engine: AsyncEngine, tasks: int, usual: float) -> bool:
    """Prints what a task takes whose listener never returns; True where the goal is missed."""

    async def stuck(event: Event) -> None:
        await asyncio.Event().wait()

    before, began = peak_mb(), time.perf_counter()
    request: dict[str, Any] = {"reuse_key": "k0", "ai": "never", "on_event": stuck}
    ids = [await engine.start(TASK, parameters={"n": n}, **request) for n in range(tasks)]
    async for result in ends(engine, ids):
        assert result.ok, result.error
    each, goal = (time.perf_counter() - began) / tasks, usual * STUCK_FACTOR
    print(
        f"{tasks} tasks with a stuck listener each: {each * 1000:.0f} ms a task (goal: under {goal * 1000:.0f}),"
        f" {(peak_mb() - before) * 1024 / tasks:.1f} KiB of memory each"
    )
    return each >= goal


async def ends(engine: AsyncEngine, ids: list[str]) -> AsyncIterator[TaskResult]:
    """Yields the results when they are recorded, without waiting for the listeners."""
    for task_id in ids:
        while not (result := await engine.result(task_id)).final:
            await asyncio.sleep(0.01)
        yield result


if __name__ == "__main__":
    sys.exit(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
