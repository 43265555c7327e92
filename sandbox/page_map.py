"""Maps of what an automation read: the text units of a page, a JSON response or a saved file, each with its place.

The jail makes them; see `sandbox.inside.maps`. They are untrusted, as all that comes from a page. The host anchors
output values to them; see `engine.contract.provenance`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.protocol import ProtocolError, checked_list, checked_row, checked_rows, checked_text, checked_whole
from sandbox.totals import totals_of_unit

MapKind = Literal["page", "json", "file"]
STRUCK, STRUCK_END = "\u0001", "\u0002"
"""The marks around struck-through words in the text of a unit."""
BOUNDARY = "\u0005"
"""The mark in the text of a unit where an inline element begins or ends: "<b>600</b>Stores" are two words."""
MOST_MAPS = 12
MOST_FILES = 60
"""The most maps of files, which are small."""
MOST_UNITS = 1_200
MOST_BYTES = 256 * 1024
"""The bounds of all maps of one run together: their number, the units of each, and their size as JSON."""
MOST_CHARACTERS = 90_000
"""Characters of the texts of one map, where one beyond ASCII counts twice."""
MAP_ATTRIBUTES = ("title", "alt", "datetime", "href", "value", "content", "aria-label", "src", "srcset", "data-src")
"""The attributes whose values are units of a page's map, beside those that the automation reads."""
LONGEST_TEXT = 2_000
"""Characters of one text of a map, or of the evidence beside it."""
_MOST_PLACES = 4_000
_BOUNDARIES = re.compile(r"(?<=([-\u2013\u2014/]))\s*\x05\s*|\s*\x05\s*(?=[-\u2013\u2014/])|[\s\x05]*\x05[\s\x05]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a text unit, shared by all units that stand alike.

    Args:
        path: Names of the structural elements above it, without classes or positions: ">table>tr>td". The text of an
            attribute ends with its name: ">li>a@href". Of JSON, the path without array indices: "$.rows[].price".
        label: The name that the page gives to what stands here: column head, row head, term of a definition list, label
            of a field, ``aria-label``; of JSON, the last key. Several are joined by " / ".
        headings: The headings above it, outermost first; of JSON, the path of the URL.
        region: The landmark that it stands in, with its name: "main", "navigation: Pages", "aside", "dialog", "footer".
        caption: The caption of its table or figure.
        hidden: Not visible on the page.
        frame: Inside a frame.
    """

    path: str
    label: str = ""
    headings: tuple[str, ...] = ()
    region: str = ""
    caption: str = ""
    hidden: bool = False
    frame: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text that a reader sees as one: a cell, a paragraph, a button's label, an attribute.

    Args:
        place: Index into `PageMap.places`.
        item: Index into `PageMap.items`; -1 outside of any.
        text: The text, white space collapsed, with the marks `STRUCK`, `STRUCK_END` and `BOUNDARY`.
        box: Left, top, width and height on the page in CSS pixels, where boxes were asked for.
    """

    place: int
    item: int
    text: str
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One of several alike elements: a table row, a list item, a card, an array's element.

    Args:
        parent: Index of the item around it; -1 where there is none.
        container: Index into `PageMap.containers`.
        number: Its position among all items of the container, those not mapped included, from 0.
    """

    parent: int
    container: int
    number: int = 0


@dataclass(frozen=True)
class PageMap:
    """A map of one page, JSON response or saved file as the automation read it.

    Args:
        kind: What was mapped.
        url: Its URL.
        title: The page's title; the name of a file.
        h1: Texts of its visible ``h1`` elements.
        breadcrumbs: Texts of its breadcrumbs.
        state: ``(kind, name, value)`` of its form state: ``select``, ``input``, ``checkbox`` and ``radio`` with label
            and value, ``current`` for what is selected, pressed or current. No secret that was typed.
        row_count: ``aria-rowcount`` or ``aria-setsize``, where the page states one.
        totals: ``(text, number)`` of totals that it states, each within one unit.
        messages: Messages above or in place of the rows.
        failed: ``(url, status)`` of the page's own requests that failed while it was read; 0 where no answer came.
        places: The places of its units.
        items: Its repeated items.
        containers: The number of items in each container of the page, those not mapped included.
        units: Its text units in document order.
        cut: The number of units that were left out.
        more: Its list goes on when it is scrolled.
        next_controls: Labels of the controls by which it says that its list goes on, where boxes were asked for, too.
        content: The kind of a file by its first bytes: "pdf", "zip", "csv", "html", "image", "text" or "binary".
    """

    kind: MapKind
    url: str
    title: str = ""
    h1: tuple[str, ...] = ()
    breadcrumbs: tuple[str, ...] = ()
    state: tuple[tuple[str, str, str], ...] = ()
    row_count: int | None = None
    totals: tuple[tuple[str, int], ...] = ()
    messages: tuple[str, ...] = ()
    failed: tuple[tuple[str, int], ...] = ()
    places: tuple[Place, ...] = field(default=(), repr=False)
    items: tuple[Item, ...] = field(default=(), repr=False)
    containers: tuple[int, ...] = ()
    units: tuple[Unit, ...] = field(default=(), repr=False)
    cut: int = 0
    more: bool = False
    next_controls: tuple[str, ...] = ()
    content: str = ""

    def with_texts(self, change: Callable[[Sequence[str]], Sequence[str]]) -> PageMap:
        """Return the map with all its texts changed, as by a redactor, which takes many at one time."""
        texts = list(dict.fromkeys(self._texts()))
        known = dict(zip(texts, change(texts), strict=True))

        def each(found: Sequence[str]) -> tuple[str, ...]:
            return tuple(known[text] for text in found)

        return replace(
            self,
            url=known[self.url],
            title=known[self.title],
            h1=each(self.h1),
            breadcrumbs=each(self.breadcrumbs),
            state=tuple((known[kind], known[name], known[value]) for kind, name, value in self.state),
            totals=tuple((known[text], number) for text, number in self.totals),
            next_controls=each(self.next_controls),
            messages=each(self.messages),
            failed=tuple((known[url], status) for url, status in self.failed),
            places=tuple(
                replace(
                    place,
                    path=known[place.path],
                    label=known[place.label],
                    headings=each(place.headings),
                    region=known[place.region],
                    caption=known[place.caption],
                )
                for place in self.places
            ),
            units=tuple(replace(unit, text=known[unit.text]) for unit in self.units),
        )

    def _texts(self) -> Iterator[str]:
        yield from (self.url, self.title, *self.h1, *self.breadcrumbs, *self.messages, *self.next_controls)
        for row in self.state:
            yield from row
        yield from (text for text, _ in self.totals)
        yield from (url for url, _ in self.failed)
        for place in self.places:
            yield from (place.path, place.label, *place.headings, place.region, place.caption)
        yield from (unit.text for unit in self.units)


def parse_maps(data: object) -> tuple[tuple[PageMap, ...], int]:
    """Parse the maps of a run, and return them with the number of those that are none.

    The JSON of each is the page's word, and a page can make it what it likes: one of another form is left out. Beside
    it stands what the worker adds.

    Raises:
        ProtocolError: The worker sent too many, or something else.
    """
    rows = checked_rows(data, 2, MOST_MAPS + MOST_FILES)
    maps = [found for text, beside in rows if (found := parse_map_text(text, beside)) is not None]
    return tuple(maps), len(rows) - len(maps)


def parse_map_text(text: object, beside: object) -> PageMap | None:
    """Parse one map, and what the worker adds to it; None where the text is none.

    Raises:
        ProtocolError: The worker sent something else than a text and an object.
    """
    if not isinstance(text, str) or len(text) > MOST_BYTES or not isinstance(beside, dict):
        raise ProtocolError("a map must be a text within its bound, and an object")
    try:
        known = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(known, ensure_ascii=False).encode()
        return parse_map({**known, **beside} if isinstance(known, dict) else known)
    except (ValueError, RecursionError):  # no JSON, a lone surrogate, or another form
        return None


def parse_map(data: object) -> PageMap:
    """Parse one map from a worker's JSON. Workers are hostile: every field and every index is checked.

    Raises:
        ProtocolError: It has another form, or passes the bounds.
    """
    if not isinstance(data, dict):
        raise ProtocolError("a map must be an object")
    kind = data.get("kind", "page")
    if kind not in ("page", "json", "file"):
        raise ProtocolError("a map must be of a page, of JSON or of a file")
    places = tuple(map(_place, checked_list(data.get("places", []), _MOST_PLACES)))
    containers = tuple(checked_whole(n) for n in checked_list(data.get("containers", []), _MOST_PLACES))
    rows = checked_list(data.get("items", []), _MOST_PLACES)
    items = tuple(_item(row, len(rows), len(containers)) for row in rows)
    count = data.get("rowcount")
    return PageMap(
        kind=kind,
        url=_text(data.get("url", "")),
        title=_text(data.get("title", "")),
        h1=tuple(map(_text, checked_list(data.get("h1", []), 20))),
        breadcrumbs=tuple(map(_text, checked_list(data.get("crumbs", []), 20))),
        state=tuple((_text(a), _text(b), _text(c)) for a, b, c in checked_rows(data.get("state", []), 3, 100)),
        row_count=None if count is None else checked_whole(count),
        totals=_totals(checked_list(data.get("stated", []), 40)),
        messages=tuple(map(_text, checked_list(data.get("said", []), 40))),
        failed=tuple((_text(url), checked_whole(n)) for url, n in checked_rows(data.get("failed", []), 2, 40)),
        places=places,
        items=items,
        containers=containers,
        units=tuple(_unit(row, len(places), len(items)) for row in checked_list(data.get("units", []), MOST_UNITS)),
        cut=checked_whole(data.get("cut", 0)),
        more=data.get("more") is True,
        next_controls=tuple(map(_text, checked_list(data.get("next", []), 10))),
        content=_text(data.get("content", "")),
    )


def _totals(stated: list[object]) -> tuple[tuple[str, int], ...]:
    texts = (_BOUNDARIES.sub(_between, _text(text)) for text in stated)
    return tuple(dict.fromkeys(total for text in texts for total in totals_of_unit(text)))


def _between(found: re.Match[str]) -> str:
    """Return what parts two words: "<b>47</b> results" is one statement, "<b>600</b> <i>Stores</i>" is none."""
    if found[1] or found.string[found.end() : found.end() + 1] in ("-", "\u2013", "\u2014", "/"):
        return " "
    return " " if found[0].count(BOUNDARY) == 1 and found[0] != BOUNDARY else "\n"


def _place(row: object) -> Place:
    path, label, headings, region, caption, hidden, frame = checked_row(row, 7)
    return Place(
        _text(path), _text(label), tuple(map(_text, checked_list(headings, 20))), _text(region), _text(caption),
        hidden=bool(checked_whole(hidden)), frame=bool(checked_whole(frame)),
    )  # fmt: skip


def _item(row: object, items: int, containers: int) -> Item:
    parent, container, number = checked_row(row, 3)
    return Item(_index(parent, items, or_none=True), _index(container, containers), checked_whole(number))


def _unit(row: object, places: int, items: int) -> Unit:
    if not isinstance(row, list) or len(row) not in (3, 4):
        raise ProtocolError("a unit of a map must be a list of three or four")
    box = tuple(checked_whole(n) for n in checked_row(row[3], 4)) if len(row) == 4 else None
    place, item = _index(row[0], places), _index(row[1], items, or_none=True)
    return Unit(place, item, _text(row[2]), (box[0], box[1], box[2], box[3]) if box else None)


def _text(value: object) -> str:
    return checked_text(value, LONGEST_TEXT)


def _index(value: object, size: int, *, or_none: bool = False) -> int:
    if type(value) is int and (-1 if or_none else 0) <= value < size:  # of each unit of each page
        return value
    raise ProtocolError("an index of a map must point to one of its entries")
