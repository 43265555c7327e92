"""A task outlives its caller: it is read, awaited, canceled and listed from any process on the store."""

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Engine, FileResult, InvalidRequest, TaskFailed, TaskNotFound, TaskResult
from engine.bundles import BundleStore
from engine.storage.result_files import sweep
from engine.storage.task_queue import TaskQueue
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.closing import closing
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

__all__ = ["closing"]

QUICK = "async def run(page, parameters, task):\n    return [{'n': parameters.get('n', 0)}]\n"
# A canceled run ends its worker, and one without a browser is quickly started; saved as a writing one, it takes its
# turn as one with a browser does.
HANGS = "async def run(web, parameters, task):\n    await web.get(task.start_url + 'hang')\n"
REPLAY: dict[str, Any] = {"ai": "never"}


def engine(store: Path, **options: Any) -> AsyncEngine:
    return AsyncEngine(store=store, model=NoModel(), **{"pool": PoolOptions(spare=0)} | options)


async def until(what: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Waits until it is true."""
    end = time.monotonic() + seconds
    while not (found := await what()):
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.05)
    return found


async def test_any_engine_on_the_store_reports_the_state_of_a_task(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        task_id = await one.start(TASK, reuse_key="k", parameters={"n": 5}, **REPLAY)
        assert task_id.startswith("wt_")
        assert (await other.result(task_id)).status in ("pending", "started", "completed")
        (result,) = await other.wait([task_id], poll=0.1)
        assert result.output == [{"n": 5}]
        assert result == await one.result(task_id)
        assert [task.web_task_id for task in await other.list()] == [task_id]
        with pytest.raises(TaskNotFound, match="wt_nothing"):
            await one.result("wt_nothing")


async def test_wait_timeout_leaves_the_task_running(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    async with engine(tmp_path) as one:
        with pytest.raises(TimeoutError, match="goes on"):
            await one.run(TASK, start_url=site.url, reuse_key="k", wait_timeout=0.3, **REPLAY)
        (task,) = await one.list()
        assert not task.final
        with pytest.raises(TimeoutError, match="go on"):
            await one.wait([task.web_task_id], timeout=0.1)
        assert (await one.cancel(task.web_task_id)).status == "canceled"


async def test_started_task_is_canceled_from_another_engine(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    head = BundleStore(tmp_path / "default").history("k")[0].id
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        task_id = await one.start(TASK, start_url=site.url, reuse_key="k", **REPLAY)

        async def started() -> bool:
            return (await other.result(task_id)).status == "started"

        await until(started)
        canceled = await other.cancel(task_id)
        assert (canceled.status, canceled.outcome, canceled.result) == ("canceled", None, None)
        assert (await other.cancel(task_id)) == canceled, "a second time changes nothing"
    assert BundleStore(tmp_path / "default").history("k")[0].id == head


async def test_pending_task_has_a_queue_position_and_can_be_canceled(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        request: dict[str, Any] = {"start_url": site.url, "reuse_key": "k", **REPLAY}
        first, second, third = [await one.start(TASK, **request) for _ in range(3)]

        async def moved() -> bool:
            return (await other.result(first)).status == "started"

        await until(moved)
        assert [(await other.result(t)).queue_position for t in (first, second, third)] == [None, 1, 2]
        waiting = asyncio.create_task(one.wait([second]))
        assert (await other.cancel(second)).status == "canceled"
        assert [task.status for task in await waiting] == ["canceled"]
        assert (await one.result(third)).queue_position == 1
        assert [task.web_task_id for task in await one.list(status="pending")] == [third]
        await one.cancel(third)
        await one.cancel(first)


async def test_slots_and_order_hold_over_all_engines(tmp_path: Path) -> None:
    slow = "import asyncio, time\nasync def run(page, parameters, task):\n    began = time.time()\n"
    slow += "    await asyncio.sleep(0.3)\n    return {'began': began, 'ended': time.time()}\n"
    for n in range(4):
        save(tmp_path, f"k{n}", slow)
    async with engine(tmp_path, max_tasks=1) as one, engine(tmp_path, max_tasks=1) as other:
        ids = [await (one, other)[n % 2].start(TASK, reuse_key=f"k{n}", **REPLAY) for n in range(4)]
        results = await one.wait(ids, poll=0.1)
    spans = [(result.output["began"], result.output["ended"]) for result in results]
    assert spans == sorted(spans), "in the order in which they were started"
    assert all(begin >= end for (_, end), (begin, _) in pairwise(spans)), "one at a time"


async def test_full_queue_fails_a_task_at_once(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    request: dict[str, Any] = {"start_url": site.url, "reuse_key": "k", **REPLAY}
    async with engine(tmp_path, max_pending=1) as one:
        first = await one.start(TASK, **request)

        async def started() -> bool:
            return (await one.result(first)).status == "started"

        await until(started)
        second, third = await one.start(TASK, **request), await one.start(TASK, **request)
        refused = await one.result(third)
        assert refused.error is not None
        assert (refused.status, refused.error.code) == ("completed", "workspace-rate-limited")
        assert "max_pending" in refused.error.message
        for task_id in (second, first):
            await one.cancel(task_id)


async def test_idempotency_key_stands_for_one_task(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    request: dict[str, Any] = {"reuse_key": "k", "parameters": {"n": 1}, "idempotency_key": "order 7", **REPLAY}
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        ids = await asyncio.gather(*(e.start(TASK, **request) for e in (one, other, one, other)))
        assert len(set(ids)) == 1
        assert (await other.run(TASK, poll=0.1, **request)).web_task_id == ids[0]
        with pytest.raises(InvalidRequest, match="stands for another request") as refused:
            await one.start(TASK, **request | {"parameters": {"n": 2}})
        assert refused.value.details["task_id"] == ids[0]
        assert len(await one.list()) == 1


async def test_events_are_followed_from_another_engine(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        task_id = await one.start(TASK, reuse_key="k", parameters={"n": 1}, **REPLAY)
        types = [event.type async for event in other.events(task_id)]
    assert types[:3] == ["task.pending", "task.started", "replay.started"]
    assert types[-1] == "task.completed"


async def test_map_returns_results_in_order_and_reports_progress(tmp_path: Path) -> None:
    for n in range(3):
        save(tmp_path, f"k{n}", QUICK, parameters={"n": 1})
    reported: list[tuple[int, int]] = []
    requests = [{"reuse_key": f"k{n}", "parameters": {"n": n}} for n in (2, 0, 1)]
    async with engine(tmp_path, max_tasks=2) as one:
        results = await one.map(
            requests, task=TASK, on_progress=lambda done, count, result: reported.append((done, count)), **REPLAY
        )
        ids = [result.web_task_id for result in results]
        ended = [result.web_task_id async for result in one.as_completed(ids)]
    assert [result.output for result in results] == [[{"n": 2}], [{"n": 0}], [{"n": 1}]]
    assert reported == [(1, 3), (2, 3), (3, 3)]
    assert set(ended) == set(ids)


def test_blocking_engine_has_every_method(tmp_path: Path) -> None:
    save(tmp_path, "k", QUICK, parameters={"n": 1})
    with Engine(store=tmp_path, model=NoModel()) as blocking:
        task_id = blocking.start(TASK, reuse_key="k", parameters={"n": 3}, **REPLAY)
        assert [event.type for event in blocking.events(task_id)][-1] == "task.completed"
        assert blocking.result(task_id).output == [{"n": 3}]
        assert [r.output for r in blocking.as_completed([task_id])] == [[{"n": 3}]]
        assert blocking.wait([task_id]) == [blocking.cancel(task_id)]
        assert blocking.set_title(task_id, "Three").title == "Three"
        assert [task.title for task in blocking.list(reuse_key="k")] == ["Three"]
        assert [costs.key for costs in blocking.costs()] == ["k"]


LARGE = "async def run(page, parameters, task):\n"
LARGE += "    return [{'n': n, 'text': 'é' * 60, 'good': True} for n in range(parameters['rows'])]\n"


async def test_large_result_is_a_file_that_expires(tmp_path: Path) -> None:
    save(tmp_path, "k", LARGE, parameters={"rows": 1})
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        small = await one.run(TASK, reuse_key="k", parameters={"rows": 100}, **REPLAY)
        assert small.result is not None
        assert small.result.type == "inline"
        large = await one.run(TASK, reuse_key="k", parameters={"rows": 1000}, **REPLAY)
        stored = await other.result(large.web_task_id)
        assert isinstance(stored.result, FileResult)
        assert stored.result == large.result
        assert stored.output == large.output
        assert len(stored.output) == 1000
        wire = stored.to_wire()["result"]
        assert wire["file"]["contentType"] == "application/json"
        assert wire["file"]["sizeBytes"] == len(json.dumps(large.output, ensure_ascii=False).encode())
        assert wire["preview"]["rows"] == 1000
        assert wire["preview"]["sample"] == large.output[:3]
        assert stored.result.csv is not None
        table = Path(stored.result.csv.url.removeprefix("file://")).read_text().splitlines()
        assert table[:2] == ["n,text,good", f"0,{'é' * 60},true"]
        sweep(other.root, [large.web_task_id], datetime.now(UTC))
        with pytest.raises(TaskFailed, match="expired"):
            _ = (await other.result(large.web_task_id)).output


async def test_expired_files_are_removed_and_others_stay(tmp_path: Path) -> None:
    save(tmp_path, "k", LARGE, parameters={"rows": 1})
    async with engine(tmp_path) as one:
        results = [await one.run(TASK, reuse_key="k", parameters={"rows": 1000 + n}, **REPLAY) for n in range(2)]
        records = await one._workspace.records()
        with records._database.alone() as db:
            old = "2020-01-01T00:00:00.000000+00:00"
            db.execute("UPDATE tasks SET expires_at = ? WHERE id = ?", (old, results[0].web_task_id))
    logs = tmp_path / "default" / "logs"
    logs.mkdir()
    for name, days in (("old.log", 8), ("new.log", 6)):
        (logs / name).write_text("left by a process that was killed")
        os.utime(logs / name, times=(time.time() - days * 86_400,) * 2)
    async with engine(tmp_path) as later:
        await later.run(TASK, reuse_key="k", parameters={"rows": 1}, **REPLAY)
        kept = [path.name for path in (later.root / "results").iterdir()]
    assert kept == [results[1].web_task_id]
    assert [path.name for path in logs.iterdir()] == ["new.log"]


async def test_closing_hands_pending_tasks_to_the_next_engine(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    save(tmp_path, "q", QUICK, parameters={"n": 1})
    async with engine(tmp_path, max_tasks=1) as one:
        running = await one.start(TASK, start_url=site.url, reuse_key="k", **REPLAY)
        again = await one.start(TASK, start_url=site.url, reuse_key="k", if_interrupted="rerun", **REPLAY)
        waiting = await one.start(TASK, reuse_key="q", parameters={"n": 8}, **REPLAY)
        secret = await one.start(TASK, reuse_key="q", parameters={"n": 8}, secrets=["n"], **REPLAY)

        async def started() -> bool:
            return (await one.result(running)).status == "started"

        await until(started)
        await one.cancel(running)

        async def next_started() -> bool:
            return (await one.result(again)).status == "started"

        await until(next_started)
    async with engine(tmp_path, take_over=False) as reader:
        ended = {task.web_task_id: task.status for task in await reader.list()}
    assert ended == {running: "canceled", again: "pending", waiting: "pending", secret: "canceled"}
    async with engine(tmp_path, max_tasks=2) as other:
        (result,) = await other.wait([waiting], poll=0.1)
        assert result.output == [{"n": 8}]
        assert (await other.cancel(again)).status == "canceled"


async def test_closing_during_a_claim_requeues_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: threading.Event
) -> None:
    claim, claimed = TaskQueue.claim, threading.Event()

    def slow(*arguments: Any, **named: Any) -> Any:
        claims = claim(*arguments, **named)
        if claims:
            claimed.set()
            closing.wait(60)
        return claims

    save(tmp_path, "q", QUICK, parameters={"n": 1})
    lock = BundleStore(tmp_path / "default").try_lock("q")
    assert lock is not None
    async with engine(tmp_path) as one:
        task_id = await one.start(TASK, reuse_key="q", parameters={"n": 8}, **REPLAY)
    lock.release()
    closing.clear()
    monkeypatch.setattr(TaskQueue, "claim", slow)
    async with engine(tmp_path) as heir:
        await heir.open()
        await asyncio.to_thread(claimed.wait)
    async with engine(tmp_path, take_over=False) as other:
        assert (await other.result(task_id)).status == "pending"
    lock = BundleStore(tmp_path / "default").try_lock("q")
    assert lock is not None, "the lock is still held"
    lock.release()


async def test_canceled_caller_leaves_key_and_slot_free(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", HANGS, effects="write")
    save(tmp_path, "q", QUICK, parameters={"n": 1})
    async with engine(tmp_path, max_tasks=1) as one:
        held = await one.start(TASK, start_url=site.url, reuse_key="k", **REPLAY)
        for delay in (0, 0, 0.001, 0.005, 0.05, 0.2):
            run = asyncio.create_task(one.run(TASK, reuse_key="q", parameters={"n": 1}, **REPLAY))
            await asyncio.sleep(delay)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
        await one.cancel(held)
        result: TaskResult = await one.run(TASK, reuse_key="q", parameters={"n": 4}, **REPLAY)
        assert result.output == [{"n": 4}]
        assert {task.status for task in await one.list()} == {"completed", "canceled"}
        with contextlib.suppress(FileNotFoundError):
            assert not list((one.root / "results").iterdir())
