"""The requests of pages that failed while they were shown: of their scripts, their frames, and for their data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.http_login import split_userinfo
from sandbox.inside.write_guard import is_main_document, page_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Response

_OWN = frozenset({"fetch", "xhr", "script", "document"})
_MOST = 20
_LONGEST_URL = 500


class FailedRequests:
    """The failed requests of the pages of a browser context, each page's since its last document.

    Args:
        context: The browser context.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._failed: dict[Page, dict[tuple[str, int], None]] = {}
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)

    def of(self, page: Page) -> list[list[str | int]]:
        """Return address and status of those of a page; 0 where no answer came."""
        return [list(each) for each in self._failed.get(page, ())]

    def _on_response(self, response: Response) -> None:
        request = response.request
        if is_main_document(request) and (page := page_of(request)) is not None:
            self._failed.pop(page, None)
        if response.status >= 400:
            self._note(request, response.status)

    def _on_failure(self, request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):
            self._note(request, 0)

    def _note(self, request: Request, status: int) -> None:
        if request.resource_type in _OWN and (page := page_of(request)) is not None:
            failed = self._failed.setdefault(page, {})
            if len(failed) < _MOST:
                failed[split_userinfo(request.url)[0][:_LONGEST_URL], status] = None
