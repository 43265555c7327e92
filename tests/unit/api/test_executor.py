"""The executor of an engine's loop does what asyncio asks of one."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.api.executor import LateExecutor


def fail() -> None:
    raise ValueError("no")


def test_work_is_done_by_no_more_threads_than_needed_and_allowed() -> None:
    executor, go, names = LateExecutor(2), threading.Event(), set[str]()

    def work() -> None:
        names.add(threading.current_thread().name)
        go.wait(60)

    assert executor.submit(pow, 2, exp=5).result() == 32
    with pytest.raises(ValueError, match="no"):
        executor.submit(fail).result()
    running = [executor.submit(work) for _ in range(5)]
    assert not running[-1].done()
    go.set()
    for each in running:
        each.result(60)
    assert 1 <= len(names) <= 2
    executor.shutdown()
    executor.shutdown()
    with pytest.raises(RuntimeError, match="ended"):
        executor.submit(fail)


async def test_event_loop_takes_it_and_ends_it() -> None:
    loop = asyncio.new_event_loop()

    def run() -> list[int]:
        loop.set_default_executor(LateExecutor(4))
        try:
            return list(loop.run_until_complete(many()))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    async def many() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(pow, n, 2) for n in range(50)))

    before = threading.active_count()
    assert await asyncio.to_thread(run) == [n * n for n in range(50)]
    assert threading.active_count() <= before + 1
