"""Notices: what a page did on the side, which neither its content nor the code's output shows. Each is told once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from sandbox.sites import same_site

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Dialog, Download, Page, Request, Response

MOST_NOTICES = 6
_LONGEST = 300
_TOLD_OF = frozenset(["xhr", "fetch"])
_BAD_REQUEST = 400
_MOST_DOWNLOADS = 20


class PageNotices:
    """The notices of a browser context: dialogs that nobody handled, downloads, pop-ups, and failed requests.

    A dialog for which the automation has no handler is dismissed, as Playwright does without this listener.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._said: dict[str, None] = {}
        self._popups: list[Page] = []
        self._downloads: dict[str, Download] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        context.on("dialog", self._on_dialog)
        context.on("page", self._on_page)
        for page in context.pages:
            self._on_page(page)
        context.on("requestfailed", self._on_failure)
        context.on("response", self._on_response)

    def take(self) -> list[str]:
        """Return the notices since the last call."""
        said = self.untold()
        self._said.clear()
        self._popups.clear()
        return said

    def untold(self) -> list[str]:
        """Return the notices since `take` was called last, and keep them for the next call."""
        said = [*self._said, *(f"a pop-up opened: {page.url[:_LONGEST]}" for page in self._popups)]
        more = [f"{len(said) - MOST_NOTICES} more such notices"] if len(said) > MOST_NOTICES else []
        return [*said[:MOST_NOTICES], *more]

    def began(self, url: str) -> Download | None:
        """Return the browser's own download of an address that a page showed, such as that of a frame; None without."""
        return self._downloads.get(url)

    def _say(self, text: str) -> None:
        if len(self._said) < 10 * MOST_NOTICES:
            self._said[" ".join(text.split())[:_LONGEST]] = None

    def _on_dialog(self, dialog: Dialog) -> None:
        page = dialog.page
        # Asked at once, and not in the task: a handler for one dialog is gone by then.
        if _listeners(self._context) > 1 or (page is not None and _listeners(page) > 0):
            return  # the automation answers it
        task = asyncio.ensure_future(self._dismiss(dialog))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dismiss(self, dialog: Dialog) -> None:
        from playwright.async_api import Error

        with contextlib.suppress(Error):  # it went with its page
            if dialog.type == "beforeunload":
                await dialog.accept()
                return
            self._say(f"a dialog was dismissed: {dialog.type} {dialog.message!r}")
            await dialog.dismiss()

    def _on_page(self, page: Page) -> None:
        page.on("download", self._on_download)
        page.on("popup", self._on_popup)

    def _on_popup(self, page: Page) -> None:
        self._popups.append(page)

    def _on_download(self, download: Download) -> None:
        self._downloads[download.url] = download
        if len(self._downloads) > _MOST_DOWNLOADS:
            del self._downloads[next(iter(self._downloads))]
        self._say(f"a download began: {download.suggested_filename!r}; task.download(locator) takes it")

    def _on_failure(self, request: Request) -> None:
        failure = request.failure or ""
        if "ERR_ABORTED" not in failure and self._is_of_site(request):
            self._tell_of(request, failure)

    def _tell_of(self, request: Request, failure: str) -> None:
        self._say(f"a request of the page failed: {request.method} {request.url.partition('?')[0]}: {failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= _BAD_REQUEST and self._is_of_site(response.request):
            self._tell_of(response.request, f"HTTP {response.status}")

    def _is_of_site(self, request: Request) -> bool:
        """Return True for a script's request to the page's own site; others, such as trackers, rarely matter."""
        from playwright.async_api import Error

        if request.resource_type not in _TOLD_OF:
            return False
        try:
            return same_site(request.url, request.frame.page.url)
        except Error:  # of a service worker, or of a page that is gone
            return False


async def drop_handlers(context: BrowserContext) -> None:
    """Take from a page that a run left open what that run's code would go on doing there: its handlers and routes."""
    from playwright.async_api import Error

    for page in context.pages:
        inner: Any = page._impl_obj
        for listener in inner.listeners("dialog"):
            inner.remove_listener("dialog", listener)
        with contextlib.suppress(Error):  # the page is gone
            for handler in list(inner._locator_handlers.values()):
                await inner.remove_locator_handler(handler["locator"])
            if inner._routes:
                await page.unroute_all(behavior="ignoreErrors")


def _listeners(of: Any) -> int:
    return len(of._impl_obj.listeners("dialog"))  # there is no public way to ask
