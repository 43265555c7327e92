"""A store that version 057d663 wrote is read by this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import FileResult
from tests.support.old_store.unpack import old_engine, old_store

__all__ = ["old_store"]


async def test_old_tasks_results_and_events_are_read(old_store: Path) -> None:
    async with old_engine(old_store) as engine:
        tasks = await engine.list()
        assert [task.status for task in tasks] == ["pending", *["completed"] * 11]
        assert [task.reuse_key for task in tasks] == [
            "directory",
            "numbers",
            "ledger",
            *["feed"] * 3,
            *["directory"] * 6,
        ]
        for task in tasks[1:]:
            assert task.ok, task.error
            assert task.output
            assert await engine.result(task.web_task_id) == task
            events = [event.type async for event in engine.events(task.web_task_id)]
            assert events[0] == "task.pending"
            assert events[-1] == "task.completed"
        large = await engine.result(tasks[1].web_task_id)
        assert isinstance(large.result, FileResult)
        assert len(large.output) == 1000
        assert list(await engine.orphaned()) == [tasks[0].web_task_id]


async def test_old_costs_and_attempts_are_read(old_store: Path) -> None:
    async with old_engine(old_store) as engine:
        costs = {each.key: each for each in await engine.costs()}
        assert list(costs) == ["directory", "feed", "ledger", "numbers"]
        assert (costs["directory"].runs, costs["directory"].replays) == (6, 5)
        assert costs["directory"].first_usd > 0
        assert costs["feed"].repairs == 1
        assert costs["feed"].total_usd == pytest.approx(costs["feed"].first_usd + costs["feed"].repair_usd)
        kinds = [attempt["kind"] for attempt in await engine.attempts(reuse_key="directory")]
        assert kinds == ["explore", *["replay"] * 5]


async def test_old_bundles_are_read(old_store: Path, git: None) -> None:
    async with old_engine(old_store) as engine:
        bundles = engine.bundles
        keys = bundles.keys()
        assert {key: len(bundles.history(key)) for key in keys} == {
            "directory": 1,
            "feed": 2,
            "ledger": 1,
            "numbers": 1,
        }
        repaired, explored = bundles.history("feed")
        assert {"Task-Id", "Model", "Cost-Usd"} <= repaired.trailers.keys()
        assert "automation.py" in bundles.diff("feed", explored.id, repaired.id)
        pinned = bundles.pinned("ledger")
        assert pinned is not None
        assert pinned.id == bundles.history("ledger")[0].id
        for key in keys:
            assert bundles.verify(key) == ()
            assert bundles.edited(key) == ()
