"""The trace of one run: what the automation gave to the browser, and what it got from it. Every run makes one.

It shows whether a parameter was used where the output does not, and whether an output was read at all. It protects
against mistakes, not against hostile code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from playwright.async_api import Request

_MOST_INPUTS = 1_000
_MOST_TEXT = 500_000  # characters that are kept of what was read
_LONGEST_TYPED = 2_000  # characters
_LOOKED_UP = 60  # texts of the output
_SHORTEST = 3  # characters
_LOCATING = ("locator", "get_by_text", "get_by_role", "get_by_label", "get_by_placeholder", "get_by_alt_text",
             "get_by_title", "get_by_test_id", "filter", "frame_locator", "wait_for_selector", "wait_for_function",
             "query_selector", "query_selector_all")  # fmt: skip
_BY_SELECTOR = ("click", "dblclick", "tap", "press", "check", "uncheck", "inner_text", "text_content", "get_attribute")
_CHOOSING = ("select_option", "set_checked", "set_input_files")
_READING = ("inner_text", "text_content", "all_inner_texts", "all_text_contents", "inner_html", "input_value",
            "get_attribute", "content", "title", "aria_snapshot", "text", "json", "body")  # fmt: skip


class RunTrace:
    """The trace of one run.

    Args:
        reads: Keep what it reads, too, to be held against its output.

    Attributes:
        inputs: A kind and a hash for each thing that the automation gave: ``url``, ``locator``, ``typed``, ``chosen``,
            ``script``, and ``sent`` for a typed text that a request then carried.
    """

    def __init__(self, *, reads: bool = True) -> None:
        self.inputs: dict[tuple[str, str], None] = {}
        self._typed: list[str] = []
        self._read: list[Any] = []
        self._reads = reads
        self._room = _MOST_TEXT if reads else 0

    def note(self, kind: str, *given: Any) -> None:
        """Note what the automation gives to the browser."""
        if len(self.inputs) < _MOST_INPUTS:
            text = json.dumps([_plain(each) for each in given], ensure_ascii=False, default=str)
            self.inputs[kind, hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()] = None

    def note_typed(self, text: str) -> None:
        """Note a text that is typed into a field."""
        self.note("typed", text)
        if text.strip() and len(text) <= _LONGEST_TYPED:
            self._typed.append(text)

    def note_request(self, request: Request) -> None:
        """Note a request that carries what was typed."""
        if not self._typed:
            return
        body = request.post_data_buffer or b""
        sent = unquote_plus(request.url + " " + body[:_MOST_TEXT].decode("utf-8", "replace"))
        for text in [text for text in self._typed if text in sent]:
            self.note("sent", text)
            self._typed.remove(text)

    def note_read(self, value: Any) -> None:
        """Keep what a page or a response gave, up to a bound."""
        if self._room <= 0:
            return
        for text in islice(texts_of(value), 10_000):
            if self._room <= 0:
                return
            self._read.append(text[: self._room])
            self._room -= len(text)

    def has_read(self, output: Any, page_text: str) -> bool:
        """Return True where a text or a number of the output was read, or is on the page."""
        if not self._reads:
            return False
        wanted = {comparable(text[:_LONGEST_TYPED]) for text in islice(texts_of(output), _LOOKED_UP)}
        shown = comparable("\n".join([*self._read, page_text]))
        return any(len(text) >= _SHORTEST and text in shown for text in wanted)


def watch_inputs(trace: Callable[[], RunTrace | None]) -> None:
    """Trace what automations give to locators, fields and addresses, and what they read, from now on.

    Args:
        trace: Gives the trace of the run that is going on.
    """
    from playwright.async_api import APIResponse, ElementHandle, Frame, FrameLocator, Locator, Page, Response

    for owner in (Page, Frame, FrameLocator, Locator, ElementHandle):
        for name in _LOCATING:
            _watch(owner, name, lambda found, args: found.note("locator", *args), trace)
        for name in _CHOOSING:
            _watch(owner, name, lambda found, args: found.note("chosen", *args), trace)
    for owner in (Page, Frame):
        for name in ("goto", "wait_for_url"):
            _watch(owner, name, lambda found, args: found.note("url", *args), trace)
        for name in _BY_SELECTOR:
            _watch(owner, name, lambda found, args: found.note("locator", *args), trace)
    for reader in (Page, Frame, Locator, ElementHandle, APIResponse, Response):
        for name in _READING:
            _watch_read(reader, name, trace)


def _watch(
    owner: type, name: str, note: Callable[[RunTrace, tuple[Any, ...]], None], trace: Callable[[], RunTrace | None]
) -> None:
    original = getattr(owner, name, None)
    if original is None:
        return

    @wraps(original)
    def watched(self: Any, *args: Any, **options: Any) -> Any:
        if (found := trace()) is not None:
            note(found, (*args, *options.values()))
        return original(self, *args, **options)

    setattr(owner, name, watched)


def _watch_read(owner: type, name: str, trace: Callable[[], RunTrace | None]) -> None:
    original = getattr(owner, name, None)
    if not callable(original):
        return

    @wraps(original)
    async def read(self: Any, *args: Any, **options: Any) -> Any:
        value = await original(self, *args, **options)
        if (found := trace()) is not None:
            found.note_read(value)
        return value

    setattr(owner, name, read)


def _plain(value: Any) -> Any:
    """Return what of an argument is the same in each run of the same code with the same parameters."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return type(value).__name__


def texts_of(value: Any) -> Any:
    """Yield the texts and numbers of JSON data, as texts."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            stack.extend(reversed(list(each.values())))
        elif isinstance(each, (list, tuple)):
            stack.extend(reversed(each))
        elif isinstance(each, bytes):
            yield each[:_MOST_TEXT].decode("utf-8", "replace")
        elif isinstance(each, (str, int, float)) and not isinstance(each, bool):
            yield str(each)


def comparable(text: str) -> str:
    """Return a text without differences of spaces and case."""
    return " ".join(text.split()).casefold()
