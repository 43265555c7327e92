"""The measures of a study: rates with their intervals, dollars and seconds, break-even."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.studies.intervals import Rate, quantile, rate

Row = Mapping[str, Any]
_Test = Callable[[Row], bool]


@dataclass(frozen=True)
class RateMeasure:
    """A rate: which runs count, and which of those are hits."""

    name: str
    about: str
    counts: _Test
    hits: _Test

    def of(self, rows: Iterable[Row]) -> Rate:
        """Return the rate over runs."""
        counted = [row for row in rows if self.counts(row)]
        return rate(sum(map(self.hits, counted)), len(counted))


def _phase(*names: str) -> _Test:
    return lambda row: row["phase"] in names and row["verdict"] != "not applied"


def _verdict(name: str) -> _Test:
    return lambda row: bool(row["verdict"] == name)


RATES: Mapping[str, RateMeasure] = {
    measure.name: measure
    for measure in (
        RateMeasure("success", "first runs with the right output", _phase("first"), _verdict("right")),
        RateMeasure("fidelity", "replays on the unchanged site with the right output", _phase("replay"),
                    _verdict("right")),
        RateMeasure("unaffected", "replays on a changed site with the right output", _phase("changed"),
                    _verdict("right")),
        RateMeasure("noticed", "replays on a changed site that failed and said so", _phase("changed"),
                    _verdict("failed")),
        RateMeasure("repaired", "repairs with the right output", _phase("repair"), _verdict("right")),
        RateMeasure("silently wrong", "runs of all phases that ended in success with a wrong output",
                    _phase("first", "replay", "changed", "repair"), _verdict("silently wrong")),
    )
}  # fmt: skip
"""The rates of a study, by name."""

AMOUNTS: Mapping[str, tuple[str, str, _Test]] = {
    "first run, dollars": ("usd", "dollars of a first run", _phase("first")),
    "repair, dollars": ("usd", "dollars of a repair", _phase("repair")),
    "first run, seconds": ("seconds", "seconds of a first run", _phase("first")),
    "replay, seconds": ("seconds", "seconds of a replay on the unchanged site", _phase("replay")),
    "repair, seconds": ("seconds", "seconds of a repair", _phase("repair")),
}
"""Measures in dollars and seconds, by name: the column, what it is, and which runs count."""


def arms(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the arms of a study, each a model and a set of options, in the study's order."""
    return list(dict.fromkeys((row["model"], row["options"]) for row in rows))


def of_arm(rows: Iterable[Row], arm: tuple[str, str]) -> list[Row]:
    """Return the rows of one arm."""
    return [row for row in rows if (row["model"], row["options"]) == arm]


def table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each rate of each arm, in all and under each variant.

    Returns:
        Rows with ``model``, ``options``, ``variant`` (None for all), ``measure``, ``count``, ``of``, ``value``, ``low``
        and ``high``.
    """
    found = []
    variants: list[str | None] = [None, *variants_of(rows)]
    for arm in arms(rows):
        for variant in variants:
            chosen = [row for row in of_arm(rows, arm) if variant is None or row["variant"] == variant]
            for measure in RATES.values():
                result = measure.of(chosen)
                if result.of or variant is None:
                    found.append({
                        "model": arm[0], "options": arm[1], "variant": variant, "measure": measure.name,
                        **asdict(result),
                    })  # fmt: skip
    return found


def variants_of(rows: Iterable[Row]) -> list[str]:
    """Return the names of the variants, in the study's order."""
    return list(dict.fromkeys(row["variant"] for row in rows if row["variant"] is not None))


def amounts(rows: Sequence[Row], arm: tuple[str, str]) -> dict[str, list[float]]:
    """Return dollars and seconds of an arm's runs, by the name of the measure."""
    chosen = of_arm(rows, arm)
    return {
        name: [float(row[column]) for row in chosen if counts(row)] for name, (column, _, counts) in AMOUNTS.items()
    }


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean and quantiles of what was measured; None of nothing."""
    mean = sum(values) / len(values) if values else None
    return {"mean": mean, **{f"p{share}": quantile(values, share / 100) for share in (10, 50, 90)}}


def break_even(rows: Iterable[Row]) -> list[float]:
    """Return for each trial the number of results from which on its saved code is cheaper than asking each time.

    That is the dollars of its first run and its repairs, divided by those of the first run: what a result costs where a
    model explores the site each time. Trials whose first run was wrong, or cost nothing, have none.
    """
    spent: dict[str, list[float]] = {}
    for row in rows:
        if row["phase"] == "first" and row["verdict"] == "right" and row["usd"] > 0:
            spent[row["trial"]] = [row["usd"], row["usd"]]
        elif row["trial"] in spent:
            spent[row["trial"]][1] += row["usd"]
    return [round(total / first, 9) for first, total in spent.values()]


def fidelity_over_time(rows: Sequence[Row], arm: tuple[str, str]) -> list[tuple[int, Rate]]:
    """Return for each replay, in order, the rate of right outputs."""
    replays = [row for row in of_arm(rows, arm) if row["phase"] == "replay"]
    numbers = sorted({row["replay"] for row in replays})
    return [(n, RATES["fidelity"].of([row for row in replays if row["replay"] == n])) for n in numbers]
