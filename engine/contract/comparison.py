"""Comparison of a result with earlier outputs: rows are matched by a key field, fields by their values."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.contract.bulk_changes import (
    affixed_anew,
    affixed_fields,
    displaced_rows,
    garbled_fields,
    recased_values,
    uniform_fields,
)
from engine.contract.chance import flooded, flooded_anew, of_two_values
from engine.contract.model import STEADY_JOINS, Breach, History, Observed, PreviousOutput, Severity
from engine.contract.moved import (
    another_file,
    exchanged_dates,
    in_new_order,
    multiplied,
    reassigned,
    shifted_fields,
    single_object,
    texts_cut,
)
from engine.contract.outputs import Row, beside, compact, identity, key_of, main_part, pairs_by, row_text
from engine.contract.patterns import is_amount, is_blank, is_missing, number
from engine.contract.placeholders import placeholders
from engine.contract.provenance.spellings import dates, day_of, normal, numbers
from engine.contract.recomputed import cut_texts, recomputed, respelled_fields
from engine.task.text import comparable

_MATCHED = 3  # rows; fewer prove nothing
_SAME = 0.6  # share of values that are another field's
_OWN = 0.3  # share of values that may still be the field's own
_LOST = 0.2  # share of rows that had a value and have none
_STABLE = 0.5  # share of values that changed from one run to the next, at most, in a field that is stable
_CHANGED = 0.9  # share that cannot change at once in such a field
_CUT = 0.8  # of the rows of the last run; fewer of them, from one end, are the first or the last page
_KEPT = 0.5  # share of values


def compare(run: Observed, history: History, known: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield the breaches of a result against earlier outputs of the same and of other parameters."""
    for breach in _compare(run, history, known):
        yield replace(breach, path=breach.path.removesuffix("."))  # of a value without a name


def _compare(run: Observed, history: History, known: Mapping[str, Any]) -> Iterator[Breach]:
    path, _, is_list = main_part(run.output, 1)
    new, past = run.compacted, history.same
    place = f"{path}[*]" if is_list else path
    if past is not None and past.beside and (now := beside(run.output)):
        yield from single_object("$", past.beside, now, {})
    if not new:
        return
    if not is_list:
        if past is not None and len(past.output) == 1:
            yield from garbled_fields(place, past.output, new)
            yield from single_object(place, past.output[0], new[0], past.changed)
        if sum(not is_blank(v) for v in new[0].values()) >= _MATCHED:
            yield from _same_output(run, history)
    elif len(new) >= _MATCHED and path in known:
        yield from _compare_lists(place, run, history, new, known[path]["fields"])
        yield from _same_output(run, history)


def _compare_lists(
    place: str, run: Observed, history: History, new: Sequence[Row], fields: Mapping[str, Any]
) -> Iterator[Breach]:
    given = {identity(value) for value in run.parameters.values() if not isinstance(value, (list, dict))}
    old = history.same.output if history.same is not None else ()
    if list(old) != list(new):  # most replays give what they gave before
        yield from _changed_lists(place, run, history, new, fields, given)
    yield from flooded_anew(place, new, fields, given)
    yield from placeholders(place, new, fields, run.evidence.maps)


def _changed_lists(
    place: str, run: Observed, history: History, new: Sequence[Row], fields: Mapping[str, Any], given: set[Any]
) -> Iterator[Breach]:
    """Yield the breaches of rows that are not those of the last output of the same parameters."""
    before = [past for past in (history.same, *history.others) if past is not None and past.output]
    if before:
        yield from _swapped(place, before[0].output, new)
    old = history.same.output if history.same is not None else ()
    for breach in uniform_fields(place, old, new, fields, run.parameters):
        kept, changed = _kept_and_changed(old, new, breach.path.removeprefix(f"{place}."))
        if kept + changed < _MATCHED or kept <= _KEPT * (kept + changed):
            measured = all(is_amount(row.get(breach.path.removeprefix(f"{place}."))) for row in new)
            yield replace(breach, ordinary=measured or changed < _MATCHED)  # one price, one day; new rows may be alike
    if history.same is not None and old:
        yield from garbled_fields(place, old, new)
        yield from affixed_fields(place, old, new)
        yield from affixed_anew(place, old, new)
        yield from respelled_fields(place, old, new)
        yield from cut_texts(place, old, new)
        yield from displaced_rows(place, old, new)
        yield from _against_same(place, history.same, new, fields, given)


