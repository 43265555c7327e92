"""Rows that the page shows when it has settled and is scrolled to its end, and that a candidate did not return."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.contract import Observed, main_rows, rows
from engine.task.text import comparable, shorten
from sandbox.page_map import PageMap

_KNOWN = 0.5  # share of the items there were that were on the page when the code read them
_MANY = 3  # rows; fewer may be advertisements
_FEW_SHARE = 0.1
_WORD = re.compile(r"\w+")


def missed(run: Observed) -> str | None:
    """Return a finding where the list that the output was read from had more rows further down."""
    scrolled, count = run.evidence.scrolled, rows(run.output)
    if scrolled is None or not count:
        return None
    fresh = scrolled.seen - count
    whole = abs(count - scrolled.before) <= _FEW_SHARE * count  # all that was there was returned: it is that list
    if not (scrolled.more and whole and (fresh >= _MANY or fresh > _FEW_SHARE * count)):
        return None
    more = "" if scrolled.ended else " or more"
    return (
        f"it returned {count} rows, and when the page was scrolled to its end the same list had {fresh}{more}"
        " others: scroll, reading after each step, until nothing new comes"
    )


def gone(run: Observed) -> str | None:
    """Return a finding where the rows of the output were on the page when it was read, and gone when it was quiet."""
    scrolled = run.evidence.scrolled
    if scrolled is None or scrolled.map is None or not rows(run.output):
        return None
    if not run.evidence.maps or run.evidence.maps[-1].kind != "page" or missed(run) is not None:
        return None
    before, after = items(run.evidence.maps[-1]), items(scrolled.map)
    for known in columns(run.output):
        had, has = list(filter(known.has, before)), list(filter(known.has, after))
        if len(had) < _KNOWN * known.count:
            continue
        fresh = [text for text in after if text not in before and not known.has(text)]
        if not has and len(fresh) >= min(_MANY, known.count):
            return (
                f"none of the {known.count} rows that it returned was on the page a moment later, which shows others,"
                f" such as {shorten(fresh[0], 80)!r}: wait until the page has what was asked for"
            )
        if has and len(has) <= (1 - _KNOWN) * len(had) and set(after) < set(before):
            return (
                f"{len(had) - len(has)} of the {known.count} rows that it returned were gone from the page a moment"
                f" later, which had {len(has)} of them left: wait until the page has what was asked for"
            )
    return None


def items(page: PageMap) -> list[str]:
    """Return the texts of a page's items."""
    texts: dict[int, list[str]] = {}
    for unit in page.units:
        if unit.item >= 0 and "@" not in page.places[unit.place].path:
            texts.setdefault(unit.item, []).append(unit.text)
    return [" ".join(parts) for parts in texts.values()]


class Rows:
    """The rows of an output, by the words of one field.

    Args:
        values: The field's values.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.count = len(values)
        self._by_first: dict[str, list[set[str]]] = {}
        for value in values:
            if words := _WORD.findall(comparable(str(value))):
                self._by_first.setdefault(words[0], []).append(set(words))

    def has(self, text: str) -> bool:
        """Return True where a text of the page has all words of one of the values."""
        words = set(_WORD.findall(comparable(text)))
        return any(words >= row for word in words for row in self._by_first.get(word, ()))


def columns(output: Any) -> Iterator[Rows]:
    """Yield the rows by each of the output's fields that tell most of them apart."""
    _, found = main_rows(output)
    if len(found) > 1 or (found and isinstance(output, list)):
        names = dict.fromkeys(name for row in found for name in row)
        fields = [[row.get(name) for row in found] for name in names]
    else:
        beside = output.values() if isinstance(output, dict) else ()
        fields = [next((v for v in (output, *beside) if isinstance(v, list)), [])]
    for values in fields:
        shown = [v for v in values if isinstance(v, (str, int, float)) and not isinstance(v, bool)]
        texts = [v for v in shown if not (isinstance(v, str) and "//" in v)]
        if len(texts) >= _KNOWN * len(values) and len(set(texts)) > _KNOWN * len(values):
            yield Rows(texts)
