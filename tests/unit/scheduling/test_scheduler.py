"""The scheduler under cancellation, closing and a broken store; no test needs a browser, for nothing is saved."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import engine.scheduling.scheduler
from engine import AsyncEngine, Engine, EngineError, StoreError, TaskRequest
from engine.bundles import BundleStore
from engine.bundles.lock import Lock
from engine.scheduling.scheduler import Scheduler
from engine.storage.task_queue import Claim, TaskQueue
from engine.storage.tasks import TaskRecords
from tests.support.saved import TASK
from tests.support.stage import NoModel
from tests.unit.scheduling.conftest import Hold

REPLAY: dict[str, Any] = {"ai": "never"}
SECONDS = 60


def an_engine(store: Path, **options: Any) -> AsyncEngine:
    return AsyncEngine(store=store, model=NoModel(), **options)


def left(store: Path, *task_ids: str, owner: str | None = None, **request: Any) -> None:
    """Put tasks into the queue as an engine that died or was closed leaves them."""
    records = TaskRecords(store / "default" / "records.sqlite3")
    asked = TaskRequest(**{"task": TASK, "reuse_key": "k", "ai": "never"} | request)
    for task_id in task_ids:
        records.enqueue(task_id, asked, datetime.now(UTC), owner=owner)
    records.close()


def is_broken(*_: Any, **__: Any) -> Any:
    raise StoreError("disk I/O error")


async def test_engine_without_takeover_ignores_orphans(tmp_path: Path) -> None:
    left(tmp_path, "wt_closed", reuse_key="k")
    left(tmp_path, "wt_died", reuse_key="k", owner="en_died")
    left(tmp_path, *(f"wt_{n}" for n in range(10)), reuse_key="other")
    async with an_engine(tmp_path, take_over=False) as one, asyncio.timeout(SECONDS):
        for key in ("k", "free"):
            result = await one.run(TASK, reuse_key=key, **REPLAY)
            assert result.error is not None
            assert result.error.reason == "nothing-saved"
        assert len(await one.orphaned()) == 12


@pytest.mark.parametrize("owner", [None, "en_died"])
async def test_task_that_cannot_be_taken_over_blocks_no_other(tmp_path: Path, owner: str | None) -> None:
    left(tmp_path, "wt_model", owner=owner, model="qwen3", ai="auto")
    left(tmp_path, "wt_version", owner=owner, reuse_key="of another version")
    with contextlib.closing(sqlite3.connect(tmp_path / "default" / "records.sqlite3")) as db, db:
        later = """json_insert(request, '$.since_version_9', 'x')"""
        db.execute(f"UPDATE tasks SET request = {later} WHERE id = 'wt_version'")
    db.close()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
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


async def test_closing_cancels_a_task_with_secrets(tmp_path: Path) -> None:
    hold = Hold()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        request: dict[str, Any] = {"reuse_key": "k", "if_interrupted": "rerun", **SECRET, **REPLAY}
        task_id = await one.start(TASK, on_event=hold, **request)
        await hold.reached.wait()
    async with an_engine(tmp_path, take_over=False) as other:
        assert (await other.result(task_id)).status == "canceled"


async def test_orphan_with_secrets_ends_as_interrupted(tmp_path: Path) -> None:
    left(tmp_path, "wt_secret", **SECRET)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        (result,) = await one.wait(["wt_secret"], poll=0.1)
    assert result.error is not None
    assert (result.error.code, result.error.reason) == ("internal-error", "interrupted")
    assert "never stored" in result.error.message


async def test_task_canceled_before_its_first_step_ends_and_releases_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Scheduler._start

    async def start_and_cancel(scheduler: Scheduler, claim: Claim) -> None:
        await start(scheduler, claim)  # its run has not had its first step
        monkeypatch.setattr(Scheduler, "_start", start)
        scheduler._cancel(scheduler._tasks[claim.task_id], scheduler._records.request_cancellation(claim.task_id))

    monkeypatch.setattr(Scheduler, "_start", start_and_cancel)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        canceled = await one.run(TASK, reuse_key="k", **REPLAY)
        assert canceled.status == "canceled"
        assert await one.result(canceled.web_task_id) == canceled
        assert (await one.run(TASK, reuse_key="k", **REPLAY)).status == "completed"


async def test_cancel_during_the_first_event_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter = TaskRecords.enqueue

    def slow(*arguments: Any, **named: Any) -> Any:
        entered = enter(*arguments, **named)
        time.sleep(0.25)  # the scheduler claims it meanwhile
        return entered

    monkeypatch.setattr(TaskRecords, "enqueue", slow)
    hold = Hold("task.pending")
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        task_id = await one.start(TASK, reuse_key="k", on_event=hold, **REPLAY)
        await hold.reached.wait()
        while (await one.result(task_id)).status != "started":
            await asyncio.sleep(0.02)
        assert (await one.cancel(task_id)).status == "canceled"
        assert (await one.run(TASK, reuse_key="k", **REPLAY)).status == "completed"


@pytest.mark.parametrize("method", ["run", "start"])
async def test_caller_canceled_during_the_first_event_cancels_the_task(tmp_path: Path, method: str) -> None:
    hold = Hold("task.pending")
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        lock = one.bundles.try_lock("k")
        assert lock is not None
        with lock:
            asked = asyncio.ensure_future(getattr(one, method)(TASK, reuse_key="k", on_event=hold, **REPLAY))
            await hold.reached.wait()
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert [task.status for task in await one.list()] == ["canceled"]


async def test_closing_does_not_hand_over_a_canceled_task(tmp_path: Path) -> None:
    hold = Hold(cleaning=0.3)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        task_id = await one.start(TASK, reuse_key="k", if_interrupted="rerun", on_event=hold, **REPLAY)
        await hold.reached.wait()
        canceling = asyncio.create_task(one.cancel(task_id))
        await hold.left.wait()
        await one.close()
        await asyncio.wait([canceling])
    async with an_engine(tmp_path, take_over=False) as other:
        assert (await other.result(task_id)).status == "canceled"


async def test_closing_honors_a_cancellation_by_another_process(tmp_path: Path) -> None:
    hold = Hold()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        task_id = await one.start(TASK, reuse_key="k", if_interrupted="rerun", on_event=hold, **REPLAY)
        await hold.reached.wait()
        elsewhere = TaskRecords(tmp_path / "default" / "records.sqlite3")
        elsewhere.request_cancellation(task_id)
        await one.close()
        ended = elsewhere.task(task_id)
        elsewhere.close()
    assert ended is not None
    assert ended.status == "canceled"


async def test_cancellation_during_the_acknowledgment_of_another_is_not_lost(tmp_path: Path) -> None:
    holds = Hold(), Hold()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        first, second = [
            await one.start(TASK, reuse_key=f"k{n}", on_event=hold, **REPLAY) for n, hold in enumerate(holds)
        ]
        for hold in holds:
            await hold.reached.wait()
        records, elsewhere = await one._workspace.records(), TaskRecords(tmp_path / "default" / "records.sqlite3")

        def cancel_the_second(statement: str) -> None:
            if "canceled = 2" in statement:
                elsewhere.request_cancellation(second)

        records._database._db.set_trace_callback(cancel_the_second)
        elsewhere.request_cancellation(first)
        assert [task.status for task in await one.wait([first, second])] == ["canceled", "canceled"]
        records._database._db.set_trace_callback(None)
        elsewhere.close()


async def test_failure_to_lock_a_key_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try_lock, asked = BundleStore.try_lock, []

    def at_first_it_fails(bundles: BundleStore, key: str) -> Lock | None:
        asked.append(key)
        if asked == ["k0", "k1"]:
            raise StoreError("too many open files")
        return try_lock(bundles, key)

    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        async with (await one._workspace.scheduler())._ticking:  # both are claimed in one turn
            runs = [asyncio.create_task(one.run(TASK, reuse_key=f"k{n}", **REPLAY)) for n in range(2)]
            while len(await one.list(status="pending")) < 2:
                await asyncio.sleep(0.05)
            monkeypatch.setattr(BundleStore, "try_lock", at_first_it_fails)
        assert [result.status for result in await asyncio.gather(*runs)] == ["completed", "completed"]
    assert asked == ["k0", "k1", "k0", "k1"]


async def test_task_reported_as_failed_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, broken = TaskQueue.claim, asyncio.Event()
    broken.set()

    def sometimes(*arguments: Any, **named: Any) -> Any:
        if broken.is_set():
            raise StoreError("database is locked")
        return claim(*arguments, **named)

    monkeypatch.setattr(TaskQueue, "claim", sometimes)
    monkeypatch.setattr(engine.scheduling.scheduler, "_ABANDON_AFTER", 0.2)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        kept = await one.start(TASK, reuse_key="k", **REPLAY)
        began = time.monotonic()
        with pytest.raises(StoreError, match="locked"):
            await one.run(TASK, reuse_key="k", **REPLAY)
        assert time.monotonic() - began >= 0.2
        broken.clear()
        (result,) = await one.wait([kept])
        assert result.status == "completed", "start had returned its id, and no caller got an error"
        assert sorted(task.status for task in await one.list()) == ["canceled", "completed"]


async def test_task_canceled_while_the_store_is_broken_never_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        lock = one.bundles.try_lock("k")
        assert lock is not None
        with lock:
            run = asyncio.create_task(one.run(TASK, reuse_key="k", **REPLAY))
            while not await one.list(status="pending"):
                await asyncio.sleep(0.05)
            monkeypatch.setattr(TaskRecords, "request_cancellation", is_broken)
            run.cancel()
            with pytest.raises(StoreError):
                await run
        await asyncio.sleep(0.3)
        monkeypatch.undo()
        while not (await one.list())[0].final:
            await asyncio.sleep(0.05)
        assert [task.status for task in await one.list()] == ["canceled"]


async def test_result_that_cannot_be_recorded_is_recorded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, failed = TaskRecords.finish, []

    def at_first_it_fails(*arguments: Any, **named: Any) -> bool:
        if len(failed) < 2:
            failed.append(arguments)
            raise StoreError("database is locked")
        return finish(*arguments, **named)

    monkeypatch.setattr(TaskRecords, "finish", at_first_it_fails)
    async with an_engine(tmp_path, max_tasks=1) as one, asyncio.timeout(SECONDS):
        first = await one.run(TASK, reuse_key="k", **REPLAY)
        assert first.error is not None
        assert first.error.reason == "nothing-saved"
        assert "database is locked" in first.warnings[-1]
        assert (await one.run(TASK, reuse_key="k", **REPLAY)).status == "completed", "key and slot are free"
        recorded = await one.result(first.web_task_id)
        assert recorded == first.model_copy(update={"warnings": ()})


@pytest.mark.parametrize("recorded", [False, True])
async def test_cancel_while_the_result_is_recorded_returns_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    finish, recording = TaskRecords.finish, threading.Event()

    def slow(*arguments: Any, **named: Any) -> bool:
        ended = finish(*arguments, **named) if recorded else None
        recording.set()
        time.sleep(0.25)  # the task is canceled meanwhile
        return finish(*arguments, **named) if ended is None else ended

    monkeypatch.setattr(TaskRecords, "finish", slow)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        run = asyncio.create_task(one.run(TASK, reuse_key="k", **REPLAY))
        await asyncio.to_thread(recording.wait)
        (task,) = await one.list()
        assert (await one.cancel(task.web_task_id)).status == "completed"
        assert (await run).status == "completed"


async def test_closing_records_results_that_could_not_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = TaskRecords.finish

    def fails(*_: Any, **__: Any) -> bool:
        raise StoreError("database is locked")

    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        monkeypatch.setattr(TaskRecords, "finish", fails)
        task_id = (await one.run(TASK, reuse_key="k", **REPLAY)).web_task_id
        async with (await one._workspace.scheduler())._ticking:
            monkeypatch.setattr(TaskRecords, "finish", finish)
            closing = asyncio.create_task(one.close())
            await asyncio.sleep(0)
        await closing
    async with an_engine(tmp_path, take_over=False) as other:
        assert (await other.result(task_id)).error.reason == "nothing-saved"


async def test_task_refused_by_a_full_queue_may_be_started_again(tmp_path: Path) -> None:
    request: dict[str, Any] = {"reuse_key": "k", "idempotency_key": "order 7", **REPLAY}
    left(tmp_path, "wt_waits", reuse_key="other")
    async with an_engine(tmp_path, max_pending=1, take_over=False) as one, asyncio.timeout(SECONDS):
        refused = await one.run(TASK, **request)
        assert refused.error is not None
        assert refused.error.code == "workspace-rate-limited"
        await one.cancel("wt_waits")
        later = await one.run(TASK, **request)
        assert later.error is not None
        assert later.error.reason == "nothing-saved"
        assert (await one.run(TASK, **request)).web_task_id == later.web_task_id


def test_run_that_races_closing_gets_an_error_and_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: threading.Event
) -> None:
    init, errors, opening = TaskRecords.__init__, [], threading.Event()

    def slow(records: TaskRecords, path: Path) -> None:
        opening.set()
        closing.wait(SECONDS)
        init(records, path)

    monkeypatch.setattr(TaskRecords, "__init__", slow)
    blocking = Engine(store=tmp_path, model=NoModel())

    def run() -> None:
        try:
            blocking.run(TASK, reuse_key="k", **REPLAY)
        except EngineError as error:
            errors.append(error.message)

    threads = [threading.Thread(target=work, daemon=True) for work in (run, blocking.close)]
    threads[0].start()
    opening.wait()
    threads[1].start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    assert len(errors) == 1
    assert "closed" in errors[0]
    assert not (tmp_path / "default" / "engines").exists()


async def test_closed_scheduler_accepts_no_task(tmp_path: Path) -> None:
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        await one.open()
        scheduler = await one._workspace.scheduler()
        await scheduler.close()
        with pytest.raises(EngineError, match="closed"):
            await one.open()
        with pytest.raises(EngineError, match="closed"):
            await one.run(TASK, reuse_key="k", **REPLAY)
        assert await one.list() == []


@pytest.mark.parametrize(("method", "status"), [("run", "canceled"), ("start", "pending")])
async def test_closing_handles_a_task_that_is_being_enqueued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: threading.Event, method: str, status: str
) -> None:
    enter, entering = TaskRecords.enqueue, threading.Event()

    def slow(*arguments: Any, **named: Any) -> Any:
        entering.set()
        closing.wait(SECONDS)
        return enter(*arguments, **named)

    monkeypatch.setattr(TaskRecords, "enqueue", slow)
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        asked = asyncio.ensure_future(getattr(one, method)(TASK, reuse_key="k", **REPLAY))
        await asyncio.to_thread(entering.wait)
        await one.close()
        await asyncio.wait([asked])
    async with an_engine(tmp_path, take_over=False) as other:
        (task,) = await other.list()
        assert task.status == status
        assert method == "run" or asked.result() == task.web_task_id


async def test_closing_completes_with_a_broken_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hold = Hold()
    async with an_engine(tmp_path) as one, asyncio.timeout(SECONDS):
        lock = one.bundles.try_lock("k")
        assert lock is not None
        with lock:
            waiting = await one.start(TASK, reuse_key="k", **REPLAY)
            running = await one.start(TASK, reuse_key="other", on_event=hold, **REPLAY)
            await hold.reached.wait()
            monkeypatch.setattr(TaskQueue, "requeue", is_broken)
            await one.close()
    assert hold.left.is_set()
    assert f"{waiting} cannot be put back into the queue" in caplog.text
    assert not list((one.root / "engines").iterdir()), "the engine's lock is let go"
    monkeypatch.undo()
    async with an_engine(tmp_path, take_over=False) as other:
        assert (await other.result(running)).status == "canceled"
        assert list(await other.orphaned()) == [waiting]


@pytest.mark.parametrize("part", ["engine.scheduling.scheduler.Scheduler.close", "sandbox.Sandbox.close"])
async def test_closing_ends_the_other_parts_when_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    one = an_engine(tmp_path)
    await one.run(TASK, reuse_key="k", **REPLAY)
    scheduler, sandbox = await one._workspace.scheduler(), one._workspace.sandbox()
    await scheduler.close()
    monkeypatch.setattr(part, is_broken)
    with pytest.raises(StoreError, match="disk"):
        await one.close()
    assert one._workspace._shared is None
    assert one._workspace._records is None
    monkeypatch.undo()
    await sandbox.close()
