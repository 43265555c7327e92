"""Another try while a site is away for a moment: few, further and further apart, and within the task's time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from engine.task.cause import Cause
from engine.task.events import EventLog

_FIRST_WAIT = 1.0  # seconds; each further one is four times as long
_LONGEST_WAIT = 60.0  # a site that asks for more is better asked by another run
_LEAST_LEFT = 5.0  # seconds of the task's time that another try is worth beginning with


@dataclass
class RetryPolicy:
    """The tries that one task may spend on causes that pass by themselves.

    Args:
        events: Takes an event for each wait.
        deadline: End of the task's time, on the monotonic clock.
        retries: Tries that are left.
        codes: Tries that are left where a one-time code was not taken, each in the next code's time.
    """

    events: EventLog
    deadline: float
    retries: int
    codes: int = 5
    _next_wait: float = field(default_factory=lambda: _FIRST_WAIT)

    async def wait(self, cause: Cause) -> bool:
        """Wait until another try may be made, and return True; return False at once where none may."""
        code = cause.reason == "one-time-code"
        wait = cause.wait or 0.0 if code else max(self._next_wait, cause.wait or 0.0)
        left, tries = self.deadline - time.monotonic(), self.codes if code else self.retries
        if not cause.transient or tries < 1 or wait > _LONGEST_WAIT or wait + _LEAST_LEFT > left:
            return False
        if code:
            self.codes -= 1
        else:
            self.retries -= 1
            self._next_wait *= 4
        await self.events.emit(
            "retry.waiting", reason=cause.reason, message=cause.message, seconds=wait, retries_left=tries - 1
        )
        await asyncio.sleep(wait)
        return True
