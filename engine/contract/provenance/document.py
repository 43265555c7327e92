"""All that a run read, ready to be looked up: by text, by number, by day."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urljoin, urlsplit

from engine.contract.model import Observed
from engine.contract.patterns import finite
from engine.contract.provenance.spellings import Span, dates, day_of, normal, numbers
from sandbox.page_map import BOUNDARY, STRUCK, STRUCK_END, PageMap, Place

BESIDE = frozenset({"nav", "aside", "footer", "header"})
"""The landmarks of what stands beside the content that was asked for."""
_MARK = re.compile(f"([{STRUCK}{STRUCK_END}{BOUNDARY}])")
_DIGIT = re.compile(r"\d")
_LINKS = ("href", "src", "action", "data-src", "srcset", "poster")
_SHORTEST_PART = 3  # characters of a text that is looked for within longer texts
_LONGEST_SEARCH = 400  # values that are looked for in all texts of the run


@dataclass(slots=True, eq=False)  # not frozen, and so made in a third of the time: there are thousands
class Text:
    """One text unit of a map.

    Args:
        number: Its position among all texts of the run.
        map: Index of its map.
        place: Its place.
        chain: Ids of the items that it stands in, the innermost first.
        loose: It stands in no item, or in one alone that has the page's main heading, and so is the page.
        plain: The text without marks.
        pieces: Its parts between the borders of elements, each with True where it is struck through.
        url: URL of the page.
        attribute: The attribute that it is the value of; empty for visible text.
        is_link: It is the address of a link or picture.
        is_head: It is the head of a table's column.
        region: The kind of the landmark that it stands in.
        aside: It stands in a navigation or in the head or foot of a page, where any word may stand.
    """

    number: int
    map: int
    place: Place
    chain: tuple[int, ...]
    loose: bool
    plain: str
    pieces: tuple[tuple[str, bool], ...]
    url: str
    attribute: str
    is_link: bool
    is_head: bool
    region: str
    aside: bool


@dataclass(slots=True, eq=False)
class Spot:
    """A place where a value stands: the text, the part of it, and how it is written there."""

    text: Text
    piece: int
    span: Span | None
    struck: bool = False

    @property
    def key(self) -> tuple[int, int, int]:
        """The identity of the spot."""
        return self.text.number, self.piece, self.span.begin if self.span else -1


def region_of(region: str) -> str:
    """Return the kind of a landmark, without its name.

    >>> region_of("navigation: Pages"), region_of("main"), region_of("aside: Offers")
    ('nav', 'main', 'aside')
    """
    kind = region.partition(":")[0].strip()
    return "nav" if kind == "navigation" else kind


class _Kind(NamedTuple):
    attribute: str
    is_link: bool
    is_head: bool
    region: str
    aside: bool


def _kind_of(place: Place) -> _Kind:
    attribute = place.path.rpartition("@")[2] if "@" in place.path else ""
    region = region_of(place.region)
    is_head = ">th" in place.path and ">td" not in place.path
    return _Kind(attribute, attribute in _LINKS, is_head, region, region in ("nav", "footer", "header"))


def _pieces(raw: str) -> tuple[tuple[str, bool], ...]:
    if not _MARK.search(raw):
        return ((raw.strip(), False),)
    found: list[tuple[str, bool]] = []
    struck = False
    for part in _MARK.split(raw):
        if part == STRUCK:
            struck = True
        elif part == STRUCK_END:
            struck = False
        elif part != BOUNDARY and (clean := part.strip()):
            found.append((clean, struck))
    return tuple(found)


class Document:
    """The texts of all maps of a run, with the items that they stand in.

    Args:
        maps: The maps, as the evidence has them.
        unmapped: Something was read that is in none of the maps.
    """

    def __init__(self, maps: Sequence[PageMap], *, unmapped: bool = False) -> None:
        self.maps = tuple(maps)
        self.texts: list[Text] = []
        self.members: dict[int, set[int]] = defaultdict(set)
        """The items of each container that have texts."""
        self.container_of: dict[int, int] = {}
        self.map_of: dict[int, int] = {}
        """The map of each item."""
        self.texts_of: dict[int, list[Text]] = defaultdict(list)
        """The texts of each item."""
        self.sizes: dict[int, int] = {}
        """The number of items of each container, those not mapped included."""
        self.first_of: list[int] = []
        """The number of the first text of each map."""
        self._parents: dict[int, int] = {}
        self._listed: dict[int, set[int]] = defaultdict(set)
        self._normal: dict[int, str] = {}
        self._searches = 0
        items = containers = 0
        for at, page in enumerate(maps):
            self._add(at, page, items, containers)
            items, containers = items + len(page.items), containers + len(page.containers)
        self.sampled = unmapped or any(page.cut for page in maps)
        self.sampled |= any(self.sizes[c] > len(ids) for c, ids in self._listed.items())
        self._look_up()

    def _add(self, at: int, page: PageMap, items: int, containers: int) -> None:
        self.first_of.append(len(self.texts))
        for number, size in enumerate(page.containers):
            self.sizes[containers + number] = size
        for number, item in enumerate(page.items):
            own = items + number
            self.map_of[own], self.container_of[own] = at, containers + item.container
            self._listed[containers + item.container].add(own)
            if item.parent >= 0:
                self._parents[own] = items + item.parent
        heads = {at for at, place in enumerate(page.places) if place.path.endswith(">h1")}
        headed = {unit.item for unit in page.units if unit.place in heads} if heads else set()
        whole = {items + at for at in headed if at >= 0 and page.containers[page.items[at].container] == 1}
        chains: dict[int, tuple[int, ...]] = {-1: ()}
        kinds: dict[int, _Kind] = {}
        for unit in page.units:
            if unit.item not in chains:
                chains[unit.item] = tuple(self._chain(items + unit.item))
            pieces = _pieces(unit.text)
            plain = " ".join(text for text, _ in pieces)
            place = page.places[unit.place]
            if unit.place not in kinds:
                kinds[unit.place] = _kind_of(place)
            chain = chains[unit.item]
            loose = not chain or (bool(whole) and whole.issuperset(chain))
            text = Text(len(self.texts), at, place, chain, loose, plain, pieces, page.url, *kinds[unit.place])
            self.texts.append(text)
            for item_id in text.chain:
                self.texts_of[item_id].append(text)
                if not text.attribute and not text.is_head:
                    self.members[self.container_of[item_id]].add(item_id)

    def _chain(self, item: int) -> Iterator[int]:
        seen: set[int] = set()
        while item not in seen:
            seen.add(item)
            yield item
            if item not in self._parents:
                return
            item = self._parents[item]

    def _look_up(self) -> None:
        self._exact: dict[str, list[Spot]] = defaultdict(list)
        self._numbers: dict[float, list[Spot]] = defaultdict(list)
        self._days: dict[str, list[Spot]] = defaultdict(list)
        self._segments: dict[str, list[Spot]] = defaultdict(list)
        for text in self.texts:
            if text.is_link:
                self._add_link(text)
                continue
            for at, (piece, struck) in enumerate(text.pieces):
                self._exact[normal(piece)].append(Spot(text, at, None, struck))
                if _DIGIT.search(piece):
                    for value, span in numbers(piece):
                        self._numbers[value].append(Spot(text, at, span, struck))
                    for day, span in dates(piece):
                        self._days[day].append(Spot(text, at, span, struck))
            if len(text.pieces) > 1:
                struck = any(struck for _, struck in text.pieces)
                joined = "".join(part for part, _ in text.pieces)
                for whole in {normal(text.plain), normal(joined)}:
                    self._exact[whole].append(Spot(text, -1, None, struck))

    def _add_link(self, text: Text) -> None:
        spot = Spot(text, 0, None)
        for address in {text.plain, urljoin(text.url, text.plain)}:
            self._exact[normal(address)].append(spot)
            if address.startswith(("mailto:", "tel:")):
                self._exact[normal(unquote_plus(address.partition(":")[2].partition("?")[0]))].append(spot)
        parts = urlsplit(text.plain)
        for segment in re.split(r"[/&=?#]", f"{parts.path}&{parts.query}&{parts.fragment}"):
            if segment:
                self._segments[normal(unquote_plus(segment))].append(spot)

    def spots(self, value: Any) -> list[Spot]:
        """Return the spots where a value stands as a whole: in any spelling of a number or a day."""
        if isinstance(value, bool) or value is None:
            return []
        if isinstance(value, (int, float)):
            number = finite(value)
            return (self._numbers.get(number, []) if number is not None else []) or self._segments.get(str(value), [])
        if not isinstance(value, str):
            return []
        key = normal(value)
        if found := self._exact.get(key):
            return found
        if (day := day_of(value)) is not None and (found := self._days.get(day)):
            return found
        return self._segments.get(key, [])

    def labeled(self, page: int, label: str) -> Sequence[Text]:
        """Return what one of the maps shows under a label."""
        return self._labeled.get((page, normal(label)), ())

    @cached_property
    def _labeled(self) -> dict[tuple[int, str], list[Text]]:
        found: dict[tuple[int, str], list[Text]] = defaultdict(list)
        for text in self.texts:
            if text.place.label and not (text.attribute or text.is_head or text.aside or text.place.hidden):
                found[text.map, normal(text.place.label)].append(text)
        return found

    def may_have(self, row: Any) -> bool:
        """Return True where one of a row's own texts, or the row itself, stands somewhere as a whole."""
        values = row.values() if isinstance(row, dict) else (row,)
        return any(type(value) is str and normal(value) in self._exact for value in values)

    def within(self, value: Any, texts: Sequence[Text]) -> list[Spot]:
        """Return the spots where a text stands within longer ones of these."""
        key = normal(value) if isinstance(value, str) else ""
        if len(key) < _SHORTEST_PART:
            return []
        found = []
        for text in texts:
            if text.is_link:
                continue
            whole = self._whole(text)
            at = whole.find(key)
            if at >= 0 and _is_apart(whole, at, at + len(key)):
                struck = all(struck for _, struck in text.pieces)
                found.append(Spot(text, -1, Span(at, at + len(key)), struck))
        return found

    def anywhere(self, value: Any) -> list[Spot]:
        """Return the spots where a text stands within any text of the run; gives up after many searches."""
        self._searches += 1
        key = normal(value) if isinstance(value, str) else ""
        if self._searches > _LONGEST_SEARCH or len(key) < _SHORTEST_PART or key not in self._everything:
            return []
        return self.within(value, self.texts)

    def is_of_page(self, value: Any) -> bool:
        """Return True for the address of what was read, and for a text within its title."""
        if not isinstance(value, str):
            return False
        key = normal(value)
        if any(key.rstrip("/") == normal(page.url).rstrip("/") for page in self.maps):
            return True
        titles = [normal(page.title) for page in self.maps] if len(key) >= _SHORTEST_PART else []
        return any(at >= 0 and _is_apart(title, at, at + len(key)) for title in titles for at in [title.find(key)])

    @cached_property
    def _everything(self) -> str:
        return "\n".join(self._whole(text) for text in self.texts if not text.is_link)

    def _whole(self, text: Text) -> str:
        known = self._normal.get(text.number)
        if known is None:
            known = self._normal[text.number] = normal(text.plain)
        return known


def _is_apart(whole: str, begin: int, end: int) -> bool:
    """Return True where neither end of the span is within a word."""
    before = begin and whole[begin - 1].isalnum() and whole[begin].isalnum()
    after = end < len(whole) and whole[end].isalnum() and whole[end - 1].isalnum()
    return not before and not after


@dataclass(frozen=True)
class _Known:
    maps: tuple[PageMap, ...] = field(repr=False)
    document: Document = field(repr=False)


def document_of(run: Observed) -> Document:
    """Return all that a run read; computed once for all views of the run."""
    memo = (run.same or run).memo
    known = memo.get("document")
    if not isinstance(known, _Known) or known.maps is not run.evidence.maps:
        known = memo["document"] = _Known(
            run.evidence.maps, Document(run.evidence.maps, unmapped=run.evidence.unmapped > 0)
        )
    return known.document