def disagreements(old: Sequence[Row], output: Any, shown: str, steady: Collection[str]) -> list[str]:
    """Describe where an output contradicts an earlier one: fields that differ in most of the rows that both have.

    Args:
        old: The earlier output, as `compact` returned it.
        output: The new one.
        shown: Text of pages. It confirms a change if the new value is in it, in any spelling, and the old one is not.
        steady: Fields that do not change by themselves.
    """
    new = compact(output)
    alone = len(old) == len(new) == 1
    key = "" if alone else key_of(old, new)
    if key is None:
        return []
    page = _Shown(shown)
    pairs = [(old[0], new[0])] if alone else pairs_by(key, old, new)
    if not pairs and len(old) < _MATCHED:
        return []
    if not pairs:
        unknown = [row[key] for row in new if not _confirmed_by(old[0][key], row[key], page)]
        said = f"none of the {len(old)} rows of the last good output is in this one, by {key!r}: it had {old[0][key]!r}"
        return [f"{said}, this one has {unknown[0]!r}"] if unknown else []
    found = []
    for name in sorted({n for row in old for n in row if n in steady} - {key}):
        differ = [(a.get(key), a.get(name), b.get(name)) for a, b in pairs if not _equivalent(a.get(name), b.get(name))]
        unconfirmed = [d for d in differ if not _confirmed_by(d[1], d[2], page)]
        if len(differ) * 2 > len(pairs) and unconfirmed:
            which, was, now = unconfirmed[0]
            shown_name = name or "the value"
            found.append(
                f"{shown_name!r} differs from the last good output: it was {was!r} and is {now!r}" if alone else
                f"{name!r} differs from the last good output in {len(differ)} of the {len(pairs)} rows that both have:"
                f" of {which!r} it was {was!r} and is {now!r}"
            )  # fmt: skip
    return found


class _Shown:
    """Text of pages in which values are looked for, as the page may write them: "4 March 2025" for 2025-03-04."""

    def __init__(self, text: str) -> None:
        self._text = normal(text)
        self._numbers = {value for line in text.splitlines() for value, _ in numbers(line)}
        self._days = {day for line in text.splitlines() for day, _ in dates(line)}

    def has(self, value: Any) -> bool:
        """Return True where the text has a value."""
        if isinstance(value, bool):
            return str(value).casefold() in self._text
        if (size := number(value)) is not None:
            return size in self._numbers
        if isinstance(value, str) and (day := day_of(value)) is not None:
            return day in self._days
        return normal(str(value)) in self._text


def _confirmed_by(old: Any, new: Any, shown: _Shown) -> bool:
    return not is_blank(new) and shown.has(new) and (is_blank(old) or not shown.has(old))


def _equivalent(a: Any, b: Any) -> bool:
    if a == b or (is_blank(a) and is_blank(b)):
        return True
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return math.isclose(x, y)
    return comparable(str(a)) == comparable(str(b))


def _kept_and_changed(old: Sequence[Row], new: Sequence[Row], name: str) -> tuple[int, int]:
    """Return in how many matched rows a field's value is the same as before, and in how many it is another."""
    key = key_of(old, new)
    pairs = pairs_by(key, old, new) if key is not None else []
    kept = sum(a.get(name) == b.get(name) for a, b in pairs)
    return kept, len(pairs) - kept


