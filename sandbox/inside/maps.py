"""The maps of a run: what the automation read, as it stood when it was read.

A read marks its page. What may change a marked page, a click, a navigation or the end of the run, takes the page's map
first. Maps are evidence that can be had or not: one that fails, or that takes too long, is left out and counted, and
the run goes on.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from sandbox.http_login import split_userinfo
from sandbox.inside.map_script import WALK
from sandbox.page_map import MOST_BYTES, MOST_MAPS, MOST_UNITS

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Response

_READS = (
    "inner_text", "text_content", "inner_html", "get_attribute", "all_inner_texts", "all_text_contents", "evaluate",
    "evaluate_all", "eval_on_selector", "eval_on_selector_all", "evaluate_handle", "content", "title", "input_value",
    "count", "is_visible", "is_hidden", "is_checked", "is_enabled", "is_disabled", "aria_snapshot", "query_selector",
    "query_selector_all", "all", "wait_for", "wait_for_selector", "wait_for_function",
)  # fmt: skip
_ACTS = (
    "goto", "reload", "go_back", "go_forward", "set_content", "click", "dblclick", "tap", "check", "uncheck",
    "set_checked", "select_option", "fill", "type", "press", "press_sequentially", "insert_text", "dispatch_event",
    "drag_to", "drag_and_drop", "drop", "set_input_files", "down", "up", "wheel", "hover", "clear",
    "scroll_into_view_if_needed", "close",
)  # fmt: skip
_ACTS_BY_SCRIPT = re.compile(r"scroll|click\s*\(|submit\s*\(|dispatchEvent|location|\.value\s*=|\.remove\s*\(")
_ATTRIBUTES_BY_SCRIPT = re.compile(r"getAttribute\(\s*['\"`]([\w:-]+)")
_ATTRIBUTES = ("title", "alt", "datetime", "href", "value", "content", "aria-label", "src", "srcset", "data-src")
_MOST_ATTRIBUTES = 24
_OWN = frozenset({"fetch", "xhr", "script", "document"})
_MOST_FAILED = 20
_SOFT_MS, _HARD_MS = 15, 40
_CHARACTERS = 90_000  # of one map, where a character beyond ASCII counts twice
_RESERVED = MOST_BYTES // 2  # for the last map
_WALK_SECONDS = 1.0
_SECONDS, _SHARE = 0.5, 0.05  # of a run that its maps may take
_MOST_TIMEOUTS = 2
_MOST_OPEN = 3
_WALK_PAGE = f"(opts) => ({WALK})(null, opts)"


class PageMaps:
    """The maps of one run.

    Of more than fit, some of all parts of the run are kept: the first, every so many after it, and the last.

    Args:
        context: The run's browser context.

    Attributes:
        active: The automation runs, and what it reads is mapped.
        boxes: Note the place of each text on the page, too.
        unmapped: The number of times that something was read and is in none of the maps.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.active = False
        self.boxes = False
        self.unmapped = 0
        self._context = context
        self._marked: set[Page] = set()
        self._attributes: dict[str, None] = {}
        self._failed: dict[Page, dict[tuple[str, int], None]] = {}
        self._kept: list[tuple[int, str, dict[str, Any]]] = []
        self._last: tuple[str, dict[str, Any]] | None = None
        self._number, self._step = 0, 1
        self._timeouts = 0
        self._began, self._spent = 0.0, 0.0
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)

    def begin(self) -> None:
        """Map what is read from now on."""
        self.active, self._began = True, time.monotonic()

    def note_read(self, pages: Iterable[Page], attributes: Iterable[str] = ()) -> None:
        """Note that something was read on pages: attributes of these names among it."""
        self._marked.update(pages)
        for name in attributes:
            if len(self._attributes) < _MOST_ATTRIBUTES:
                self._attributes[name] = None

    async def before_act(self, pages: Iterable[Page]) -> None:
        """Take the maps of those of the pages that were read since their last."""
        for page in self._marked.intersection(pages):
            self._marked.discard(page)
            await self._take(page)

    async def finish(self, page: Page | None) -> None:
        """Take the last maps, that of a page last of all, and end."""
        self.active = False
        nothing_yet = not self._kept
        for other in self._context.pages:
            if other is not page and other in self._marked:
                await self._take(other)
        if page is not None and (page in self._marked or nothing_yet):
            text = await self._walk(page)
            if text is not None and text not in [kept for _, kept, _ in self._kept]:
                self._last = text, self._beside(page)
        self._marked.clear()

    async def of_open_pages(self) -> list[list[Any]]:
        """Return maps of the pages that were opened last, as they are now, in the form of those of `wire`."""
        pages = self._context.pages[-_MOST_OPEN:]
        walked = [(await self._walk(page), page) for page in pages]
        return [[text, self._beside(page)] for text, page in walked if text is not None]

    def wire(self) -> dict[str, Any]:
        """Return the maps for the host: the JSON of each, which is the page's word, and what belongs to it beside."""
        maps: list[list[Any]] = [[text, beside] for _, text, beside in self._kept]
        return {"maps": maps if self._last is None else [*maps, [*self._last]], "unmapped": self.unmapped}

    async def _take(self, page: Page) -> None:
        number, self._number = self._number, self._number + 1
        if number % self._step or self._spent > _SECONDS + _SHARE * (time.monotonic() - self._began):
            self.unmapped += 1
            return
        text = await self._walk(page)
        if text is not None and text not in [kept for _, kept, _ in self._kept]:
            self._kept.append((number, text, self._beside(page)))
            self._thin_out()

    def _thin_out(self) -> None:
        """Keep every second of the maps, until they fit beside the last."""
        while len(self._kept) > MOST_MAPS - 1 or sum(len(text) for _, text, _ in self._kept) > MOST_BYTES - _RESERVED:
            self._step *= 2
            kept = [each for each in self._kept if each[0] % self._step == 0]
            self.unmapped += len(self._kept) - len(kept)
            self._kept = kept

    async def _walk(self, page: Page) -> str | None:
        """Return a page's map as its script gives it; None, counted, where there is none."""
        from playwright.async_api import Error

        if self._timeouts >= _MOST_TIMEOUTS or page.is_closed():
            self.unmapped += 1
            return None
        options = {
            "units": MOST_UNITS, "chars": _CHARACTERS, "soft": _SOFT_MS, "hard": _HARD_MS, "boxes": self.boxes,
            "attributes": list({**dict.fromkeys(_ATTRIBUTES), **self._attributes}), "read": list(self._attributes),
            "frame": False,
        }  # fmt: skip
        evaluate: Any = inspect.unwrap(type(page).evaluate)  # as Playwright defines it: this is no read of the run
        began = time.monotonic()
        try:
            text = await asyncio.wait_for(evaluate(page, _WALK_PAGE, options), _WALK_SECONDS)
        except TimeoutError:
            self._timeouts += 1
            text = None
        except Error:  # it navigates, or is gone
            text = None
        finally:
            self._spent += time.monotonic() - began
        if not isinstance(text, str) or len(text.encode(errors="replace")) > _RESERVED:
            self.unmapped += 1
            return None
        return text

    def _beside(self, page: Page) -> dict[str, Any]:
        return {"failed": [list(each) for each in self._failed.get(page, ())]}

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._note_failure(response.request, response.status)
        elif response.request.is_navigation_request() and (page := _page_of(response.request, main=True)) is not None:
            self._failed.pop(page, None)

    def _on_failure(self, request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):
            self._note_failure(request, 0)

    def _note_failure(self, request: Request, status: int) -> None:
        if request.resource_type in _OWN and (page := _page_of(request)) is not None:
            failed = self._failed.setdefault(page, {})
            if len(failed) < _MOST_FAILED:
                failed[split_userinfo(request.url)[0][:500], status] = None


