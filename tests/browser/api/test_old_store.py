"""A store that version 057d663 wrote is replayed, repaired, rolled back and taken over by this one."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from fixtures_sites import serve
from tests.support.old_store.make import PORTS
from tests.support.old_store.unpack import old_engine, old_store
from tests.support.stage import NoModel, Stage, tree

__all__ = ["old_store"]

SECONDS = 60


async def run(s: Stage, phase: str | None = None, **changed: Any) -> TaskResult:
    """One run of the scenario that leaves the pending task alone."""
    async with s.engine(phase, take_over=False) as engine:
        return await s.run_on(engine, **changed)


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
        with contextlib.closing(sqlite3.connect(old_store / "default" / "records.sqlite3")) as db, db:
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
