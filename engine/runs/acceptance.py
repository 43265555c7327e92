"""Take a good result: record the run for later ones, widen the contract where it needs it, and tell the user."""

from __future__ import annotations

from dataclasses import replace

from engine.bundles import Bundle, Revision
from engine.bundles.bundle import committed
from engine.contract import widen
from engine.gate.verdicts import Promoted
from engine.runs.commit import commit
from engine.runs.context import RunContext, Success
from engine.runs.verdict import Accepted, NewData


async def accept(context: RunContext, bundle: Bundle, verdict: Accepted) -> Success:
    """Return the result of a good replay, and count the run."""
    run, revision = verdict.run, committed(bundle)
    if run.outcome.session is not None:
        run.outcome.session.release()
    for breach in verdict.breaches:
        why = "" if breach.severity == "advisory" else ", for the page bears it out"
        context.warnings.append(f"the result was accepted{why}; still, {breach}")
    if run.unknown_hosts:
        hosts = ", ".join(run.unknown_hosts)
        context.warnings.append(f"hosts that this automation is not known to need were not reached: {hosts}")
    await context.remember(context.good_runs.count(revision, run, keep=bundle.meta.effects == "read"))
    return Success(run.outcome.value, revision, used=True, files=run.files)


async def widen_contract(context: RunContext, verdict: NewData) -> Success:
    """Widen what good results look like by this one, and commit that alone."""
    bundle, run, found = verdict.bundle, verdict.run, "; ".join(verdict.problems)
    context.warnings.append(f"taken for data of a kind not met before, and admitted from now on: {found}")
    revision = await commit(
        context,
        replace(bundle, contract=widen(bundle.contract, run.observed()), revision=None),
        reason="widen",
        subject="Widen: data of a kind not met before",
        body=context.redactor.text(found),
    )
    await context.remember(context.good_runs.inherit(bundle, revision, trust=True))
    await context.remember(context.good_runs.count(revision, run, keep=bundle.meta.effects == "read"))
    return Success(run.outcome.value, revision, used=True, files=run.files, updated=True)


async def accept_promoted(
    context: RunContext, promoted: Promoted, revision: Revision, base: Bundle | None, *, inherits: bool
) -> Success:
    """Return the result of a new revision, and count its runs.

    Args:
        inherits: True where it gives the same kind of output as its base, whose history then counts for it.
    """
    if base is not None and inherits:
        await context.remember(context.good_runs.inherit(base, revision, trust=False))
    keep, run = promoted.effects == "read", promoted.run
    await context.remember(context.good_runs.count(revision, run, keep=keep, other=promoted.other))
    created = base is None
    return Success(run.outcome.value, revision, used=not created, files=run.files, created=created, updated=True)
