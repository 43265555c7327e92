"""Search for values in a text however it spells them: encoded, encoded twice, in groups, in upper case, in a file name.

A text is decoded, with the way back from each decoded character to where it stood; values are searched in each form.
What cannot be decoded (case, punctuation) is compared without it. The time grows with the text, never with text times
value.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from engine.task.decoding import BASE64, HEX, View, from_base64, from_hex, replaced, rounds

_DEPTH = 2  # of Base64 and hexadecimal within each other
_WHOLE_PLAIN = 6  # characters below which a value is found as a whole token only
_WHOLE_DIGITS = 10
_WHOLE_WORD = 12
_WHOLE_FOLDED = 32
_SHORTEST_FOLDED = 6
_SHORTEST_ENCODED = 8
_WIDEST_GAP = 8  # characters between letters or digits of one value
_FEW = 64  # values up to which each is searched on its own
_PREFIX = 4
_TWO_DEEP = 200  # values, up to as many as which what two encodings make of each is searched, too
_LONG = 1_000  # characters; of a longer value only what one encoding makes of it

_GAP = re.compile(r"[\W_]+")
# An amount, none of whose groups is a value: 1,123.00; 123.45; $1,123; 123,45 EUR. A list as 12,123,27 is none.
_AMOUNT = re.compile(
    r"(?<![\d.,])(?:"
    r"\d{1,3}(?:(?P<group>[,.'’ ])\d{3})+(?!(?P=group))[.,]\d{2}|\d+\.\d{2}"  # noqa: RUF001  as people write it
    r"|(?:(?<=[$€£¥])|(?<=[$€£¥] ))\d{1,3}(?:,\d{3})+"
    r"|\d{1,3}(?:[,.]\d{3})*(?:[.,]\d{2})?(?=\s?(?:[$€£¥]|(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN)\b))"
    r")(?![\d]|[.,]\d)",
    re.IGNORECASE,
)
_WIDEST_AMOUNT = 24  # characters around a value


class _Fold(dict[int, str]):
    """A table for `str.translate`: a character without case, width and accents."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code)).casefold()
        self[code] = "".join(c for c in plain if not unicodedata.combining(c))
        return self[code]


_FOLD = _Fold()


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    whole: bool


class SpellingSearch:
    """A search for values in any spelling.

    A short value is found as a whole token only, since it may be part of anything: fewer than 6 characters, fewer than
    10 digits, a word of fewer than 12 letters.

    Args:
        values: Each value, and the name that a hit gives.

    >>> SpellingSearch({"hunter2": "password"}).spans("/login?p=%68unter2&x=1")
    [(9, 18, 'password')]
    >>> SpellingSearch({"123": "cvv"}).spans("f1e123 1234 is 123")
    [(15, 18, 'cvv')]
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._plain: dict[str, _Key] = {}
        self._folded: dict[str, _Key] = {}
        deep = len(values) <= _TWO_DEEP
        for value, name in sorted(values.items(), key=lambda item: len(item[0]), reverse=True):
            self._add(value, name, deep=deep)
        least = min((len(_fold(_ascii(value))) or len(value) for value in values), default=0)
        self._base64 = re.compile(BASE64 % max(8, least * 4 // 3))  # shorter ones hold no value
        self._hex = re.compile(HEX % max(6, least * 2))
        self._plain_keys, self._folded_keys = _Candidates(self._plain), _Candidates(self._folded)

    def _add(self, value: str, name: str, *, deep: bool) -> None:
        for plain in _decoded_forms(value):
            for key in (plain, plain.rstrip("\\")):  # a backslash at the end joins what follows
                if key := _lower(key):
                    self._plain.setdefault(key, _Key(name, _only_whole(key)))
        if len(value) < _WHOLE_PLAIN:
            for encoded in (_base64(value), _base64(value).rstrip("="), _bytes(value).hex(), quote(_bytes(value), "")):
                self._plain.setdefault(_lower(encoded), _Key(name, whole=True))
            return
        for folded in {_fold(value), _fold(_ascii(value))}:
            self._add_folded(folded, name, _SHORTEST_FOLDED)
        for encoded, bare in _encoded_forms(value, deep=deep and len(value) <= _LONG):
            for folded in {_fold(encoded), _fold(_ascii(encoded))}:
                self._add_folded(folded, name, _SHORTEST_ENCODED, inside=bare)

    def _add_folded(self, key: str, name: str, shortest: int, *, inside: bool = False) -> None:
        if len(key) >= shortest:
            self._folded.setdefault(key, _Key(name, not inside and len(key) < _WHOLE_FOLDED))

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return where values stand in a text, in order and without overlaps, with their names."""
        found: list[tuple[int, int, str]] = []
        self._search(View(text), 0, found)
        merged: list[tuple[int, int, str]] = []
        for start, end, name in sorted(found, key=lambda span: (span[0], -span[1])):
            if merged and start < merged[-1][1]:
                before = merged[-1]
                merged[-1] = (before[0], max(before[1], end), before[2])
            else:
                merged.append((start, end, name))
        return [(start, _with_padding(text, end), name) for start, end, name in merged]

    def _search(self, view: View, depth: int, found: list[tuple[int, int, str]]) -> None:
        for form in rounds(view):
            self._find_plain(form, found)
            self._find_folded(form, found)
            if depth < _DEPTH:
                for inner in (from_base64(form, self._base64), from_hex(form, self._hex)):
                    if inner is not None:
                        self._search(inner, depth + 1, found)

    def _find_plain(self, view: View, found: list[tuple[int, int, str]]) -> None:
        text = _lower(view.text)
        for key in self._plain_keys.possible(text):
            wanted = self._plain[key]
            for start, end in _occurrences(text, key, lambda s, e: _is_token(text, s, e), whole=wanted.whole):
                found.append((*view.origin(start, end), wanted.name))

    def _find_folded(self, view: View, found: list[tuple[int, int, str]]) -> None:
        possible = list(self._folded_keys.possible(_fold(view.text)))
        if not possible:
            return
        plain = replaced(view, re.compile(r"[^\x00-\x7f]|[A-Z]"), lambda m: _FOLD[ord(m[0])])
        flat = replaced(plain, _GAP, lambda m: "" if len(m[0]) <= _WIDEST_GAP and "\0" not in m[0] else "\0")

        def is_token(start: int, end: int) -> bool:
            return _is_token(plain.text, *flat.above(start, end))

        for key in possible:
            wanted = self._folded[key]
            for start, end in _occurrences(flat.text, key, is_token, whole=wanted.whole):
                found.append((*flat.origin(start, end), wanted.name))


