"""``run_until_idle`` runs the tasks in the queue, and returns when none is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine import AsyncEngine
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

QUICK = "async def run(page, parameters, task):\n    return [{'n': parameters['n']}]\n"


async def left_behind(store: Path, n: int) -> str:
    """Leave a pending task without an engine: its own was closed before its turn."""
    async with AsyncEngine(store=store, model=NoModel()) as engine:
        lock = engine.bundles.try_lock("k")
        assert lock is not None
        with lock:
            task_id = await engine.start(TASK, reuse_key="k", parameters={"n": n}, ai="never")
            await engine.close()
    return task_id


async def test_run_until_idle_runs_waiting_tasks_before_it_returns(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    left = await left_behind(tmp_path, 1)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        assert list(await engine.orphaned()) == [left]
        own = await engine.start(TASK, reuse_key="k", parameters={"n": 2}, ai="never")
        await engine.run_until_idle()
        assert [(await engine.result(task_id)).output for task_id in (left, own)] == [[{"n": 1}], [{"n": 2}]]
        assert list(await engine.orphaned()) == []


async def test_run_until_idle_without_takeover_leaves_orphans_pending(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    left = await left_behind(tmp_path, 1)
    save(tmp_path, "other", QUICK, parameters={"n": 1})
    async with AsyncEngine(store=tmp_path, model=NoModel(), take_over=False) as engine:
        result = await engine.run(TASK, reuse_key="other", parameters={"n": 3}, ai="never")
        assert result.output == [{"n": 3}]
        await engine.run_until_idle()
        assert (await engine.result(left)).status == "pending"
        assert list(await engine.orphaned()) == [left]


async def test_run_until_idle_waits_for_a_locked_key(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        lock = engine.bundles.try_lock("k")
        assert lock is not None
        task_id = await engine.start(TASK, reuse_key="k", parameters={"n": 4}, ai="never")
        running_out = asyncio.create_task(engine.run_until_idle())
        done, _ = await asyncio.wait([running_out], timeout=1)
        assert not done
        lock.release()
        await running_out
        assert (await engine.result(task_id)).output == [{"n": 4}]
