"""Judge a replay: what it gave, the page it ended on, then other parameters and one small question to the model.

run ──▶ first_verdict ──▶ Accepted · PassedGate · SiteAtFault
             │ Suspect: the run alone does not settle it
             ▼
           settle ──────▶ Accepted · NewData · ParametersAtFault · SiteAtFault · Drifted
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from engine.bundles import Bundle
from engine.contract import Breach, check, compact, digest, empty_confirmed, permanent_message, rows
from engine.diagnosis.failures import Failed, model_failure
from engine.diagnosis.triage import site_cause
from engine.errors import ModelError
from engine.execution.automation_run import AutomationRun
from engine.execution.effects import writes
from engine.gate.parameter_use import comparable_output, use_of
from engine.runs.confirm import ask_whether_legitimate, may_be_new_data, row_count_confirmed
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


async def first_verdict(
    context: RunContext, bundle: Bundle, run: AutomationRun
) -> Accepted | PassedGate | SiteAtFault | Suspect:
    """Judge a replay by what it gave and the page it ended on.

    Raises:
        Failed: A judgment that the automation asked for could not be given.
    """
    problems, breaches = await _problems(context, bundle, run)
    cause = _site_cause(context, bundle, run, good=not problems)
    if problems:
        await _emit_failure(context, run, problems, breaches, cause)
    # What was done is done: nothing is run again, nor with other parameters, to doubt the result of it.
    if not problems and cause is None and (run.passed_gate or rows(run.outcome.value) != 0):
        unproven = not run.passed_gate and await _is_unproven(context, bundle, run)
        return Suspect(run, breaches=breaches, unproven=True) if unproven else Accepted(run, breaches)
    reason = cause.reason if cause is not None else "drift" if problems else None
    if run.passed_gate and reason is not None:
        found = problems or ([cause.message] if cause is not None else [])
        return PassedGate(run, found, bundle.automation, reason)
    if cause is not None and not _may_have_moved(context, run, cause):
        return SiteAtFault(await explain_refusal(context, run.outcome.session, cause), run)
    return Suspect(run, problems, breaches, reason)


async def judge_other(context: RunContext, bundle: Bundle, run: AutomationRun) -> OtherParameters:
    """Judge a replay with parameters that gave rows before: it tells of the code, not of the request's parameters."""
    if run.rehearsed:
        return OtherParameters(works=True)
    problems, _ = await _problems(context, bundle, run)
    works = not problems and rows(run.outcome.value) != 0
    cause = _site_cause(context, bundle, run, good=works)
    if cause is not None and not _may_have_moved(context, run, cause):
        return OtherParameters(obstacle=SiteAtFault(cause))
    return OtherParameters(works, run.outcome.evidence.text, run, problems=problems)


async def settle(context: RunContext, bundle: Bundle, suspect: Suspect, other: OtherParameters) -> Verdict:
    """Settle a suspect result: by other parameters, by one small question to the model, else as drift.

    Raises:
        Failed: The model could not be asked.
    """
    run, problems, breaches = suspect.run, suspect.problems, suspect.breaches
    if other.obstacle is not None:
        return other.obstacle
    if suspect.unproven:
        return _settle_unproven(suspect, other)
    if not problems:
        return await _settle_empty(context, bundle, suspect, other)
    if other.works:
        return await _new_parameters(context, bundle, suspect, nothing_found(run.outcome, other))
    if other.works is None and not await context.is_pinned() and await _confirmed(context, bundle, suspect):
        return NewData(run, bundle, problems)
    return Drifted(run, problems, breaches)


async def _problems(context: RunContext, bundle: Bundle, run: AutomationRun) -> tuple[list[str], list[Breach]]:
    """Return the problems of a run, and its departures from the contract.

    A good run has no problems: it ran, the output fits the schema, and the contract holds.
    """
    if run.model_error is not None:
        raise Failed(model_failure(run.model_error))
    error = run.outcome.error
    if error is not None:
        return [f"{error.type}: {error.message}{run.said}"], []
    # In a thread: a large output takes seconds, in which other tasks go on.
    return await asyncio.to_thread(_output_problems, context, bundle, run)