class _Candidates:
    """Those of many keys that a text may hold, found by their first characters where each on its own takes too long."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(keys)
        self._by_prefix: dict[str, list[str]] = {}
        if len(self._keys) > _FEW:
            for key in self._keys:
                self._by_prefix.setdefault(key[:_PREFIX], []).append(key)
        self._sizes = {len(prefix) for prefix in self._by_prefix}

    def possible(self, text: str) -> Iterator[str]:
        if not self._by_prefix:
            yield from (key for key in self._keys if key in text)
            return
        windows = {text[at : at + size] for size in self._sizes for at in range(len(text) - size + 1)}
        for prefix in windows & self._by_prefix.keys():
            yield from (key for key in self._by_prefix[prefix] if key in text)


def _occurrences(
    text: str, key: str, is_token: Callable[[int, int], bool], *, whole: bool
) -> Iterator[tuple[int, int]]:
    at = text.find(key)
    while at >= 0:
        end = at + len(key)
        if not whole or is_token(at, end):
            yield at, end
            at = text.find(key, end)
        else:
            at = text.find(key, at + 1)


def _only_whole(key: str) -> bool:
    if len(key) < _WHOLE_PLAIN:
        return True
    return (key.isdigit() and len(key) < _WHOLE_DIGITS) or (all(map(_is_letter, key)) and len(key) < _WHOLE_WORD)


def _is_letter(character: str) -> bool:
    """Return True for a letter of a script with upper and lower case; others put no blank between their words."""
    return character.isalpha() and character.lower() != character.upper()


def _is_token(text: str, start: int, end: int) -> bool:
    """Return True where neither end cuts through a word, a number or a percent-encoded character."""
    if end - start == 2 and text[start - 1 : start] == "%":
        return False
    if text[start:end].isdigit() and _within_amount(text, start, end):
        return False
    return not any(0 < at < len(text) and _is_inner(text[at - 1]) and _is_inner(text[at]) for at in (start, end))


def _within_amount(text: str, start: int, end: int) -> bool:
    """Return True where digits are a part of an amount, and not all of its digits."""
    first = max(0, start - _WIDEST_AMOUNT)
    around = _AMOUNT.finditer(text[first : end + _WIDEST_AMOUNT])
    found = next((each for each in around if each.start() <= start - first and end - first <= each.end()), None)
    return found is not None and sum(map(str.isdigit, found[0])) > end - start


def _is_inner(character: str) -> bool:
    return character.isdigit() or _is_letter(character)


def _with_padding(text: str, end: int) -> int:
    """Return the end behind the padding of a Base64 text that ends there."""
    padded = end
    while padded < min(len(text), end + 2) and text[padded] == "=":
        padded += 1
    return padded if padded == len(text) or not text[padded].isalnum() else end


def _decoded_forms(value: str) -> list[str]:
    return list(dict.fromkeys(view.text for view in rounds(View(value))))


def _encoded_forms(value: str, *, deep: bool) -> set[tuple[str, bool]]:
    """Return encoded forms whose case and punctuation may be lost, and True for those that may stand within others."""
    one = _encoded(value)
    forms = {(text, bare) for text, bare in one}
    if deep:
        forms |= {(text, bare or inner) for first, bare in one for text, inner in _encoded(first)}
    return forms


def _encoded(value: str) -> list[tuple[str, bool]]:
    data = _bytes(value)
    found = [
        (quote(data, ""), False),
        (quote_plus(data, ""), False),
        (html.escape(value), False),
        (json.dumps(value)[1:-1], False),
    ]
    found += [("".join(f"&#{ord(c)};" for c in value), False), (data.hex(), True), (_base64(value).rstrip("="), True)]
    for before in range(3):  # within a longer text, as "user:password": the characters that are the value's alone
        text = base64.b64encode(b"\0" * before + data).decode()
        found.append((text[-(-8 * before // 6) : 8 * (before + len(data)) // 6], True))
    return found


def _base64(value: str) -> str:
    return base64.b64encode(_bytes(value)).decode()


def _ascii(value: str) -> str:
    return value if value.isascii() else "".join(c for c in value if c.isascii())


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _lower(text: str) -> str:
    """Return the text in lower case, each character in its place."""
    low = text.lower().replace("\u03c2", "\u03c3")  # the two forms of the small sigma
    return low if len(low) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def _fold(text: str) -> str:
    """Return letters and digits alone, without case, width and accents."""
    return _GAP.sub("", text.lower() if text.isascii() else text.translate(_FOLD))
