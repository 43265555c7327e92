"""Judge a replay: what it gave, the page it ended on, then other parameters and one small question to the model.

run ──▶ first_verdict ──▶ Accepted · PassedGate · SiteAtFault
             │ Suspect: the run alone does not settle it
             ▼
           settle ──────▶ Accepted · NewData · ParametersAtFault · SiteAtFault · Drifted
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.bundles import Bundle
from engine.contract import (
    Breach,
    check,
    empty_confirmed,
    lists_nothing,
    names_what_was_asked,
    nothing_there,
    permanent_message,
    rows,
    widen,
)
from engine.diagnosis.failures import Failed, model_failure
from engine.diagnosis.triage import site_cause
from engine.errors import ModelError
from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.gate.parameter_use import comparable_output, use_of
from engine.runs.confirm import ask_whether_legitimate, row_count_confirmed
from engine.runs.context import RunContext
from engine.runs.nothing_found import nothing_found
from engine.runs.refusal import explain_refusal
from engine.runs.verdict import (
    Accepted,
    Drifted,
    NewData,
    OtherParameters,
    ParametersAtFault,
    PassedGate,
    SiteAtFault,
    Suspect,
    Verdict,
)
from engine.task.cause import Cause
from engine.task.schema import nullable, schema_in_force

_OF_LOGINS = ("one-time-code",)
_MILD = frozenset({"field-empty"})  # excused where the same code still fills the field of others


async def first_verdict(
    context: RunContext, bundle: Bundle, run: AutomationRun
) -> Accepted | PassedGate | SiteAtFault | Suspect:
    """Judge a replay by what it gave and the page it ended on.

    Raises:
        Failed: A judgment that the automation asked for could not be given.
    """
    found = await _findings(context, bundle, run)
    problems, breaches = found.problems, found.breaches
    cause = cause_at_site(context, bundle, run, good=not problems)
    if problems:
        await _emit_failure(context, run, problems, breaches, cause)
    # What was done is done: nothing is run again, nor with other parameters, to doubt the result of it.
    if not problems and cause is None and (run.passed_gate or rows(run.outcome.value) != 0):
        unproven = not run.passed_gate and await _is_unproven(context, bundle, run)
        if unproven:
            return Suspect(run, breaches=breaches, unproven=True)
        return Accepted(run, breaches, unasked=found.unasked)
    reason = cause.reason if cause is not None else "drift" if problems else None
    if run.passed_gate and reason is not None and not (cause is None and found.only_doubtful):
        told = problems or ([cause.message] if cause is not None else [])
        return PassedGate(run, told, bundle.automation, reason)
    if cause is not None and not _may_have_moved(context, run, cause):
        return SiteAtFault(await explain_refusal(context, run.outcome.session, cause), run)
    return Suspect(run, problems, breaches, reason, only_doubtful=found.only_doubtful)


async def good_as_it_is(context: RunContext, bundle: Bundle, run: AutomationRun) -> Accepted | None:
    """Return the verdict on a replay that is good without a doubt; None for any other, which nobody is told of."""
    found = await _findings(context, bundle, run)
    if found.problems or found.unasked or rows(run.outcome.value) == 0:
        return None
    if cause_at_site(context, bundle, run, good=True) is not None or await _is_unproven(context, bundle, run):
        return None
    return Accepted(run, found.breaches)


async def judge_other(context: RunContext, bundle: Bundle, run: AutomationRun) -> OtherParameters:
    """Judge a replay with parameters that gave rows before: it tells of the code, not of the request's parameters."""
    if run.rehearsed:
        return OtherParameters(works=True)
    found = await _findings(context, bundle, run)
    works = not found.problems and rows(run.outcome.value) != 0
    cause = cause_at_site(context, bundle, run, good=works)
    if cause is not None and not _may_have_moved(context, run, cause):
        return OtherParameters(obstacle=SiteAtFault(cause))
    # What is doubtful there, too, says neither that the code works nor that it does not.
    known = None if found.only_doubtful else works
    return OtherParameters(known, run.outcome.evidence.text, run, problems=found.problems)


