"""Values that have moved: to the row beside their own, to other files or objects, by one factor, from day to month."""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from engine.contract.model import Breach, PreviousOutput, Severity
from engine.contract.outputs import Row, identity
from engine.contract.patterns import is_amount, is_blank, is_shortened, number
from engine.contract.profile import improbable
from engine.contract.recomputed import begins, rounded_number

_MATCHED = 3  # rows; fewer prove nothing
_STEPS = (1, -1, 2, -2)  # rows by which values are looked for
_SHIFTED = 0.75  # share of values from one row on that are their neighbors': a page of several ends in between
_DISTINCT = 5  # numbers; fewer may have one factor by chance
_SPREAD = 1.2  # times the smallest that the largest number is, for a factor to differ from a sum
_LEAST_FACTOR = 0.005  # departure from one
_EXACT = 0.2  # of that departure: how much rounding may blur it
_LONG = 90 * 86400.0  # seconds for which nothing but another unit multiplies all numbers alike; or
_TIMES = 20.0  # times as long as the list was seen to be stable
_DATE = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?=\D|$)|(?P<a>\d\d?)(?P<s>[./-])(?P<b>\d\d?)(?P=s)(?P<z>\d{4}|\d\d)"
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_DIGITS = 3  # of a single number that becomes a power of ten as large
_REASSIGNED = 0.3  # share of rows with the value of another
_LEAST_REASSIGNED = 4  # of them; a few values may come again by chance
_BESIDE_KEPT = 0.8  # share of these rows whose other fields are as they were
_STEADY = 3  # fields of a single object that never changed


def shifted_fields(place: str, key: str, pairs: Sequence[tuple[Row, Row]]) -> Iterator[Breach]:
    """Yield the first field whose values are now those of the rows beside: lists that were read apart and paired.

    Args:
        pairs: Rows of the last run with their new ones, in the new order.
    """
    for name in pairs[0][0] if len(pairs) >= _MATCHED else ():
        if name == key:
            continue
        old, new = [identity(a.get(name)) for a, _ in pairs], [identity(b.get(name)) for _, b in pairs]
        if any(isinstance(v, bool) for v in old) or (_is_rank(old) and _is_rank(new)):
            continue
        for step in _STEPS:
            moved = _moved(old, new, step)
            if len({new[at] for at in moved}) < _MATCHED or _grown_alike([(old[at], new[at]) for at in moved]):
                continue
            usual = sum((old.count(v) / len(old)) ** 2 for v in set(old))
            if improbable(1.0, len(moved), usual):
                which = pairs[moved[0]]
                got = f"in {len(moved)} rows that of a row beside, as {which[1].get(name)!r} of {which[1].get(key)!r}"
                yield Breach("shifted", f"{place}.{name}", f"each row's own value, as {which[0].get(name)!r}", got)
                return


def reassigned(
    place: str, key: str, pairs: Sequence[tuple[Row, Row]], old: Sequence[Row], new: Sequence[Row], past: PreviousOutput
) -> Iterator[Breach]:
    """Yield fields that have exactly the values of before, but in other rows, which else are as they were.

    A column that was sorted or joined apart from its rows. Values that change by themselves are not the same ones
    again, and where ranks or duties are exchanged, what stands beside them moves along, or did so before.
    """
    if len(pairs) != len(old) or len(pairs) != len(new):
        return
    ranked = in_new_order(key, pairs, new)
    for name in (n for n in pairs[0][0] if n != key):
        values = [(identity(a.get(name)), identity(b.get(name))) for a, b in pairs]
        differ = [at for at, (was, now) in enumerate(values) if was != now]
        apart = {values[at][0] for at in differ}
        if len(differ) < max(_LEAST_REASSIGNED, _REASSIGNED * len(pairs)) or len(apart) < _MATCHED:
            continue
        had, has = ([v for v in side if not isinstance(v, (list, dict))] for side in zip(*values, strict=True))
        if len(had) < len(values) or Counter(had) != Counter(has) or past.changed.get(name, 0.0) > 0:
            continue
        if _is_rank(had) and _is_rank([identity(b.get(name)) for _, b in ranked]):
            continue
        others = [n for n in pairs[0][0] if n not in (key, name)]
        kept = [at for at in differ if all(pairs[at][0].get(n) == pairs[at][1].get(n) for n in others)]
        if others and len(kept) >= _BESIDE_KEPT * len(differ):
            row = pairs[differ[0]][1]
            got = f"in {len(differ)} of {len(pairs)} rows that of another, as {row.get(name)!r} of {row.get(key)!r}"
            wanted = f"each row's own value, as {pairs[differ[0]][0].get(name)!r}"
            yield Breach("reassigned", f"{place}.{name}", wanted, got, "statistical")


