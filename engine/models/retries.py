"""Retries of one request to a model's endpoint, where another try may help and nothing was billed."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from engine.errors import ModelUnavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds between attempts, where the endpoint names none
T = TypeVar("T")


async def with_retries(send: Callable[[float], Awaitable[T]], *, retries: int, deadline: float) -> T:
    """Send a request until it is answered, and return the answer.

    Args:
        send: Sends it once, within the seconds that it is given.
        retries: Most further attempts.
        deadline: ``time.monotonic()`` value after which none is made.

    Raises:
        ModelUnavailable: No attempt was answered, or a response was lost that may be billed: the budget, which pays,
            decides about that one.
    """
    for attempt in itertools.count():
        try:
            return await send(deadline - time.monotonic())
        except ModelUnavailable as error:
            pause = error.details["retry_after"] or min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
            out_of_time = time.monotonic() + pause >= deadline
            lasting = not error.details["transient"] or error.details.get("maybe_billed")
            if attempt >= retries or lasting or out_of_time:
                raise
        await asyncio.sleep(pause * random.uniform(1, 1.25))  # noqa: S311  jitter, not a secret
    raise AssertionError("unreachable")
