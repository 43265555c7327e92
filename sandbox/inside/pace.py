"""Waits where a site says, in mid-run, that it got too many requests. The start of a run is the host's to repeat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.inside.unwatched import unwatched
from sandbox.retry_after import asks_to_wait, seconds_to_wait

if TYPE_CHECKING:
    from playwright.async_api import Page

_MOST_SECONDS = 60.0  # of all waits of a run together
_MOST_WAITS = 6
_UNSTATED_SECONDS = 2.0  # the first wait where the site does not say how long; each further one is twice as long


class Pace:
    """The waits of one run.

    Attributes:
        started: The start URL is open; before that nothing is waited for.
        is_blocked: Tells whether the automation waits for what does not appear.
    """

    is_blocked: Callable[[], bool]

    def __init__(self) -> None:
        self.started = False
        self.is_blocked = lambda: True
        self._left = _MOST_SECONDS
        self._waits = _MOST_WAITS
        self._unstated = _UNSTATED_SECONDS
        self._tasks: dict[asyncio.Future[None], Page] = {}
        self._last_end = 0.0

    def waited_since(self, began: float) -> bool:
        """Return True where a page was waited for, or still is, after a moment of the monotonic clock."""
        return bool(self._tasks) or self._last_end > began

    @property
    def waits(self) -> bool:
        """True while a page is left alone, to be opened again."""
        return bool(self._tasks)

    async def over(self) -> None:
        """Wait until no page is left alone any more."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def wait(self, status: int, headers: Mapping[str, str]) -> bool:
        """Wait as an answer asks for, and return True; for any other answer, and where it is too long, return False."""
        seconds = self._seconds(status, headers.get("retry-after"))
        if seconds is None or not self.started or seconds > self._left or self._waits < 1:
            return False
        self._left -= seconds
        self._waits -= 1
        await asyncio.sleep(seconds)
        return True

    def follow(self, page: Page, url: str, status: int, headers: Mapping[str, str]) -> None:
        """Open an address again, to which a click led, after the wait that its answer asks for."""
        self._begin(page, status, headers, lambda: unwatched(page, "goto")(url, wait_until="commit"))

    def reload(self, page: Page, status: int, headers: Mapping[str, str], untouched: Callable[[], bool]) -> None:
        """Load a page again whose own request for data was turned away, after the wait that the answer asks for.

        Args:
            untouched: The automation has done nothing on the page that would be lost.
        """

        async def again() -> None:
            if untouched() and self.is_blocked():  # what is there may be all that the code reads
                await unwatched(page, "reload")(wait_until="commit")

        if untouched() and page not in self._tasks.values():
            self._begin(page, status, headers, again)

    def _begin(
        self, page: Page, status: int, headers: Mapping[str, str], again: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        async def wait() -> None:
            from playwright.async_api import Error

            if await self.wait(status, headers):
                try:
                    await again()
                except Error:
                    return  # the automation meets the page as it is
                self._last_end = time.monotonic()

        task = asyncio.ensure_future(wait())
        self._tasks[task] = page
        task.add_done_callback(lambda ended: self._tasks.pop(ended, None))

    def _seconds(self, status: int, stated: str | None) -> float | None:
        if not asks_to_wait(status, stated):
            return None
        if not stated:
            seconds, self._unstated = self._unstated, self._unstated * 2
            return seconds
        return seconds_to_wait(stated)
