"""Blocking calls in threads, for what must not be left half-watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_thread_uncancellable(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Calls a blocking function in a thread, and waits for its end even when canceled; then it is canceled.

    A thread cannot be stopped: whoever holds a lock for what it does must not give that back before it has ended.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
    canceled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        work.exception()  # else asyncio complains that nobody looked at it
        raise canceled
    return work.result()
