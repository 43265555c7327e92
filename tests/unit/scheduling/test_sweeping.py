"""The files of tasks are removed when they expire, whatever the tasks' end; no test needs a browser."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from engine import Event
from engine.storage import result_files
from tests.support.saved import TASK
from tests.unit.scheduling.conftest import Hold
from tests.unit.scheduling.test_scheduler import REPLAY, SECONDS, an_engine, left


def expiries(store: Path, **changed: str) -> dict[str, str | None]:
    """Return the expiry of each task's files, after changing it where a change is given."""
    with contextlib.closing(sqlite3.connect(store / "default" / "records.sqlite3")) as db, db:
        for task_id, at in changed.items():
            db.execute("UPDATE tasks SET expires_at = ? WHERE id = ?", (at, task_id))
        found = dict(db.execute("SELECT id, expires_at FROM tasks").fetchall())
    db.close()
    return found


async def test_files_of_every_task_expire_whatever_its_end(tmp_path: Path) -> None:
    left(tmp_path, "wt_died", owner="en_died", parameters={"password": "x"}, secrets=["password"])
    hold = Hold()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        failed = await one.run(TASK, reuse_key="failed", **REPLAY)
        running = await one.start(TASK, reuse_key="k", on_event=hold, **REPLAY)
        await hold.reached.wait()
        waiting = await one.start(TASK, reuse_key="k", **REPLAY)
        for task_id in (waiting, running):
            await one.cancel(task_id)
        assert (await one.result("wt_died")).final
    found = expiries(tmp_path)
    assert found.keys() == {failed.web_task_id, running, waiting, "wt_died"}
    assert all(found.values()), found


async def test_interrupted_sweep_is_completed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with an_engine(tmp_path) as one:
        task_id = (await one.run(TASK, reuse_key="k", **REPLAY)).web_task_id
    picture = tmp_path / "default" / "files" / task_id / "failure.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    expiries(tmp_path, **{task_id: "2020-01-01T00:00:00.000000+00:00"})
    sweep, kept = result_files.sweep, []

    def cut_short(*_: Any) -> None:
        kept.append(picture.exists())
        raise OSError("killed")

    for doing in (cut_short, sweep):
        monkeypatch.setattr(result_files, "sweep", doing)
        async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
            await one.run(TASK, reuse_key="k", **REPLAY)
    assert kept[0]
    assert not picture.parent.exists()
    assert expiries(tmp_path)[task_id] is None


async def test_old_traces_are_removed(tmp_path: Path) -> None:
    async with an_engine(tmp_path) as one:
        old, new = [(await one.run(TASK, reuse_key="k", **REPLAY)).web_task_id for _ in range(2)]
    traces = tmp_path / "default" / "traces"
    os.utime(traces / f"{old}.jsonl", times=(time.time() - 8 * 86_400,) * 2)
    async with an_engine(tmp_path) as one:
        last = (await one.run(TASK, reuse_key="k", **REPLAY)).web_task_id
        assert [event async for event in one.events(old)] == []
    assert sorted(path.stem for path in traces.iterdir()) == sorted([new, last])


async def test_run_begins_with_an_empty_directory(tmp_path: Path) -> None:
    """One that died may have left half a download there, and a whole one would have to take another name."""
    found: list[bool] = []
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):

        def look(event: Event) -> None:
            partial = one.root / "files" / event.task_id / "1" / "report.pdf"
            if event.type == "task.pending":
                partial.parent.mkdir(parents=True)
                partial.touch()
            elif event.type == "task.started":
                found.append(partial.exists())

        await one.run(TASK, reuse_key="k", on_event=look, **REPLAY)
    assert found == [False]
