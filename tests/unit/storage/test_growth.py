"""The growth of a store by replays: a thousand a day must not fill a disk."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, FileResult, TaskRequest, TaskResult
from engine.contract import Observed, learn
from engine.storage import result_files
from engine.storage.tasks import TaskRecords
from engine.task.schema import infer
from engine.testing import ScriptedSandbox, outcome
from sandbox import Evidence
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

URL = "http://127.0.0.1:9/list"
ROWS = [{"name": f"Lamp {n} of the north", "price": 10.5 + n, "stock": 3 * n} for n in range(40)]
RUNS = 100
BOUND = 1_000  # bytes of each replay


def grown(root: Path) -> int:
    """Return the bytes that a workspace takes, files of several names once, whole blocks for each."""
    files = {path.stat().st_ino: path.stat() for path in root.rglob("*") if path.is_file()}
    return sum(-(-each.st_size // 4096) * 4096 for each in files.values())


async def replay(store: Path, monkeypatch: pytest.MonkeyPatch, outputs: list[Any]) -> tuple[list[str], list[int]]:
    """Replay once for each output, and return the tasks, and the bytes of the store after the first and the last."""
    contract = learn([Observed(outputs[0], Evidence())])
    save(store, "lamps", "code", parameters={"q": "a"}, contract=contract, schema=infer([outputs[0]]))
    page = Evidence(url=URL, text="Lamps", status=200)
    scripted = ScriptedSandbox(*(outcome(rows, evidence=page) for rows in outputs))
    monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
    asked: dict[str, Any] = {"start_url": URL, "reuse_key": "lamps", "parameters": {"q": "a"}, "ai": "never"}
    ids, sizes = [], []
    for part in (outputs[:1], outputs[1:]):
        async with AsyncEngine(store=store, model=NoModel()) as engine:
            for _ in part:
                result = await engine.run(TASK, **asked)
                assert result.ok, result.error
                ids.append(result.web_task_id)
        sizes.append(grown(store / "default"))
    return ids, sizes


async def test_replays_of_a_day_take_less_than_a_megabyte(
    tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, (first, last) = await replay(tmp_path, monkeypatch, [ROWS] * (RUNS + 1))
    assert (last - first) / RUNS < BOUND
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        told = await engine.result(ids[0])
        assert told.output == ROWS
        events = [event.type async for event in engine.events(ids[-1])]
        attempts = await engine.attempts(task_id=ids[-1])
        (costs,) = await engine.costs()
    assert events == ["task.pending", "task.started", "replay.started", "attempt.ended", "task.completed"]
    assert [(each["kind"], each["task"]) for each in attempts] == [("replay", TASK)]
    assert costs.replays == RUNS + 1
    records = TaskRecords(tmp_path / "default" / "records.sqlite3")
    request = records.request(ids[-1])
    assert (request.task, request.parameters, request.start_url) == (TASK, {"q": "a"}, URL)
    records.close()


def test_equal_large_results_share_a_file_until_all_of_them_expired(tmp_path: Path) -> None:
    rows = [{"name": f"Lamp {n}", "price": n / 2} for n in range(4_000)]
    ids, soon, later = ["wt_1", "wt_2", "wt_3"], datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
    kept = [result_files.keep(tmp_path, task_id, rows, soon) for task_id in ids]
    assert all(isinstance(each, FileResult) for each in kept)
    assert grown(tmp_path) < 2 * len(json.dumps(rows))  # JSON and CSV, once
    result_files.sweep(tmp_path, ids[:2], later)
    assert json.loads((tmp_path / "results" / "wt_3" / "result.json").read_bytes()) == rows
    result_files.sweep(tmp_path, ids[2:], soon)
    assert len(list((tmp_path / "shared").iterdir())) == 2  # a task may be about to take them
    result_files.sweep(tmp_path, [], later)
    assert list((tmp_path / "shared").iterdir()) == []


def test_shared_file_that_was_changed_is_not_given_to_a_later_task(tmp_path: Path) -> None:
    value = ["x" * 70_000]
    result_files.keep(tmp_path, "wt_1", value, datetime.now(UTC))
    (shared,) = (tmp_path / "shared").iterdir()
    shared.chmod(0o644)
    shared.write_text("mine")
    result_files.keep(tmp_path, "wt_2", value, datetime.now(UTC))
    assert json.loads((tmp_path / "results" / "wt_2" / "result.json").read_bytes()) == value


def test_expired_events_of_a_replay_are_gone(tmp_path: Path) -> None:
    records = TaskRecords(tmp_path / "records.sqlite3")
    at = datetime.now(UTC)
    records.enqueue("wt_1", TaskRequest(task="t", reuse_key="k"), at)
    records.finish(TaskResult(web_task_id="wt_1", status="completed", outcome="success", created_at=at), "{}\n")
    assert records.trace("wt_1") == "{}\n"
    records.mark_swept(["wt_1"])
    assert records.trace("wt_1") is None
    records.close()
    with sqlite3.connect(tmp_path / "records.sqlite3") as db:
        assert db.execute("SELECT request, result FROM tasks").fetchall() == [(None, None)]
    db.close()