def _moved(old: Sequence[Any], new: Sequence[Any], step: int) -> list[int]:
    """Return the rows with the value of the row so many beside, where that is so from one row on to an end."""
    within = [at for at in range(len(old)) if 0 <= at + step < len(old)]
    differ = [at for at in within if new[at] != old[at]]
    if not differ:
        return []
    first, last = differ[0], differ[-1]
    block = [at for at in within if (at >= first if step > 0 else at <= last)]
    if first > within[0] and last < within[-1]:  # a gap within: values after it, or before it, kept their rows
        block = [at for at in within if first <= at <= last]
    right = [at for at in block if new[at] == old[at + step] and not is_blank(new[at])]
    return [at for at in right if at in set(differ)] if len(right) >= _SHIFTED * len(block) else []


def _is_rank(values: Sequence[Any]) -> bool:
    """Return True for numbers that say the row's position."""
    if not all(isinstance(v, int) or (isinstance(v, str) and v.rstrip(".").isdigit()) for v in values):
        return False
    numbers = [int(str(v).rstrip(".")) for v in values]
    return all(0 <= b - a <= 2 for a, b in itertools.pairwise(numbers))


def _grown_alike(changes: Sequence[tuple[Any, Any]]) -> bool:
    """Return True where all numbers or days grew by the same: in an even series that looks like a shift."""
    steps = {round(y - x, 6) for a, b in changes if (x := _size(a)) is not None and (y := _size(b)) is not None}
    return len(steps) == 1


def _size(value: Any) -> float | None:
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return float(date.fromisoformat(value).toordinal())
        except ValueError:
            return None
    return number(value)


