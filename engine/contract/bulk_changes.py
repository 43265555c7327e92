"""Changes that data do not make by themselves: the same thing happened to many values of one field at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from engine.contract.model import Breach
from engine.contract.mojibake import garbled, restored
from engine.contract.patterns import blank
from engine.contract.profile import ENOUGH_VALUES, improbable, spread

_SEVERAL = 3  # distinct values of a field in good runs, and none of them
_COMMONEST = 0.6  # in more than this share of the rows: such a field does not repeat one value after the other
_FEWER_VALUES = 0.5  # of the distinct values of good runs
_RECASED = 0.9  # share of the texts that differ by their case alone
_AFFIXED = 3  # values with the same words before or after them
_AFFIXED_SHARE = 0.125  # of the rows
_WORDS = re.compile(r"(?<=\S)\s+(?=\S)")

Row = Mapping[str, Any]


def uniform(
    place: str, old: Sequence[Row], new: Sequence[Row], fields: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[Breach]:
    """A field of several values that says the same in row after row now, as where each page repeats its first row.

    Args:
        old: What the same parameters gave before, if they did; else what all good runs had counts.
        fields: What is known of them by good runs.
    """
    for name, learnt in fields.items():
        values = [row.get(name) for row in new]
        if len(values) < ENOUGH_VALUES or any(blank(v) or isinstance(v, (list, dict)) for v in values):
            continue
        before = [row.get(name) for row in old if not blank(row.get(name))]
        known = {**learnt, **spread(before)} if len(before) >= ENOUGH_VALUES else learnt
        now = spread(values)
        if known.get("values", 0) < _SEVERAL or known.get("commonest", 1.0) > _COMMONEST:
            continue
        if now["values"] > _FEWER_VALUES * known["values"] or _asked_for(values[0], parameters):
            continue
        if improbable(now["repeats"], len(values) - 1, max(known["commonest"], known["repeats"])):
            got = f"{now['values']}, one and the same in row after row"
            yield Breach("constant", f"{place}.{name}", f"about {known['values']} different values", got, "statistical")


def _asked_for(value: Any, parameters: Mapping[str, Any]) -> bool:
    said = _words(value)
    return any(asked and (asked in said or said in asked) for asked in map(_words, parameters.values()))


def _words(value: Any) -> str:
    """The words of a value, so that one is within another only as whole words."""
    words = re.findall(r"\w+", str(value).casefold()) if value is not None else []
    return f" {' '.join(words)} " if words else ""


def regarbled(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Values of the last run that came back with the letters of a wrong encoding, or with escapes in place of signs."""
    for name, before in _texts(old).items():
        for value in _texts(new).get(name, {}):
            was = restored(value) if garbled(value) else unescape(value)
            if value not in before and was in before:
                yield Breach("garbled", f"{place}.{name}", repr(was), repr(value))
                break


def affixed(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Values of the last run that all have the same words before or after them now, words that none had then."""
    now = _texts(new)
    for name, before in _texts(old).items():
        found: Counter[tuple[str, str]] = Counter()
        example: dict[tuple[str, str], tuple[str, str]] = {}
        here = now.get(name, {})
        for value in (v for v in here if v not in before):
            for affix, rest in _split(value):
                if rest in before and rest not in here:
                    found[affix] += 1
                    example.setdefault(affix, (rest, value))
        for affix, count in found.most_common(1):
            known = any(v.startswith(affix[0]) and v.endswith(affix[1]) for v in before)
            if count >= max(_AFFIXED, _AFFIXED_SHARE * len(new)) and not known:
                was, is_now = example[affix]
                got = f"{is_now!r}, and {count - 1} others like it"
                yield Breach("affixed", f"{place}.{name}", f"{was!r}, as in the last run", got, "statistical")


def recased(path: str, pairs: Sequence[tuple[Any, Any]]) -> Iterator[Breach]:
    """Texts of rows that are found again, nearly all of which are written in capitals, or no longer so."""
    texts = [(a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]
    differ = [(a, b) for a, b in texts if a != b and a.casefold() == b.casefold()]
    for change in (str.upper, str.lower, str.title, str.capitalize):
        alike = [(a, b) for a, b in differ if b == change(a) or a == change(b)]
        if len(alike) >= ENOUGH_VALUES and len(alike) >= _RECASED * len(texts):
            was, now = alike[0]
            yield Breach("recased", path, f"{was!r}, as in the last run", f"{now!r}", "statistical")
            return


def _texts(rows: Sequence[Row]) -> dict[str, dict[str, None]]:
    """By field, its distinct texts in their order."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and value.strip():
                found.setdefault(name, {})[value] = None
    return found


def _split(value: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Each way to take whole words off the front or the end: those words, and what is left."""
    for gap in _WORDS.finditer(value):
        yield (value[: gap.end()], ""), value[gap.end() :]
        yield ("", value[gap.start() :]), value[: gap.start()]
