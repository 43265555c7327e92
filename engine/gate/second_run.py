"""The run with other parameters: what it proves of code that only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contract import empty_confirmed, rows
from engine.execution.automation_run import AutomationRun
from engine.gate import plausibility
from engine.gate.parameter_use import same_output, says_not_found, use_of
from engine.gate.verdicts import Requirements, Trial


@dataclass(frozen=True)
class Proof:
    """The proof that the parameters are used.

    Args:
        run: The run with other parameters, from which the contract is learnt, too; None where there is none.
        one_example: True where no other values are known: the next run with others must confirm the code.
    """

    run: AutomationRun | None
    one_example: bool = False


@dataclass(frozen=True)
class Findings:
    """Findings that speak against the code.

    Args:
        advisories: Findings that the model may insist on.
    """

    problems: tuple[str, ...] = ()
    advisories: tuple[str, ...] = ()


def changed_values(required: Requirements, other: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the other parameters that change something: no secrets, and no values of the task."""
    return {k: v for k, v in other.items() if k not in required.secrets and required.parameters.get(k) != v}


def needs_values(names: list[str], unknown: list[str]) -> str:
    """Return the request for values to run with."""
    return (
        f"finish needs other_parameters: other values that the site knows, for which the output differs, for at least"
        f" one of {names}; where none can be known (an own account, a tracking number), give no_other_values, the"
        " reason, and in other_parameters a made-up value if the site then says that it knows none such"
        + (f"; unknown: {unknown}" if unknown else "")
    )


def judge(
    first: AutomationRun,
    trial: Trial,
    changed: Mapping[str, Any],
    required: Requirements,
    seen: Sequence[str] = (),
) -> Findings:
    """Judge a run with other parameters beside the first one.

    An output that differs shows that the parameters are used; where it is equal, what the runs did with them does.
    """
    shown = json.dumps(dict(changed), ensure_ascii=False)
    run = trial.run
    if run is None or not trial.good:
        return Findings(tuple(f"with other_parameters {shown}: {p}" for p in trial.problems))
    if rows(run.outcome.value) == 0 and rows(first.outcome.value):
        nothing = f"with {shown} there is nothing, which proves nothing: propose values for which the output has rows"
        return Findings((nothing,))
    before, after = required.observed(first), required.observed(run)
    if rows(run.outcome.value) == 0 and not empty_confirmed(before):
        nothing = f"with {shown} there is nothing, either: propose values for which the filter lets some rows through"
        return Findings((nothing,))
    if unlike := plausibility.unlike(before, after):
        return Findings(tuple(f"with other_parameters {shown}: {u}" for u in unlike))
    advisories = plausibility.unread_fields(before, after, required.words, seen)
    if not same_output(first, run):
        return Findings(advisories=tuple(advisories))
    same = "the same as" if run.outcome.value == first.outcome.value else "but for these values the same as"
    use = use_of(first, run, changed)
    if use == "none":
        return Findings((
            f"with {shown} the output is {same} with the task's own parameters, and the runs did the same; either the"
            " code ignores them, or propose values for which it must differ",
        ))  # fmt: skip
    if use in ("chosen", "typed"):
        advisories.append(
            f"with {shown} the output is {same} with the task's own parameters: the value was {use}, but no request is"
            " known to have carried it: does the page take it, or must it be submitted?"
        )
    return Findings(advisories=tuple(advisories))


def judge_made_up(first: AutomationRun, trial: Trial, changed: Mapping[str, Any]) -> Proof | None:
    """Return what a made-up value proves: by the site's own "not found", or by a failure that the value made.

    None where the run did not use it.
    """
    run = trial.run
    if run is None or use_of(first, run, changed) == "none":
        return None
    if says_not_found(first, run, changed):
        return Proof(None)
    return None if run.outcome.ok else Proof(None, one_example=True)
