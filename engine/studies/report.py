"""The report of a study, and of two beside each other, as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.reports.page import page
from engine.studies import measures, plots
from engine.studies.comparison import arm_name, compare_arms, compare_studies
from engine.studies.intervals import quantile
from engine.studies.measures import RATES, Row

if TYPE_CHECKING:
    from engine.studies.results import StudyResults

_TEMPLATES = Path(__file__).with_name("templates")
_MOST_FAULTS = 100


def study_report(study: StudyResults) -> str:
    """Return the report of a study as HTML.

    Raises:
        EngineError: The packages of the extra ``study`` are not installed.
    """
    return page("study.html", study_facts(study), directory=_TEMPLATES)


def comparison_report(first: StudyResults, second: StudyResults) -> str:
    """Return the comparison of two studies as HTML; errors as for `study_report`."""
    rows, others = first.rows(), second.rows()
    facts = {
        "first": _measured(first), "second": _measured(second),
        "compared": compare_studies(first.name, second.name, rows, others),
        "arms": [{"study": name, **_arm(arm_name(found, arm), found, arm)}
                 for name, found in ((first.name, rows), (second.name, others)) for arm in measures.arms(found)],
        "rates": RATES,
    }  # fmt: skip
    return page("comparison.html", facts, directory=_TEMPLATES)


def study_facts(study: StudyResults) -> dict[str, Any]:
    """Return what the report of a study shows, for its template."""
    rows = study.rows()
    arms = measures.arms(rows)
    names = {arm: arm_name(rows, arm) for arm in arms}
    even = {names[arm]: measures.break_even(measures.of_arm(rows, arm)) for arm in arms}
    every = [result for results in even.values() for result in results]
    amounts = {names[arm]: measures.amounts(rows, arm) for arm in arms}
    faults = [row for row in rows if row["verdict"] in ("failed", "silently wrong") and row["says"]]
    faults.sort(key=lambda row: row["verdict"] != "silently wrong")  # what must not be comes first
    return {
        "study": _measured(study),
        "rates": RATES,
        "overall": {name: measure.of(rows) for name, measure in RATES.items()},
        "arms": [_arm(names[arm], rows, arm) for arm in arms],
        "variants": _variants(rows, names),
        "tasks": _tasks(rows, names),
        "amounts": {about: {name: measures.spread(found[about]) for name, found in amounts.items()}
                    for about in measures.AMOUNTS},
        "units": {about: column for about, (column, _, _) in measures.AMOUNTS.items()},
        "break_even": quantile(every, 0.5),
        "compared": compare_arms(rows),
        "faults": faults[:_MOST_FAULTS],
        "faults_left_out": max(0, len(faults) - _MOST_FAULTS),
        "plots": _plots(rows, names, amounts, even),
    }  # fmt: skip


def _measured(study: StudyResults) -> dict[str, Any]:
    """Return what a study was, and how and where it was measured."""
    plan, ended = study.plan["study"], [trial.end.at for trial in study.trials if trial.end]
    return {
        "name": study.name, "plan": plan, "directory": study.directory, "complete": study.complete,
        "trials": len(study.trials), "planned": study.planned, "lost": study.lost, "usd": study.usd,
        "begun": study.plan["begun"], "ended": max(ended).isoformat(timespec="seconds") if ended else None,
        "versions": study.plan["versions"], "machine": study.plan["machine"], "hash": study.plan["data_sha256"],
        "answered_by": sorted({line.model for trial in study.trials for line in trial.answers if line.model}),
    }  # fmt: skip


def _arm(name: str, rows: Sequence[Row], arm: tuple[str, str]) -> dict[str, Any]:
    chosen = measures.of_arm(rows, arm)
    even = measures.break_even(chosen)
    return {
        "name": name,
        "rates": {each: measure.of(chosen) for each, measure in RATES.items()},
        "usd": sum(row["usd"] for row in chosen),
        "break_even": quantile(even, 0.5),
    }


def _variants(rows: Sequence[Row], names: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    return [
        {
            "variant": variant,
            "arm": name,
            **_outcomes([r for r in measures.of_arm(rows, arm) if r["variant"] == variant]),
        }
        for variant in measures.variants_of(rows)
        for arm, name in names.items()
    ]


def _outcomes(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what came of one change of the site: the four outcomes that add up to all trials under it."""
    last: dict[str, Row] = {row["trial"]: row for row in rows}
    ends = [
        "repaired" if row["phase"] == "repair" and row["verdict"] == "right" else row["verdict"]
        for row in last.values()
    ]
    changed = [row for row in rows if row["phase"] == "changed"]
    return {
        "counts": {name: ends.count(name) for name in ("right", "repaired", "failed", "silently wrong")},
        "not_applied": ends.count("not applied"),
        "rates": {name: RATES[name].of(rows) for name in ("unaffected", "noticed", "repaired", "silently wrong")},
        "trials": len(changed),
    }


def _tasks(rows: Sequence[Row], names: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    return [
        {
            "task": task,
            "success": {
                name: RATES["success"].of([row for row in measures.of_arm(rows, arm) if row["task"] == task])
                for arm, name in names.items()
            },
        }
        for task in tasks
    ]


def _plots(
    rows: Sequence[Row], names: Mapping[tuple[str, str], str], amounts: Mapping[str, Mapping[str, Sequence[float]]],
    even: Mapping[str, Sequence[float]],
) -> dict[str, Any]:  # fmt: skip
    def of(about: str) -> dict[str, Sequence[float]]:
        return {name: found[about] for name, found in amounts.items()}

    by_change = {f"{change['variant']}: {change['arm']}": change["counts"] for change in _variants(rows, names)}
    return {
        "success": plots.rates_plot(
            {name: RATES["success"].of(measures.of_arm(rows, arm)) for arm, name in names.items()}, "success"
        ),
        "changes": plots.shares_plot(by_change, "changes") if by_change else None,
        "fidelity": plots.lines_plot(
            {name: measures.fidelity_over_time(rows, arm) for arm, name in names.items()}, "replay", "fidelity"
        ),
        "dollars": plots.spreads_plot(of("first run, dollars"), "dollars of a first run", "dollars"),
        "first": plots.spreads_plot(of("first run, seconds"), "seconds of a first run", "first"),
        "replays": plots.spreads_plot(of("replay, seconds"), "seconds of a replay", "replays"),
        "even": plots.spreads_plot(even, "results", "even"),
    }
