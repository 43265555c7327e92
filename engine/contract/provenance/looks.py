"""The look of a spot: all that a page says about a value that stands there, without the value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contract.provenance.document import Document, Spot, Text, region_of
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.spellings import normal
from engine.contract.provenance.units import only_units

_SEPARATORS = re.compile(r"[|;\u00b7\u2022\n]")
_AROUND = 24  # characters on each side of a value
_WORDS_AROUND = 3
TRAITS = ("label", "words", "headings", "region", "struck", "hidden", "attribute", "form")
"""The parts of a look that a signature keeps, by name."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that a page says about a value at a spot.

    Args:
        label: The name of the place, masked.
        headings: The headings above it, masked, outermost first, joined.
        region: Its landmark.
        words: The words around the value, digits masked, the value as ``{v}``.
        raw: The same with digits.
        struck: Struck through.
        hidden: Not visible.
        attribute: The attribute it is part of.
        form: The form of a date.
        path: Its structural path.
    """

    label: str
    headings: str
    region: str
    words: str
    raw: str
    struck: bool
    hidden: bool
    attribute: str
    form: str
    path: str

    def trait(self, name: str) -> str:
        """Return one of `TRAITS` as a text."""
        value = getattr(self, name)
        return ("yes" if value else "no") if isinstance(value, bool) else str(value)

    def matches(self, field: Mapping[str, Any]) -> int:
        """Return how many traits are as a signature's field has them."""
        return sum(self.trait(name) in field.get(name, ()) for name in TRAITS)


class Looks:
    """The looks of a document's spots, each computed once.

    Args:
        document: The document.
        lens: The view without the run's parameters.
    """

    def __init__(self, document: Document, lens: Lens) -> None:
        self._document, self._lens = document, lens
        self._known: dict[tuple[object, ...], Look] = {}

    def of(self, spot: Spot, own: Sequence[str] = ()) -> Look:
        """Return a spot's look.

        Args:
            own: The row's own values, which headings may name.
        """
        place = spot.text.place
        before, after = self._around(spot)
        form = spot.span.form if spot.span is not None else ""
        headings = self._lens.heading(place.headings, own)
        key = (id(place), headings, before, after, spot.struck, form)
        known = self._known.get(key)
        if known is None:
            wording = f"{before}{{v}}{after}"
            known = self._known[key] = Look(
                label=self._lens.mask(place.label), headings=headings, region=region_of(place.region),
                words=self._lens.mask(wording), raw=self._lens.mask(wording, digits=False), struck=spot.struck,
                hidden=place.hidden, attribute=spot.text.attribute, form=form, path=place.path,
            )  # fmt: skip
        return known

    def _around(self, spot: Spot) -> tuple[str, str]:
        pieces, at = spot.text.pieces, spot.piece
        if spot.text.is_link:
            return "", ""
        piece = pieces[at][0] if at >= 0 else normal(spot.text.plain)
        before, after = ("", "") if spot.span is None else (piece[: spot.span.begin], piece[spot.span.end :])
        before, after = _cut(before, end=True), _cut(after, end=False)
        first, last = max(at, 0), at if at >= 0 else len(pieces) - 1
        if not before.strip():
            before = self._unit_beside(spot.text, first, -1) + before
        if not after.strip():
            after += self._unit_beside(spot.text, last, 1)
        return before, after

    def _unit_beside(self, text: Text, piece: int, step: int) -> str:
        """Return the text beside a piece, where it says nothing but a unit or a limit of the value."""
        if 0 <= piece + step < len(text.pieces):
            beside, struck = text.pieces[piece + step]
            said = "" if struck else beside
        else:
            number = text.number + step
            texts = self._document.texts
            near = texts[number] if 0 <= number < len(texts) else None
            same = near is not None and near.map == text.map and near.chain == text.chain and bool(text.chain)
            said = near.plain if near is not None and same and not near.attribute and not near.place.hidden else ""
        if not said or not only_units(said):
            return ""
        return f"{said} " if step < 0 else f" {said}"


def _cut(text: str, *, end: bool) -> str:
    """Return the few words of a text that are next to the value."""
    part = _SEPARATORS.split(text)[-1 if end else 0]
    if len(part) <= _AROUND and part.count(" ") <= _WORDS_AROUND:
        return part
    words = part.split(" ")
    if end:
        kept = " ".join(words[-_WORDS_AROUND - 1 :])
        return kept if len(kept) <= _AROUND else " ".join(words[-2:])[-_AROUND:]
    kept = " ".join(words[: _WORDS_AROUND + 1])
    return kept if len(kept) <= _AROUND else " ".join(words[:2])[:_AROUND]