def _swapped(place: str, old: Sequence[Row], new: Sequence[Row]) -> Iterator[Breach]:
    """Yield fields whose values are now those that another field had."""
    names = [n for n in old[0] if n in new[0] and not any(isinstance(r.get(n), bool) for r in (old[0], new[0]))]
    before = {n: {identity(r.get(n)) for r in old if not is_blank(r.get(n))} for n in names}
    now = {n: [identity(r.get(n)) for r in new if not is_blank(r.get(n))] for n in names}
    for name, other in itertools.combinations(names, 2):
        if _equal_share(new, name, other) >= _CHANGED and _equal_share(old, name, other) <= _OWN:
            yield Breach("swapped", f"{place}.{other}", "its own values", f"those of {name!r}", "doubtful")
    key = key_of(old, new)
    pairs = pairs_by(key, old, new) if key is not None else []
    for name in names:
        values = now[name]
        if len(set(values)) < _MATCHED or len(before[name]) < _MATCHED or _share(values, before[name]) > _OWN:
            continue
        for other in names:
            usual = _share(list(before[name]), before[other])
            if other == name or usual > _OWN or _share(values, before[other]) < _SAME:
                continue
            # Small numbers are easily those of another field: of these each row must have its own other one.
            same = sum(b.get(name) == a.get(other) for a, b in pairs)
            if all(isinstance(v, int) for v in values) and same < max(_MATCHED, _SAME * len(pairs)):
                continue
            got = f"values that {other!r} had before"
            yield Breach("swapped", f"{place}.{name}", "its own values", got, "doubtful")


def _equal_share(rows: Sequence[Row], name: str, other: str) -> float:
    """Return the share of rows in which two fields are equal."""
    return sum(not is_blank(r.get(name)) and bool(r.get(name) == r.get(other)) for r in rows) / len(rows)


def _share(values: Sequence[Any], among: set[Any]) -> float:
    return sum(v in among for v in values) / len(values) if values else 0.0


def _against_same(
    place: str, past: PreviousOutput, new: Sequence[Row], fields: Mapping[str, Any], given: set[Any]
) -> Iterator[Breach]:
    """Yield the breaches against the last output of the same parameters."""
    old = past.output
    key = key_of(old, new)
    pairs = pairs_by(key, old, new) if key is not None else []
    yield from of_two_values(place, pairs, old, new, given)
    if key is None:
        return
    shifted = list(shifted_fields(place, key, in_new_order(key, pairs, new)))
    yield from shifted
    yield from another_file(place, pairs)
    yield from flooded(place, key, pairs, given, recent=past.recent)
    if not shifted:
        yield from reassigned(place, key, pairs, old, new, past)
    stable = past.joins >= STEADY_JOINS and past.kept >= _STABLE
    if not pairs and stable and len(old) >= 5 and not _are_renamed(old, new, key):
        yield Breach("replaced", place, f"some of the {len(old)} rows of the last run", "none of them", _severity(past))
    if len(pairs) < _MATCHED:
        return
    for name in old[0]:
        values = [(a.get(name), b.get(name)) for a, b in pairs]
        yield from recased_values(f"{place}.{name}", values)
        yield from texts_cut(f"{place}.{name}", values)
        yield from exchanged_dates(f"{place}.{name}", values)
        in_order = [(a.get(name), b.get(name)) for a, b in in_new_order(key, pairs, new)]
        yield from recomputed(f"{place}.{name}", in_order, past, name)
    yield from _cut_off(place, [identity(row.get(key)) for row in old], [identity(row.get(key)) for row in new])
    for name in (n for n in old[0] if n != key):
        path = f"{place}.{name}"
        values = [(a.get(name), b.get(name)) for a, b in pairs]
        lost = sum(not is_missing(a) and is_missing(b) for a, b in values)
        if fields.get(name, {}).get("filled") == 1.0 and lost >= max(2, _LOST * len(pairs)) and lost < len(pairs):
            yield Breach(
                "lost", path, "the values that these rows had before", f"none in {lost} of {len(pairs)} rows",
                "statistical",
            )  # fmt: skip
        # Rows of other parameters may all lack the field, which the contract then admits; these rows had it.
        filled = fields.get(name, {}).get("filled", 1.0)
        covered = filled == 1.0 or filled * len(new) >= 5  # by the check of the contract itself
        if lost == len(pairs) and not covered and all(is_blank(row.get(name)) for row in new):
            yield Breach("field-empty", path, "the values that these rows had before", "none in any row")
        if factor := _factor(values):
            got = f"every one of them {factor:g} times as large"
            yield Breach("scale", path, "numbers as before", got, "doubtful")
            continue
        if alike := list(multiplied(path, values, past)):
            yield from alike
            continue
        changed = sum(a != b for a, b in values) / len(values)
        stable = past.joins >= STEADY_JOINS and past.changed.get(name, 1.0) <= _STABLE
        if stable and len(pairs) >= 5 and changed >= _CHANGED:
            yield Breach(
                "changed", path, "few changes from one run to the next", f"{changed:.0%} of the values",
                _severity(past), ordinary=True,
            )  # fmt: skip


