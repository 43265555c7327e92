"""Check what a candidate's run gave against the requirements, the page, and earlier outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.contract import (
    Breach,
    Observed,
    PreviousOutput,
    Severity,
    check,
    check_signature,
    count_confirmed,
)
from engine.diagnosis.triage import site_cause
from engine.errors import ModelOverBudget, ModelRejected
from engine.execution.automation_run import AutomationRun
from engine.gate import plausibility
from engine.gate.beyond import gone, missed
from engine.gate.borne_out import is_whole
from engine.gate.left_unread import left_unread
from engine.gate.mapped_values import mapped_with_default
from engine.gate.narrowed import first_elements, other_elements
from engine.gate.no_answer import nothing_answered, unread_values
from engine.gate.scraped import scraped
from engine.gate.static_checks import names_attribute
from engine.gate.verdicts import Requirements
from engine.task.cause import Cause
from sandbox import Evidence, ScriptError
from sandbox.results import BY_PAGE

_SAME_ROWS = 0.5  # of the last good output's rows, by which a repair still reads what was meant
_TOLD = 5  # departures of a repair from where values stood
# Kinds of departures that a single value has by its parameters: a name that is there for one user and not for another.
_OF_THESE = frozenset({"field-empty", "pattern", "error-text", "shortened", "garbled"})


async def problems(
    run: AutomationRun, requirements: Requirements, *, start_url: str | None, seen: Sequence[str]
) -> tuple[str, ...]:
    """Return the reasons why a run is not good, in words for the model; empty for a good run.

    Args:
        start_url: Address at which the run began.
        seen: All that the model looked at and printed.

    Raises:
        ModelError: ``task.ask`` could not be answered, for a reason that no other code could mend.
    """
    unanswered = run.model_error
    if unanswered is not None:
        # Code can ask less, but it cannot mend a key, an account or an endpoint.
        if not (isinstance(unanswered, (ModelOverBudget, ModelRejected)) or run.passed_gate):
            raise unanswered
        return (f"task.ask was not answered: {unanswered.message}",)
    if run.unshown is not None:
        return (run.unshown,)
    if run.rehearsed:
        return ()
    if run.outcome.error is not None:
        return (_failure(run.outcome.error) + run.said,)
    # In a thread: a large output takes seconds, in which other tasks go on.
    return tuple(await asyncio.to_thread(_output_problems, run, requirements, start_url, seen))


def _failure(error: ScriptError) -> str:
    if error.kind == "held":
        return _held(error)
    where = f" (line {error.line})" if error.line else ""
    return f"it failed{where}: {error}"


def _output_problems(
    run: AutomationRun, requirements: Requirements, start_url: str | None, seen: Sequence[str]
) -> list[str]:
    schema, outcome = requirements.schema, run.outcome
    observed = requirements.observed(run)
    found = [f"output {e}" for e in schema.errors(outcome.value)] if schema else []
    if schema is None and outcome.value is None:
        found.append("it returned None")
    found += [str(b) for b in breaches(observed, requirements) if b.structural]
    found += plausibility.doubts(observed)
    found += other_elements(observed)
    if not run.passed_gate:  # what was done is done: what the code knows or leaves out says nothing of this result
        found += [each.message for each in scraped(run.code, outcome.value, requirements.words) if each.returned]
        found += nothing_answered(observed, requirements.task, schema)
        found += [text for text, certain in _unfinished(observed, requirements, run.code, seen) if certain]
    if (wall := _site_cause(outcome.evidence, requirements, start_url)) is not None:
        found.append(f"what it read is not the site's content: {wall.message}")
    found += [
        f"task.empty({selector!r}) was told of an element that is not visible, or that is more than a short message"
        for selector, visible in outcome.evidence.empty
        if not visible
    ]
    # What an action gives, a reference or a receipt, is new each time.
    previous = None if run.gates else _previous(observed, requirements)
    return found + (plausibility.contradictions(previous, observed, seen) if previous is not None else [])


def _unfinished(
    run: Observed, requirements: Requirements, code: str, seen: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    """Yield where values were on no page, were gone when the page was quiet, or are some of more; certainly or not."""
    request = requirements.words
    if (early := gone(run)) is not None:
        yield early, True
    if (left := left_unread(run, request, code, requirements.parameters)) is not None:
        yield left
    if is_whole(run) and not names_attribute(code, "ask"):
        if (unread := unread_values(run, request, seen)) is not None:
            yield unread
    elif (unseen := plausibility.unseen(run, seen, code)) is not None:
        yield unseen, False


def _site_cause(evidence: Evidence, requirements: Requirements, start_url: str | None) -> Cause | None:
    logs_in = bool(requirements.secrets) or evidence.password_filled
    return site_cause(None, evidence, start_url=start_url, login_expected=logs_in, good=True)


def breaches(observed: Observed, requirements: Requirements) -> list[Breach]:
    """Return how the output departs from good outputs of the bundle; a repair may not change that."""
    if requirements.contract is None:
        return []
    same = _previous(observed, requirements)
    others = tuple(one for one in _history(requirements) if one != same)
    history = replace(requirements.history, same=same, others=others, provenance={})  # a repair reads elsewhere
    found = check({"output": requirements.contract.get("output", {})}, observed, history)
    if same is not None or not _history(requirements):
        return found
    # Single values that other parameters gave say nothing of these: the run with those others is held against them.
    proved_by_others = requirements.known_parameters is not None and not requirements.writes
    severity: Severity = "advisory" if proved_by_others else "statistical"
    return [replace(b, severity=severity) if b.kind in _OF_THESE and "[*]" not in b.path else b for b in found]


def advisories(run: AutomationRun, requirements: Requirements, *, code: str, seen: Sequence[str]) -> list[str]:
    """Return what may be right all the same, for the model to look at once more.

    Args:
        code: The candidate's source.
        seen: All that the model looked at and printed.
    """
    observed = requirements.observed(run)
    suspect = [str(b) for b in breaches(observed, requirements) if b.severity in ("doubtful", "statistical")]
    if suspect and count_confirmed(observed, {}):
        suspect = []
    previous = _previous(observed, requirements)
    known = [each.message for each in scraped(code, observed.output, requirements.words) if not each.returned]
    files = plausibility.replaced_files(previous, observed) if previous is not None else []
    found = (
        plausibility.none_let_through(observed),
        missed(observed),
        plausibility.failed_requests(observed),
    )
    return [
        *(text for text, certain in _unfinished(observed, requirements, code, seen) if not certain),
        *(advisory for advisory in found if advisory is not None),
        *([] if _borne_out(observed, previous) else _moved(observed, requirements)),
        *first_elements(observed),
        *plausibility.repeated(observed),
        *plausibility.early_reads(observed),
        *plausibility.same_values(observed),
        *plausibility.odd_rows(observed),
        *plausibility.placeholders(observed),
        *plausibility.empty_fields(observed),
        *suspect,
        *known,
        *files,
        *mapped_with_default(code, requirements.parameters),
        *(
            f"it accepts an agreement for the user ({label!r}): leave that out, go around it, or give up where the site"
            " demands it; it is right only where the task asks for it"
            for label in run.outcome.evidence.agreements
        ),
    ]


def notes(run: AutomationRun, requirements: Requirements) -> list[str]:
    """Return what the model is shown of a good trial, without having to look at it once more."""
    observed = requirements.observed(run)
    return _moved(observed, requirements) if _borne_out(observed, _previous(observed, requirements)) else []


def _borne_out(observed: Observed, previous: PreviousOutput | None) -> bool:
    """Return True where the rows are those that the same parameters gave before, wherever they stand now."""
    if previous is None or not previous.output:
        return False
    if previous.digest == observed.digest:
        return True
    now = observed.compacted
    return sum(row in now for row in previous.output) >= len(previous.output) * _SAME_ROWS


def _moved(observed: Observed, requirements: Requirements) -> list[str]:
    """Return in one text where a repair reads values otherwise than the code before it did."""
    signature = (requirements.contract or {}).get("provenance", {})
    departures = check_signature(signature, observed, requirements.history, requirements.task)
    told = [str(b) for b in departures if b.binds]
    if not told:
        return []
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return [
        "what it reads does not stand where the code before it read: "
        + "; ".join(told[:_TOLD])
        + f"{more}. It is right only where that still means what the task asks for"
    ]


def _previous(observed: Observed, requirements: Requirements) -> PreviousOutput | None:
    """Return the output that the run's parameters gave before, if any."""
    return plausibility.same_parameters(requirements.history, observed.parameters)


def _history(requirements: Requirements) -> list[PreviousOutput]:
    history = requirements.history
    return [one for one in (history.same, *history.others) if one is not None]


def _held(error: ScriptError) -> str:
    request = error.message.removesuffix(BY_PAGE)
    where = f"line {error.line} sends" if error.line else "it sends"
    if request != error.message:  # the line may just have waited meanwhile
        where = f"while line {error.line} ran, the page sent" if error.line else "at its end the page sent"
    return (
        f"{where} {request} outside task.irreversible; it was held back, and nothing was sent. If that submits,"
        " orders, posts, saves or deletes something, wrap just that action and the wait for its confirmation in"
        ' `async with task.irreversible("…"):`. If it changes nothing on the site, as a search does not, if the page'
        " sends it by itself, or if its change ends with the session, as a basket does, call write with reads_only"
        " alone, which says why: the same code runs again, and a second fresh browser must not see the change"
    )


def lasting(trace: str) -> str:
    """Return the advisory for a change that was said to end with the session, and did not.

    Args:
        trace: What a fresh browser showed of it.
    """
    return (
        f"what it sends outlives its session: afterwards a fresh browser shows {trace!r}, which was not so before. If"
        " that is a submission, an order or a saved change, wrap it in task.irreversible"
    )
