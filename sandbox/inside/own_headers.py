"""Headers that requests to one origin carry and no others, also where a request is redirected.

Playwright sends the headers of a context, and those of a route, on to whatever address a request is redirected to. So
the browser's debugging protocol holds each request to the origin, at each of its addresses, until it has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from sandbox.sites import origin_of

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession

_MOST_REDIRECTS = 20
_REDIRECTS = (301, 302, 303, 307, 308)


class OwnHeaders:
    """The headers of one run.

    Args:
        origin: The origin: scheme, host and port.
        headers: The headers.
    """

    def __init__(self, origin: str, headers: Mapping[str, str]) -> None:
        self._origin = origin_of(origin)
        self._pattern = f"{origin.rstrip('/')}/*"
        self._headers = dict(headers)
        self._session: CDPSession | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    def of(self, url: str) -> dict[str, str]:
        """Return the headers for an address; none for one of another origin."""
        return dict(self._headers) if origin_of(url) == self._origin else {}

    async def begin(self, browser: Browser) -> None:
        """Add the headers to the requests of all pages and workers of a browser from now on."""
        session = self._session = await browser.new_browser_cdp_session()
        session.on("Fetch.requestPaused", lambda event: self._begin(self._go_on(session, event)))
        await session.send("Fetch.enable", {"patterns": [{"urlPattern": self._pattern}]})

    async def end(self) -> None:
        """Add them no more."""
        from playwright.async_api import Error

        if self._session is not None:
            try:
                await self._session.detach()
            except Error:
                return  # the browser is gone

    async def _go_on(self, session: CDPSession, event: Any) -> None:
        from playwright.async_api import Error

        request = event["request"]
        own = self.of(request["url"])
        names = {name.lower() for name in own}
        kept = [{"name": n, "value": v} for n, v in request["headers"].items() if n.lower() not in names]
        added = [{"name": name, "value": value} for name, value in own.items()]
        try:
            await session.send("Fetch.continueRequest", {"requestId": event["requestId"], "headers": kept + added})
        except Error:
            return  # it was given up, or its page is gone

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def replaced(before: OwnHeaders | None, browser: Browser, options: Mapping[str, Any]) -> OwnHeaders | None:
    """End the headers of the run before, and begin those of a context's options; return them, None for none."""
    if before is not None:
        await before.end()
    if (given := options.get("own_headers")) is None:
        return None
    own = OwnHeaders(*given)
    await own.begin(browser)
    return own


async def send_own(own: OwnHeaders, send: Any, url: str, method: str, options: Mapping[str, Any]) -> Any:
    """Send a request of the automation's own, with the headers where they belong, and return the answer.

    Redirects are followed here, since Playwright would take the headers along; those of a request that may change
    something are not.

    Args:
        send: Sends one request: ``await send(url, **options)``.
        options: As the automation gave them.
    """
    given, target, left = dict(options), url, options.get("max_redirects")
    for _ in range(_MOST_REDIRECTS if left is None else int(left) + 1):
        headers = {**(given.get("headers") or {}), **own.of(target)}
        answer = await send(target, **{**given, "headers": headers, "max_redirects": 0})
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not location or method not in ("GET", "HEAD") or left == 0:
            return answer
        target = urljoin(answer.url, location)
        given.pop("params", None)  # they were those of the first address
        await answer.dispose()
    return await send(
        target, **{**given, "headers": {**(given.get("headers") or {}), **own.of(target)}, "max_redirects": 0}
    )
