"""Calls of users' callbacks: in order, one at a time, outside the work that they are told of."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_DELIVERIES: set[asyncio.Task[None]] = set()  # an event loop holds its tasks weakly
_STUCK_AFTER = 2.0  # seconds that a callback may take for one item when the work has ended
_LONGEST_WAIT = 10.0  # seconds that it may take for all that are left


class CallbackQueue(Generic[T]):
    """Items for a callback, which gets them in order, one at a time, in an asyncio task of its own.

    A callback that raises is logged, and gets the next item. One that hangs holds up nothing but its own items.

    Args:
        name: The callback's name in log messages, such as ``on_event of task wt_1``.
        callback: Called with each item; may be async.
    """

    def __init__(self, name: str, callback: Callable[[T], Awaitable[None] | None]) -> None:
        self.callback = callback
        self._name = name
        self._items: deque[T] = deque()
        self._delivery: asyncio.Task[None] | None = None
        self._taken = 0
        self._stuck = False

    def put(self, item: T) -> None:
        """Queue an item. An idle callback is called at the event loop's next turn."""
        self._items.append(item)
        if self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver(), name=self._name)
            _DELIVERIES.add(self._delivery)
            self._delivery.add_done_callback(_DELIVERIES.discard)

    async def delivered(self) -> None:
        """Wait until the callback has taken all items, as long as it goes on taking them."""
        clock = asyncio.get_running_loop().time
        until = clock() + _LONGEST_WAIT
        while (delivery := self._delivery) is not None and delivery is not asyncio.current_task() and not self._stuck:
            taken = self._taken
            await asyncio.wait([delivery], timeout=_STUCK_AFTER)
            if self._delivery is not None and (self._taken == taken or clock() > until):
                self._stuck = True
                log.warning("%s is stuck: it has not taken the last %d items", self._name, len(self._items) + 1)

    async def stop(self) -> None:
        """Give the callback time to take what is left, and cancel it then."""
        await self.delivered()
        self._items.clear()
        delivery = self._delivery
        if delivery is None or delivery is asyncio.current_task():
            return
        delivery.cancel()
        await asyncio.wait([delivery], timeout=_STUCK_AFTER)
        if not delivery.done():
            log.warning("%s does not end although it was canceled", self._name)

    def _next(self) -> T:
        return self._items.popleft()

    async def _deliver(self) -> None:
        try:
            while self._items:
                await self._call(self._next())
                self._taken += 1
        finally:
            self._delivery = None

    async def _call(self, item: T) -> None:
        try:
            answer = self.callback(item)
            if inspect.isawaitable(answer):
                await answer
        except asyncio.CancelledError:
            delivery = asyncio.current_task()
            if delivery is None or delivery.cancelling():
                raise
            log.warning("%s was canceled from within; it gets the next item", self._name)
        except Exception:  # it is the user's code, and must not end the work that it is told of
            log.warning("%s raised; it gets the next item", self._name, exc_info=True)
