"""A guard that blocks, before it is sent, a request by which an automation may change something on the site.

It protects against mistakes, not against hostile code; see the threat model in `sandbox.inside.logins`, whose verdicts
it uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.http_methods import SAFE
from sandbox.inside.logins import path_names_change
from sandbox.inside.sent_request import SentRequest
from sandbox.results import BY_PAGE

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Route

_BACKGROUND = frozenset({"ping", "beacon", "cspviolationreport", "csp_report"})
_SEARCHES = re.compile(
    r"search|query|filter|find|lookup|suggest|autocomplete|typeahead|suche|recherche|buscar|zoek", re.IGNORECASE
)
_REPORTS = re.compile(
    r"analytics|telemetry|metrics|beacon|pixel|sentry|/collect\b|consent|cookie",
    re.IGNORECASE,
)
_LAST_REQUEST_SECONDS = 0.5
_MUTATION = re.compile(r"(?:^|[}\n])\s*mutation\b")


class WriteBlocked(BaseException):
    """A request was not sent. Not an `Exception`: ``except Exception`` lets it pass."""


class WriteGuard:
    """The guard of one run.

    Args:
        sent_request: Returns a page's request as the rules look at it.
        is_login: Returns the verdict on a page's request.
        is_harmless: Returns True for a request that is known to change nothing which lasts, or to be the site's own.
        stop: Ends the automation.

    Attributes:
        acted: The automation clicked, typed or the like; what a page sends before that is the page's own doing.
        blocked: The first request that was blocked: its method, and its URL without the query.
    """

    def __init__(
        self,
        sent_request: Callable[[Request], SentRequest],
        is_login: Callable[[Request], bool],
        is_harmless: Callable[[SentRequest], bool],
        stop: Callable[[], object],
    ) -> None:
        self.acted = False
        self.blocked: str | None = None
        self._sent_request = sent_request
        self._is_login = is_login
        self._is_harmless = is_harmless
        self._stop = stop

    async def begin(self, context: BrowserContext) -> None:
        """Check the requests of the context's pages from now on."""
        await context.route("**/*", self._route)

    def check_own(self, request: SentRequest, *, login: bool) -> None:
        """Check a request that the automation sends without a page.

        Raises:
            WriteBlocked: It may change something.
        """
        if not login and may_change(request) and not self._is_harmless(request):
            raise self._block(request)

    async def await_last(self, halted: asyncio.Event) -> None:
        """Give the page time to send what the code did last, so that it is blocked, too.

        Args:
            halted: Set where something is blocked.
        """
        if self.acted and self.blocked is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(halted.wait(), _LAST_REQUEST_SECONDS)
            self.acted = False  # what the page sends from now on, as when it is scrolled, is its own doing

    async def _route(self, route: Route) -> None:
        request = route.request
        if self._passes(request):
            if is_main_document(request):
                self.acted = False  # what the next page sends while it opens is that page's own doing
            await route.fallback()
            return
        self._block(self._sent_request(request), by_page=True)
        # an aborted navigation leaves the page as it is, for whoever looks where the run ended
        await route.abort("aborted" if request.is_navigation_request() else "blockedbyclient")
        self._stop()

    def _passes(self, request: Request) -> bool:
        by_page = not (self.acted or request.is_navigation_request()) or is_background(request)
        if by_page or request.method.upper() in SAFE:
            return True
        if self._is_login(request):
            return True
        sent = self._sent_request(request)
        return not may_change(sent) or self._is_harmless(sent)

    def _block(self, request: SentRequest, *, by_page: bool = False) -> WriteBlocked:
        text = f"{request.method} {''.join(request.place)}"
        self.blocked = self.blocked or (text + BY_PAGE if by_page else text)
        return WriteBlocked(self.blocked)


def may_change(request: SentRequest) -> bool:
    """Return True if a request that is no login may change something on the site: by its method, query or path."""
    if request.method in SAFE:
        return False
    if request.method != "POST":
        return True
    query = _query(request.body.decode("utf-8", "replace"))
    if query is not None:
        return bool(_MUTATION.search(query))
    path = request.place[1]
    return not _REPORTS.search(path) and (not _SEARCHES.search(path) or path_names_change(path))


def is_main_document(request: Request) -> bool:
    """Return True if a request opens a page, not a part of one."""
    if not request.is_navigation_request():
        return False
    try:
        return request.frame.parent_frame is None
    except Exception:  # noqa: BLE001  Playwright has no frame yet for the first request of a new tab: a main document
        return True


def page_of(request: Request) -> Page | None:
    """Return the page of a request; None for one of a service worker, or of a tab that is not there yet."""
    from playwright.async_api import Error

    try:
        return request.frame.page
    except Error:
        return None


def is_background(request: Request) -> bool:
    """Return True if a request is a report whose answer no page reads, such as a beacon."""
    return request.resource_type in _BACKGROUND


def _query(body: str) -> str | None:
    """The query of a GraphQL request or of another JSON search; None where there is none."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    parts = [part for part in (data if isinstance(data, list) else [data]) if isinstance(part, Mapping)]
    queries = [query for part in parts if isinstance(query := part.get("query"), str)]
    return "\n".join(queries) if queries and len(queries) == len(parts) else None