async def settle(context: RunContext, bundle: Bundle, suspect: Suspect, other: OtherParameters) -> Verdict:
    """Settle a suspect result: by other parameters, by one small question to the model, else as drift.

    Raises:
        Failed: The model could not be asked.
    """
    run, problems = suspect.run, suspect.problems
    if other.obstacle is not None:
        return other.obstacle
    if suspect.unproven:
        return _settle_unproven(suspect, other)
    # An empty list that the page does not speak of is right, too, while the same code finds rows for others.
    likely = other.works and suspect.nothing_likely
    if not problems or (likely and await asyncio.to_thread(_may_be_of_parameters, context, bundle, run)):
        return await _settle_empty(context, bundle, suspect, other)
    if other.works and await asyncio.to_thread(_lists_nothing, context, bundle, suspect):
        context.warnings.append("there are no rows: the page of what was asked for lists none, and says nothing of it")
        return Accepted(run, suspect.breaches)
    if other.works:
        return await _new_parameters(context, bundle, suspect, nothing_found(run.outcome, other))
    if other.works is None and not await context.is_pinned() and await _confirmed(context, bundle, suspect):
        return NewData(run, await _widened(context, bundle, run), problems, in_words=suspect.only_doubtful)
    return _not_confirmed(bundle, suspect)


async def _widened(context: RunContext, bundle: Bundle, run: AutomationRun) -> Bundle:
    contract = await asyncio.to_thread(lambda: widen(bundle.contract, context.good_runs.observed(run)))
    return replace(bundle, contract=context.redactor.data(contract, numbers=False))


def _may_be_of_parameters(context: RunContext, bundle: Bundle, run: AutomationRun) -> bool:
    """Return False for a page that does not name what was asked for, as those of good runs do: of an unknown value."""
    signature = bundle.contract.get("provenance", {})
    return names_what_was_asked(context.good_runs.observed(run), signature) is not False


def _lists_nothing(context: RunContext, bundle: Bundle, suspect: Suspect) -> bool:
    """Return True where an empty result alone is suspect, and the page that was asked for lists nothing."""
    held = _held(context, suspect.breaches)
    if any(b.kind != "no-rows" for b in held) or len(suspect.problems) > len(held):
        return False
    return lists_nothing(context.good_runs.observed(suspect.run), bundle.contract)


def _not_confirmed(bundle: Bundle, suspect: Suspect) -> Drifted | PassedGate:
    if suspect.run.passed_gate:  # what was done is done: nothing is run again
        return PassedGate(suspect.run, suspect.problems, bundle.automation)
    return Drifted(suspect.run, suspect.problems, suspect.breaches)


@dataclass(frozen=True)
class _Findings:
    """The problems of a run, and its departures from the contract.

    A good run has no problems: it ran, the output fits the schema, and the contract holds.

    Args:
        only_doubtful: True where all problems are doubtful departures.
        unasked: True where the request takes departures as they are, of which the model would be asked.
    """

    problems: Sequence[str] = ()
    breaches: Sequence[Breach] = ()
    only_doubtful: bool = False
    unasked: bool = False


async def _findings(context: RunContext, bundle: Bundle, run: AutomationRun) -> _Findings:
    if run.model_error is not None:
        raise Failed(model_failure(run.model_error))
    if run.unshown is not None:
        return _Findings([run.unshown])
    error = run.outcome.error
    if error is not None:
        return _Findings([f"{error}{run.said}"])
    # In a thread: a large output takes seconds, in which other tasks go on.
    return await asyncio.to_thread(_output_findings, context, bundle, run)


def _output_findings(context: RunContext, bundle: Bundle, run: AutomationRun) -> _Findings:
    schema, good_runs = context.schema, context.good_runs
    problems = [f"output {e}" for e in schema.errors(run.outcome.value)] if schema else []
    observed = good_runs.observed(run)
    breaches = check(bundle.contract, observed, good_runs.history_of(bundle, run.parameters))
    bound = [b for b in breaches if b.binds]
    if bound and not problems and row_count_confirmed(bound, observed, bundle.contract):
        bound = []
    held = _held(context, bound)
    return _Findings(
        problems + [str(b) for b in held],
        breaches,
        only_doubtful=not problems and bool(held) and all(b.severity == "doubtful" for b in held),
        unasked=len(held) < len(bound),
    )


def _held(context: RunContext, breaches: Sequence[Breach]) -> list[Breach]:
    """Return the departures that this request does not take as they are."""
    return [b for b in breaches if b.binds and (b.structural or context.request.trust != "lenient")]


