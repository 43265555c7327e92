"""Anchors: for each value of an output the one spot of the document that it was most likely read from.

First the item of each row, by how much of the row stands in it, then the place of each value in that item: where
the same field stands in most rows and runs, or where a known signature has it.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.contract.provenance.document import Document, Spot
from engine.contract.provenance.lens import Lens, own_values
from engine.contract.provenance.looks import Look, Looks
from engine.contract.provenance.tables import Leaf, Table, last_name, tables
from engine.contract.provenance.units import MONEY_SIGNS, words_of

_MOST_ROWS = 400  # of a table; more say nothing new
_FOUND = 0.6  # share of a row's weight that must stand in a mapped item, where only some items are mapped
_APART = 0.9  # share of values that are each read from a page of their own
_SHORT = 3  # characters; shorter texts stand anywhere
_DAYS = 31  # numbers up to it stand anywhere
_OWN_PAGE = 2  # rows that one page may be the page of; more make it a list

Votes = dict[str, Counter[tuple[str, str]]]
Known = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A value with the spot that it was read from."""

    value: Any
    spot: Spot
    look: Look


@dataclass(eq=False)
class Row:
    """A row of a table with its anchors.

    Args:
        number: Its position in the table.
        leaves: Its values with their paths.
        source: The row as it is in the output.
        spots: Where each value stands as a whole.
        item: Id of the item of the page; negative for a whole map, None where nothing of it stands anywhere.
        anchors: By path.
        missing: Values that stand nowhere on what was read.
        together: All that stands anywhere stands in the item.
    """

    number: int
    leaves: Sequence[Leaf]
    source: Any
    spots: list[list[Spot]] = field(default_factory=list)
    item: int | None = None
    anchors: dict[str, list[Anchor]] = field(default_factory=dict)
    missing: list[Leaf] = field(default_factory=list)
    together: bool = True


@dataclass
class Anchored:
    """A table of an output with the anchors of its rows; of a long one, of some of them."""

    table: Table
    rows: list[Row]

    @property
    def path(self) -> str:
        """JSON path of the table."""
        return self.table.path


