"""An early end of an automation that must not, or cannot, go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sandbox.inside.overrun import Overrun

_AFTER_A_CRASH_SECONDS = 3.0


async def until_stopped(
    running: Coroutine[Any, Any, Any],
    gone: asyncio.Event,
    halted: asyncio.Event,
    reason: Callable[[], BaseException],
    overrun: Overrun | None = None,
) -> Any:
    """Return what an automation returns; stop it early where it must not, or cannot, go on.

    Where a request was blocked, it stops at the line that it has reached. Where the page crashed, it stops after a
    short time, since calls to such a page may never return.

    Args:
        running: The automation.
        gone: Set when the page has crashed.
        halted: Set when a request was blocked.
        reason: Gives the error with which it is stopped.
        overrun: Its time; None where the host's limits alone end it.
    """

    async def guarded() -> tuple[Any, BaseException | None]:
        try:
            return await running, None
        except BaseException as error:  # noqa: BLE001  a task would pass SystemExit on to the loop
            return None, error

    task = asyncio.ensure_future(guarded())
    ends = [asyncio.ensure_future(end.wait()) for end in (gone, halted, overrun) if end is not None]
    await asyncio.wait({task, *ends}, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    if gone.is_set() and not halted.is_set() and not task.done():
        await asyncio.wait({task}, timeout=_AFTER_A_CRASH_SECONDS)
    stopped = not task.done()
    task.cancel()
    value, error = await task
    if stopped:
        raise reason().with_traceback(error.__traceback__ if error is not None else None)
    if error is not None:
        raise error
    return value
