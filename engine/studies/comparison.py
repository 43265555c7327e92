"""Paired comparisons: what two models, or two studies, did on the same things."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from engine.studies.intervals import Difference, paired_means, paired_rates
from engine.studies.measures import Row, arms, of_arm

Unit = Literal["rate", "dollars", "seconds"]
_Values = dict[Hashable, float]


@dataclass(frozen=True)
class Compared:
    """One measure of two, on the pairs that both have.

    Args:
        first, second: Names of the two.
        measure: What is compared.
        unit: Its unit.
        difference: The second less the first.
    """

    first: str
    second: str
    measure: str
    unit: Unit
    difference: Difference


def compare_arms(rows: Sequence[Row]) -> list[Compared]:
    """Compare each two arms of a study, on the same tasks, repeats and variants."""
    return [
        each
        for one, other in combinations(arms(rows), 2)
        for each in _compare(
            arm_name(rows, one), arm_name(rows, other), of_arm(rows, one), of_arm(rows, other),
            lambda row: (row["task"], row["repeat"]),
        )
    ]  # fmt: skip


def arm_name(rows: Sequence[Row], arm: tuple[str, str]) -> str:
    """Return the name of an arm: the model's, with that of the options where there are several."""
    return arm[0] if len({row["options"] for row in rows}) == 1 else f"{arm[0]}, {arm[1]}"


def compare_studies(first: str, second: str, rows: Sequence[Row], others: Sequence[Row]) -> list[Compared]:
    """Compare two studies, on what both have: the same tasks, models, options, repeats and variants."""
    return _compare(first, second, rows, others, lambda row: (row["task"], row["model"], row["options"], row["repeat"]))


def _compare(
    first: str, second: str, rows: Sequence[Row], others: Sequence[Row], key: Callable[[Row], Hashable]
) -> list[Compared]:
    found: list[Compared] = []
    for name, unit, measured in _MEASURES:
        a, b = measured(rows, key), measured(others, key)
        shared = [each for each in a if each in b]
        difference = (
            paired_rates([(bool(a[each]), bool(b[each])) for each in shared])
            if unit == "rate"
            else paired_means([(a[each], b[each]) for each in shared])
        )
        if difference is not None:
            found.append(Compared(first, second, name, unit, difference))
    return found


def _success(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> _Values:
    return {key(row): row["verdict"] == "right" for row in rows if row["phase"] == "first"}


def _withstood(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> _Values:
    """Return for each change of the site True where the output was right in the end: unaffected, or repaired."""
    return {each: verdicts[-1] == "right" for each, verdicts in _under_variants(rows, key).items()}


def _silently_wrong(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> _Values:
    return {each: "silently wrong" in verdicts for each, verdicts in _under_variants(rows, key).items()}


def _under_variants(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = {}
    for row in rows:
        if row["variant"] is not None and row["verdict"] != "not applied":
            found.setdefault((key(row), row["variant"]), []).append(row["verdict"])
    return found


def _amount(phase: str, column: str) -> Callable[[Iterable[Row], Callable[[Row], Hashable]], _Values]:
    def measured(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> _Values:
        found: dict[Hashable, list[float]] = {}
        for row in rows:
            if row["phase"] == phase:
                found.setdefault(key(row), []).append(float(row[column]))
        return {each: sum(values) / len(values) for each, values in found.items()}

    return measured


def _trial_dollars(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> _Values:
    found: dict[Hashable, float] = {}
    for row in rows:
        found[key(row)] = found.get(key(row), 0.0) + float(row["usd"])
    return found


_Measured = Callable[[Iterable[Row], Callable[[Row], Hashable]], Mapping[Hashable, Any]]
_MEASURES: tuple[tuple[str, Unit, _Measured], ...] = (
    ("first run right", "rate", _success),
    ("right after a change, repairs included", "rate", _withstood),
    ("silently wrong after a change", "rate", _silently_wrong),
    ("first run, dollars", "dollars", _amount("first", "usd")),
    ("whole trial, dollars", "dollars", _trial_dollars),
    ("first run, seconds", "seconds", _amount("first", "seconds")),
    ("replay, seconds", "seconds", _amount("replay", "seconds")),
)