class Anchoring:
    """The anchors of one run's output.

    Args:
        document: All that the run read.
        output: Its output.
        lens: The view without its parameters.
    """

    def __init__(self, document: Document, output: Any, lens: Lens) -> None:
        self.document, self.lens = document, lens
        self.looks = Looks(document, lens)
        self.tables = [self._place(table) for table in tables(output)]

    def _place(self, table: Table) -> Anchored:
        """Find the item of each row."""
        rows = [Row(n, table.leaves_of(n), table.sources[n]) for n in self._numbers(table)]
        for row in rows:
            row.spots = [self.document.spots(value) for _, value in row.leaves]
        scores = [self._score(row, many=table.many) for row in rows]
        homes: Counter[int] = Counter()
        pages: Counter[int] = Counter()
        for score in scores:
            best = [item for item, points in score.items() if item >= 0 and points == max(score.values())]
            homes.update({self.document.container_of[item] for item in best})
            top = max((points for item, points in score.items() if item < 0), default=0)
            pages.update(item for item, points in score.items() if item < 0 and points == top)
        used: Counter[int] = Counter()
        for row, score in zip(rows, scores, strict=True):
            row.item = self._choose(score, used, homes, pages, many=table.many)
            if row.item is not None:
                used[row.item] += 1
        if table.many and self.document.sampled:
            rows = [row for row, score in zip(rows, scores, strict=True) if _is_mapped(row, score)][:_MOST_ROWS]
            rows = self._whole(rows)
        return Anchored(table, rows)

    def _whole(self, rows: list[Row]) -> list[Row]:
        """Return the rows whose items have as many texts as most: of others a part may not have been mapped."""
        sizes = {
            row: sum(not text.attribute for text in self.document.texts_of[row.item])
            for row in rows
            if row.item is not None and row.item >= 0
        }
        if not sizes:
            return rows
        usual = statistics.median_low(sizes.values())
        return [row for row in rows if sizes.get(row, usual) >= usual]

    def _numbers(self, table: Table) -> list[int]:
        """Return the rows to look at: of a long list, some of those that stand on what was mapped."""
        count = len(table.sources)
        if count <= _MOST_ROWS:
            return list(range(count))
        known = [n for n in range(count) if self.document.may_have(table.sources[n])] if self.document.sampled else []
        few = known or range(count)
        return [few[at] for at in _some(len(few), _MOST_ROWS)]

    def _score(self, row: Row, *, many: bool) -> Counter[int]:
        """Return how much of a row stands in each item, and in each map as a whole."""
        score: Counter[int] = Counter()
        for (_, value), spots in zip(row.leaves, row.spots, strict=True):
            items = {item for spot in spots for item in spot.text.chain} if many else set()
            items |= {-1 - spot.text.map for spot in spots}
            points = _weight(value)
            for item in items:
                score[item] += points
        return score

    def _choose(
        self, score: Counter[int], used: Counter[int], homes: Counter[int], pages: Counter[int], *, many: bool
    ) -> int | None:
        real = {item: points for item, points in score.items() if item >= 0}
        whole = {item: points for item, points in score.items() if item < 0}
        if not whole:
            return None
        # A page of its own for the row says more than the row of a list.
        maps = self.document.maps
        page = max(whole, key=lambda item: (whole[item], maps[-1 - item].kind == "page", -item))
        most = max(real.values(), default=0)
        if not many or not real or (whole[page] > most and pages[page] <= _OWN_PAGE < len(maps)):
            return page
        document = self.document
        return max(
            (item for item, points in real.items() if points == most),
            key=lambda item: (
                -used[item], homes[document.container_of[item]],
                maps[document.map_of[item]].kind == "page",
                # A page that lists all comes before the page of some, from which code reads.
                document.map_of[item], -len(document.texts_of[item]), -item,
            ),
        )  # fmt: skip

    def votes(self) -> Votes:
        """Return where each field may have been read from, by how many rows."""
        votes: Votes = defaultdict(Counter)
        for anchored in self.tables:
            for row in anchored.rows:
                for (path, value), spots in zip(row.leaves, row.spots, strict=True):
                    inside = self._inside(row, value, spots)
                    keys = {(self.lens.mask(s.text.place.label), s.text.place.path) for s in inside}
                    named = words_of(last_name(path))
                    for key in keys:
                        votes[path][key] += 1
                        if key[0] and words_of(key[0]) & named:
                            votes[path][(key[0], key[1])] += 1
        return votes

    def settle(self, votes: Votes, known: Known) -> None:
        """Choose one spot for each value.

        Args:
            votes: Of this run, or of several runs of the same code.
            known: The fields of a signature; empty where none is known.
        """
        for anchored in self.tables:
            for row in anchored.rows:
                self._settle(row, votes, known)

    def _settle(self, row: Row, votes: Votes, known: Known) -> None:
        own = own_values(value for _, value in row.leaves)
        row.anchors, row.missing, row.together = {}, [], True
        for (path, value), found in zip(row.leaves, row.spots, strict=True):
            if isinstance(value, bool):
                continue
            spots = self._inside(row, value, found)
            if not spots:
                row.missing.append((path, value))
                continue
            if len(spots) > 1:
                visible = [s for s in spots if not s.text.aside] or spots
                spot = (
                    max(visible, key=lambda s: self._rank(s, path, own, votes, known))
                    if len(visible) > 1
                    else visible[0]
                )
            else:
                spot = spots[0]
            row.anchors.setdefault(path, []).append(Anchor(value, spot, self.looks.of(spot, own)))
            if row.item is not None and row.item >= 0 and row.item not in spot.text.chain:
                row.together = False

    def _rank(self, spot: Spot, path: str, own: Sequence[str], votes: Votes, known: Known) -> tuple[object, ...]:
        place, look = spot.text.place, self.looks.of(spot, own)
        field = known.get(path)
        matched = look.matches(field) if field is not None else 0
        return (
            matched, votes[path][(look.label, place.path)] if path in votes else 0, look.region in ("main", ""),
            not place.hidden, not look.attribute, -len(look.words), -spot.text.number,
        )  # fmt: skip

    def _inside(self, row: Row, value: Any, spots: list[Spot]) -> list[Spot]:
        """Return the spots of a value in the row's item, else anywhere."""
        if isinstance(value, bool):
            return []
        item = row.item
        if item is None:
            return spots or self.document.anywhere(value)
        if item >= 0:
            inside = [s for s in spots if item in s.text.chain]
            inside = inside or self.document.within(value, self.document.texts_of[item])
            if not inside and _weight(value) == 1:
                return []  # a small number stands anywhere by chance
        else:
            inside = [s for s in spots if s.text.map == -1 - item]
        return inside or spots or self.document.anywhere(value)


def rivals_of(document: Document, anchors: Sequence[Anchor]) -> int:
    """Return how many amounts have another in the same place of the same item, of which each may be the one meant."""
    count = 0
    for anchor in anchors:
        text = anchor.spot.text
        sign = next((sign for sign in MONEY_SIGNS if sign in text.plain), "")
        if sign and text.chain and not anchor.spot.struck:
            place = text.place
            count += any(
                other is not text
                and sign in other.plain
                and other.place.path == place.path
                and not any(struck for _, struck in other.pieces)
                and other.place.label == place.label
                and not other.place.hidden
                for other in document.texts_of[text.chain[0]]
            )
    return count


def namesakes_of(document: Document, anchors: Sequence[Anchor]) -> int:
    """Return how many values, each read from a page of its own, have another under the same name on that page."""
    texts = [anchor.spot.text for anchor in anchors]
    if len({text.map for text in texts}) < _APART * len(texts):
        return 0
    return sum(
        any(other.plain != text.plain for other in document.labeled(text.map, text.place.label))
        for text in texts
        if text.place.label and not text.attribute
    )


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return 3 if len(value) > _SHORT else 2
    if isinstance(value, float) and value % 1:
        return 2
    return 2 if isinstance(value, (int, float)) and abs(value) > _DAYS else 1


def _is_mapped(row: Row, score: Counter[int]) -> bool:
    """Return True where the row's item was among those that were mapped."""
    if row.item is None:
        return False
    weight = sum(_weight(value) for _, value in row.leaves if not isinstance(value, bool))
    return score[row.item] >= _FOUND * weight


def _some(count: int, most: int) -> list[int]:
    """Return at most so many positions, spread evenly."""
    if count <= most:
        return list(range(count))
    return sorted({round(at * (count - 1) / (most - 1)) for at in range(most)})
