"""A watch on what the pages of a browser context receive after a click: downloads, documents, new pages, and errors."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from sandbox.file_names import PDF, valid_type

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Download, Page, Request, Response

_PAGES = ("text/html", "application/xhtml+xml")
_SHOWN_AFTER_SECONDS = 1.5  # a download would have begun, and a script that fetched a file have handed it out


class PageWatch:
    """Listens to a context's pages until `stop`.

    Attributes:
        before: The pages that were open already.
        opened: Those that were opened since.
        downloads: Downloads that began.
        documents: Addresses of documents that the browser showed, and that are no pages.
        refused: Status and address of a page that the site answered with an error.
        landed: Address of the page that was opened last.
        changed: Set at each event.
        downloaded: Set at the first download.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.before = [*context.pages]
        self.opened: list[Page] = []
        self.downloads: list[Download] = []
        self.documents: set[str] = set()
        self.refused: tuple[int, str] | None = None
        self.landed: str | None = None
        self.changed, self.downloaded = asyncio.Event(), asyncio.Event()
        self._context = context
        self._documents: dict[Request, tuple[Response, float]] = {}
        self._fetched: dict[Request, tuple[Response, float]] = {}
        self._finished: set[Request] = set()
        self._types: dict[str, str | None] = {}
        self._methods: dict[str, str] = {}
        self._refused_at = 0.0
        self._last_event = time.monotonic()
        for page in self.before:
            page.on("download", self._on_download)
        context.on("page", self._on_page)
        context.on("response", self._on_response)
        context.on("requestfinished", self._on_finished)
        context.on("requestfailed", self._on_failed)

    def stop(self) -> None:
        """Listen no more."""
        for page in (*self.before, *self.opened):
            page.remove_listener("download", self._on_download)
        self._context.remove_listener("page", self._on_page)
        self._context.remove_listener("response", self._on_response)
        self._context.remove_listener("requestfinished", self._on_finished)
        self._context.remove_listener("requestfailed", self._on_failed)

    def shown(self) -> Response | None:
        """Return a document that the browser shows, once it is clear that no download comes of it."""
        return self._ripe(self._documents)

    def fetched(self) -> Response | None:
        """Return a PDF that a script of the page fetched, once it is clear that the script does not save it."""
        response = self._ripe(self._fetched)
        return response if response is not None and response.request in self._finished else None

    def refused_for(self) -> float:
        """Return the seconds since the site answered with an error."""
        return time.monotonic() - self._refused_at

    def quiet_for(self) -> float:
        """Return the seconds since anything came from the site."""
        return time.monotonic() - self._last_event

    def type_of(self, url: str) -> str | None:
        """Return the type that a response had, if one came from the address."""
        return self._types.get(url)

    def is_safe(self, url: str) -> bool:
        """Return True if the address was asked for by GET, so that it can be asked again."""
        return url.startswith("http") and self._methods.get(url) == "GET"

    def last_page(self) -> str | None:
        """Return the address of the page that was opened last."""
        return self.opened[-1].url if self.opened else None

    def _ripe(self, found: dict[Request, tuple[Response, float]]) -> Response | None:
        now = time.monotonic()
        return next((each for each, since in found.values() if now - since > _SHOWN_AFTER_SECONDS), None)

    def _on_page(self, page: Page) -> None:
        self.opened.append(page)
        page.on("download", self._on_download)
        self.changed.set()

    def _on_download(self, download: Download) -> None:
        self.downloads.append(download)
        self.downloaded.set()
        self.changed.set()

    def _on_response(self, response: Response) -> None:
        request, url = response.request, response.url
        self._last_event = time.monotonic()
        if not url.startswith(("http", "blob:")):
            return  # the browser's own, such as its PDF viewer
        known = valid_type(response.headers.get("content-type"))
        if self._methods.get(url, "GET") == "GET":  # the browser's viewer asks for what a POST made by a GET
            self._methods[url] = request.method
        if known is not None or url not in self._types:
            self._types[url] = known
        entry = response, time.monotonic()
        if not request.is_navigation_request():
            if known == PDF and request.resource_type in ("fetch", "xhr"):
                self._fetched[request] = entry
        elif response.status >= 400:
            if _is_main(request):
                self.refused, self._refused_at = (response.status, url), entry[1]
        elif 200 <= response.status < 300 and known is not None and known not in _PAGES:
            self._documents[request] = entry
            self.documents.add(url)
        elif 200 <= response.status < 300 and _is_main(request):
            self.landed = url
        self.changed.set()

    def _on_finished(self, request: Request) -> None:
        self._finished.add(request)
        self.changed.set()

    def _on_failed(self, request: Request) -> None:
        """Forget a document that becomes a download: the navigation to it is aborted."""
        self._documents.pop(request, None)
        self._fetched.pop(request, None)
        self.changed.set()


def _is_main(request: Request) -> bool:
    try:
        return request.frame.parent_frame is None
    except Exception:  # noqa: BLE001  Playwright has no frame yet for the first request of a new tab
        return True
