"""Runs the engine until it is done, or until somebody stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED, TERMINATED = 130, 143  # exit codes, as shells know them


class Stopped(Exception):
    """The user, or whoever supervises the process, stopped the run. Told when no live display writes over it."""

    def __init__(self, code: int, told: str = "Interrupted.") -> None:
        super().__init__(told)
        self.code = code


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of the work. Async, so that Ctrl-C and SIGTERM cancel the task where it stands and it is recorded.

    Raises:
        Stopped: By Ctrl-C or SIGTERM.
    """

    async def cancelable() -> T:
        me = asyncio.current_task()
        assert me is not None, "asyncio.run runs a task"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
        return await work

    try:
        return asyncio.run(cancelable())
    except (KeyboardInterrupt, asyncio.CancelledError) as stop:
        raise Stopped(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED) from None
