"""An engine used from threads, after a fork, on two event loops or after its end works, or says why not."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Engine, EngineError
from engine.aio import to_thread_uncancellable
from engine.bundles.lock import try_lock
from fixtures_sites import FixtureServer
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

pytestmark = pytest.mark.own_sandbox


def test_closing_ends_the_runs_and_calls_of_other_threads(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", "async def run(page, parameters, task):\n    await page.goto(task.start_url + 'hang')\n")
    engine = Engine(store=tmp_path, model=NoModel())
    ends: list[str] = []
    began = threading.Event()

    def call(method: Any, *arguments: Any, **named: Any) -> None:
        try:
            while True:
                method(*arguments, **named)
        except EngineError as error:
            ends.append(error.message)

    request: dict[str, Any] = {"start_url": site.url, "reuse_key": "k", "ai": "never"}
    request["on_event"] = lambda event: began.set() if event.type == "replay.started" else None
    threads = [threading.Thread(target=call, args=(engine.attempts,)) for _ in range(4)]
    threads.append(threading.Thread(target=call, args=(engine.run, TASK), kwargs=request))
    for thread in threads:
        thread.start()
    assert began.wait(120)
    closers = [threading.Thread(target=engine.close) for _ in range(3)]
    for thread in closers:
        thread.start()
    for thread in (*closers, *threads):
        thread.join(60)
        assert not thread.is_alive()
    assert len(ends) == len(threads)
    assert all("closed" in message for message in ends)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_engine_in_a_forked_process_is_refused(tmp_path: Path) -> None:
    engine = Engine(store=tmp_path, model=NoModel())
    child = os.fork()
    if child == 0:
        try:
            engine.attempts()
        except EngineError as error:
            engine.close()
            os._exit(7 if "forked" in error.message else 8)
        os._exit(9)
    until = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        assert time.monotonic() < until, "the child hangs"
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(ended[1]) == 7
    engine.close()


def test_async_engine_refuses_another_event_loop(tmp_path: Path) -> None:
    engine = AsyncEngine(store=tmp_path, model=NoModel())
    asyncio.run(engine.attempts())
    with pytest.raises(EngineError, match="another event loop"):
        asyncio.run(engine.attempts())


async def test_closed_engine_opens_nothing_again(tmp_path: Path) -> None:
    engine = AsyncEngine(store=tmp_path, model=NoModel())
    await engine.attempts()
    await engine.close()
    for call in (engine.attempts, engine.warm):
        with pytest.raises(EngineError, match="closed"):
            await call()


async def test_concurrent_first_calls_open_one_database(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        found = await asyncio.gather(*(engine._workspace.records() for _ in range(8)))
        assert len(set(map(id, found))) == 1


async def test_cancellation_waits_for_work_in_a_thread() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.3)
        ended.set()

    task = asyncio.create_task(to_thread_uncancellable(work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_process_holds_none_of_the_engine_locks(tmp_path: Path) -> None:
    """Else the tasks of a dead engine would seem to run for as long as a pool of forked processes lives."""
    held, keep = os.pipe()
    program = os.fork()
    if program == 0:
        lock = try_lock(tmp_path / "lock")
        if os.fork() == 0:
            os.write(keep, b"+" if lock is not None else b"-")  # only now it has closed what it inherited
            time.sleep(20)
            os._exit(0)
        time.sleep(60)
    assert os.read(held, 1) == b"+"
    assert try_lock(tmp_path / "lock") is None
    os.kill(program, signal.SIGKILL)
    os.waitpid(program, 0)
    taken = try_lock(tmp_path / "lock")
    assert taken is not None
    taken.release()
