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
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sandbox.http_login import split_userinfo
from sandbox.inside.ambiguous import Ambiguities
from sandbox.inside.data_maps import content_kind, map_of_data, map_of_text, parsed
from sandbox.inside.failed_requests import FailedRequests
from sandbox.inside.map_script import WALK
from sandbox.inside.scroll_probe import Settled, scroll_to_end
from sandbox.inside.stale_reads import StaleReads
from sandbox.inside.unwatched import unwatched
from sandbox.page_map import MAP_ATTRIBUTES, MOST_BYTES, MOST_CHARACTERS, MOST_FILES, MOST_MAPS, MOST_UNITS
from sandbox.read_notes import is_own_request
from sandbox.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_RESERVED = MOST_BYTES // 2  # for the last map
_WALK_SECONDS = 1.0
_MOST_TIMEOUTS = 2
_SHORTEST_SECRET = 4
_LONGEST_URL = 1_900
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

    Of more than fit, some of all parts of the run are kept: the first, every so many after it, and the last.

    Args:
        context: The run's browser context.
        secrets: Gives the passwords and codes that were typed so far; no map holds them.

    Attributes:
        active: The automation runs, and what it reads is mapped.
        ambiguous: The locators of which one of several elements was taken.
        stale: The reads that may have come too early.
        unmapped: The number of times that something was read and is in none of the maps.
        sources: Keeps the responses that were read; None where nobody asks for them.
    """

    def __init__(self, context: BrowserContext, secrets: Callable[[], Collection[str]] = tuple) -> None:
        self.active = False
        self.ambiguous, self.stale = Ambiguities(), StaleReads()
        self.unmapped = 0
        self.sources: Sources | None = None
        self._context = context
        self._secrets = secrets
        self._boxes, self._probe = False, False
        self._marked: set[Page] = set()
        self._framed: set[Page] = set()
        self._attributes: dict[str, None] = {}
        self._failed = FailedRequests(context)
        self._kept: list[tuple[int, str, dict[str, Any]]] = []
        self._files: list[list[Any]] = []
        self._last: list[list[Any]] = []
        self._left: Page | None = None
        self._sessions: dict[Page, CDPSession] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._number, self._step = 0, 1
        self._timeouts = 0

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """Let no error of ours fail the run: what it cost is counted as not mapped."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  evidence is what can be had
            _LOG.debug("not mapped: %r", error)
            self.unmapped += 1

    async def open(self, page: Page) -> None:
        """Open the way by which a page is asked for its map, ahead of need."""
        self._sessions[page] = await self._context.new_cdp_session(page)

    def begin(self, message: dict[str, Any]) -> None:
        """Map what is read from now on, for the run that a message asks for."""
        self._boxes, self._probe = message["boxes"], message["probe"] == "scroll"
        self.ambiguous.begin(message["parameters"])
        self.active, self.unmapped, self._timeouts = message["maps"], 0, 0

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
        if data and (number := self._due()) is not None:
            self._keep(number, map_of_data(data), {"url": _address(pages[0].url) if pages else ""})

    def note_response(self, url: str, value: Any) -> None:
        """Map a response that the automation read."""
        if is_own_request():
            return
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        data = parsed(text) if isinstance(text, str) else text
        if self.sources is not None:
            self.sources.note_own(url, text if isinstance(text, str) else json.dumps(text))
        beside = {"url": _address(url)}
        if (number := self._due()) is None:
            return
        if data is not None:
            self._keep(number, map_of_data(data, url), beside)
        elif isinstance(text, str) and _HTML.match(text) and self._context.pages:
            options = [text[: 1 << 21], self._options(inert=True)]
            self._begin(self._take(number, self._context.pages[-1], _WALK_HTML, options, beside))
        elif isinstance(text, str):
            self._keep(number, map_of_text(text), {**beside, "content": content_kind(text.encode()[:512])})

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
        if not self.active:
            return
        if len(self._files) >= MOST_FILES:
            self.unmapped += 1
            return
        beside = {"kind": "file", "url": _address(url or ""), "title": name[:300]}
        kind = content_kind(head)
        self._files.append([link or "{}", {**beside, "content": kind}])
        if kind in ("csv", "text") and (number := self._due()) is not None:  # the code may read it
            text = head.decode("utf-8", "replace")
            data = parsed(text)
            self._keep(number, map_of_text(text) if data is None else map_of_data(data, url or ""), beside)

    async def of_open_pages(self) -> list[list[Any]]:
        """Return maps of the pages that were opened last, as they are now, in the form of those of `wire`."""
        pages = self._context.pages[-_MOST_OPEN:]
        walked = [(await self._walk(page), page) for page in pages]
        return [[self._clean(text), self._beside(page)] for text, page in walked if text is not None]

    async def finish(self, page: Page | None) -> None:
        """Begin with the last maps, that of a page last of all, and end."""
        if not self.active:
            return
        self.active, self._left = False, page
        for other in self._context.pages:
            if other is not page and other in self._marked:
                self._begin_maps(other)
        if page is not None and (page in self._marked or not self._number):
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
        kept = sorted(self._kept, key=itemgetter(0))
        maps = [*self._files, *([text, beside] for _, text, beside in kept), *self._last]
        return {
            "maps": [[self._clean(text), beside] for text, beside in maps],
            "unmapped": self.unmapped,
            "ambiguous": [self._cleaned(each) for each in self.ambiguous.found()],
            "stale": [[self._clean(read), self._clean(act), texts] for read, act, texts in self.stale.found()],
            "scrolled": scrolled,
        }

    def _cleaned(self, told: list[Any]) -> list[Any]:
        locator, used, count, names, parameter, text = told
        return [
            self._clean(locator),
            self._clean(used),
            count,
            [*map(self._clean, names)],
            parameter,
            self._clean(text),
        ]

    async def _scroll(self, settled: Settled | None) -> list[Any] | None:
        with self.harmless():
            if self._left is not None and (scrolled := await scroll_to_end(self._left, settled)) is not None:
                return [*scrolled, self._clean(await self._walk(self._left) or "")]
        return None

    async def _take_last(self, page: Page) -> None:
        with self.harmless():
            if (text := await self._walk(page)) is not None:
                self._last = [[text, self._beside(page)]]
                self._kept = [each for each in self._kept if each[1] != text]

    def _clean(self, text: str) -> str:
        for secret in self._secrets():
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "[secret]")
        return text

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _begin_maps(self, page: Page) -> None:
        if (number := self._due()) is not None:
            self._begin(self._take(number, page, WALK_PAGE, self._options(), self._beside(page)))
        self._begin_frames(page)

    def _begin_frames(self, page: Page) -> None:
        """Begin with frames of other origins, where the automation read any: the page's own map has none of them."""
        if page in self._framed:
            self._framed.discard(page)
            for frame in _foreign_frames(page):
                if (number := self._due()) is not None:
                    self._begin(self._take(number, frame, WALK_PAGE, self._options(frame=True), {}))

    async def _take(self, number: int, of: Any, script: str, options: Any, beside: dict[str, Any]) -> None:
        with self.harmless():
            self._keep(number, await self._evaluate(of, script, options), beside)

    def _due(self) -> int | None:
        """Return the number of the next map; None, counted, where it is not among those that are kept."""
        number, self._number = self._number, self._number + 1
        if number % self._step == 0:
            return number
        self.unmapped += 1
        return None

    def _keep(self, number: int, text: str | None, beside: dict[str, Any]) -> None:
        """Keep a map, and every second of all maps until they fit beside the last."""
        if text is None or self._has(text):
            return
        self._kept.append((number, text, beside))
        while len(self._kept) >= MOST_MAPS or sum(len(kept) for _, kept, _ in self._kept) > MOST_BYTES - _RESERVED:
            self._step *= 2
            kept = [each for each in self._kept if each[0] % self._step == 0]
            self.unmapped += len(self._kept) - len(kept)
            self._kept = kept

    def _has(self, text: str) -> bool:
        return any(kept == text for _, kept, _ in self._kept)

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
            self.unmapped += 1
            return None
        text = None
        try:
            async with asyncio.timeout(_WALK_SECONDS):
                if hasattr(target, "goto") and hasattr(target, "context"):
                    text = await self._ask(target, script, options)
                else:  # a frame or an element
                    text = await unwatched(target, "evaluate")(script, options)
        except TimeoutError:
            self._timeouts += 1
        except Error as error:  # it navigates, or is gone
            _LOG.debug("not mapped: %s", error)
        if not isinstance(text, str) or len(text.encode(errors="replace")) > _RESERVED:
            self.unmapped += 1
            return None
        return text

    async def _ask(self, page: Page, script: str, options: Any) -> Any:
        """Evaluate a script in a page, in one round trip; Playwright's own needs two in each new document."""
        if page not in self._sessions:
            await self.open(page)
        asked = {"expression": f"({script})({json.dumps(options)})", "returnByValue": True}
        answer = await self._sessions[page].send("Runtime.evaluate", asked)
        return answer["result"].get("value")

    def _beside(self, page: Page) -> dict[str, Any]:
        return {"failed": self._failed.of(page)}


def _address(url: str) -> str:
    return split_userinfo(url)[0][:_LONGEST_URL]


def _foreign_frames(page: Page) -> list[Frame]:
    """Return the frames of other origins, which the walk of the page itself does not reach."""
    origin = origin_of(page.url)
    frames = [frame for frame in page.frames if frame.url.startswith("http") and origin_of(frame.url) != origin]
    return frames[:_MOST_FRAMES]
