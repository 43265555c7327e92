"""The maps of a run: what the automation read, as it stood when it was read.

A read marks its page. What may change a marked page, a click, a navigation or the end of the run, takes the page's map
first. Maps are evidence that can be had or not: one that fails, or that takes too long, is left out and counted, and
the run goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sandbox.inside.ambiguous import Ambiguities
from sandbox.inside.data_maps import map_of_data, parsed
from sandbox.inside.failed_requests import FailedRequests
from sandbox.inside.kept_maps import RESERVED, KeptMaps, address
from sandbox.inside.map_script import WALK
from sandbox.inside.scroll_probe import Settled, scroll_to_end
from sandbox.inside.stale_reads import StaleReads
from sandbox.inside.unwatched import unwatched
from sandbox.page_map import MAP_ATTRIBUTES, MOST_CHARACTERS, MOST_UNITS
from sandbox.read_notes import is_own_request
from sandbox.sites import origin_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Frame, Page

    from sandbox.inside.sources import Sources

_LOG = logging.getLogger(__name__)
_ACTS_BY_SCRIPT = re.compile(r"scroll|click\s*\(|submit\s*\(|dispatchEvent|location|\.value\s*=|\.remove\s*\(")
_DATA_BY_SCRIPT = re.compile(r"fetch\s*\(|XMLHttpRequest|JSON\.parse|__\w+__|localStorage|sessionStorage|window\.\w+")
_TEXTS_BY_SCRIPT = re.compile(r"querySelector|innerText|textContent|getElement")
_HTML = re.compile(r"\s*(<!doctype html|<html|<[a-z])", re.I)
_ATTRIBUTES_BY_SCRIPT = re.compile(r"getAttribute\(\s*['\"`]([\w:-]+)")
_MOST_ATTRIBUTES = 24
_MOST_FRAMES = 4
_MOST_OPEN = 3
_SOFT_MS, _HARD_MS = 15, 40
_WALK_SECONDS = 3.0  # a busy machine, or script, keeps a page from answering
_MOST_TIMEOUTS = 2
WALK_PAGE = f"(opts) => ({WALK})(null, opts)"
_WALK_HTML = f"([html, opts]) => ({WALK})(new DOMParser().parseFromString(html, 'text/html').body, opts)"
_WALK_ITEM = f"""(element, opts) => {{
  const like = (a, b) => a.tagName === b.tagName && a.className === b.className;
  let item = element.closest('tr, li, article, [role=row], [role=listitem]');
  for (let e = element.parentElement, n = 0; !item && e && e !== document.body && n < 8; e = e.parentElement, n++) {{
    const all = e.parentElement ? [...e.parentElement.children].slice(0, 50) : [];
    if (all.filter((x) => like(x, e)).length >= 2) item = e;
  }}
  const text = element.getAttribute('aria-label') || element.textContent || element.getAttribute('title') || '';
  return ({WALK})(item || element, {{...opts, link: [text, element.getAttribute('href') || '']}});
}}"""


class PageMaps:
    """The maps of one run.

    Args:
        context: The run's browser context.
        secrets: Gives the passwords and codes that were typed so far; no map holds them.

    Attributes:
        active: The automation runs, and what it reads is mapped.
        ambiguous: The locators of which one of several elements was taken.
        stale: The reads that may have come too early.
        sources: Keeps the responses that were read; None where nobody asks for them.
    """

    def __init__(self, context: BrowserContext, secrets: Callable[[], Collection[str]] = tuple) -> None:
        self.active = False
        self.ambiguous, self.stale = Ambiguities(), StaleReads()
        self.sources: Sources | None = None
        self._context = context
        self._kept = KeptMaps(secrets)
        self._boxes, self._probe = False, False
        self._marked: set[Page] = set()
        self._framed: set[Page] = set()
        self._attributes: dict[str, None] = {}
        self._failed = FailedRequests(context)
        self._left: Page | None = None
        self._sessions: dict[Page, CDPSession] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._timeouts = 0

    def harmless(self) -> AbstractContextManager[None]:
        """Let no error of ours fail the run; see `KeptMaps.harmless`."""
        return self._kept.harmless()

    async def open(self, page: Page) -> None:
        """Open the way by which a page is asked for its map, ahead of need."""
        self._sessions[page] = await self._context.new_cdp_session(page)

    async def ask(self, page: Page, script: str, options: Any = None) -> Any:
        """Return what a script of ours returns in a page, None where that fails there.

        This takes one round trip; Playwright's own way takes two in each new document, and sends it a script first.
        """
        if page not in self._sessions:
            await self.open(page)
        asked = {"expression": f"({script})({json.dumps(options)})", "returnByValue": True}
        answer = await self._sessions[page].send("Runtime.evaluate", asked)
        return answer["result"].get("value")

    def begin(self, message: dict[str, Any]) -> None:
        """Map what is read from now on, for the run that a message asks for."""
        self._boxes, self._probe = message["boxes"], message["probe"] == "scroll"
        self.ambiguous.begin(message["parameters"])
        self.active, self._kept.unmapped, self._timeouts = message["maps"], 0, 0

    async def before_read(self, pages: Iterable[Page], name: str, given: list[str]) -> None:
        """Take note of the attributes that are read; a script may act, too."""
        names = given[-1:] if name == "get_attribute" else []
        if "eval" in name:
            source = " ".join(given)
            names = _ATTRIBUTES_BY_SCRIPT.findall(source)
            if _ACTS_BY_SCRIPT.search(source):
                await self.before_act(pages, name)
        for each in names:
            if len(self._attributes) < _MOST_ATTRIBUTES:
                self._attributes[each] = None

    def note_read(self, pages: Collection[Page], *, in_frame: bool = False) -> None:
        """Note that something was read on pages, in a frame or not."""
        self._marked.update(pages)
        if in_frame:
            self._framed.update(pages)

    def note_value(self, pages: list[Page], name: str, owner: Any, given: list[str], value: Any) -> None:
        """Note what was read: data of a script's is mapped as such."""
        if len(pages) == 1:
            self.stale.note_read(pages[0], name, owner, given, value)
        source = " ".join(given)
        data = parsed(value) if isinstance(value, str) else None
        if "eval" in name and isinstance(value, (dict, list)) and _DATA_BY_SCRIPT.search(source):
            data = None if _TEXTS_BY_SCRIPT.search(source) else value
        if data and (number := self._kept.due()) is not None:
            self._kept.keep(number, map_of_data(data), {"url": address(pages[0].url) if pages else ""})

    def note_response(self, url: str, value: Any) -> None:
        """Map a response that the automation read."""
        if is_own_request():
            return
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if self.sources is not None:
            self.sources.note_own(url, text if isinstance(text, str) else json.dumps(text))
        if not isinstance(text, str):
            self._kept.keep_data(text, url)
        elif (number := self._kept.due()) is not None:
            if _HTML.match(text) and self._context.pages:
                options = [text[: 1 << 21], self._options(inert=True)]
                self._begin(self._take(number, self._context.pages[-1], _WALK_HTML, options, {"url": address(url)}))
            else:
                self._kept.keep_text(number, text, url)

    async def before_act(self, pages: Iterable[Page], name: str = "", owner: Any = None, *, wait: bool = False) -> None:
        """Take the maps of those of the pages that were read since their last.

        Args:
            wait: Wait for them. Else they are only asked for: what the act asks the page next, it does after that.
        """
        pages = list(pages)
        for page in self._marked.intersection(pages):
            self._marked.discard(page)
            self._begin_maps(page)
        for page in pages:
            self.stale.note_act(page, name, owner)
        if self._under_way:
            await asyncio.sleep(0)  # they are sent
            if wait or not all(page in self._sessions for page in pages):
                await asyncio.gather(*self._under_way)

    async def link(self, source: Any) -> str | None:
        """Return the map of the item that a link stands in, for the file that it leads to."""
        return await self._evaluate(source, _WALK_ITEM, self._options()) if self.active else None

    def note_file(self, link: str | None, url: str | None, name: str, head: bytes) -> None:
        """Note a file that was saved.

        Args:
            link: What `link` returned; None where an address was given.
            url: The address that it came from.
            name: Its name.
            head: Its first bytes.
        """
        if self.active and self._kept.note_file(link, url, name, head) and (number := self._kept.due()) is not None:
            self._kept.keep_text(number, head.decode("utf-8", "replace"), url or "")

    async def of_open_pages(self) -> list[list[Any]]:
        """Return maps of the pages that were opened last, as they are now, in the form of those of `wire`."""
        pages = self._context.pages[-_MOST_OPEN:]
        walked = [(await self._walk(page), page) for page in pages]
        return [[self._kept.clean(text), self._beside(page)] for text, page in walked if text is not None]

    async def finish(self, page: Page | None) -> None:
        """Begin with the last maps, that of a page last of all, and end."""
        if not self.active:
            return
        self.active, self._left = False, page
        for other in self._context.pages:
            if other is not page and other in self._marked:
                self._begin_maps(other)
        if page is not None and (page in self._marked or not self._kept):
            self._begin(self._take_last(page))
            self._begin_frames(page)
            await asyncio.sleep(0)
        self._marked.clear()

    async def wire(self, settled: Settled | None = None) -> dict[str, Any]:
        """Return the maps for the host: the JSON of each, which is the page's word, and what belongs to it beside.

        Args:
            settled: Waits until a page that fetches data has settled, before it is scrolled.
        """
        await asyncio.gather(*self._under_way)
        scrolled = await self._scroll(settled) if self._probe else None
        return {
            "maps": self._kept.wire(),
            "unmapped": self._kept.unmapped,
            "ambiguous": self.ambiguous.wire(self._kept.clean),
            "stale": [
                [self._kept.clean(read), self._kept.clean(act), texts] for read, act, texts in self.stale.found()
            ],
            "scrolled": scrolled,
        }

    async def _scroll(self, settled: Settled | None) -> list[Any] | None:
        with self.harmless():
            if self._left is not None and (scrolled := await scroll_to_end(self._left, settled)) is not None:
                return [*scrolled, self._kept.clean(await self._walk(self._left) or "")]
        return None

    async def _take_last(self, page: Page) -> None:
        with self.harmless():
            if (text := await self._walk(page)) is not None:
                self._kept.keep_last(text, self._beside(page))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _begin_maps(self, page: Page) -> None:
        if (number := self._kept.due()) is not None:
            self._begin(self._take(number, page, WALK_PAGE, self._options(), self._beside(page)))
        self._begin_frames(page)

    def _begin_frames(self, page: Page) -> None:
        """Begin with frames of other origins, where the automation read any: the page's own map has none of them."""
        if page in self._framed:
            self._framed.discard(page)
            for frame in _foreign_frames(page):
                if (number := self._kept.due()) is not None:
                    self._begin(self._take(number, frame, WALK_PAGE, self._options(frame=True), {}))

    async def _take(self, number: int, of: Any, script: str, options: Any, beside: dict[str, Any]) -> None:
        with self.harmless():
            self._kept.keep(number, await self._evaluate(of, script, options), beside)

    async def _walk(self, page: Page) -> str | None:
        return await self._evaluate(page, WALK_PAGE, self._options())

    def _options(self, *, frame: bool = False, inert: bool = False) -> dict[str, Any]:
        return {
            "units": MOST_UNITS, "chars": MOST_CHARACTERS, "soft": _SOFT_MS, "hard": _HARD_MS, "boxes": self._boxes,
            "attributes": list({**dict.fromkeys(MAP_ATTRIBUTES), **self._attributes}), "read": list(self._attributes),
            "frame": frame, "inert": inert, "controls": self._boxes and not frame and not inert,
        }  # fmt: skip

    async def _evaluate(self, target: Any, script: str, options: Any) -> str | None:
        """Return what a script of ours returns; None, counted, where there is none."""
        from playwright.async_api import Error

        if self._timeouts >= _MOST_TIMEOUTS:
            self._kept.unmapped += 1
            return None
        text = None
        try:
            async with asyncio.timeout(_WALK_SECONDS):
                if hasattr(target, "goto") and hasattr(target, "context"):
                    text = await self.ask(target, script, options)
                else:  # a frame or an element
                    text = await unwatched(target, "evaluate")(script, options)
        except TimeoutError:
            self._timeouts += 1
        except Error as error:  # it navigates, or is gone
            _LOG.debug("not mapped: %s", error)
        if not isinstance(text, str) or len(text.encode(errors="replace")) > RESERVED:
            self._kept.unmapped += 1
            return None
        return text

    def _beside(self, page: Page) -> dict[str, Any]:
        return {"failed": self._failed.of(page)}


def _foreign_frames(page: Page) -> list[Frame]:
    """Return the frames of other origins, which the walk of the page itself does not reach."""
    origin = origin_of(page.url)
    frames = [frame for frame in page.frames if frame.url.startswith("http") and origin_of(frame.url) != origin]
    return frames[:_MOST_FRAMES]
