"""Blocking calls in threads that are awaited to their end even on cancellation, and locks by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

P = ParamSpec("P")
T = TypeVar("T")


async def to_thread_uncancellable(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a blocking function in a thread, and wait for its end even when canceled; raise the cancellation then.

    A thread cannot be stopped, so a caller that holds a lock for its work must not release that before the work's end.

    Raises:
        asyncio.CancelledError: The caller was canceled; the function has ended, and its result is lost.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
    canceled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        work.exception()  # retrieved, else asyncio logs that it never was
        raise canceled
    return work.result()


class NamedLocks:
    """Locks of one event loop, by name; each lasts as long as somebody has it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
