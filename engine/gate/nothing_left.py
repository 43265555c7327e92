"""A value for which a filter in code lets no row through: that must be an answer, and no failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.contract import nothing_there, rows
from engine.execution.automation_run import AutomationRun
from engine.gate.parameter_use import compares
from engine.gate.verdicts import Requirements, Trial

_LONGEST = 15.0  # seconds of a run that is worth one or two more
_FAR = 10**9  # beyond all prices, years and numbers of pieces
_PLAIN = re.compile(r"[^\W\d_][^\d]*")
_NO_SUCH = "Zzyzx Qwv"


def values_without_rows(first: AutomationRun, other: AutomationRun, required: Requirements) -> Iterator[dict[str, Any]]:
    """Yield values of parameters that may leave no row, where code alone filters by them; the browser did the same.

    Args:
        first: The run with the task's own parameters.
        other: That with others.
    """
    changed = {name for name, value in first.parameters.items() if other.parameters.get(name) != value}
    same = set(first.outcome.evidence.inputs) == set(other.outcome.evidence.inputs)
    counts = rows(first.outcome.value), rows(other.outcome.value)
    if not same or not all(counts) or first.outcome.seconds > _LONGEST or not compares(first.code, changed):
        return
    values = {name: first.parameters[name] for name in sorted(changed - required.secrets)}
    if values and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values.values()):
        yield dict.fromkeys(values, -_FAR)
        yield dict.fromkeys(values, _FAR)
    elif values and all(isinstance(v, str) and _PLAIN.fullmatch(v) for v in values.values()):
        yield dict.fromkeys(values, _NO_SUCH)


def refuses_nothing(trial: Trial, values: Mapping[str, Any], contract: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a run that should have let no row through; None where it did, or that cannot be told.

    A text that the site does not know may be an error, so only a number has to leave an answer.

    Args:
        contract: What was learnt from the good runs, by which later runs without a row are judged.
    """
    run, shown = trial.run, json.dumps(dict(values), ensure_ascii=False)
    if run is None or trial.good or rows(run.outcome.value):
        return None
    if run.outcome.ok and nothing_there(contract, run.observed()) is not None:
        return None
    if run.outcome.error is not None and (
        run.outcome.error.kind != "script" or any(isinstance(value, str) for value in values.values())
    ):
        return None
    return (
        f"with {shown}, for which the filter leaves nothing: {trial.problems[0]}; no rows are an answer there: hand all"
        " rows to task.read before the filter, and return what is left"
    )
