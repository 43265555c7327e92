"""Values that are struck through: replaced where another stands beside them, else marked, as a closed ticket is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.contract.provenance.anchors import Anchor
from engine.contract.provenance.document import Document, Spot, Text

_NOT_A_SIGN = re.compile(r"[\w\s.,]")
_CELL = ">td"


def any_replaced(document: Document, anchors: Iterable[Anchor]) -> bool:
    """Return True where one of the struck values that were read has another that holds instead."""
    return any(_is_replaced(document, anchor.spot) for anchor in anchors if anchor.look.struck)


def _is_replaced(document: Document, spot: Spot) -> bool:
    """Return True where a text that holds instead of a struck one stands in its line, or in its item.

    In the item it must be a number of the same form, and in a table's row one under the same column.
    """
    text = spot.text
    old = next((piece for piece, struck in text.pieces if struck), "")
    if any(not struck and _has_digit(piece) >= _has_digit(old) for piece, struck in text.pieces):
        return True
    if not text.chain or not _has_digit(old):
        return False
    return any(_holds_instead(other, text, old) for other in document.texts_of[text.chain[0]] if other is not text)


def _holds_instead(other: Text, text: Text, old: str) -> bool:
    if other.attribute or (_CELL in text.place.path and other.place.label != text.place.label):
        return False
    return any(not struck and _has_digit(piece) and _signs(piece) == _signs(old) for piece, struck in other.pieces)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _signs(text: str) -> str:
    """Return what is neither letter, digit nor separator, as a currency's sign: the form of a number."""
    return _NOT_A_SIGN.sub("", text)
