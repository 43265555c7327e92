"""Replay a saved automation: once with the request's parameters, and with others where the result is suspect.

execute ──▶ first_verdict ──▶ Accepted · PassedGate · SiteAtFault    (without pictures: see `without_images`)
                 │ Suspect: the run alone does not settle it
                 ▼
execute ──▶ judge_other ──▶ settle ──▶ Accepted · NewData · ParametersAtFault · SiteAtFault · Drifted
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from engine.bundles import Bundle
from engine.contract import check_format
from engine.execution.automation_run import AutomationRun, Mode
from engine.execution.host import GateKnowledge
from engine.runs.breach_pictures import keep_picture_of
from engine.runs.context import RunContext
from engine.runs.judge import first_verdict, good_as_it_is, judge_other, settle
from engine.runs.reads import keep_read
from engine.runs.suspicion import remember, settle_suspicions
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
from engine.runs.without_images import without_images
from sandbox import Session

# Seconds that a wait lasts at least, before a settled page ends it.
_LEAST = 2.0
_LEAST_OF_CHECK = 0.5  # a second run, where the same wait was in vain already
_LEAST_OF_UNKNOWN = 4.0  # no good run was measured
_TIMES_KNOWN = 4.0  # the longest wait of good runs


@asynccontextmanager
async def replay(context: RunContext, bundle: Bundle) -> AsyncIterator[Verdict]:
    """Replay the committed revision once; the block gets the verdict, and the page stays open until its end.

    Raises:
        Failed: The model could not be asked.
    """
    sessions: list[Session] = []
    try:
        async with context.attempts.attempt("replay") as note:
            note.revision = bundle.committed.id
            await context.events.emit("replay.started", revision=note.revision, kind=bundle.kind)
            run, verdict = await _execute_and_judge(context, bundle, sessions)
            if isinstance(verdict, SiteAtFault):
                note.reason = verdict.cause.reason
            elif not isinstance(verdict, Accepted):
                note.reason = verdict.reason
        settled: Verdict
        if isinstance(verdict, Suspect):
            settled = await settle(context, bundle, verdict, await _replay_others(context, bundle, verdict))
        else:
            settled = verdict
        if isinstance(settled, (Accepted, NewData)):
            # Words that were just found right are no doubt about other parameters.
            known = settled.bundle if isinstance(settled, NewData) else bundle
            settled = await settle_suspicions(context, bundle, settled, partial(_check, context, known))
        await remember(context, bundle, settled)
        if isinstance(settled, (Drifted, PassedGate, ParametersAtFault)):
            problems = verdict.problems if isinstance(verdict, (Suspect, PassedGate)) else ()
            await keep_read(context, run, bundle.committed.id, bundle=bundle, problems=problems)
            breaches = verdict.breaches if isinstance(verdict, (Suspect, Drifted)) else ()
            await keep_picture_of(context, run, breaches)
        yield settled
    finally:
        for session in sessions:
            await session.close()


async def _execute_and_judge(
    context: RunContext, bundle: Bundle, sessions: list[Session]
) -> tuple[AutomationRun, Accepted | PassedGate | SiteAtFault | Suspect]:
    """Execute the committed revision with the request's parameters, without pictures where it gives the same so.

    Args:
        sessions: Takes the pages that are left open, for the caller to close.
    """

    async def start(*, images: bool) -> AutomationRun:
        parameters = context.request.parameters
        run = await _execute(context, bundle, parameters, mode="real", keep_open=True, least=_LEAST, images=images)
        sessions.extend(filter(None, [run.outcome.session]))
        return run

    spared = await without_images(context, bundle)
    run = await start(images=spared.same is None)
    if run.outcome.images:
        return run, await first_verdict(context, bundle, run)
    good = await good_as_it_is(context, bundle, run)
    if good is not None and spared.proven:
        return run, good
    if run.outcome.session is not None:
        run.outcome.session.release()
    await context.events.emit("replay.repeated", revision=bundle.committed.id, compared=good is not None)
    again = await start(images=True)
    verdict = await first_verdict(context, bundle, again)
    if isinstance(verdict, Accepted):
        await spared.compare(run, again, good=good is not None)
    return again, verdict


async def _replay_others(context: RunContext, bundle: Bundle, suspect: Suspect) -> OtherParameters:
    """Replay parameters that gave rows before, with code that only reads."""
    known = await _known_parameters(context, bundle, suspect)
    return OtherParameters() if known is None else await _check(context, bundle, known)


async def _check(context: RunContext, bundle: Bundle, known: Mapping[str, Any]) -> OtherParameters:
    """Replay other parameters, secrets left out, with those of the request."""
    request = context.request
    secrets = {name: value for name, value in request.parameters.items() if name in request.secrets}
    async with context.attempts.attempt("check") as note:
        await context.events.emit("check.started", parameters=dict(known))
        parameters = {**known, **secrets}
        run = await _execute(context, bundle, parameters, mode="rehearsal", keep_open=False, least=_LEAST_OF_CHECK)
        other = await judge_other(context, bundle, run)
        if other.obstacle is not None:
            note.reason = other.obstacle.cause.reason
        elif not other.works:
            note.reason = "drift"
    return other


async def _known_parameters(context: RunContext, bundle: Bundle, suspect: Suspect) -> dict[str, Any] | None:
    """Return parameters whose replay tells whether the code still works; None where there are none to replay."""
    if bundle.meta.effects != "read" or (suspect.only_doubtful and not suspect.nothing_likely):
        return None
    if suspect.problems and suspect.run.outcome.ok and (await context.good_runs.history(bundle)).same is not None:
        return None  # the request's own gave a result before that this one departs from: they are not what is new
    return await context.good_runs.other_parameters(bundle)


async def _execute(
    context: RunContext,
    bundle: Bundle,
    parameters: Mapping[str, Any],
    *,
    mode: Mode,
    keep_open: bool,
    least: float,
    images: bool = True,
) -> AutomationRun:
    """Execute the committed revision with these parameters.

    Args:
        least: Seconds after which a settled page may end a wait, if good runs never waited that long.
        images: It may need the pictures of pages.
    """
    known, gates = await context.good_runs.longest_wait(bundle), bundle.contract.get("gates")
    if gates:
        check_format(bundle.contract)
    return await context.executor.run(
        bundle.automation,
        parameters,
        resources=bundle.resources,
        mode=mode,
        keep_open=keep_open,
        once=bundle.meta.effects != "read",
        affinity=f"{context.store.root}:{bundle.meta.reuse_key}:{bundle.committed.id}",
        secret=bool(context.request.secrets),
        known_hosts=bundle.meta.allowed_hosts,
        harmless=bundle.meta.harmless_requests,
        known=GateKnowledge(gates, context.good_runs.shown(parameters)) if gates else None,
        images=images,
        settled_seconds=_LEAST_OF_UNKNOWN if known is None else max(least, _TIMES_KNOWN * known),
    )
