"""A user's callback that hangs stops neither its own task nor another; the end is recorded before it is told."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine.task.callbacks
from engine import AsyncEngine, Engine, Event, TaskResult
from engine.storage.tasks import TaskRecords
from tests.support.saved import TASK
from tests.support.stage import NoModel

REPLAY: dict[str, Any] = {"ai": "never"}
SECONDS = 60


@pytest.fixture(autouse=True)
def stuck_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.task.callbacks, "_STUCK_AFTER", 0.1)


class Stuck:
    """An ``on_event`` that never returns from one event."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.reached = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        if event.type == self.at:
            self.reached.set()
            await asyncio.Event().wait()


def reason(result: TaskResult) -> str | None:
    return result.error and result.error.reason


async def test_listener_that_hangs_while_its_task_waits_stops_no_other_task(tmp_path: Path) -> None:
    stuck = Stuck("task.waiting")
    async with AsyncEngine(store=tmp_path, model=NoModel()) as one, asyncio.timeout(SECONDS):
        lock = one.bundles.try_lock("k")
        assert lock is not None
        with lock:
            waiting = asyncio.create_task(one.run(TASK, reuse_key="k", on_event=stuck, **REPLAY))
            await stuck.reached.wait()
            assert reason(await one.run(TASK, reuse_key="another", **REPLAY)) == "nothing-saved"
        assert reason(await waiting) == "nothing-saved"
        await one.close()


@pytest.mark.parametrize("at", ["task.pending", "task.started", "task.completed"])
async def test_listener_that_hangs_does_not_keep_its_own_task_from_its_end(tmp_path: Path, at: str) -> None:
    async with AsyncEngine(store=tmp_path, model=NoModel(), max_tasks=1) as one, asyncio.timeout(SECONDS):
        for _ in range(2):  # key and slot are free again
            assert reason(await one.run(TASK, reuse_key="k", on_event=Stuck(at), **REPLAY)) == "nothing-saved"


async def test_listener_that_is_told_of_the_end_finds_it_recorded(tmp_path: Path) -> None:
    found: list[TaskResult] = []
    async with AsyncEngine(store=tmp_path, model=NoModel()) as one, asyncio.timeout(SECONDS):

        async def look(event: Event) -> None:
            if event.type == "task.completed":
                found.append(await one.result(event.task_id))

        result = await one.run(TASK, reuse_key="k", on_event=look, **REPLAY)
        events = [event.type async for event in one.events(result.web_task_id)]
    assert found == [result]
    assert events[-1] == "task.completed"


async def test_listener_may_cancel_its_own_task(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path, model=NoModel()) as one, asyncio.timeout(SECONDS):
        seen: list[str] = []

        async def cancel(event: Event) -> None:
            seen.append(event.type)
            if event.type == "task.pending":
                assert (await one.cancel(event.task_id)).status == "canceled"

        lock = one.bundles.try_lock("k")
        assert lock is not None
        with lock:
            assert (await one.run(TASK, reuse_key="k", on_event=cancel, **REPLAY)).status == "canceled"


@pytest.fixture
def blocking(tmp_path: Path) -> Iterator[Engine]:
    with Engine(store=tmp_path, model=NoModel()) as one:
        yield one


def test_blocking_listener_of_the_blocking_engine_stops_no_other_task(blocking: Engine) -> None:
    go = threading.Event()
    try:
        task_id = blocking.start(TASK, reuse_key="k", on_event=lambda event: go.wait(SECONDS), **REPLAY)
        assert reason(blocking.run(TASK, reuse_key="k", **REPLAY)) == "nothing-saved"
        assert blocking.result(task_id).final
        blocking.close()
    finally:
        go.set()


def test_listener_of_the_blocking_engine_may_call_it(blocking: Engine) -> None:
    found: list[str] = []

    def look(event: Event) -> None:
        found.append(blocking.result(event.task_id).status)

    blocking.run(TASK, reuse_key="k", on_event=look, **REPLAY)
    assert found[-1] == "completed"


@pytest.mark.parametrize("face", ["on_event", "on_progress"])
def test_callback_that_exits_ends_no_task_and_no_engine(blocking: Engine, face: str) -> None:
    def leave(*_: Any) -> None:
        raise SystemExit(3)

    request = {"task": TASK, "reuse_key": "k", **REPLAY}
    if face == "on_event":
        results = [blocking.run(**request, on_event=leave)]
    else:
        results = list(blocking.map([request, request], on_progress=leave))
    assert {reason(result) for result in results} == {"nothing-saved"}
    assert reason(blocking.run(**request)) == "nothing-saved"


async def test_progress_callback_that_hangs_or_raises_ends_no_task_of_the_map(tmp_path: Path) -> None:
    counts: list[int] = []

    async def breaks(done: int, total: int, result: TaskResult) -> None:
        counts.append(done)
        if done == 1:
            raise ValueError("no such client")
        await asyncio.Event().wait()

    async with AsyncEngine(store=tmp_path, model=NoModel()) as one, asyncio.timeout(SECONDS):
        requests = [{"reuse_key": f"k{n}"} for n in range(4)]
        results = await one.map(requests, on_progress=breaks, task=TASK, **REPLAY)
    assert [reason(result) for result in results] == ["nothing-saved"] * 4
    assert counts == [1, 2]


async def test_follower_of_the_events_sees_the_end_when_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = TaskRecords.finish

    def slow(*arguments: Any) -> Any:
        time.sleep(0.3)
        return finish(*arguments)

    monkeypatch.setattr(TaskRecords, "finish", slow)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as one, asyncio.timeout(SECONDS):
        task_id = await one.start(TASK, reuse_key="k", **REPLAY)
        async for event in one.events(task_id, poll=0.02):
            ended = (await one.result(task_id)).final
            assert ended or event.type != "task.completed"
        assert event.type == "task.completed"


def test_engine_that_is_left_open_closes_with_its_event_loop(tmp_path: Path) -> None:
    kept = []

    async def cell(*, keep: bool) -> None:
        one = AsyncEngine(store=tmp_path, model=NoModel())
        kept.extend([one] if keep else [])
        assert reason(await one.run(TASK, reuse_key="k", **REPLAY)) == "nothing-saved"
        assert len(list(locks.iterdir())) == 1

    locks = tmp_path / "default" / "engines"
    for keep in (False, True, False):
        asyncio.run(cell(keep=keep))
        assert list(locks.iterdir()) == []


async def test_dropped_engine_closes_by_itself(tmp_path: Path) -> None:
    async def cell() -> None:
        assert reason(await AsyncEngine(store=tmp_path, model=NoModel()).run(TASK, reuse_key="k", **REPLAY))

    await cell()
    gc.collect()
    locks = tmp_path / "default" / "engines"
    async with asyncio.timeout(SECONDS):
        while list(locks.iterdir()):
            await asyncio.sleep(0.02)