def _output_problems(context: RunContext, bundle: Bundle, run: AutomationRun) -> tuple[list[str], list[Breach]]:
    schema, good_runs = context.schema, context.good_runs
    problems = [f"output {e}" for e in schema.errors(run.outcome.value)] if schema else []
    observed = good_runs.observed(run)
    breaches = check(bundle.contract, observed, good_runs.history_of(bundle, run.parameters))
    binding = [b for b in breaches if b.severity != "advisory"]
    if binding and not problems and row_count_confirmed(binding, observed, bundle.contract):
        binding = []
    return problems + [str(b) for b in binding], breaches


def _site_cause(context: RunContext, bundle: Bundle, run: AutomationRun, *, good: bool) -> Cause | None:
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
    before = (await good_runs.history(bundle)).others
    now = comparable_output(compact(run.outcome.value) or run.outcome.value, asked, known[0])
    return any(
        past.digest == digest(run.outcome.value) or comparable_output(past.output, past.parameters, asked) == now
        for past in before
    )


def _settle_unproven(suspect: Suspect, other: OtherParameters) -> Accepted | Drifted:
    """Believe an equal output where the runs show that the code did something else for the other parameters."""
    run, changed = suspect.run, set(suspect.run.parameters)
    if other.run is not None:
        changed = {name for name, value in run.parameters.items() if other.run.parameters.get(name) != value}
        if use_of(run, other.run, changed) == "used":
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
    if (problem := confirm_empty(run, other)) is not None:
        return Drifted(run, [problem], suspect.breaches)
    if reads and other.works is None and await context.good_runs.parameters(bundle):
        context.warnings.append("there are no rows, where the same parameters gave rows before; the page says so, too")
    return Accepted(run, suspect.breaches)


def confirm_empty(run: AutomationRun, other: OtherParameters) -> str | None:
    """Return the reason why an empty result is not believed; None where nothing speaks against it."""
    if other.works is False:
        return "$: no rows, and none any more for parameters that gave rows before"
    if other.works is None and not empty_confirmed(run.observed()):
        return (
            "$: none of the items that the page states was let through, and no other parameters show that any still is"
        )
    if other.works and (message := permanent_message(run.outcome.evidence.messages, other.page_text)):
        return f"$: no rows, and {message!r}, by which the page was said to tell so, is there on full pages, too"
    return None


async def _new_parameters(
    context: RunContext, bundle: Bundle, suspect: Suspect, nothing: str | None
) -> NewData | ParametersAtFault | Drifted:
    """Decide, where the code works with other parameters: the site does not know these, or their data are new.

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
    if run.outcome.error is None:
        meta, schema = bundle.meta, context.schema
        if meta.schema_inferred and context.request.output_schema is None and meta.output_schema is not None:
            meta = meta.model_copy(update={"output_schema": nullable(meta.output_schema)})
            schema = await asyncio.to_thread(schema_in_force, None, meta.output_schema)
        fits = schema is None or not await asyncio.to_thread(schema.errors, run.outcome.value)
        mild = all(b.kind == "field-empty" or b.severity in ("statistical", "advisory") for b in suspect.breaches)
        admissible = fits and not await context.is_pinned()
        if admissible and (mild or await _confirmed(context, bundle, suspect)):
            return NewData(run, replace(bundle, meta=meta), problems)
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


async def _confirmed(context: RunContext, bundle: Bundle, suspect: Suspect) -> bool:
    """Ask the model whether a suspect result is data of a new kind; not about what is structural."""
    binding = [b for b in suspect.breaches if b.severity != "advisory"]
    if context.budget is None or len(suspect.problems) > len(binding) or not may_be_new_data(binding):
        return False
    async with context.attempts.attempt("confirm") as note:
        try:
            answer, why = await ask_whether_legitimate(
                context,
                context.budget,
                suspect.breaches,
                suspect.run.observed(context.good_runs.without_secrets(context.request.parameters)),
                sample=await context.good_runs.sample(bundle),
            )
        except ModelError as error:
            raise Failed(model_failure(error)) from error
        note.reason = None if answer == "legitimate" else f"drift: {why}"
    return answer == "legitimate"
