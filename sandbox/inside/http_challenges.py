"""Answers to the challenges of HTTP authentication with the login that a run was given.

Chromium answers a challenge with the userinfo of the address that it opens, and keeps that for its context. So an
address that is challenged is opened once with the userinfo, in a page of its own that nobody sees: the address and each
link of such a page hold the password. Then it is opened as it was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.http_digest import authorization, is_challenge, is_for
from sandbox.http_login import HttpLogin, split_userinfo, with_userinfo
from sandbox.inside.unwatched import unwatched

if TYPE_CHECKING:
    from playwright.async_api import Page, Response

_LOAD_MS = 15_000
_CLOSE_SECONDS = 3.0
_EVENT_SECONDS = 0.5  # an answer may be told of after the end of the navigation

Goto = Callable[..., Awaitable["Response | None"]]


class HttpChallenges:
    """The challenges of one browser context. Before `allow` it answers none of them.

    Attributes:
        opens_page: A page for that is being opened.
        own_page: The page in which the login is being given; None at other times.
        state: ``asked``: a login was asked for, and there is none to give. ``given``: it was given and taken.
            ``refused``: it was given and not taken. Empty: none was asked for.
    """

    def __init__(self) -> None:
        self.own_page: Page | None = None
        self.opens_page = False
        self.state = ""
        self._login: HttpLogin | None = None
        self._start_url = ""
        self._challenged = ""
        self._met = asyncio.Event()
        self._opening: set[Page] = set()
        self._tasks: set[asyncio.Future[Any]] = set()

    def allow(self, login: HttpLogin | None, start_url: str) -> None:
        """Answer challenges of the start URL's host, and of no other, with a login."""
        self._login, self._start_url = login, start_url

    def _is_met(self, status: int, headers: Mapping[str, str], url: str) -> bool:
        if not is_challenge(status, headers.get("www-authenticate", "")):
            return False
        if self._login is None or not is_for(url, self._start_url):
            self.state = self.state or "asked"
            return False
        return self.state != "refused"

    async def goto(self, page: Page, goto: Goto, url: str, options: dict[str, Any]) -> Response | None:
        """Open an address; where it is challenged, log in and open it again."""
        from playwright.async_api import Error

        self._opening.add(page)
        self._challenged = ""
        self._met.clear()
        try:
            try:
                response = await goto(url, **options)
            except Error:  # of a challenge without a page to show
                if not await self._is_challenged():
                    raise
            else:
                if response is None or response.status != 401 or not await self._is_challenged():
                    return response
            await self._log_in(page, self._challenged)
            return await goto(url, **options)
        finally:
            self._opening.discard(page)

    async def _is_challenged(self) -> bool:
        """Return True if the navigation that has ended met a challenge for which there is a login."""
        if self._login is not None and not self._challenged:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._met.wait(), _EVENT_SECONDS)
        return bool(self._challenged)

    def is_opening(self, page: Page) -> bool:
        """Return True while `goto` opens an address in a page."""
        return page in self._opening

    def meet(self, status: int, headers: Mapping[str, str], url: str, page: Page) -> bool:
        """Take the answer to a page's main document, and return True if it is a challenge that is being met."""
        if not self._is_met(status, headers, url):
            return False
        self._challenged = url
        self._met.set()
        self._follow(page, url)
        return True

    def _follow(self, page: Page, url: str) -> None:
        """Log in and open an address again, in the background; not while `goto` does so."""
        if page in self._opening:
            return
        self._opening.add(page)

        async def answer() -> None:
            from playwright.async_api import Error

            try:
                await self._log_in(page, url)
                await unwatched(page, "goto")(url, wait_until="commit", timeout=_LOAD_MS)
            except Error:
                return  # the automation meets the page as it is
            finally:
                self._opening.discard(page)

        task = asyncio.ensure_future(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _log_in(self, page: Page, url: str) -> None:
        from playwright.async_api import Error

        address, answer = with_userinfo(split_userinfo(url)[0], self._login), None
        self.opens_page = True
        try:
            own = self.own_page = await page.context.new_page()
        finally:
            self.opens_page = False
        try:
            # A page that is closed while it loads may never tell that it is.
            answer = await unwatched(own, "goto")(address, wait_until="load", timeout=_LOAD_MS)
        except Error as error:
            self.state = "refused" if "ERR_INVALID_AUTH" in error.message else "asked"
        else:
            self.state = "refused" if answer is not None and answer.status == 401 else "given"
        finally:
            self.own_page = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(own.close(), _CLOSE_SECONDS)

    def header(self, status: int, headers: Mapping[str, str], url: str, method: str) -> dict[str, str] | None:
        """Return the header that answers a challenge to a request without a page; None if there is none to give."""
        if not self._is_met(status, headers, url):
            return None
        assert self._login is not None
        answer = authorization(headers.get("www-authenticate", ""), self._login, method, url)
        return {"Authorization": answer} if answer is not None else None

    def note_own(self, status: int) -> None:
        """Note how a request without a page was answered that gave the login."""
        self.state = "refused" if status == 401 else "given"
