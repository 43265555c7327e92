"""Waits where a site says, in mid-run, that it got too many requests. The start of a run is the host's to repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.inside.http_challenges import unwatched_goto
from sandbox.retry_after import seconds_to_wait

if TYPE_CHECKING:
    from playwright.async_api import Page

_MOST_SECONDS = 60.0  # of all waits of a run together
_MOST_WAITS = 6
_UNSTATED_SECONDS = 2.0  # the first wait where the site does not say how long; each further one is twice as long


class Pace:
    """The waits of one run.

    Attributes:
        started: The start URL is open; before that nothing is waited for.
    """

    def __init__(self) -> None:
        self.started = False
        self._left = _MOST_SECONDS
        self._waits = _MOST_WAITS
        self._unstated = _UNSTATED_SECONDS
        self._tasks: set[asyncio.Future[None]] = set()

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

        async def again() -> None:
            from playwright.async_api import Error

            if await self.wait(status, headers):
                try:
                    await unwatched_goto(page)(url, wait_until="commit")
                except Error:
                    return  # the automation meets the page as it is

        task = asyncio.ensure_future(again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _seconds(self, status: int, stated: str | None) -> float | None:
        if status not in (429, 503) or (status == 503 and not stated):
            return None
        if not stated:
            seconds, self._unstated = self._unstated, self._unstated * 2
            return seconds
        return seconds_to_wait(stated)
