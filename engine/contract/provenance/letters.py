"""Lists that are divided by letters: an index such as "A-F", "G-Z", of which the rows are one part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.contract.model import Breach
from engine.contract.provenance.anchors import Anchored
from engine.contract.provenance.reading import Reading

_PART = re.compile(r"([A-Z])(?:\s?[-\u2013\u2014]\s?([A-Z]))?")
_LEAST_LETTERS = 5  # of an index of single letters; of one of spans, two
_LEAST_PARTS = 2

Span = tuple[str, str]


def is_divided(reading: Reading) -> bool:
    """Return True where a page that was read has such an index."""
    return bool(_index(reading))


def check(reading: Reading, table: Anchored) -> Iterator[Breach]:
    """Yield a breach where the page has such an index, and the rows are those of one of its parts."""
    parts = _index(reading)
    if not parts:
        return
    for path in {path for row in table.rows for path, value in row.leaves if isinstance(value, str)}:
        texts = [value for row in table.rows for at, value in row.leaves if at == path and isinstance(value, str)]
        first = {text[:1].upper() for text in texts if text[:1].isalpha()}
        own = [part for part in parts if all(part[0] <= letter <= part[1] for letter in first)]
        if first and len(own) == 1:
            named = ", ".join(_named(part) for part in parts[:6])
            got = f"an index by letters ({named}), of which the rows are all in {_named(own[0])}"
            yield Breach("pages", table.path, "a list that is not divided by letters", got, "doubtful")
            return


def _named(part: Span) -> str:
    return part[0] if part[0] == part[1] else f"{part[0]}-{part[1]}"


def _index(reading: Reading) -> list[Span]:
    found: dict[Span, None] = {}
    for text in reading.document.texts:
        if text.attribute or text.aside or text.place.hidden:
            continue
        spans = [_PART.fullmatch(piece) for piece, _ in text.pieces]
        if all(spans):
            found.update({(one[1], one[2] or one[1]): None for one in spans if one is not None})
    wide = any(begin != end for begin, end in found)
    return list(found) if len(found) >= (_LEAST_PARTS if wide else _LEAST_LETTERS) else []