def cause_at_site(context: RunContext, bundle: Bundle, run: AutomationRun, *, good: bool) -> Cause | None:
    """Return what stood in the way, if that is where the run ended: a good result of such a page is none.

    It passes by itself only where another try would not send again what may have been sent.
    """
    error, evidence = run.outcome.error, run.outcome.evidence
    sent = writes(evidence) or (bundle.meta.effects != "read" and evidence.state_changing)
    if error is not None and error.kind == "crash":
        return Cause("browser-crashed", f"the browser crashed while the automation ran: {error.message}")
    cause = site_cause(
        error,
        evidence,
        start_url=context.executor.start_url,
        login_expected=bool(bundle.contract.get("page", {}).get("login")),
        good=good,
    )
    if cause is not None and cause.reason in _OF_LOGINS:
        sent = writes(evidence)  # whatever the automation changes comes after its login
    return cause if cause is None or not (sent or run.gates) else replace(cause, transient=False)


def _may_have_moved(context: RunContext, run: AutomationRun, cause: Cause) -> bool:
    """Return True where the site may have moved to another host, which a repair may add to those that are reached."""
    unknown = cause.reason == "host-not-allowed" and bool(run.unknown_hosts)
    return unknown and context.executor.network.learns and context.budget is not None


async def _emit_failure(
    context: RunContext, run: AutomationRun, problems: Sequence[str], breaches: Sequence[Breach], cause: Cause | None
) -> None:
    evidence, session = run.outcome.evidence, run.outcome.session
    await context.events.emit(
        "replay.failed", problems=list(problems), breaches=[b.to_json() for b in breaches], url=evidence.url,
        title=evidence.title, reason=cause.reason if cause is not None else None,
        message=cause.message if cause is not None else None,
    )  # fmt: skip
    if session is not None and run.outcome.ok:
        await context.executor.take_screenshot(session)


async def _is_unproven(context: RunContext, bundle: Bundle, run: AutomationRun) -> bool:
    """Return True where code that was saved after one example gives, for the first other parameters, the same again."""
    if not bundle.meta.one_example or bundle.meta.effects != "read":
        return False
    good_runs = context.good_runs
    known, asked = await good_runs.parameters(bundle), good_runs.without_secrets(run.parameters)
    if len(known) != 1 or asked in known:
        return False
    before = (await good_runs.history(bundle)).others_of_account
    seen = run.observed()
    now = comparable_output(seen.compacted or seen.output, asked, known[0])
    return any(
        past.digest == seen.digest or comparable_output(past.output, past.parameters, asked) == now for past in before
    )


def _settle_unproven(suspect: Suspect, other: OtherParameters) -> Accepted | Drifted:
    """Believe an equal output where the runs show that the code did something else for the other parameters."""
    run, changed = suspect.run, set(suspect.run.parameters)
    if other.run is not None:
        changed = {name for name, value in run.parameters.items() if other.run.parameters.get(name) != value}
        if use_of(run, other.run, changed) in ("used", "chosen"):
            return Accepted(run, suspect.breaches)
    problem = (
        "$: the automation was saved after one set of parameters, and for the first others it gave the same again: it"
        f" does not seem to use {', '.join(sorted(changed))}"
    )
    return Drifted(run, [problem], suspect.breaches, of_result=False)


async def _settle_empty(
    context: RunContext, bundle: Bundle, suspect: Suspect, other: OtherParameters
) -> Accepted | Drifted:
    """Believe an empty result that the page bears out only while other parameters still give rows."""
    run, reads = suspect.run, bundle.meta.effects == "read"
    if (problem := _speaks_against_empty(run, other, bundle.contract)) is not None:
        if other.works is not None:
            return Drifted(run, [problem], suspect.breaches)
        # Code that read all items may rightly have let none through, or no longer tell one from another.
        breach = Breach(
            "no-rows", "$", "rows, or the page's word that there are none", "all items read, none taken", "doubtful"
        )
        asked = replace(suspect, problems=[problem], breaches=[*suspect.breaches, breach], only_doubtful=True)
        if await context.is_pinned() or not await _confirmed(context, bundle, asked):
            return Drifted(run, [problem], asked.breaches)
    if reads and other.works is None and await context.good_runs.parameters(bundle):
        context.warnings.append("there are no rows, where the same parameters gave rows before; the page says so, too")
    return Accepted(run, suspect.breaches)


