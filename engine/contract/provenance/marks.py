"""Marks of rows: the few short texts that stand beside a row's values in every row, and say what kind of row it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach
from engine.contract.provenance.anchors import Anchored
from engine.contract.provenance.choices import texts_by_place
from engine.contract.provenance.phrases import is_masked, is_pending, marks_row, says_advertised, says_instead
from engine.contract.provenance.reading import Reading
from engine.contract.provenance.units import change

_LEAST_ROWS = 4  # of a list whose marks say something
_MOST_TEXTS = 3  # at one place; more are values
_MOST_PLACES = 6
_SHORT = 40  # characters of a line between rows
_LONGEST = 80  # characters of a value that may say what kind of row it is
_EVERY = 0.95  # share of rows that have one
_NEW = 0.3  # share of rows with another
_ODD = 0.2  # share of rows whose own texts say that they are no ordinary ones
_ASIDE = 0.1  # share of rows that are marked as advertisements or as old; of few, two

Described = dict[str, list[str]]


def describe(reading: Reading, table: Anchored) -> Described | None:
    """Return the marks of a list's rows by place; None where there are too few rows to tell."""
    if not table.table.many or len(table.rows) < _LEAST_ROWS:
        return None
    rows = [texts_by_place(reading, row) for row in table.rows]
    found: Described = {}
    for place in sorted({place for row in rows for place in row}):
        counts = Counter(text for row in rows for text in set(row.get(place, ())))
        most = [text for text, _ in counts.most_common(_MOST_TEXTS)]
        covered = sum(any(text in most for text in row.get(place, ())) for row in rows)
        if counts.most_common(1)[0][1] > 1 and covered >= _EVERY * len(rows) and len(found) < _MOST_PLACES:
            found[place] = [text for text in most if counts[text] > 1]
    return found


def merge(parts: Sequence[Described | None]) -> Described | None:
    """Return the marks that all lists have."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    shared = set.intersection(*(set(part) for part in known))
    merged = {place: sorted({text for part in known for text in part[place]}) for place in sorted(shared)}
    return {place: texts for place, texts in merged.items() if len(texts) <= _MOST_TEXTS}


def check(
    reading: Reading,
    table: Anchored,
    known: Described | None,
    said: Sequence[str],
    about: frozenset[str],
    read: set[str],
) -> Iterator[Breach]:
    """Yield a breach where rows are marked otherwise than all rows so far, or as advertisements or as old.

    Args:
        said: Phrases that good runs had, too.
        read: Places that fields are read from, which are checked as such.
    """
    rows = [texts_by_place(reading, row) for row in table.rows]
    aside: Counter[str] = Counter()
    for row in rows:
        told = {text for texts in row.values() for text in texts if _is_phrase(text)}
        aside.update(told.difference(said))
    least = max(_ASIDE * len(rows), min(2, len(rows)))
    for text, count in aside.most_common(1):
        if count >= least or says_advertised(text):
            got = f"{text!r} in {count} of {len(rows)} rows"
            yield Breach("mark", table.path, "rows of what was asked for", got, "doubtful")
            return
    for place, texts in (known or {}).items():
        if place in read or len(texts) > 1:
            continue
        fresh: Counter[str] = Counter()
        for row in rows:
            now = row.get(place, [])
            if now and not any(text in texts for text in now):
                fresh.update(now[:1])
        count = sum(fresh.values())
        if count < max(_NEW * len(rows), min(2, len(rows))) or len(rows) < _LEAST_ROWS:
            continue
        text, often = fresh.most_common(1)[0]
        if often > 1 and change(texts, [text], about) in ("unknown", "other"):
            was = " or ".join(repr(each) for each in texts)
            yield Breach("mark", table.path, f"{was} in every row", f"{text!r} in {often} of {len(rows)}", "doubtful")
            return


def odd_values(table: Anchored) -> int:
    """Return the number of rows with a text that says it is no ordinary one: refurbished, masked, loading."""
    return sum(
        any(isinstance(v, str) and len(v) <= _LONGEST and _is_odd(table, v) for _, v in row.leaves)
        for row in table.rows
    )


def _is_odd(table: Anchored, text: str) -> bool:
    """Return True for a text that says so; a single thing may rightly be archived, but not be shown in part only."""
    return is_masked(text) or is_pending(text) or (table.table.many and marks_row(text))


def check_values(table: Anchored, odd: int, known: int) -> Iterator[Breach]:
    """Yield a breach where many rows say so, and none of good runs did.

    Args:
        odd: The number of such rows.
        known: That of good runs.
    """
    texts = [v for row in table.rows for _, v in row.leaves if isinstance(v, str) and len(v) <= _SHORT]
    if lines := [text for text in texts if says_instead(text)]:  # it parts the rows from others, and was taken for one
        if not known:
            got = f"{lines[0]!r} for a value"
            yield Breach("mark", table.path, "rows of what was asked for", got, "doubtful")
        return
    if not known and odd >= max(2 if table.table.many else 1, _ODD * len(table.rows)):
        shown = next(v for row in table.rows for _, v in row.leaves if isinstance(v, str) and _is_odd(table, v))
        got = f"{odd} of {len(table.rows)} such as {shown[:60]!r}"
        yield Breach("mark", table.path, "rows of what was asked for", got, "doubtful")


def phrases(reading: Reading) -> set[str]:
    """Return what rows say of advertisements, and of what is old."""
    found = set()
    for table in reading.tables:
        for row in table.rows if table.table.many else ():
            texts: Mapping[str, Any] = texts_by_place(reading, row)
            found |= {t for each in texts.values() for t in each if _is_phrase(t)}
    return found


def _is_phrase(text: str) -> bool:
    return says_instead(text) or marks_row(text)