def _are_renamed(old: Sequence[Row], new: Sequence[Row], key: str) -> bool:
    """Return True where rows are those of before by all but the field that names them."""
    had = {row_text({n: v for n, v in row.items() if n != key}) for row in old if len(row) > 2}
    kept = sum(row_text({n: v for n, v in row.items() if n != key}) in had for row in new)
    return kept >= _KEPT * len(old)


def _severity(past: PreviousOutput) -> Severity:
    """Return the severity of a change in stable data."""
    return "statistical" if past.recent else "advisory"


def _cut_off(place: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Breach]:
    """Yield a breach where only the first or only the last rows are left: data vanish anywhere, pages at an end."""
    if len(new) < _CUT * len(old) and list(new) in (list(old[: len(new)]), list(old[-len(new) :])):
        yield Breach(
            "cut-off", place, f"the {len(old)} rows of the last run", f"{len(new)} from one end", "statistical"
        )


def _factor(values: Sequence[tuple[Any, Any]]) -> float | None:
    """Return the power of ten, other than one, by which all numbers were multiplied, or None."""
    numbers = [(number(a), number(b)) for a, b in values if not is_blank(a) and not is_blank(b)]
    ratios = {round(math.log10(b / a), 6) for a, b in numbers if a and b and a * b > 0}
    if len(ratios) != 1 or any(not a or not b for a, b in numbers) or len({a for a, _ in numbers}) < _MATCHED:
        return None
    (power,) = ratios
    return 10.0**power if power == round(power) != 0 else None


def _same_output(run: Observed, history: History) -> Iterator[Breach]:
    """Yield a breach where the output is that of other parameters, and outputs used to differ by parameters."""
    mine, now = {n: identity(v) for n, v in run.parameters.items()}, run.digest
    others = history.others_of_account
    digests = [past.digest for past in others]
    if history.same is not None:
        distinct_before = history.same.digest not in (now, *digests)
    else:
        distinct_before = len(digests) >= 2 and len(set(digests)) == len(digests) and not _shows_a_parameter(run)
    for past in others if distinct_before else ():
        if past.digest == now and {n: identity(v) for n, v in past.parameters.items()} != mine:
            shown = json.dumps(dict(past.parameters), ensure_ascii=False)
            yield Breach("same-output", "$", "an output of its own", f"exactly that of {shown}", "statistical")
            return


def _shows_a_parameter(run: Observed) -> bool:
    """Return True where the page shows a parameter's value."""
    shown = f"{run.evidence.title}\n{run.evidence.text}".casefold()
    return any(isinstance(v, str) and len(v) >= 3 and v.casefold() in shown for v in run.parameters.values())
