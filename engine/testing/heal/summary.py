"""Rates with their intervals, and tables for people."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.studies.intervals import wilson
from engine.task.formatting import dollars
from engine.testing.drift import Verdict
from engine.testing.heal.bench import Findings, Row
from engine.testing.heal.changes import CHANGES

_SIGNS = {"unaffected": ".", "noticed": "n", "repaired": "r", "silently wrong": "W"}
_LEGEND = (
    ".  unaffected: the output was right          n  noticed: the run failed, and says why",
    "r  repaired: noticed, then right             !  false alarm: noticed, though the output was right",
    "W  silently wrong: success, wrong output     -  the change found nothing to change",
)


@dataclass(frozen=True)
class Rate:
    """A count out of a total, with its 95% interval by Wilson's method.

    >>> rate = Rate.of(3, 10)
    >>> round(rate.share, 2), round(rate.low, 3), round(rate.high, 3)
    (0.3, 0.108, 0.603)
    """

    count: int
    total: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, count: int, total: int) -> Rate:
        """Return the rate; of nothing, 0 with the whole interval."""
        return cls(count, total, count / total if total else 0.0, *wilson(count, total))

    def __str__(self) -> str:
        return f"{self.count} ({self.share:.0%}, {self.low:.0%} to {self.high:.0%})"


@dataclass(frozen=True)
class Line:
    """The measures of one system, with one model or with none, over all sites, changes and seeds.

    Args:
        model: The model that could be asked in these runs; empty if none.
        empty: Those of the silently wrong outputs that were an empty list.
        dollars: Price of the runs under changes.
        seconds: Median wall time of a run.
    """

    system: str
    model: str
    runs: int
    unaffected: Rate
    noticed: Rate
    repaired: Rate
    silently_wrong: Rate
    false_alarms: Rate
    empty: int
    dollars: float
    seconds: float


def summary(found: Findings) -> list[Line]:
    """Return a line for each system, and for each model that it could ask."""
    groups = dict.fromkeys((row.system, row.model) for row in found.rows)
    return [_line(*group, [row for row in found.rows if (row.system, row.model) == group]) for group in groups]


def _line(system: str, model: str, rows: Sequence[Row]) -> Line:
    def rate(verdict: Verdict) -> Rate:
        return Rate.of(sum(row.verdict == verdict for row in rows), len(rows))

    return Line(
        system=system,
        model=model,
        runs=len(rows),
        unaffected=rate("unaffected"),
        noticed=rate("noticed"),
        repaired=rate("repaired"),
        silently_wrong=rate("silently wrong"),
        false_alarms=Rate.of(sum(row.false_alarm for row in rows), len(rows)),
        empty=sum(row.empty for row in rows),
        dollars=round(sum(row.dollars for row in rows), 6),
        seconds=round(statistics.median(row.seconds for row in rows), 2),
    )


_HEAD = (
    "system", "model", "runs", "unaffected", "repaired", "noticed", "silently wrong", "false alarms", "dollars",
    "seconds",
)  # fmt: skip


def table(found: Findings) -> str:
    """Format the measures: a line for each system and model."""
    rows = [
        [line.system, line.model or "none", str(line.runs), str(line.unaffected), str(line.repaired), str(line.noticed),
         str(line.silently_wrong), str(line.false_alarms), dollars(line.dollars), f"{line.seconds:.1f}"]
        for line in summary(found)
    ]  # fmt: skip
    return "\n".join(aligned([_HEAD, *rows]))


def notes(found: Findings) -> list[str]:
    """Return what the table does not say: the price of learning, the sites left out, and empty outputs."""
    said = []
    for system in dict.fromkeys(lesson.system for lesson in found.lessons):
        lessons = [each for each in found.lessons if each.system == system]
        taught = [each for each in lessons if not each.fault]
        names = ", ".join(dict.fromkeys(each.site for each in taught)) or "no site"
        price = sum(each.dollars for each in taught)
        models = ", ".join(dict.fromkeys(each.model for each in taught if each.model)) or "no model"
        said.append(f"{system} ({lessons[0].version}): {lessons[0].about}")
        said.append(f"{system}: measured on {names}; learning cost {dollars(price)} ({models})")
        said += [f"{system}: {each.site} was not measured: {each.fault}" for each in lessons if each.fault]
        empty = sum(row.empty for row in found.rows if row.system == system)
        if empty:
            said.append(f"{system}: {empty} of its silently wrong outputs were empty lists")
    return said


def details(found: Findings) -> str:
    """Format every run: a line for each change, a column for each system, a sign for each site, then a legend."""
    systems = list(dict.fromkeys(lesson.system for lesson in found.lessons if not lesson.fault))
    places = {name: _places(found, name) for name in systems}
    signs = {
        (row.system, row.site, row.seed, row.change): "!" if row.false_alarm else _SIGNS[row.verdict]
        for row in found.rows
    }
    known = {row.change for row in found.rows}
    rows = [["change", *systems]]
    rows += [
        [each.name, *("".join(signs.get((name, *place, each.name), "-") for place in places[name]) for name in systems)]
        for each in CHANGES
        if each.name in known
    ]  # fmt: skip
    columns = [f"{name}: {', '.join(dict.fromkeys(site for site, _ in places[name]))}" for name in systems]
    return "\n".join([*aligned(rows), "", *_LEGEND, "signs in the order of the sites:", *columns])


def _places(found: Findings, system: str) -> list[tuple[str, int]]:
    return sorted((each.site, each.seed) for each in found.lessons if each.system == system and not each.fault)


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield rows of a table with columns of one width each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip() for row in rows)
