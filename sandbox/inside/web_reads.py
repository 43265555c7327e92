"""The record of an automation's reading and sending by ``web``: the observer of its client.

A page does not change, so it is mapped at the end of the run, when it is known which pages are kept and which
attributes were read. Maps are evidence that can be had or not: one that fails is left out and counted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from sandbox.http_login import split_userinfo
from sandbox.inside.ambiguous import Ambiguities
from sandbox.inside.data_maps import content_kind
from sandbox.inside.kept_maps import KeptMaps, address
from sandbox.inside.logins import LoginDetector
from sandbox.inside.run_trace import RunTrace
from sandbox.page_map import MOST_MAPS
from sandbox.protocol import dump_json
from sandbox.read_evidence import MOST_NAMES

if TYPE_CHECKING:
    from sandbox.inside.overrun import Overrun
    from sandbox.web.client import Web
    from sandbox.web.elements import WebElement, WebForm
    from sandbox.web.found import Found
    from sandbox.web.pages import WebPage
    from sandbox.web.transport import WebAnswer, WebRequest

_LOG = logging.getLogger(__name__)
_LARGE = 1 << 18  # bytes of a page that is mapped at once, rather than kept until the end
_MOST_SHOWN = 3
_NO_TEXT = frozenset({"pdf", "zip", "image", "binary"})
_MOST_HOPS = 100


class WebReads:
    """The reads of one run.

    Args:
        trace: Takes what the automation gives and gets.
        parameters: The run's parameters.
        maps: Map what is read.

    Attributes:
        trace: As given.
        page: The page that was read last.
        overrun: The time after which code that asks for nothing is ended; None where only the host's limits end it.
    """

    def __init__(self, trace: RunTrace, parameters: Any, *, maps: bool) -> None:
        self.trace = trace
        self.page: WebPage | None = None
        self.overrun: Overrun | None = None
        self._maps = maps
        logins = LoginDetector()
        logins.note_parameters(parameters)
        self._kept = KeptMaps(lambda: logins.secrets)
        self._ambiguous = Ambiguities()
        self._ambiguous.begin(parameters if maps else {})
        self._waiting: list[tuple[int, WebPage]] = []
        self._left_out: WebPage | None = None  # the page that was read last, where it is not among those
        self._attributes: set[str] = set()
        self._last: tuple[WebRequest, WebAnswer] | None = None
        self._hops: set[str] = set()
        self._filled = False

    def requested(self, request: WebRequest) -> None:
        """Note what a request carries, but of a redirect, whose address the site gave.

        Of a form, what was put into it counts: the page has the rest, with a token that is another each time.
        """
        self._note_act()
        if request.url in self._hops:
            self._hops.discard(request.url)
            return
        place, body = request.url.partition("?")[0], request.body.decode("utf-8", "replace")
        filled, self._filled = self._filled, False
        self.trace.note("url", request.method, place, *(() if filled else (body, request.url)))

    def answered(self, request: WebRequest, answer: WebAnswer) -> None:
        """Keep the last answer, which no code may read if it is an error."""
        self._note_act()
        self._last = (request, answer)
        if 300 <= answer.status < 400 and len(self._hops) < _MOST_HOPS and (target := answer.header("location")):
            self._hops.add(urljoin(request.url, target).partition("#")[0])

    def _note_act(self) -> None:
        if self.overrun is not None:
            self.overrun.note_act()

    def page_read(self, page: WebPage) -> None:
        """Note a page that is read."""
        self.page = page
        self.trace.note_read(page.source)
        if not self._maps:
            return
        number = self._kept.due()
        self._left_out = page if number is None else None
        if number is None:
            return
        self._waiting.append((number, page))
        while len(self._waiting) >= MOST_MAPS:
            self._kept.thin()
            kept = [each for each in self._waiting if self._kept.is_kept(each[0])]
            self._kept.unmapped += len(self._waiting) - len(kept)
            self._waiting = kept
        if len(page.body) > _LARGE:
            self._map_waiting()

    def taken(self, found: Found[WebElement], at: int) -> None:
        """Note an element that is taken of several."""
        from sandbox.web.told_apart import told_apart

        with self._kept.harmless():
            self._ambiguous.note_taken(found.sought, at, lambda: list(told_apart(found, at, MOST_NAMES)))

    def submitted(self, form: WebForm, values: Mapping[str, Any]) -> None:
        """Note what is put into a form, all of which it sends: of a list, the value that stands for the choice."""
        self._filled = True
        for value in values.values():
            self.trace.note("sent", str(value))

    async def link(self, source: Any) -> str | None:
        """Return the map of the item that a link stands in, for the file that it leads to."""
        if not self._maps or isinstance(source, str):
            return None
        from sandbox.web.page_maps import item_map

        with self._kept.harmless():
            return dump_json(item_map(source._document.tree, source.page_url, source._node))
        return None

    def note_file(self, link: str | None, url: str | None, name: str, head: bytes) -> None:
        """Note a file that was saved; the page that it came in was read."""
        if self._maps:
            self._kept.note_file(link, url, name, head)

    def shown(self, web: Web) -> WebPage | None:
        """Return the page of the last answer, read or not; None where there is none."""
        if self._last is None:
            return self.page
        request, answer = self._last
        if self.page is not None and self.page.url.partition("#")[0] == request.url:
            return self.page
        from sandbox.web import codings
        from sandbox.web.errors import WebError
        from sandbox.web.pages import WebPage

        try:
            body = codings.unpacked(answer.body, answer.header("content-encoding"), request.url)
        except WebError:
            return self.page
        page = WebPage(web, request.method, request.url, answer.status, answer.headers, body)
        page._read = True  # our own look at it is no read of the automation's
        return page if page.is_html or self.page is None else self.page

    async def of_open_pages(self, web: Web) -> list[list[Any]]:
        """Return maps of the pages read last, and of the last answer, in the form of those of `evidence`."""
        pages = [page for _, page in self._waiting[-_MOST_SHOWN:] if page.is_html]
        shown = self.shown(web)
        if shown is not None and shown.is_html and all(page.url != shown.url for page in pages):
            pages.append(shown)
        return [[self._map_of(page), {}] for page in pages]

    def evidence(self, shown: WebPage | None) -> dict[str, Any]:
        """Return what was read, and what the page shows that the run left, for the host.

        Args:
            shown: That page.
        """
        if self._maps and not self._kept and shown is not None:
            self.page_read(shown)  # it was answered, and the code read nothing
        if self._left_out is not None:  # the last is kept, whatever its number
            self._waiting.append((-1, self._left_out))
            self._kept.unmapped -= 1
        self._map_waiting(last=True)
        seen = _seen_on(shown)
        if not self._maps:
            return seen
        ambiguous = self._ambiguous.wire(self._kept.clean)
        return {**seen, "maps": self._kept.wire(), "unmapped": self._kept.unmapped, "ambiguous": ambiguous}

    def _map_waiting(self, *, last: bool = False) -> None:
        """Map the pages that were read; the last one, at the end of a run, as that which the run left."""
        waiting, self._waiting = self._waiting, []
        for _, page in waiting:
            if page.is_html and page._tree is not None:
                self._attributes |= page.tree.read_attributes
        for number, page in waiting:
            from_source = page.is_html and (page._tree is None or page.tree.is_known("embedded"))
            with self._kept.harmless():
                if not page.is_html:
                    self._keep_text(number, page)
                elif last and page is self.page:
                    self._kept.keep_last(self._map_of(page), {})
                else:
                    self._kept.keep(number, self._map_of(page), {})
                for data in page.embedded().values() if from_source else ():
                    self._kept.keep_data(data, page.url)

    def _keep_text(self, number: int, page: WebPage) -> None:
        if content_kind(page.body[:512]) not in _NO_TEXT:
            self._kept.keep_text(number, page.source, page.url)

    def _map_of(self, page: WebPage) -> str:
        from sandbox.web.page_maps import page_map

        return dump_json(page_map(page.tree, address(page.url), read=sorted(self._attributes)))


def _seen_on(page: WebPage | None) -> dict[str, Any]:
    """Return the address of a page, its title, its text, and, of HTML, the signs on it."""
    if page is None:
        return {"url": "", "title": "", "text": ""}
    from sandbox.web.errors import WebError
    from sandbox.web.page_signs import MOST_TEXT, read_page

    url = split_userinfo(page.url)[0]
    try:
        if page.is_html:
            return read_page(page.tree, url)
    except WebError as error:  # it is too large to be parsed
        _LOG.debug("not read: %s", error)
    return {"url": url[:MOST_TEXT], "title": "", "text": page.source[:MOST_TEXT]}
