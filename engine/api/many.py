"""Many runs, some of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from engine.api.arguments import check_names
from engine.task.callbacks import CallbackQueue
from engine.task.wire import TaskResult

OnProgress = Callable[[int, int, TaskResult], Awaitable[None] | None]


async def map_requests(
    run: Callable[..., Coroutine[Any, Any, TaskResult]],
    requests: Sequence[Mapping[str, Any]],
    shared: Mapping[str, Any],
    known: Collection[str],
    at_once: int,
    on_progress: OnProgress | None,
) -> Sequence[TaskResult]:
    """Run requests, and return their results in the same order; see ``AsyncEngine.map``.

    Args:
        run: Runs one.
        shared: Arguments of all requests; a request's own win.
        known: The names of all arguments that there are.
        at_once: Most that run at once.
    """
    for method, given in (("map", shared), *(("run", request) for request in requests)):
        check_names(method, given, known)
    return await run_many([partial(run, **{**shared, **request}) for request in requests], at_once, on_progress)


async def run_many(
    runs: Sequence[Callable[[], Coroutine[Any, Any, TaskResult]]], at_once: int, on_progress: OnProgress | None
) -> Sequence[TaskResult]:
    """Run functions, and return their results in the same order.

    Args:
        at_once: Most that run at once.
        on_progress: Called after each end with the number done, the number of all, and the result; no run waits for it.

    Raises:
        Exception: The first error of a run; the others are canceled.
    """
    progress: CallbackQueue[tuple[int, int, TaskResult]] | None = None
    if on_progress is not None:
        progress = CallbackQueue("on_progress", lambda ended: on_progress(*ended))
    room = asyncio.Semaphore(at_once)
    done = 0

    async def one(run: Callable[[], Coroutine[Any, Any, TaskResult]]) -> TaskResult:
        nonlocal done
        async with room:
            result = await run()
        done += 1
        if progress is not None:
            progress.put((done, len(runs), result))
        return result

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(one(run)) for run in runs]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        if progress is not None:
            await progress.stop()
    return [task.result() for task in running]
