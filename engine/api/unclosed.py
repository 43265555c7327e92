"""Blocking engines that nobody closes: dropped ones, and those that are open when the interpreter ends."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from engine.api.loops import LoopThread, close_at_exit

log = logging.getLogger(__name__)


class Closable(Protocol):
    """A blocking engine."""

    def _close(self, seconds: float | None) -> None:
        """Close it, within this many seconds."""


class UnclosedEngine:
    """Closes an engine by itself until it is released.

    Args:
        engine: The blocking engine; it is not kept alive by this.
        end: Ends what it has, on its loop, once nothing refers to it. It must not refer to the engine.
        thread: Its loop.
    """

    def __init__(self, engine: Closable, end: Callable[[], Coroutine[Any, Any, None]], thread: LoopThread) -> None:
        self._forget_exit = close_at_exit(_closer(weakref.ref(engine)))
        self._finalizer = weakref.finalize(engine, _close_dropped, end, thread, os.getpid(), self._forget_exit)
        self._finalizer.atexit = False  # it would be too late

    def release(self) -> None:
        """Leave the engine alone: it was closed."""
        self._finalizer.detach()
        self._forget_exit()


def _close_dropped(
    end: Callable[[], Coroutine[Any, Any, None]], thread: LoopThread, process: int, forget_exit: Callable[[], None]
) -> None:
    """Close an engine that nothing refers to any more, on its own loop."""

    async def close() -> None:
        try:
            await end()
        finally:
            thread.give_back()

    forget_exit()
    if os.getpid() == process:
        thread.submit(close)


def _closer(engine: weakref.ref[Closable]) -> Callable[[float], None]:
    """Return what closes the engine at the interpreter's end, in silence: nobody is left to be told."""

    def close(seconds: float) -> None:
        if (one := engine()) is not None:
            try:
                one._close(seconds)
            except Exception as error:  # noqa: BLE001  nobody is left to be told
                log.debug("an engine could not be closed at the interpreter's end: %s", error)

    return close
