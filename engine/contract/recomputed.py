"""Values made of those of before: rounded, summed up, a day early or years off, or spelled as in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from engine.contract.model import Breach, PreviousOutput
from engine.contract.outputs import Row, identity
from engine.contract.patterns import is_shortened, number

_LEAST = 3  # rows; fewer prove nothing
_MOST = 0.8  # share of rows: of the others, the data themselves may have changed
_USUAL = 0.34  # share of old values that may have been as round as the new ones
_BIG = 6  # powers of ten to which amounts may be rounded
_CLOSE = 0.01  # share of a single number by which rounding may change it; more is a change of the data
_ROLLING = 0.5  # share of dates that changed from run to run, from which on they move by themselves
_LEAST_OFF = 5  # different numbers
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?=$|T)")
_DAY = timedelta(days=1)


def recomputed(path: str, values: Sequence[tuple[Any, Any]], past: PreviousOutput, name: str) -> Iterator[Breach]:
    """Yield a breach where a field's values are nearly all made of those that the same rows had.

    Args:
        values: The old value of each matched row with its new one, in the order of the new rows.
        past: The last output.
        name: The field.
    """
    numbers = [(x, y) for a, b in values if (x := number(a)) is not None and (y := number(b)) is not None]
    if len(numbers) == len(values):
        yield from _rounded(path, numbers)
        yield from _summed_up(path, numbers)
    rolls = past.joins > 0 and past.changed.get(name, 0.0) > _ROLLING
    # What counts days does so for all rows at once, but not within minutes.
    if len(numbers) == len(values) and not rolls and past.recent:
        yield from _one_off(path, numbers)
    days = [(was, now) for a, b in values if (was := day_of(a)) is not None and (now := day_of(b)) is not None]
    if len(days) == len(values) and not rolls:
        yield from _moved_days(path, days, recent=past.recent)


def rounded_number(path: str, old: Any, new: Any) -> Iterator[Breach]:
    """Yield a breach where the number of a single object is that of before without its decimals."""
    x, y = number(old), number(new)
    if x is None or y is None or x == y or x == round(x) or y != round(x) or abs(y - x) > _CLOSE * abs(x):
        return
    yield Breach("rounded", path, f"an exact number like {old!r}", f"{new!r}, rounded", "statistical")


def respelled_fields(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield fields whose texts are those of before in letters and digits alone: names as addresses spell them."""
    for name in old[0] if old else ():
        had = {_letters(v): v for row in old if isinstance(v := row.get(name), str) and _letters(v)}
        now = [v for row in new if isinstance(v := row.get(name), str)]
        other = [v for v in now if (was := had.get(_letters(v))) is not None and v != was]
        marked = [v for v in other if identity(v) != identity(had[_letters(v)])]  # by more than its case
        if marked and len(set(other)) >= _LEAST and len(other) >= _MOST * len(now):
            was = had[_letters(marked[0])]
            yield Breach("recased", f"{place}.{name}", f"{was!r}, as in the last run", repr(marked[0]), "statistical")


def cut_texts(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield the texts of a list of texts that are the beginnings of those of before."""
    had = [v for row in old if isinstance(v := row.get(""), str)]
    now = [v for row in new if isinstance(v := row.get(""), str) and v not in had and is_shortened(v)]
    cut = [(was, v) for v in now for was in had if begins(was, v)]
    if len(cut) >= _LEAST:
        was, is_now = cut[0]
        yield Breach("shortened", f"{place}.", f"{was!r}, as in the last run", repr(is_now), "statistical")


def begins(whole: str, cut: str) -> bool:
    """Return True where a shortened text is the beginning of another."""
    return whole.startswith(cut.rstrip().rstrip(".\u2026").rstrip())


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _rounded(path: str, numbers: Sequence[tuple[float, float]]) -> Iterator[Breach]:
    changed = [(x, y) for x, y in numbers if x != y]
    if len({y for _, y in changed}) < _LEAST:
        return
    unit = next((u for p in range(_BIG, -1, -1) if all(y % (u := 10.0**p) == 0 for _, y in numbers)), 0.0)
    close = [(x, y) for x, y in numbers if abs(y - x) <= unit * 0.501]
    usual = sum(x % unit == 0 for x, _ in numbers) if unit else len(numbers)
    if len(close) >= _MOST * len(numbers) and usual <= _USUAL * len(numbers):
        was, now = changed[0]
        got = f"{now:g}, rounded to {unit:g} in all {len(numbers)} rows"
        yield Breach("rounded", path, f"exact numbers like {was:g}", got, "statistical")


def _summed_up(path: str, numbers: Sequence[tuple[float, float]]) -> Iterator[Breach]:
    steps = list(zip(numbers[1:], numbers, strict=False))
    sums = [(now, before) for now, before in steps if now[0] and abs(now[1] - before[1] - now[0]) < 0.006]
    if len({now[0] for now, _ in sums}) >= _LEAST and len(sums) >= _MOST * len(steps):
        (was, now), _ = sums[0]
        got = f"the sum up to each row, as {now:g}"
        yield Breach("summed", path, f"a number of its own for each row, as {was:g}", got, "statistical")


def _one_off(path: str, numbers: Sequence[tuple[float, float]]) -> Iterator[Breach]:
    by = {round(y - x, 6) for x, y in numbers}
    if by in ({1.0}, {-1.0}) and len({x for x, _ in numbers}) >= _LEAST_OFF:
        was, now = numbers[0]
        got = f"{now:g}, one off in all {len(numbers)} rows"
        yield Breach("offset", path, f"{was:g}, as in the last run", got, "statistical")


def _moved_days(path: str, days: Sequence[tuple[date, date]], *, recent: bool) -> Iterator[Breach]:
    early = [(x, y) for x, y in days if x - y == _DAY]
    # Dates that move by themselves move on: a day back is what another time zone makes of them.
    if len({x for x, _ in early}) >= _LEAST and len(early) >= _MOST * len(days):
        was, now = early[0]
        got = f"{now}, a day early in {len(early)} of {len(days)} rows"
        yield Breach("moved-days", path, f"{was}, as in the last run", got, "statistical")
    years = [(x, y) for x, y in days if x.year != y.year and (x.month, x.day) == (y.month, y.day)]
    # What comes round every year comes on other days of the month, or not all at once.
    if len({x for x, _ in years}) >= _LEAST and len(years) >= _MOST * len(days):
        was, now = years[0]
        got = f"{now}, the same day of another year in {len(years)} of {len(days)} rows"
        yield Breach("moved-days", path, f"{was}, as in the last run", got, "statistical", ordinary=not recent)
    first = [(x, y) for x, y in days if x.day != 1 and y == x.replace(day=1)]
    if len(first) >= max(_LEAST, _MOST * len(days)) and all(y.day == 1 for _, y in days):
        was, now = first[0]
        got = f"{now}, the first of the month in all {len(days)} rows"
        yield Breach("moved-days", path, f"{was}, as in the last run", got, "statistical")


def day_of(value: Any) -> date | None:
    """Return the day that a value begins with, in ISO's form; None if it is none."""
    found = _ISO.match(value) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[0]) if found is not None else None
    except ValueError:
        return None
