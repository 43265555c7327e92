"""A store that version 057d663 wrote works with this one: it is read, replayed, repaired, rolled back and taken over.

``tests/support/old_store/make.py`` says what is in the archive, and makes it.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, FileResult, TaskResult
from fixtures_sites import serve
from tests.support.old_store.make import PORTS, STORE
from tests.support.stage import NoModel, Stage, tree

ARCHIVE = Path(__file__).parents[2] / "support" / "old_store" / "store-057d663.tar.xz"
SECONDS = 60


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """The store, where the ``stage`` has its own; the place and the date that its records name are corrected."""
    store = tmp_path / "store"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(store, filter="data")
    for trace in (store / "default" / "traces").iterdir():
        os.utime(trace)  # files that are old are swept
    with sqlite3.connect(store / "default" / "records.sqlite3") as db:
        db.execute("UPDATE tasks SET result = replace(result, ?, ?)", (STORE.as_uri(), store.as_uri()))
        db.execute("UPDATE tasks SET expires_at = '9999-01-01' WHERE expires_at IS NOT NULL")
    db.close()
    return store


def old_engine(store: Path) -> AsyncEngine:
    """An engine that needs no model, and leaves the pending task alone."""
    return AsyncEngine(store=store, model=NoModel(), take_over=False)


async def run(s: Stage, phase: str | None = None, **changed: Any) -> TaskResult:
    """One run of the scenario that leaves the pending task alone."""
    async with s.engine(phase, take_over=False) as engine:
        return await s.run_on(engine, **changed)


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


async def test_old_bundles_are_read(old_store: Path) -> None:
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


@pytest.mark.parametrize(("name", "version"), [("directory", "v1"), ("feed", "v2"), ("ledger", "v1")])
async def test_old_automation_replays_with_no_model_and_no_commit(
    old_store: Path, stage: Callable[[str], Stage], name: str, version: str
) -> None:
    s = stage(name)
    s.site.version = version
    before = tree(s.bundle)
    for parameters in (s.scenario.parameters, s.scenario.other_parameters):
        result = await run(s, parameters=parameters)
        assert result.ok, result.error
        assert result.model_calls == 0
        assert result.warnings == ()
    assert tree(s.bundle) == before


async def test_trust_of_an_old_automation_is_kept(old_store: Path, stage: Callable[[str], Stage]) -> None:
    result = await run(stage("directory"))
    assert result.reuse is not None
    assert result.reuse.trust == "trusted"


async def test_old_automation_is_repaired_and_rolled_back(old_store: Path, stage: Callable[[str], Stage]) -> None:
    s = stage("directory")
    s.site.version = "v2"
    repaired = await run(s, "repair")
    assert repaired.ok, repaired.error
    assert repaired.reuse is not None
    assert repaired.reuse.updated
    async with old_engine(old_store) as engine:
        new, old = engine.bundles.history("directory")
        assert new.id == repaired.reuse.revision_id
        back = engine.bundles.rollback("directory", old.id)
        assert back.tree == old.tree
    s.site.version = "v1"
    again = await run(s)
    assert again.ok, again.error
    assert again.model_calls == 0


async def test_old_repair_is_rolled_back(old_store: Path, stage: Callable[[str], Stage]) -> None:
    s = stage("feed")
    async with old_engine(old_store) as engine:
        _, explored = engine.bundles.history("feed")
        assert engine.bundles.rollback("feed", explored.id).tree == explored.tree
    result = await run(s)
    assert result.ok, result.error
    assert result.model_calls == 0


async def test_old_pin_prevents_repairs(old_store: Path, stage: Callable[[str], Stage]) -> None:
    s = stage("ledger")
    s.site.version = "v2"
    before = tree(s.bundle)
    result = await run(s)
    assert result.error is not None
    assert result.error.reason == "pinned"
    assert tree(s.bundle) == before


async def test_old_pending_task_is_taken_over(old_store: Path) -> None:
    with serve("directory") as site:
        with sqlite3.connect(old_store / "default" / "records.sqlite3") as db:
            address = (f"http://127.0.0.1:{PORTS['directory']}/", site.url)
            db.execute("UPDATE tasks SET request = replace(request, ?, ?) WHERE status = 'pending'", address)
        db.close()
        async with AsyncEngine(store=old_store, model=NoModel()) as engine:
            (pending,) = await engine.orphaned()
            (result,) = await engine.wait([pending], timeout=SECONDS, poll=0.1)
    assert result.ok, result.error
    assert result.model_calls == 0
    assert result.reuse is not None
    assert result.reuse.used
