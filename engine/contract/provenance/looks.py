"""The look of a spot: all that a page says about a value that stands there, without the value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.contract.provenance.document import Document, Spot, Text
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.spellings import normal
from engine.contract.provenance.units import only_units, says_units

_SEPARATORS = re.compile(r"[|;\u00b7\u2022\n]|, ")
_AROUND = 24  # characters on each side of a value
_WORDS_AROUND = 3
_CELL = 36  # characters of a text that is no prose, and has all its words around a value
_NEAR = 12  # characters beside a value whose digits may belong to what it means: "out of 5"
_LABEL = 30  # characters of a text before a value that may serve as its label
TRAITS = ("label", "words", "headings", "region", "beside", "struck", "hidden", "attribute", "form")
"""The parts of a look that a signature keeps, by name."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that a page says about a value at a spot.

    Args:
        label: The name of the place, masked.
        headings: The headings above it, masked, outermost first, joined.
        region: Its landmark.
        words: The words around the value, digits masked, the value as ``{v}``.
        raw: The nearest of them, with digits.
        beside: The short text before it, where it has no label.
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
    beside: str
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
        """Return how many traits are as a signature's field has them; one of too many texts has none."""
        return sum(self.trait(name) in (field.get(name) or ()) for name in TRAITS)


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
        before, after = self._around(spot, own)
        form = spot.span.form if spot.span is not None else ""
        headings = self._lens.heading(place.headings, own)
        beside = self._beside(spot, own)
        key = (id(place), headings, before, after, spot.struck, form, beside)
        known = self._known.get(key)
        if known is None:
            wording = f"{before}{{v}}{after}"
            near = f"{_cut(before, end=True, most=_NEAR)}{{v}}{_cut(after, end=False, most=_NEAR)}"
            known = self._known[key] = Look(
                label=self._lens.mask(place.label), headings=headings, region=spot.text.region, beside=beside,
                words=self._lens.mask(wording), raw=self._lens.mask(near, digits=False), struck=spot.struck,
                hidden=place.hidden, attribute=spot.text.attribute, form=form, path=place.path,
            )  # fmt: skip
        return known

    def _around(self, spot: Spot, own: Sequence[str]) -> tuple[str, str]:
        pieces, at = spot.text.pieces, spot.piece
        if spot.text.is_link:
            return "", f" {_shape(spot.text.plain)}"
        piece = pieces[at][0] if at >= 0 else normal(spot.text.plain)
        before, after = ("", "") if spot.span is None else (piece[: spot.span.begin], piece[spot.span.end :])
        before, after = _cut(before, end=True), _cut(after, end=False)
        first, last = max(at, 0), at if at >= 0 else len(pieces) - 1
        if len(before) <= _NEAR or only_units(before):
            before = self._said_beside(spot.text, first, -1, own) + before
        if len(after) <= _NEAR or only_units(after):
            after += self._said_beside(spot.text, last, 1, own)
        return before, after

    def _said_beside(self, text: Text, piece: int, step: int, own: Sequence[str]) -> str:
        """Return the text beside a piece: of its own element a short one, else what says a unit or a limit alone."""
        if 0 <= piece + step < len(text.pieces):
            beside, struck = text.pieces[piece + step]
            short = len(beside) <= _LABEL and any(c.isalpha() for c in beside) and normal(beside) not in own
            said = beside if not struck and (short or says_units(beside)) else ""
        else:
            near = self._near(text, step)
            said = near.plain if near is not None and text.chain and only_units(near.plain) else ""
        if not said:
            return ""
        return f"{said} " if step < 0 else f" {said}"

    def _near(self, text: Text, step: int) -> Text | None:
        """Return the visible text before or after one, in the same item."""
        texts, number = self._document.texts, text.number + step
        while 0 <= number < len(texts) and texts[number].attribute:
            number += step
        near = texts[number] if 0 <= number < len(texts) else None
        if near is None or near.map != text.map or near.chain != text.chain or near.place.hidden:
            return None
        if near.region != text.region or near.aside:
            return None
        return near

    def _beside(self, spot: Spot, own: Sequence[str]) -> str:
        """Return the short text before a value without a label, which may serve as one: "Feels like" before "3 °C"."""
        if spot.text.place.label or spot.text.attribute:
            return ""
        if spot.piece > 0:
            inline = _SEPARATORS.split(spot.text.pieces[spot.piece - 1][0])[-1]
            said = len(inline) <= _LABEL and not re.search(r"\d", inline) and normal(inline) not in own
            return self._lens.mask(inline) if said else ""
        near = self._near(spot.text, -1)
        if near is None or len(near.plain) > _LABEL or re.search(r"\d", near.plain) or normal(near.plain) in own:
            return ""
        return self._lens.mask(near.plain)


def _shape(address: str) -> str:
    """Return what links of one kind have in common: all of the path but its last part, and the names in the query.

    >>> _shape("https://a.example/p/SK-17?ref=3"), _shape("/ad?x=1"), _shape("mailto:a@b.example")
    ('/p/ ?ref', '/ ?x', 'mailto:')
    """
    parts = urlsplit(address)
    if parts.scheme not in ("", "http", "https"):
        return f"{parts.scheme}:"
    above = [p for p in parts.path.split("/")[1:-1] if not any(c.isdigit() for c in p)]
    names = "&".join(sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True)))
    return "/".join(["", *above, ""]) + (f" ?{names}" if names else "")


def _cut(text: str, *, end: bool, most: int = _CELL) -> str:
    """Return the words of a text that are next to the value: of a long one, a few."""
    part = _SEPARATORS.split(text)[-1 if end else 0]
    if len(text) <= most or (len(part) <= _AROUND and part.count(" ") <= _WORDS_AROUND):
        return part
    words = part.split(" ")
    if end:
        kept = " ".join(words[-_WORDS_AROUND - 1 :])
        return kept if len(kept) <= _AROUND else " ".join(words[-2:])[-_AROUND:]
    kept = " ".join(words[: _WORDS_AROUND + 1])
    return kept if len(kept) <= _AROUND else " ".join(words[:2])[:_AROUND]
