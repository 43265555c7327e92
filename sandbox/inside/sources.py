"""The responses of a run that hold the values which it returned: what could be had without a browser.

Kept in the runs that prove new code, and while the model explores; bounded in number, size and time.
"""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.inside.data_maps import parsed
from sandbox.inside.run_trace import comparable, texts_of
from sandbox.read_evidence import MOST_SOURCES

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Request

_KINDS = frozenset({"document", "fetch", "xhr"})
_TEXT = re.compile(r"json|html|xml|text/plain|csv", re.I)
_MOST_RESPONSES = 60
_LONGEST = 1 << 20  # bytes of one response
_MOST_BYTES = 16 << 20  # of all
_BODY_SECONDS = 1.0
_LOOKS = 2  # as it opens, and when it has settled
_SECONDS = 0.3  # of the search
_MOST_VALUES = 150
_LONGEST_VALUE = 200
_SHORTEST = 3  # characters of a value that is looked for within longer texts
_LEAST = 0.02  # of the values
_NUMBER = re.compile(r"\d+")
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|<[^>]*>", re.I | re.S)


@dataclass(frozen=True)
class _Body:
    method: str
    url: str
    text: str


class Sources:
    """The text responses to the pages of a run and to its own requests; none before `watch`.

    Attributes:
        methods: The methods of the run's own requests, by the addresses that answered.
    """

    def __init__(self) -> None:
        self.methods: dict[str, str] = {}
        self._bodies: list[_Body] = []
        self._looks = 0
        self._room = _MOST_BYTES
        self._under_way: set[asyncio.Task[None]] = set()

    def watch(self, context: BrowserContext, *, of_page: bool) -> None:
        """Keep what the context's pages are sent from now on.

        Args:
            of_page: Tell the sources of the page that is looked at first, too.
        """
        self._looks = _LOOKS if of_page else 0
        context.on("requestfinished", self._on_finished)

    def note_own(self, url: str, text: str) -> None:
        """Keep the response to a request of the run's own, as it is read; those to the pages' are kept as they come."""
        if (method := self.methods.pop(url, None)) is not None:
            self._note(method, url, text)

    def _note(self, method: str, url: str, text: str) -> None:
        if len(self._bodies) < _MOST_RESPONSES and self._room > 0:
            self._room -= len(text)
            self._bodies.append(_Body(method, url, text[:_LONGEST]))

    async def of_page(self, text: str) -> list[list[Any]]:
        """Return, at the first looks, the sources of the lines of a page's text; see `of_output`."""
        if self._looks <= 0:
            return []
        self._looks -= 1
        return await self.of_output([line for each in text.splitlines() if len(line := each.strip()) >= _SHORTEST])

    async def of_output(self, output: Any) -> list[list[Any]]:
        """Return kind, method, path, number and share in percent of the groups of responses that hold values.

        Nothing where none was kept, or nothing was returned. Each value counts for the first group that holds it;
        addresses that differ in numbers and queries are one group.
        """
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_BODY_SECONDS)
        if not self._bodies or not output:
            return []
        return _found(self._bodies, output)  # here: a thread would stay, and the worker could not be used again

    def _on_finished(self, request: Request) -> None:
        if request.resource_type in _KINDS and len(self._under_way) + len(self._bodies) < _MOST_RESPONSES:
            task = asyncio.ensure_future(self._take(request))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _take(self, request: Request) -> None:
        """Keep the body of a response while the browser still has it."""
        from playwright.async_api import Error

        try:
            response = await request.response()
            if response is None or not 200 <= response.status < 300:
                return
            if not _TEXT.search(response.headers.get("content-type", "")):
                return
            self._note(request.method, request.url, (await response.body()).decode("utf-8", "replace"))
        except Error:  # it is gone with its page
            return


def _found(bodies: Collection[_Body], output: Any) -> list[list[Any]]:
    values = _values(output)
    ends, left = time.monotonic() + _SECONDS, dict.fromkeys(values)
    groups: dict[tuple[str, str, str], tuple[set[str], int, str]] = {}
    for body in sorted(bodies, key=lambda each: not _is_data(each.text)):  # data holds what the page is made of
        if not left or time.monotonic() > ends:
            break
        known = _Known(body.text)
        if not (held := {value for value in left if known.has(value)}):
            continue
        for value in held:
            del left[value]
        kind = "JSON" if known.data is not None else "HTML" if "<" in body.text[:2000] else "text"
        parts = urlsplit(body.url)
        key = (kind, body.method, f"{parts.netloc}{_NUMBER.sub('0', parts.path)}")
        before, count, shown = groups.get(key, (set(), 0, parts.path))
        groups[key] = (before | held, count + 1, shown)
    counted = sorted(groups.items(), key=lambda item: -len(item[1][0]))[:MOST_SOURCES]
    return [
        [kind, method, shown[:200], count, round(100 * len(held) / len(values))]
        for (kind, method, _), (held, count, shown) in counted
        if len(held) >= _LEAST * len(values)
    ]


def _is_data(text: str) -> bool:
    return text[:200].lstrip()[:1] in ("{", "[")


class _Known:
    """The texts of one response."""

    def __init__(self, text: str) -> None:
        self.data = parsed(text)
        if self.data is not None:
            self._leaves = {comparable(leaf) for leaf in texts_of(self.data)}
            self._text = "\n".join(self._leaves)
        else:
            self._leaves = set()
            shown = _TAG.sub("\n", text) if "<" in text else text
            self._text = comparable(html.unescape(f"{shown}\n{text}"))

    def has(self, value: str) -> bool:
        """Return True where a value stands here, a short one as a word of its own."""
        if value in self._leaves:
            return True
        if len(value) >= _SHORTEST:
            return value in self._text or _as_number(value) in self._text
        return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self._text) is not None


def _as_number(value: str) -> str:
    """Return a number as pages write it, with commas; another text as it is."""
    return f"{int(value):,}" if value.isascii() and value.isdigit() else value


def _values(output: Any) -> list[str]:
    """Return some of the different texts and numbers of an output, from all of its parts, as they are compared."""
    found = dict.fromkeys(_plain(text) for text in texts_of(output) if text.strip() and len(text) <= _LONGEST_VALUE)
    values = [value for value in found if value]
    if len(values) <= _MOST_VALUES:
        return values
    return [values[number * len(values) // _MOST_VALUES] for number in range(_MOST_VALUES)]


def _plain(text: str) -> str:
    """Return a value as a page may have it: addresses without their origin, which links leave out."""
    if text.startswith(("http://", "https://")):
        parts = urlsplit(text)
        text = f"{parts.path}?{parts.query}" if parts.query else parts.path
        text = text.removeprefix("/")
    elif text.endswith(".0"):
        text = text.removesuffix(".0")
    return comparable(text)
