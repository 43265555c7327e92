"""Closing of whatever was left open on an event loop, when the loop ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

logger = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]


def close_with_loop(close: Close) -> Callable[[], None]:
    """Have something closed when the running event loop ends, in the order of these calls.

    `asyncio.run` closes its asynchronous generators once it has canceled all tasks, and so do all that end a loop as
    the standard library says. One of them waits for that here.

    Returns:
        Takes that back.
    """
    loop = asyncio.get_running_loop()
    guard = _GUARDS.get(loop)
    if guard is None:
        guard = _GUARDS[loop] = _Guard(loop)
    return guard.add(close)


class _Guard:
    """Waits for the end of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left_open: dict[int, Close] = {}
        self._waiting = self._wait()
        with contextlib.suppress(StopIteration):  # that is how it says that it waits; no task is needed
            self._waiting.__anext__().send(None)

    def add(self, close: Close) -> Callable[[], None]:
        number = id(close)
        self._left_open[number] = close
        return lambda: self._left_open.pop(number, None) and None

    async def _wait(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            _GUARDS.pop(self._loop, None)
            for close in list(self._left_open.values()):
                try:
                    await close()
                except Exception as error:  # noqa: BLE001  nobody is left to be told, and the others are closed, too
                    logger.debug("what was left open could not be closed: %s", error)


_GUARDS: dict[asyncio.AbstractEventLoop, _Guard] = {}
