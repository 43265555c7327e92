"""Late answers and timers of pages, as on a slow day: code that reads a page too early reads something else then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page

_LATENCY_MS = 600
_MOST_SECONDS = 15.0  # of a run that reads many pages, the rest is as fast as ever
# A timer without a delay only lets others go first; one of many seconds is no matter of a page that is being used.
_LATE_TIMERS = """([late, until, longest]) => {
  for (const name of ['setTimeout', 'setInterval']) {
    const set = window[name];
    window[name] = function (call, after, ...given) {
      const delayed = after > 0 && after <= longest && Date.now() < until;
      return set.call(this, call, delayed ? Number(after) + late : after, ...given);
    };
  }
}"""
_LONGEST_TIMER_MS = 5_000


async def delay_answers(context: BrowserContext) -> None:
    """Let answers to pages of the context, also to those that it opens, come later, and their timers, for a while.

    Requests that the automation sends without the page are not delayed.
    """
    given = [_LATENCY_MS, (time.time() + _MOST_SECONDS) * 1000, _LONGEST_TIMER_MS]
    await context.add_init_script(f"({_LATE_TIMERS})({given})")
    sessions: list[CDPSession] = []
    opening: set[asyncio.Task[None]] = set()
    over = False

    async def delay(page: Page) -> None:
        from playwright.async_api import Error

        with contextlib.suppress(Error):  # a page that is gone needs no delay
            session = await context.new_cdp_session(page)
            await session.send("Network.enable")
            await _set_latency(session, 0 if over else _LATENCY_MS)
            sessions.append(session)

    async def end() -> None:
        from playwright.async_api import Error

        nonlocal over
        over = True
        for session in sessions:
            with contextlib.suppress(Error):
                await _set_latency(session, 0)

    def begin(task: asyncio.Task[None]) -> None:
        opening.add(task)  # the loop itself holds no tasks
        task.add_done_callback(opening.discard)

    context.on("page", lambda page: begin(asyncio.ensure_future(delay(page))))
    for page in context.pages:
        await delay(page)
    asyncio.get_running_loop().call_later(_MOST_SECONDS, lambda: begin(asyncio.ensure_future(end())))


async def _set_latency(session: CDPSession, milliseconds: int) -> None:
    unlimited = {"downloadThroughput": -1, "uploadThroughput": -1}
    await session.send("Network.emulateNetworkConditions", {"offline": False, "latency": milliseconds, **unlimited})
