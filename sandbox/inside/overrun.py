"""An end for code that does not end: raised in the code itself, whether it waits or is busy.

A loop that never awaits keeps the event loop from doing anything, so a signal interrupts it. Code in an extension
module, such as a search with a catastrophic pattern, is not interrupted: there the host ends the worker.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_AGAIN_SECONDS = 1.0  # code may have caught it


class StillRunning(BaseException):
    """The code was still running when its time was over. No ``except Exception`` takes it for another error."""


class Overrun:
    """The time after which code that does nothing on the page is ended.

    Args:
        seconds: That time.
        is_own: Tells whether a file name is of the code.
    """

    def __init__(self, seconds: float, is_own: Callable[[str], bool]) -> None:
        self.seconds = seconds
        self._is_own = is_own
        self._since = time.monotonic()

    def note_act(self) -> None:
        """Note that the code does something."""
        self._since = time.monotonic()

    @property
    def left(self) -> float:
        """Seconds until its end."""
        return self.seconds - (time.monotonic() - self._since)

    async def wait(self) -> None:
        """Wait until the time is over."""
        while (left := self.left) > 0:  # noqa: ASYNC110  acts put it off, and need not wake anybody
            await asyncio.sleep(left)

    def error(self) -> StillRunning:
        """Return the error that ends the code."""
        return StillRunning(f"still running after {self.seconds:g} s")

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Interrupt busy code as long as this lasts."""

        def ring(_: int, frame: FrameType | None) -> None:
            while frame is not None and not self._is_own(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is not None and self.left <= 0:
                raise self.error()

        before: Any = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, max(0.01, self.left), min(_AGAIN_SECONDS, self.seconds))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
