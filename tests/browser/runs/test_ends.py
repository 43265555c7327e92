"""Whatever happens to a run, it ends with a result that says so, and with a record."""

import asyncio
import contextlib
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskRequest, TaskResult
from engine.bundles import BundleStore
from engine.runs.results import redacted
from engine.storage.tasks import TaskRecords
from engine.task.outputs import InlineResult
from engine.task.redaction import Redactor
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

TITLE = """\
async def run(page, parameters, task):
    return [{"title": await page.title()}]
"""


def recorded(store: Path) -> list[TaskResult]:
    """The results in the records, of every task; a task without one fails the test."""
    with contextlib.closing(sqlite3.connect(store / "default" / "records.sqlite3")) as db, db:
        statuses = [row[0] for row in db.execute("SELECT status FROM tasks")]
    assert all(status in ("completed", "canceled") for status in statuses), statuses
    records = TaskRecords(store / "default" / "records.sqlite3")
    found = records.tasks()[::-1]
    records.close()
    return found


async def replay(store: Path, url: str, model: Any = None, **changed: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=model or NoModel()) as engine:
        return await engine.run(TASK, **({"start_url": url, "reuse_key": "k", "ai": "never"} | changed))


async def test_a_bundle_that_cannot_be_read_is_a_failed_result(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", TITLE)
    (tmp_path / "default" / "bundles" / "k" / ".git" / "HEAD").write_text("nonsense")
    result = await replay(tmp_path, site.url)
    assert result.error is not None
    assert result.error.reason == "bundle"
    assert recorded(tmp_path) == [result]


async def test_a_fault_of_the_engine_is_a_failed_result_without_secrets(
    tmp_path: Path, site: FixtureServer, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(request: Any) -> str:
        raise ValueError("the password is correct-horse")

    code = "async def run(page, parameters, task):\n    return await task.ask('what?', 'this')\n"
    save(tmp_path, "k", code, parameters={"password": "correct-horse"})
    model = ScriptedModel(ask=breaks)
    result = await replay(tmp_path, site.url, model, ai="auto", parameters={"password": "correct-horse"})
    assert result.error is not None
    assert result.error.reason == "engine-fault"
    assert "ValueError: the password is [secret:password]" in result.error.message
    assert "correct-horse" not in caplog.text
    assert "ValueError" in caplog.text
    assert recorded(tmp_path) == [result]


async def test_a_canceled_run_has_its_deeds_and_attempts_on_record(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    async with task.irreversible("send"):
        await page.goto(task.start_url + "hang")
"""
    save(tmp_path, "k", code, effects="write")
    begun = asyncio.Event()
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        run = engine.run(
            TASK, start_url=site.url, reuse_key="k", ai="never",
            on_event=lambda event: begun.set() if event.type == "irreversible.passed" else None,
        )  # fmt: skip
        task = asyncio.create_task(run)
        await asyncio.wait_for(begun.wait(), 120)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (result,) = recorded(tmp_path)
    assert (result.status, result.effect, [a.kind for a in result.attempts]) == ("canceled", "unknown", ["replay"])
    assert result.to_wire()["startedAt"] is not None


async def test_a_store_that_breaks_at_the_end_does_not_lose_the_result(
    tmp_path: Path, site: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "k", TITLE)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:

        def spoil(event: Any) -> None:
            if event.type == "attempt.ended":
                with contextlib.closing(sqlite3.connect(tmp_path / "default" / "records.sqlite3")) as db, db:
                    db.execute("DROP TABLE attempts")
                db.close()

        result = await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never", on_event=spoil)
    assert result.ok
    assert "no such table" in result.warnings[-1]


@pytest.mark.parametrize("value", ["26", "success", "completed", "1", 2026])
def test_a_short_secret_leaves_the_record_readable(value: Any) -> None:
    now = datetime.now(UTC)
    data = InlineResult(data={"said": f"your pin is {value}"})
    result = TaskResult(web_task_id="wt_1", status="completed", outcome="success", created_at=now, result=data)
    kept = redacted(result, Redactor({"pin": value}, {"pin"}))
    assert TaskResult.model_validate_json(kept.model_dump_json()) == kept
    assert kept.output == {"said": "your pin is [secret:pin]"}
    assert kept.created_at == now


def test_null_is_a_result_on_the_wire() -> None:
    now = datetime.now(UTC)
    result = TaskResult(web_task_id="wt_1", status="completed", created_at=now, result=InlineResult(data=None))
    assert result.to_wire()["result"] == {"type": "inline", "data": None}


def test_a_transaction_that_fails_leaves_the_records_usable(tmp_path: Path) -> None:
    from engine import StoreError

    records = TaskRecords(tmp_path / "records.sqlite3")
    now, asked = datetime.now(UTC), TaskRequest(task="t", reuse_key="k")
    records.enqueue("wt_1", asked, now)
    with pytest.raises(StoreError, match="UNIQUE"):
        records.enqueue("wt_1", asked, now)
    records.enqueue("wt_2", asked, now)
    records.close()
    with pytest.raises(StoreError, match="closed"):
        records.journal.gates("wt_1")


async def test_a_run_that_commits_is_seen_to_its_end(
    tmp_path: Path, site: FixtureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canceled task leaves its bundle untouched; so one whose bundle changes just now is not canceled any more."""
    loop, commits, commit = asyncio.get_running_loop(), asyncio.Event(), BundleStore.commit

    def slowly(*args: Any, **named: Any) -> Any:
        loop.call_soon_threadsafe(commits.set)
        time.sleep(0.5)
        return commit(*args, **named)

    monkeypatch.setattr(BundleStore, "commit", slowly)
    model = ScriptedModel([("write", {"code": TITLE}), ("finish", {"summary": "Take the title down"})])
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        task_id = await engine.start(TASK, start_url=site.url + "list", reuse_key="k")
        await asyncio.wait_for(commits.wait(), 120)
        ended = await engine.cancel(task_id)
    assert (ended.status, ended.outcome) == ("completed", "success")
    assert ended.reuse is not None
    assert ended.reuse.created
    assert recorded(tmp_path)[0].status == "completed"
    assert len(BundleStore(tmp_path / "default").history("k")) == 1
