"""The line of waiting tasks, and what goes wrong around it; no test needs a browser, for nothing is saved."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Event, TaskRequest
from engine.records import Records
from tests.engine.conftest import NoModel
from tests.engine.saved import TASK

REPLAY: dict[str, Any] = {"ai": "never"}
SECONDS = 30


def engine(store: Path, **options: Any) -> AsyncEngine:
    return AsyncEngine(store=store, model=NoModel(), **options)


def left(store: Path, *task_ids: str, owner: str | None = None, **request: Any) -> None:
    """Tasks that wait for an engine, as one that died or was closed leaves them."""
    records = Records(store / "default" / "records.sqlite3")
    asked = TaskRequest(**{"task": TASK, "reuse_key": "k", "ai": "never"} | request)
    for task_id in task_ids:
        records.enter(task_id, asked, datetime.now(UTC), owner=owner)
    records.close()


class Hold:
    """An ``on_event`` that holds a run where it is, until it is canceled; cleaning up then takes a while."""

    def __init__(self, at: str = "task.started", *, cleaning: float = 0) -> None:
        self.at, self.cleaning = at, cleaning
        self.reached = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        if event.type != self.at:
            return
        self.reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
            await asyncio.sleep(self.cleaning)


async def test_who_takes_nothing_over_does_not_wait_for_what_nobody_runs(tmp_path: Path) -> None:
    left(tmp_path, "wt_closed", reuse_key="k")
    left(tmp_path, "wt_died", reuse_key="k", owner="en_died")
    left(tmp_path, *(f"wt_{n}" for n in range(10)), reuse_key="other")
    async with engine(tmp_path, take_over=False) as one, asyncio.timeout(SECONDS):
        for key in ("k", "free"):
            result = await one.run(TASK, reuse_key=key, **REPLAY)
            assert result.error is not None
            assert result.error.reason == "nothing-saved"
        assert len(await one.unowned()) == 12


@pytest.mark.parametrize("owner", [None, "en_died"])
async def test_a_task_that_cannot_be_taken_over_stops_no_other(tmp_path: Path, owner: str | None) -> None:
    left(tmp_path, "wt_model", owner=owner, model="qwen3", ai="auto")
    left(tmp_path, "wt_version", owner=owner, reuse_key="of another version")
    with sqlite3.connect(tmp_path / "default" / "records.sqlite3") as db:
        later = """json_insert(request, '$.since_version_9', 'x')"""
        db.execute(f"UPDATE tasks SET request = {later} WHERE id = 'wt_version'")
    db.close()
    async with engine(tmp_path) as one, asyncio.timeout(SECONDS):
        model, version = await one.wait(["wt_model", "wt_version"], poll=0.1)
        for result, said in ((model, "base_url"), (version, "another version")):
            assert result.error is not None
            assert (result.error.code, result.error.reason) == ("internal-error", "interrupted")
            assert said in result.error.message
            assert "start it again" in result.error.message
            again = await one.run(TASK, reuse_key=result.reuse_key, **REPLAY)
            assert again.error is not None
            assert again.error.reason == "nothing-saved"


SECRET: dict[str, Any] = {"parameters": {"password": "[secret:password]"}, "secrets": ["password"]}


async def test_a_task_with_secrets_is_not_handed_over_by_closing(tmp_path: Path) -> None:
    hold = Hold()
    async with engine(tmp_path) as one, asyncio.timeout(SECONDS):
        request: dict[str, Any] = {"reuse_key": "k", "if_interrupted": "rerun", **SECRET, **REPLAY}
        task_id = await one.start(TASK, on_event=hold, **request)
        await hold.reached.wait()
    async with engine(tmp_path, take_over=False) as other:
        assert (await other.result(task_id)).status == "canceled"


async def test_a_task_with_secrets_that_stands_in_the_line_is_not_run_without_them(tmp_path: Path) -> None:
    left(tmp_path, "wt_secret", **SECRET)
    async with engine(tmp_path) as one, asyncio.timeout(SECONDS):
        (result,) = await one.wait(["wt_secret"], poll=0.1)
    assert result.error is not None
    assert (result.error.code, result.error.reason) == ("internal-error", "interrupted")
    assert "never stored" in result.error.message
