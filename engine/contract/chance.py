"""Tests of chance: a rare value that floods a field, and fields of two values that collapse to one or flip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach
from engine.contract.outputs import Row, identity
from engine.contract.patterns import is_amount, is_blank
from engine.contract.profile import ENOUGH_VALUES, improbable
from engine.contract.recomputed import day_of

_RARE = 0.15  # share of rows that had the value
_FLOODED = 0.2  # share of matched rows that now have one value, each of which had its own
_FLOODED_STATES = 0.4  # the same for fields of few values, such as states, which many rows may reach at once
_STATES = 0.5  # share of distinct values, below which values are such states
_ANEW = 0.8  # share of rows whose values changed, from which on all of them did: one may be as it was by chance
_LEAST = 3  # rows
_LEAST_FLIPPED = 4
_FLIPPED = 0.9  # share of rows with the contrary
_COLLAPSED = 0.15  # share of rows that lost the other value
_VARIED = 0.8  # share of distinct values in good runs
_NEW_SHARE = 0.3  # share of one value among rows that are new
_NEW_ROWS = 4
_SEEN = 20  # values in good runs


def flooded(
    place: str, key: str, pairs: Sequence[tuple[Row, Row]], given: set[Any], *, recent: bool
) -> Iterator[Breach]:
    """Yield fields in which many rows, that had values of their own, now have one that was rare.

    Args:
        given: The values of the parameters, which may be the same for all rows.
        recent: The last run was so short a time ago that data hardly turn over; see `PreviousOutput`.
    """
    for name in pairs[0][0] if len(pairs) >= ENOUGH_VALUES else ():
        old, new = [identity(a.get(name)) for a, _ in pairs], [identity(b.get(name)) for _, b in pairs]
        if name == key or any(isinstance(v, (bool, list, dict)) for v in old):
            continue
        changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b and not is_blank(a) and not is_blank(b)]
        if len(changed) < _LEAST:
            continue
        value, count = Counter(b for _, b in changed).most_common(1)[0]
        before = old.count(value) / len(old)
        states = len(set(old)) < _STATES * len(old)
        many = max(_LEAST, (_FLOODED_STATES if states else _FLOODED) * len(pairs))
        own = len({a for a, b in changed if b == value})
        usual = max(Counter(old).most_common(1)[0][1], 1) / len(old)
        by_chance = not improbable(count / len(changed), len(changed), usual)
        if by_chance or value in given or len(set(old)) <= 2:
            continue
        if before <= _RARE and count >= many and own >= 2:
            got = f"{count} of {len(pairs)} rows with {_shown(pairs, name, value)!r}, which {old.count(value)} had"
            # A default leaves some rows as they were; a sale, or a new day, is the same for all.
            measured = all(is_amount(b.get(name)) for _, b in pairs)
            first_kept = old[0] == new[0] == value
            repeated = before > 0 and (first_kept or day_of(value) is not None)  # one row's stands in the others
            anew = measured and len(changed) >= _ANEW * len(pairs) and not (repeated and recent)
            wanted = "values of their own, as in the last run"
            yield Breach("flooded", f"{place}.{name}", wanted, got, "statistical", ordinary=anew)


def flooded_anew(place: str, new: Sequence[Row], fields: Mapping[str, Any], given: set[Any]) -> Iterator[Breach]:
    """Yield fields in which one value is much more frequent among rows than in any good run of other rows."""
    for name, learned in fields.items():
        values = [identity(v) for row in new if not is_blank(v := row.get(name)) and not isinstance(v, (list, dict))]
        if len(values) < ENOUGH_VALUES or learned.get("distinct", (0.0, 0.0))[0] < _VARIED:
            continue
        value, count = Counter(values).most_common(1)[0]
        known = learned.get("commonest", 1.0)
        share = count / len(values)
        few = count < _NEW_ROWS or share < _NEW_SHARE or learned.get("seen", 0) < _SEEN or count == len(values)
        if not few and value not in given and improbable(share, len(values), max(known, _RARE)):
            got = f"{count} of {len(values)} rows with {value!r}"
            wanted = f"one value in at most {known:.0%} of the rows"
            yield Breach("flooded", f"{place}.{name}", wanted, got, "statistical", ordinary=True)


def of_two_values(
    place: str, pairs: Sequence[tuple[Row, Row]], old: Sequence[Row], new: Sequence[Row], given: set[Any]
) -> Iterator[Breach]:
    """Yield fields of two values that have one in all rows now, or have the contrary in nearly all.

    Args:
        pairs: Rows of the last run that are still there, with their new ones.
    """
    for name in old[0] if old else ():
        had = [identity(row.get(name)) for row in old]
        counts = Counter(had)
        if len(counts) != 2 or min(counts.values()) < 2 or any(isinstance(v, (list, dict)) for v in had):
            continue
        path, both = f"{place}.{name}", " and ".join(f"{v!r} in {n}" for v, n in counts.most_common())
        rows = [(identity(a.get(name)), identity(b.get(name))) for a, b in pairs]
        other = sum(a != b and b in counts for a, b in rows)
        started = {a for a, _ in rows}
        if len(rows) >= _LEAST_FLIPPED and len(started) == 2 and other >= _FLIPPED * len(rows):
            yield Breach(
                "flipped", path, f"{both} of {len(had)} rows", f"the contrary in {other} of {len(rows)}", "doubtful"
            )
            continue
        now = {identity(row.get(name)) for row in new}
        if len(now) != 1 or not now <= set(counts) or now <= given:
            continue
        (value,) = now
        lost = sum(a != value for a, _ in rows)
        matched = len(rows) >= _LEAST_FLIPPED and lost >= max(_LEAST, _COLLAPSED * len(rows))
        by_chance = not rows and len(new) >= ENOUGH_VALUES and improbable(1.0, len(new), counts[value] / len(had))
        if matched or by_chance:
            got = f"{value!r} in all {len(new)} rows"
            yield Breach("collapsed", path, f"{both} of {len(had)} rows", got, "statistical", ordinary=True)


def _shown(pairs: Sequence[tuple[Row, Row]], name: str, value: Any) -> Any:
    return next(b.get(name) for _, b in pairs if identity(b.get(name)) == value)
