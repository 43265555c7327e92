"""Runs tasks on a cluster of several nodes on this machine, kills nodes meanwhile, and prints what came of it as JSON.

    python -m tests.support.cluster_story DIRECTORY --nodes 3 --tasks 200 --keys 40 --kills 10

A process of its own: Ray leaves threads, warnings and signal handlers behind, and connects to this machine's address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ |= {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}

import psutil
import ray
from ray.cluster_utils import Cluster

import sandbox
from engine import AsyncDistributedEngine, AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.bundles.git_remote import GitRemote
from engine.bundles.remote import RemoteBundleStore
from engine.distributed.study_place import RayPlace
from tests.support.order_site import ORDER, OrderSite, order_site
from tests.support.saved import TASK, save
from tests.support.studied import KnownSandbox, study

_STORE_BYTES = 80 << 20


class Nodes:
    """The nodes of a cluster on this machine. The first is Ray's head node, which is never killed."""

    def __init__(self, number: int, slots: int, scratch: Path) -> None:
        (scratch / "ray").mkdir(parents=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)  # also that of all nodes
        self._common: dict[str, Any] = {
            "object_store_memory": _STORE_BYTES, "include_dashboard": False, "num_cpus": 1,
            "resources": {"webtask_slot": slots},
        }  # fmt: skip
        self.cluster = Cluster(initialize_head=True, head_node_args=self._common | {"temp_dir": str(scratch)})
        self.others = [self._add() for _ in range(number - 1)]

    def _add(self) -> Any:
        return self.cluster.add_node(**self._common)

    def kill_records(self) -> None:
        """Kill the process with the records, which Ray starts again."""
        (process,) = (p for p in psutil.process_iter(["name"]) if p.info["name"].startswith("ray::HeadActor"))
        process.kill()
        process.wait()

    def kill_one(self, *, replace: bool) -> None:
        """Kill a node at random, with all its processes, and start another one in its place."""
        node = self.others.pop(random.randrange(len(self.others)))
        self.cluster.remove_node(node, allow_graceful=False)
        if replace:
            self.others.append(self._add())


def fill(remote: Path, directory: Path, keys: list[str], site: OrderSite) -> None:
    """Publish one automation under each key, as a model would have written it."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    publisher = RemoteBundleStore(directory / "publisher", GitRemote(remote))
    for key in keys:
        parameters = {"key": key, "number": 1}
        save(directory / "made", key, ORDER, parameters=parameters, start_url=site.url, effects="write")
        bundle = BundleStore(directory / "made" / "default").load(key)
        assert bundle is not None
        publisher.commit(key, bundle, subject="Written for this test")


def known_engine(**options: Any) -> AsyncEngine:
    """Return an engine whose outcomes are known."""
    sandbox.Sandbox = lambda **given: KnownSandbox()  # type: ignore[assignment,misc]  # it stands for one
    return AsyncEngine(**options)


async def study_there(address: str, directory: Path) -> list[str]:
    """Run a small study on the cluster, and return what its first runs came to."""
    whole = study()
    small = study(repeats=1, tasks=whole["tasks"][:1], models=whole["models"][:1], variants=[])
    async with AsyncEngine(store=directory / "studies") as engine:
        kept = await engine.study(small, directory=directory / "known", place=RayPlace(address, known_engine))
    return [trial.runs[0].verdict for trial in kept.trials]


async def story(given: argparse.Namespace, site: OrderSite, nodes: Nodes) -> dict[str, Any]:
    """Run the tasks, and return figures."""
    keys = [f"key{number}" for number in range(given.keys)]
    fill(given.directory / "bundles.git", given.directory, keys, site)
    requests: list[dict[str, Any]] = [
        {"reuse_key": keys[n % len(keys)], "parameters": {"key": keys[n % len(keys)], "number": n}}
        for n in range(given.tasks)
    ]
    began = time.monotonic()
    killed = 0
    done = 0

    def progress(ended: int, of: int, result: TaskResult) -> None:
        nonlocal done
        done = ended

    async with AsyncDistributedEngine(
        address=nodes.cluster.address, bundles=given.directory / "bundles.git", store=given.directory / "store",
        isolation=given.isolation, max_tasks=given.max_tasks,
    ) as engine:  # fmt: skip
        warmed = await engine.run(TASK, **requests[0], ai="never")
        warm_seconds = time.monotonic() - began
        began = time.monotonic()
        running = asyncio.ensure_future(engine.map(requests[1:], task=TASK, ai="never", on_progress=progress))
        kills = [True] * given.record_kills + [False] * given.kills
        random.shuffle(kills)
        for number, records in enumerate(kills):
            while done < (number + 0.5) * given.tasks / (len(kills) + 1) and not running.done():
                await asyncio.sleep(0.05)
            if running.done():
                break
            await asyncio.sleep(random.uniform(0, 0.5))
            if records:
                nodes.kill_records()
            else:
                # Ray starts nodes in the main thread alone; those that live go on meanwhile.
                nodes.kill_one(replace=number + 1 < len(kills))
            killed += 1
        results = [warmed, *await running]
        seconds = time.monotonic() - began
        again = await engine.result(results[-1].web_task_id)
        studied = await study_there(nodes.cluster.address, given.directory)
    unsure = [r.web_task_id for r in results if r.effect == "unknown"]
    return {
        "tasks": len({result.web_task_id for result in results}),
        "succeeded": sum(result.ok for result in results),
        "acted_and_failed": sum(not r.ok and r.effect != "none" for r in results),
        "unsure": len(unsure),
        "failed": [result.error.message for result in results if result.error is not None and result.effect == "none"],
        "interrupted": [result.error.message for result in results if result.error is not None][:5],
        "orders": dict(site.orders),
        "overlapping": site.overlaps.keys,
        "killed": killed,
        "first_seconds": round(warm_seconds, 2),
        "seconds": round(seconds, 2),
        "recorded": again.status,
        "studied": studied,
        "effects": {effect: sum(r.effect == effect for r in results) for effect in {r.effect for r in results}},
    }


def main() -> None:
    """Run the story that the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    for name, default in (("nodes", 2), ("tasks", 8), ("keys", 3), ("kills", 1), ("record_kills", 0), ("slots", 10)):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--isolation", default="auto")
    parser.add_argument("--max-tasks", type=int, default=None)
    given = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="wt-", dir="/tmp"))  # short, as the paths of sockets have to be
    nodes = Nodes(given.nodes, given.slots, scratch)
    try:
        with order_site(given.latency) as site:
            told = asyncio.run(story(given, site, nodes))
    finally:
        ray.shutdown()
        nodes.cluster.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