def _speaks_against_empty(run: AutomationRun, other: OtherParameters, contract: Mapping[str, Any]) -> str | None:
    """Return the reason why an empty result is not believed; None where nothing speaks against it.

    Args:
        contract: The contract of good results, which knows what full pages say.
    """
    if other.works is False:
        return "$: no rows, and none any more for parameters that gave rows before"
    observed = run.observed()
    nothing = nothing_there(contract, observed)
    if other.works is None and not ((nothing is not None and nothing.told) or empty_confirmed(observed)):
        return (
            "$: none of the items that the page states was let through, and no other parameters show that any still is"
        )
    messages = [*run.outcome.evidence.messages, *([nothing.text] if nothing is not None else [])]
    if other.works and (message := permanent_message(messages, other.page_text)):
        return f"$: no rows, and {message!r}, by which the page was said to tell so, is there on full pages, too"
    return None


async def _new_parameters(
    context: RunContext, bundle: Bundle, suspect: Suspect, nothing: str | None
) -> NewData | ParametersAtFault | Drifted | PassedGate:
    """Decide, where the code works with other parameters: the site does not know these, or their data are new.

    What is doubtful is asked of the model all the same, for other parameters say nothing of it.

    Args:
        nothing: The page's words that it has nothing for them, where the code failed on it.
    """
    run, problems = suspect.run, suspect.problems
    if nothing is not None and context.budget is not None and not await context.is_pinned():
        problem = (
            f"for these parameters the page says {nothing!r}, and the automation waited for rows, or failed: have it"
            " wait for either, and there `await task.empty(locator)` of that message and return the output without rows"
        )
        return Drifted(run, [problem, *problems], suspect.breaches)
    held = _held(context, suspect.breaches)
    doubtful = any(b.severity == "doubtful" and b.kind not in _MILD for b in held)
    mild = all(b.kind in _MILD or not b.structural for b in suspect.breaches)
    if run.outcome.error is None and mild:
        meta, schema = bundle.meta, context.schema
        if meta.schema_inferred and context.request.output_schema is None and meta.output_schema is not None:
            meta = meta.model_copy(update={"output_schema": nullable(meta.output_schema)})
            schema = await asyncio.to_thread(schema_in_force, None, meta.output_schema)
        fits = schema is None or not await asyncio.to_thread(schema.errors, run.outcome.value)
        pinned = await context.is_pinned()
        if fits and doubtful and (pinned or not await _confirmed(context, bundle, suspect, excused=_MILD)):
            return _not_confirmed(bundle, suspect)
        if fits and not pinned:
            return NewData(run, await _widened(context, replace(bundle, meta=meta), run), problems)
    said = ""
    if nothing is not None:
        said = (
            f"for these parameters the page says {nothing!r}, for which the automation has no answer yet (unpinned, and"
            ' with ai="auto", it is taught to return no rows there); '
        )
    return ParametersAtFault(
        Cause(
            "unknown-parameter",
            said + "the automation still works with parameters that gave rows before, so the site does not know these,"
            " or has for them what good runs never had: " + "; ".join(problems),
            details={"problems": list(problems)} | ({"page_says": nothing} if nothing is not None else {}),
        )
    )


async def _confirmed(
    context: RunContext, bundle: Bundle, suspect: Suspect, excused: frozenset[str] = frozenset()
) -> bool:
    """Ask the model whether a suspect result is data of a new kind; not about what is structural.

    Args:
        excused: Kinds of structural departures that a run with other parameters excuses.
    """
    asked = [b for b in _held(context, suspect.breaches) if b.kind not in excused]
    if context.budget is None or not asked or any(b.structural for b in asked):
        return False
    if not excused and len(suspect.problems) > len(asked):  # the output does not fit the schema
        return False
    async with context.attempts.attempt("confirm") as note:
        try:
            answer, why = await ask_whether_legitimate(
                context,
                context.budget,
                asked,
                suspect.run.observed(),
                sample=await context.good_runs.sample(bundle),
            )
        except ModelError as error:
            raise Failed(model_failure(error)) from error
        note.reason = None if answer == "legitimate" else f"drift: {why}"
    return answer == "legitimate"
