"""The text units of a parsed page's map, as its walk finds them."""

from __future__ import annotations

import re
from typing import Any

from sandbox.page_map import MOST_CHARACTERS, MOST_UNITS
from sandbox.totals import RANGE
from sandbox.web.map_texts import plain, short

_MOST_PLACES = 3_500
BESIDE = re.compile(r"navigation|aside|footer|header")
"""The beginning of the name of a region beside a page's content."""
INLINE = "\x05"
"""The mark in a text where an inline element begins or ends."""
_RANGE = re.compile(RANGE, re.I)
_DIGIT = re.compile(r"\d")
_BOUNDARIES = re.compile("\x05{2,}")

Heads = tuple[tuple[int, ...], tuple[str, ...]]
"""The levels of the headings above, and their texts."""


class Around:
    """The part of an element's place that comes from the elements around it."""

    def __init__(self) -> None:
        self.path = self.label = self.region = self.caption = ""
        self.hidden = self.folded = self.said = self.trail = False
        self.item = -1
        self.heads: Heads = (), ()
        self.labels: dict[int, str] = {}
        self.cells = [0]
        self.struck = 0  # 1: marked around, 2: each text is

    def copy(self) -> Around:
        """Return a copy, for what is different in one element."""
        other = object.__new__(Around)
        other.__dict__ = self.__dict__.copy()
        return other


class Box:
    """A container of items, with its index and the number of its items."""

    __slots__ = ("id", "n")

    def __init__(self) -> None:
        self.id, self.n = -1, 0


class MapUnits:
    """The units of one page, their places, and what of its state and its messages is told.

    Attributes:
        buffer: The pieces of the text unit that the walk is in.
        heads: The headings above it.
        tight: The walk takes long: of many alike elements fewer are walked.
        cut: The number of units that were left out.
    """

    def __init__(self) -> None:
        self.places: list[list[Any]] = []
        self.units: list[list[Any]] = []
        self.state: list[list[str]] = []
        self.stated: list[str] = []
        self.said: list[str] = []
        self.buffer: list[str] = []
        self.heads: Heads = (), ()
        self.tight = False
        self.cut = 0
        self._known: dict[tuple[Any, ...], int] = {}
        self._room = MOST_CHARACTERS

    def note(self, kind: str, name: str, value: str) -> None:
        """Note a piece of the page's state."""
        if len(self.state) < 80:
            self.state.append([kind, name, short(value, 120)])

    def _place(self, around: Around, suffix: str) -> int:
        heads = (self.heads if around.item < 0 else around.heads)[1]
        key = around.path, suffix, around.label, heads, around.region, around.caption, around.hidden
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = len(self.places)
            path, hidden = around.path + suffix, int(around.hidden)
            self.places.append([path, around.label, list(heads), around.region, around.caption, hidden, 0])
        return at

    def push(self, around: Around, text: str, suffix: str) -> None:
        length = len(text) * (1 if text.isascii() else 2) + 14
        if len(self.units) >= MOST_UNITS or self._room < length or len(self.places) >= _MOST_PLACES:
            self.cut += 1
            return
        self._room -= length
        self.units.append([self._place(around, suffix), around.item, text])

    def flush(self, around: Around) -> str:
        """End a text unit, and return its text."""
        buffer = self.buffer
        if not buffer:
            return ""
        text = "".join(buffer)
        buffer.clear()
        if INLINE in text:
            text = _BOUNDARIES.sub(INLINE, text)
        text = plain(text).lstrip(" \x02\x05").rstrip(" \x01\x05")
        if not text:
            return ""
        self.push(around, text[:400], "")
        if around.hidden:
            return text
        if len(text) <= 160 and len(self.stated) < 40 and _DIGIT.search(text) and self._may_state(around, text):
            self.stated.append(text)
        if around.said and len(self.said) < 12 and len(text) <= 300:
            self.said.append(short(text, 300))
        return text

    def _may_state(self, around: Around, text: str) -> bool:
        """Return True for a text that stands where the total of a list may be stated."""
        return (around.item < 0 and not BESIDE.match(around.region)) or _RANGE.search(text) is not None

    def sample(self, count: int, size: int) -> list[int] | None:
        """Return which of many alike elements are walked: the first, the last, and some between; None for all."""
        fit = max(12.0, (MOST_UNITS - len(self.units)) * 0.75 / size)
        most = int(min(150.0, fit, 12.0 if self.tight else 150.0))
        if count <= most:
            return None
        some = max(2, most // 3)
        return sorted({*range(some), *range(count - some, count), *(n * count // some for n in range(some))})