def in_new_order(key: str, pairs: Sequence[tuple[Row, Row]], new: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Return matched rows in the order of the new ones."""
    at = {identity(row.get(key)): number for number, row in enumerate(new)}
    return sorted(pairs, key=lambda pair: at[identity(pair[1].get(key))])


def exchanged_dates(path: str, values: Sequence[tuple[Any, Any]]) -> Iterator[Breach]:
    """Yield a breach where day and month have changed places in all dates in which they can."""
    dates = [(a, b) for a, b in values if isinstance(a, str) and isinstance(b, str) and _DATE.match(a)]
    able = [(a, b) for a, b in dates if (other := _exchanged(a)) is not None and other != a]
    changed = [(a, b) for a, b in able if b == _exchanged(a)]
    if len({a for a, _ in changed}) >= _MATCHED and len(changed) == len(able):
        was, now = changed[0]
        got = f"{now!r}, day and month exchanged in {len(changed)} rows"
        yield Breach("exchanged", path, f"{was!r}, as in the last run", got)


def _exchanged(text: str) -> str | None:
    found = _DATE.match(text)
    if found is None:
        return None
    if found["y"]:
        day, month = int(found["d"]), int(found["m"])
        other = f"{found['y']}-{found['d']}-{found['m']}"
    else:
        day, month = int(found["a"]), int(found["b"])
        other = f"{found['b']}{found['s']}{found['a']}{found['s']}{found['z']}"
    return other + text[found.end() :] if max(day, month) <= 12 else None


def multiplied(path: str, values: Sequence[tuple[Any, Any]], past: PreviousOutput) -> Iterator[Breach]:
    """Yield a breach where all numbers were multiplied by one factor: another unit, currency or tax.

    Prices rise one by one; that all do alike becomes ordinary only after months.
    """
    numbers = [(x, y) for a, b in values if (x := number(a)) and (y := number(b)) and x * y > 0]
    filled = [1 for a, b in values if not is_blank(a) and not is_blank(b)]
    sizes = [abs(x) for x, _ in numbers]
    if len(numbers) < len(filled) or len(set(sizes)) < _DISTINCT or max(sizes) < _SPREAD * min(sizes):
        return
    factor = statistics.median(y / x for x, y in numbers)
    if abs(factor - 1) < _LEAST_FACTOR:
        return
    unit = 10.0 ** -max(_decimals(b) for _, b in values if not is_blank(b))
    blurred = unit / 2 / statistics.median(abs(y) for _, y in numbers)
    if blurred > _EXACT * abs(factor - 1) or any(abs(y - x * factor) > unit * 1.1 for x, y in numbers):
        return
    severity: Severity = "statistical" if past.age <= max(_LONG, _TIMES * past.span) else "advisory"
    got = f"every one of them {factor:.4g} times as large, as {values[0][1]!r}"
    yield Breach("scale", path, f"numbers as before, as {values[0][0]!r}", got, severity, ordinary=True)


def _decimals(value: Any) -> int:
    found = re.search(r"[.,](\d{1,2})\D*$", str(value))
    return len(found[1]) if found else 0


def another_file(place: str, pairs: Sequence[tuple[Row, Row]]) -> Iterator[Breach]:
    """Yield files that are those of other rows, one for many rows, or of another type than the row's last one."""
    for name in [n for n in pairs[0][0] if n.endswith("sha256")] if pairs else []:
        prefix = name.removesuffix("sha256")
        both = [(a, b) for a, b in pairs if a.get(name) and b.get(name)]
        had = [a[name] for a, _ in both]
        moved = [b for a, b in both if b[name] != a[name] and b[name] in had]
        path = f"{place}.{prefix}".rstrip(".")
        alone = len({a[name] for a, b in both if b in moved and had.count(a[name]) == 1})
        if alone and moved:
            got = f"in {len(moved)} of {len(both)} rows that of another, as {moved[0].get(prefix + 'name')!r}"
            yield Breach("file", path, "each row's own file", got, "structural" if alone > 1 else "doubtful")
            continue
        now = [b[name] for _, b in both]
        if len(now) >= _MATCHED and len(set(now)) == 1 and len(set(had)) == len(had):
            yield Breach("file", path, f"{len(had)} files that differ", "one and the same file in all rows", "doubtful")
        kinds = [(a.get(f"{prefix}content_type"), b.get(f"{prefix}content_type")) for a, b in both]
        other = [(a, b) for a, b in kinds if a and b and a != b]
        if both and len(other) == len(both):
            was, is_now = other[0]
            severity: Severity = "structural" if len(both) >= _MATCHED else "doubtful"
            yield Breach("file", path, f"files of type {was}", f"{is_now} in all {len(both)} rows", severity)


def single_object(place: str, old: Row, new: Row, changed: Mapping[str, float]) -> Iterator[Breach]:
    """Yield what a single object shows that its past speaks against: another object, numbers in another unit.

    Args:
        changed: Whether its fields changed so far; empty where that is not known.
    """
    names = [n for n in old if n in new and not is_blank(old[n]) and not is_blank(new[n])]
    steady = [n for n in names if changed.get(n) == 0.0]
    naming = [n for n in steady if not is_amount(old[n])]  # numbers and days may all change overnight
    if len(steady) >= _STEADY and naming and all(identity(old[n]) != identity(new[n]) for n in steady):
        first = naming[0]
        yield Breach(
            "replaced", place, f"the object of the last runs, as {old[first]!r}",
            f"another in all {len(steady)} fields that never changed, as {new[first]!r}", "statistical",
        )  # fmt: skip
    for name in names:
        if name.endswith("content_type") and old[name] != new[name]:
            path = f"{place}.{name.removesuffix('content_type')}".rstrip(".")
            yield Breach("file", path, f"a file of type {old[name]}", f"{new[name]}", "doubtful")
        yield from rounded_number(f"{place}.{name}", old[name], new[name])
        x, y = number(old[name]), number(new[name])
        if x and y and x * y > 0 and len(re.sub(r"\D", "", str(old[name])).strip("0")) >= _DIGITS:
            for factor in (100.0, 0.01, 1000.0, 0.001):
                if abs(y - x * factor) <= 1e-9 * abs(y):
                    got = f"{new[name]!r}, {factor:g} times as large"
                    yield Breach("scale", f"{place}.{name}", f"a number like {old[name]!r}", got, "statistical")


def texts_cut(path: str, values: Sequence[tuple[Any, Any]]) -> Iterator[Breach]:
    """Yield a breach where texts of matched rows are now the beginnings of what they were."""
    cut = [(a, b) for a, b in values if isinstance(a, str) and is_shortened(b) and not is_shortened(a) and begins(a, b)]
    if len(cut) >= _MATCHED:
        yield Breach("shortened", path, f"{cut[0][0]!r}, as in the last run", f"{cut[0][1]!r}", "statistical")
