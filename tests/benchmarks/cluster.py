"""Measures the throughput of three nodes against one, and what a task on a cluster costs beyond a local one.

    python -m tests.benchmarks.cluster

All nodes are on this machine, so the latency of the site has to outweigh what its processors do. `make bench` leaves
this out: it takes minutes, and its figures say little on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

import ray

from engine import AsyncDistributedEngine, AsyncEngine, TaskResult
from sandbox.isolation.mechanism import Isolation
from tests.support.cluster_story import Nodes, fill
from tests.support.order_site import ORDER, OrderSite, order_site
from tests.support.saved import TASK, save

_LATENCY = 5.0  # seconds
_SLOTS = 3  # of each node
_TASKS = 4  # of each slot
_ALONE = 20

Run = Callable[..., Awaitable[TaskResult]]


def _request(key: str, number: int) -> dict[str, Any]:
    return {"reuse_key": key, "parameters": {"key": key, "number": number}, "ai": "never"}


async def _alone(run: Run) -> float:
    """Return the median seconds of a task that finds all warm, and a site that answers at once."""
    seconds = []
    for number in range(_ALONE):
        began = time.perf_counter()
        result = await run(TASK, **_request("key0", number))
        assert result.ok, result.error
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[2:])


async def _on_nodes(number: int, directory: Path, site: OrderSite, isolation: Isolation) -> tuple[float, float]:
    """Return tasks per second with all slots busy by a key each, and the seconds of one task alone.

    The processes of the keys are there before: to start one takes seconds of processor, of which there are two here.
    """
    nodes = Nodes(number, _SLOTS, directory / "r")
    try:
        keys = [f"key{n}" for n in range(number * _SLOTS)]
        await asyncio.to_thread(fill, directory / "bundles.git", directory, keys, site)
        async with AsyncDistributedEngine(
            address=nodes.cluster.address, bundles=directory / "bundles.git", store=directory / "store",
            isolation=isolation,
        ) as engine:  # fmt: skip
            site.latency = 0.0
            started = await engine.map([_request(key, n) for n, key in enumerate(keys)], task=TASK)
            assert all(result.ok for result in started)
            alone = await _alone(engine.run)
            site.latency = _LATENCY
            requests = [_request(key, _ALONE + n) for n, key in enumerate(_TASKS * keys)]
            began = time.perf_counter()
            results = await engine.map(requests, task=TASK)
            assert all(result.ok for result in results)
            return len(requests) / (time.perf_counter() - began), alone
    finally:
        ray.shutdown()
        nodes.cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


async def _here(directory: Path, site: OrderSite, isolation: Isolation) -> float:
    site.latency = 0.0
    save(directory, "key0", ORDER, parameters={"key": "key0", "number": 1}, start_url=site.url, effects="write")
    async with AsyncEngine(store=directory, isolation=isolation) as engine:
        return await _alone(engine.run)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--isolation", default="auto", choices=get_args(Isolation))
    isolation = parser.parse_args().isolation
    scratch = Path(tempfile.mkdtemp(prefix="wt-", dir="/tmp"))  # short, as the paths of sockets have to be
    try:
        with order_site(0.0) as site:
            here = asyncio.run(_here(scratch / "h", site, isolation))
            print(f"one task on a local engine: {here * 1000:.0f} ms")
            rates = {}
            for number in (1, 3):
                rates[number], alone = asyncio.run(_on_nodes(number, scratch / str(number), site, isolation))
                print(f"{number} nodes: {rates[number]:.2f} tasks/s; one task alone {alone * 1000:.0f} ms")
            print(f"3 nodes against one: {rates[3] / rates[1]:.2f}; a task costs {(alone - here) * 1000:.0f} ms more")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
