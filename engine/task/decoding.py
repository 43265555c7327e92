"""Decoded forms of a text, with the way back from each decoded character to where it stood."""

from __future__ import annotations

import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

_ROUNDS = 4  # of decoding one text: an address within an address within JSON
_BETWEEN = "\n\0\n"  # stands between pieces that belong to no common text

BASE64 = r"[A-Za-z0-9+/_-]{%d,}"
"""A pattern for text that may be in Base64, with room for its shortest length."""

HEX = r"[0-9A-Fa-f]{%d,}|[0-9A-Fa-f]{2}([ :-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2})+(?![0-9A-Fa-f])"
"""A pattern for text that may be hexadecimal, with room for its shortest length."""

_UTF_8 = re.compile(r"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")  # read as Latin-1
_ESCAPE = re.compile(
    r"""
    %(?:u[0-9a-f]{4} | [0-7][0-9a-f] | [cd][0-9a-f]%[89ab][0-9a-f] | e[0-9a-f](?:%[89ab][0-9a-f]){2}
        | f[0-7](?:%[89ab][0-9a-f]){3} | [89a-f][0-9a-f])
    | &(?:\#\d{1,7} | \#x[0-9a-f]{1,6} | [a-z][a-z0-9]{1,31});
    | \\+(?:ud[89ab][0-9a-f]{2}\\+ud[c-f][0-9a-f]{2} | (?-i:U)000[0-9a-f]{5} | u[0-9a-f]{4} | u\{[0-9a-f]{1,6}\}
        | x[0-9a-f]{2} | ["'`/nrtbf])
    | \\{2,}
    | \+
    | (?-i:"""
    + _UTF_8.pattern
    + ")",
    re.IGNORECASE | re.VERBOSE,
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ESCAPE_SIGNS = re.compile(r"[%&\\+\xc2-\xf4]")
_LEGIBLE = re.compile(
    rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){3,}"
)
_STANDARD = str.maketrans("-_", "+/")

_Decoded = tuple[bytes, int, int, tuple[int, int]]  # with where it stood, and how many characters made one byte


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a decoded text, and where it stood: as a whole, or ``ratio`` of old characters to new ones."""

    start: int
    end: int
    old_start: int
    old_end: int
    ratio: tuple[int, int] | None = None
    first: int = 0

    def old(self, start: int, end: int) -> tuple[int, int]:
        if self.ratio is None:
            return self.old_start, self.old_end
        old, new = self.ratio
        start, end = start - self.start + self.first, end - self.start + self.first
        return self.old_start + start * old // new, min(self.old_end, self.old_start - (-end * old // new))


@dataclass(slots=True)
class View:
    """A text, and the one that it was decoded from."""

    text: str
    parent: View | None = None
    pieces: list[_Piece] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.starts = [piece.start for piece in self.pieces]

    def above(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the text stood in the parent's."""
        return self._old(start, start + 1)[0], self._old(end - 1, end)[1]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the text stood in the first text."""
        view: View = self
        while view.parent is not None:
            start, end = view.above(start, end)
            view = view.parent
        return start, end

    def _old(self, start: int, end: int) -> tuple[int, int]:
        index = bisect_right(self.starts, start) - 1
        if index < 0:
            return start, end
        piece = self.pieces[index]
        if start < piece.end:
            return piece.old(start, end)
        return start - piece.end + piece.old_end, end - piece.end + piece.old_end


def rounds(view: View) -> Iterator[View]:
    """Yield the text, and what each round of decoding its escapes (percent, HTML, JSON, Python) makes of it."""
    yield view
    for _ in range(_ROUNDS):
        if not _ESCAPE_SIGNS.search(view.text):
            return
        decoded = replaced(view, _ESCAPE, _unescaped)
        if decoded.text == view.text:
            return
        view = decoded
        yield view


def replaced(view: View, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> View:
    """Return the text with each match of a pattern replaced."""
    parts, pieces, size, last = list[str](), list[_Piece](), 0, 0
    for match in pattern.finditer(view.text):
        parts.append(view.text[last : match.start()])
        size += match.start() - last
        text = new(match)
        parts.append(text)
        if len(text) != 1 or match.end() - match.start() != 1:
            pieces.append(_Piece(size, size + len(text), match.start(), match.end()))
        size += len(text)
        last = match.end()
    parts.append(view.text[last:])
    return View("".join(parts), view, pieces)


def _unescaped(match: re.Match[str]) -> str:
    text = match[0]
    if text[0] == "%" and text[1] not in "uU":
        data = bytes.fromhex(text.replace("%", ""))
        return data.decode("utf-8" if len(data) > 1 else "latin-1", "replace")
    if text[0] == "&":
        plain = html.unescape(text)
        return plain if plain != text else html.unescape(text.lower())
    if text == "+":
        return " "  # of a form; values are compared in the same way
    if text[0] not in "%\\":
        return _as_utf_8(text)
    body = text.lstrip("%\\")
    if not body:
        return "\\"
    if len(body) == 1:
        return _CONTROLS.get(body.lower(), body)
    units = [int(unit, 16) for unit in re.findall(r"[0-9a-f]+", re.sub(r"[ux\\{}]+", " ", body.lower()))]
    if len(units) == 2:
        return chr(0x10000 + ((units[0] - 0xD800) << 10) + units[1] - 0xDC00)
    return chr(units[0]) if units[0] <= 0x10FFFF else text


def _as_utf_8(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "replace")


def from_base64(view: View, pattern: re.Pattern[str]) -> View | None:
    """Return what is legible of the text's parts in Base64, wherever in them it begins; None where there is nothing."""

    def decoded() -> Iterator[_Decoded]:
        for match in pattern.finditer(view.text):
            token = match[0]
            if token.isalpha() and token[1:].islower():
                continue  # a word
            token = token.translate(_STANDARD)
            for skipped in range(4):
                part = token[skipped : len(token) - ((len(token) - skipped) % 4 == 1)]
                if len(part) >= 4:
                    data = binascii.a2b_base64(part + "=" * (-len(part) % 4))
                    yield data, match.start() + skipped, match.end(), (4, 3)

    return _legible(view, decoded())


def from_hex(view: View, pattern: re.Pattern[str]) -> View | None:
    """Return what is legible of the text's hexadecimal parts; None where there is nothing."""

    def decoded() -> Iterator[_Decoded]:
        for match in pattern.finditer(view.text):
            token = match[0]
            if not token[2].isalnum():
                yield bytes.fromhex(re.sub("[ :-]", "", token)), match.start(), match.end(), (3, 1)
                continue
            for skipped in range(2):
                part = token[skipped : len(token) - (len(token) - skipped) % 2]
                yield bytes.fromhex(part), match.start() + skipped, match.end(), (2, 1)

    return _legible(view, decoded())


def _legible(view: View, decoded: Iterable[_Decoded]) -> View | None:
    parts, pieces, size = list[str](), list[_Piece](), 0
    for data, start, end, ratio in decoded:
        for run in _LEGIBLE.finditer(data):
            text = run[0].decode("latin-1")
            pieces.append(_Piece(size, size + len(text), start, end, ratio, run.start()))
            parts.append(text)
            size += len(text) + len(_BETWEEN)
    if not parts:
        return None
    return replaced(View(_BETWEEN.join(parts), view, pieces), _UTF_8, lambda m: _as_utf_8(m[0]))
