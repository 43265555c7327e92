"""Checks for bulk changes: the same thing has happened to many values of one field at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from engine.contract.model import Breach
from engine.contract.mojibake import is_garbled, restore
from engine.contract.outputs import row_text
from engine.contract.patterns import is_blank
from engine.contract.profile import ENOUGH_VALUES, improbable, spread

_SEVERAL = 3  # distinct values of a field in good runs that are not constant
_COMMONEST = 0.6  # share of rows with the commonest value; above, repetition is usual in the field
_FEWER_VALUES = 0.5  # of the distinct values of good runs
_RECASED = 0.9  # share of the texts that differ by their case alone
_AFFIXED = 3  # values with the same words before or after them
_AFFIXED_SHARE = 0.125  # of the rows
_WORDS = re.compile(r"(?<=\S)\s+(?=\S)")

Row = Mapping[str, Any]


def uniform_fields(
    place: str, old: Sequence[Row], new: Sequence[Row], fields: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[Breach]:
    """Yield fields of several values that now have the same value in row after row, as if each page repeated its first.

    Args:
        old: Rows that the same parameters gave before; without any, the values of all good runs count.
        fields: The fields' profiles in good runs.
    """
    for name, learned in fields.items():
        values = [row.get(name) for row in new]
        if len(values) < ENOUGH_VALUES or any(is_blank(v) or isinstance(v, (list, dict)) for v in values):
            continue
        before = [row.get(name) for row in old if not is_blank(row.get(name))]
        known = {**learned, **spread(before)} if len(before) >= ENOUGH_VALUES else learned
        now = spread(values)
        if known.get("values", 0) < _SEVERAL or known.get("commonest", 1.0) > _COMMONEST:
            continue
        if now["values"] > _FEWER_VALUES * known["values"] or _matches_parameter(values[0], parameters):
            continue
        if improbable(now["repeats"], len(values) - 1, max(known["commonest"], known["repeats"])):
            got = f"{now['values']}, one and the same in row after row"
            yield Breach("constant", f"{place}.{name}", f"about {known['values']} different values", got, "statistical")


def _matches_parameter(value: Any, parameters: Mapping[str, Any]) -> bool:
    said = _words(value)
    return any(asked and (asked in said or said in asked) for asked in map(_words, parameters.values()))


def _words(value: Any) -> str:
    """Return the words of a value, delimited so that one value is within another only as whole words."""
    words = re.findall(r"\w+", str(value).casefold()) if value is not None else []
    return f" {' '.join(words)} " if words else ""


def garbled_fields(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield fields whose values of the last run came back in a wrong encoding, or with HTML escapes."""
    for name, before in _texts(old).items():
        for value in _texts(new).get(name, {}):
            was = restore(value) if is_garbled(value) else unescape(value)
            if value not in before and was in before:
                yield Breach("garbled", f"{place}.{name}", repr(was), repr(value))
                break


def affixed_fields(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield fields in which many values of the last run now have the same words before or after them."""
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
                wordless = not any(c.isalpha() for c in "".join(affix))  # a year, an edition
                yield Breach(
                    "affixed", f"{place}.{name}", f"{was!r}, as in the last run", got, "statistical", ordinary=wordless
                )


def affixed_anew(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield fields whose texts all begin or all end with one word now, and none of the last run did."""
    now, had_before = _texts(new), _texts(old)
    of_any = {value for texts in had_before.values() for value in texts}
    for name, before in had_before.items():
        here = list(now.get(name, {}))
        if len(here) < _AFFIXED or len(before) < _AFFIXED or of_any.intersection(here):
            continue
        for at in (0, -1):
            (word, *others), had = ({value.split()[at].casefold() for value in texts} for texts in (here, before))
            alone = any(" " not in value.strip() for value in here)
            # Names of one kind all begin or end alike: those of another kind do so with another word.
            if others or alone or not word.isalpha() or word in had or len(had) == 1:
                continue
            was = next(iter(before))
            got = f"{here[0]!r}, and all others with {word!r}"
            yield Breach("affixed", f"{place}.{name}", f"values like {was!r}", got, "statistical")


def displaced_rows(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield a breach where rows stand a second time in the place of rows of the last run, which are gone.

    Equal rows are as data may be, and rows leave a list; that as many leave as come a second time is a list that
    repeats itself up to its length.
    """
    had, now = Counter(map(row_text, old)), Counter(map(row_text, new))
    again = sum(count - 1 for row, count in now.items() if had[row] == 1)
    gone = sum(count for row, count in had.items() if row not in now)
    if again >= _SEVERAL and gone >= again and max(had.values(), default=0) == 1 and len(new) <= len(old):
        got = f"{again} of them a second time, and {gone} no longer"
        yield Breach("displaced", place, f"the {len(old)} rows of the last run, each once", got, "statistical")


def recased_values(path: str, pairs: Sequence[tuple[Any, Any]]) -> Iterator[Breach]:
    """Yield a breach where nearly all texts of matched rows differ by one change of case alone."""
    texts = [(a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]
    differ = [(a, b) for a, b in texts if a != b and a.casefold() == b.casefold()]
    for change in (str.upper, str.lower, str.title, str.capitalize):
        alike = [(a, b) for a, b in differ if b == change(a) or a == change(b)]
        if len(alike) >= ENOUGH_VALUES and len(alike) >= _RECASED * len(texts):
            was, now = alike[0]
            yield Breach("recased", path, f"{was!r}, as in the last run", f"{now!r}", "statistical")
            return


def _texts(rows: Sequence[Row]) -> dict[str, dict[str, None]]:
    """Return the distinct texts of each field, in order."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and value.strip():
                found.setdefault(name, {})[value] = None
    return found


def _split(value: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each way to split whole words off the front or the end: those words, and the rest."""
    for gap in _WORDS.finditer(value):
        yield (value[: gap.end()], ""), value[gap.end() :]
        yield ("", value[gap.start() :]), value[: gap.start()]