def _page_of(request: Request, *, main: bool = False) -> Page | None:
    from playwright.async_api import Error

    try:
        frame = request.frame
        page = frame.page
    except Error:  # of a service worker, or of a tab that is not there yet
        return None
    return None if main and frame.parent_frame is not None else page


def watch_maps(current: Callable[[], PageMaps | None], pages: Callable[[], list[Page]]) -> None:
    """Take maps of what automations read, from now on.

    Args:
        current: Gives the maps of the automation that runs; None while none does.
        pages: Gives its open pages.
    """
    from playwright.async_api import ElementHandle, Frame, Keyboard, Locator, Mouse, Page

    def pages_of(owner: Any) -> list[Page]:
        if isinstance(owner, Page):
            return [owner]
        page = getattr(owner, "page", None)
        return [page] if isinstance(page, Page) else pages()  # an element's handle, the keyboard or the mouse

    for kind in (Page, Frame, Locator, ElementHandle, Keyboard, Mouse):
        for name in _READS:
            _watch_read(kind, name, current, pages_of)
        for name in _ACTS:
            _watch_act(kind, name, current, pages_of)


def _watch_read(
    owner: type, name: str, current: Callable[[], PageMaps | None], pages_of: Callable[[Any], list[Page]]
) -> None:
    original = getattr(owner, name, None)
    if original is None:
        return
    by_script = "eval" in name

    @wraps(original)
    async def read(self: Any, *args: Any, **options: Any) -> Any:
        maps, names = current(), tuple[str, ...]()
        if maps is not None and by_script:
            source = " ".join(each for each in (*args, *options.values()) if isinstance(each, str))
            names = tuple(_ATTRIBUTES_BY_SCRIPT.findall(source))
            if _ACTS_BY_SCRIPT.search(source):
                await maps.before_act(pages_of(self))
        elif maps is not None and name == "get_attribute":
            names = tuple(each for each in (options.get("name"), *args[-1:]) if isinstance(each, str))
        try:
            return await original(self, *args, **options)
        finally:
            if maps is not None:
                maps.note_read(pages_of(self), names)

    setattr(owner, name, read)


def _watch_act(
    owner: type, name: str, current: Callable[[], PageMaps | None], pages_of: Callable[[Any], list[Page]]
) -> None:
    original = getattr(owner, name, None)
    if original is None:
        return

    @wraps(original)
    async def act(self: Any, *args: Any, **options: Any) -> Any:
        if (maps := current()) is not None:
            await maps.before_act(pages_of(self))
        return await original(self, *args, **options)

    setattr(owner, name, act)
