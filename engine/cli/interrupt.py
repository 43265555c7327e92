"""Run asynchronous work until it ends, or until Ctrl-C or SIGTERM cancels it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED, TERMINATED = 130, 143  # exit codes: 128 plus the signal's number, as shells report them


class Interrupted(Exception):
    """Ctrl-C or SIGTERM ended the command.

    The message is printed where this is caught, when no live display can write over it any more.

    Args:
        code: Exit code of the command.
        message: The outcome, for the user.
    """

    def __init__(self, code: int, message: str = "Interrupted.") -> None:
        super().__init__(message)
        self.code = code


def run_interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result; Ctrl-C and SIGTERM cancel it, so that it can record its end.

    Raises:
        Interrupted: By Ctrl-C or SIGTERM.
    """

    async def cancelable() -> T:
        task = asyncio.current_task()
        assert task is not None, "asyncio.run runs a task"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(cancelable())
    except (KeyboardInterrupt, asyncio.CancelledError) as stop:
        raise Interrupted(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED) from None
