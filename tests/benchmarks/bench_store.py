"""A store of ten thousand bundles against one of ten: to start on it, to list it, to run one.

None may grow by more than what listing a directory of that size costs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine import AsyncEngine
from tests.support.saved import TASK, save

FEW, MANY = 10, 10_000
ROUNDS = 7
TRIVIAL = "async def run(page, parameters, task):\n    return {'n': parameters['n']}\n"


def fill(store: Path, count: int) -> None:
    """One bundle that runs, and copies of it: what counts here is their number."""
    save(store, "real", TRIVIAL, parameters={"n": 1})
    bundles = store / "default" / "bundles"
    parts = sorted((bundles / "real").rglob("*"))  # directories come before what is in them
    names = [(part.relative_to(bundles / "real"), part.is_dir(), part) for part in parts]
    for n in range(count - 1):
        copy = bundles / f"copy-{n}"
        copy.mkdir()
        for name, is_directory, part in names:
            (copy / name).mkdir() if is_directory else (copy / name).hardlink_to(part)


async def median_ms(what: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await what()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def measure(store: Path) -> dict[str, float]:
    """Milliseconds of each."""

    async def start() -> None:
        async with AsyncEngine(store=store) as engine:
            await engine.list()

    async def directory() -> None:
        with os.scandir(store / "default" / "bundles") as found:
            assert sum(1 for _ in found) > 0

    figures = {"a directory listing": await median_ms(directory), "start": await median_ms(start)}
    async with AsyncEngine(store=store) as engine:

        async def keys() -> None:
            assert engine.bundles.keys()

        async def run() -> None:
            result = await engine.run(TASK, reuse_key="real", parameters={"n": 2}, ai="never")
            assert result.ok, result.error
            await asyncio.sleep(1.0)  # outside: a spare worker is made ready

        figures["list the keys"] = await median_ms(keys)
        await run()
        figures["run one"] = await median_ms(run) - 1000
    return figures


async def main() -> int:
    """Prints a line for each figure; 1 where one has grown by more than it may."""
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("few", FEW), ("many", MANY)):
            await asyncio.to_thread(fill, Path(folder) / name, count)
        few, many = await measure(Path(folder) / "few"), await measure(Path(folder) / "many")
    listing = many["a directory listing"]
    failed = 0
    for name in ("start", "list the keys", "run one"):
        more = many[name] - few[name]
        # What a run takes varies by more than a directory listing costs: a tenth of it is no growth.
        allowed = 10 * listing + 0.1 * few[name]
        failed |= more > allowed
        print(
            f"{name}: {few[name]:.1f} ms with {FEW} bundles, {many[name]:.1f} ms with {MANY}; {more:+.1f} ms, where a"
            f" directory listing takes {listing:.1f} ms",
            flush=True,
        )
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
