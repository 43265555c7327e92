"""Take a good result: commit what is new, record the run for later ones, and return the success."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from engine.agent.readout_tools import Readout
from engine.bundles import Bundle, Revision
from engine.errors import BundleError, BundleOutdated, EngineError, StoreError
from engine.execution.automation_run import AutomationRun
from engine.gate.verdicts import Promoted
from engine.runs.adoption import Adopted
from engine.runs.commit import commit
from engine.runs.compiling import Compiled
from engine.runs.context import RunContext, Success
from engine.runs.new_bundle import Work, adopted_bundle, new_bundle
from engine.runs.reads import keep_read
from engine.runs.site_requests import keep_site_requests
from engine.runs.verdict import Accepted, NewData, PassedGate
from engine.runs.wording import without_unread
from engine.task.text import collapse, shorten

_BORNE_OUT = ", for the page bears it out"
_LONGEST_NOTE = 500  # characters


async def accept(context: RunContext, bundle: Bundle, verdict: Accepted) -> Success:
    """Return the result of a good replay, and count the run."""
    run, revision = verdict.run, bundle.committed
    if run.outcome.session is not None:
        run.outcome.session.release()
    for breach in verdict.breaches:
        why = (', with trust="lenient"' if verdict.unasked else _BORNE_OUT) if breach.binds else ""
        context.warnings.append(f"the result was accepted{why}; still, {breach}")
    if run.unknown_hosts:
        hosts = ", ".join(run.unknown_hosts)
        context.warnings.append(f"hosts that this automation is not known to need were not reached: {hosts}")
    if not verdict.unasked:  # else the next run would be held against what nobody has found right
        await context.good_runs.count(revision, run, keep=bundle.meta.effects == "read", contract=bundle.contract)
    if verdict.unasked:
        taken = [str(b) for b in verdict.breaches if b.binds]
        await keep_read(context, run, revision.id, bundle=bundle, problems=taken)
    elif context.request.provenance == "full":
        await keep_read(context, run, revision.id)
    already = _warn(context, run)
    return Success(run.outcome.value, revision, used=True, files=run.files, already_done=already, kind=bundle.kind)


async def widen_contract(context: RunContext, verdict: NewData) -> Success:
    """Widen what good results look like by this one, and commit that alone."""
    bundle, run, found = verdict.bundle, verdict.run, "; ".join(verdict.problems)
    kind = "data or words not met before" if verdict.in_words else "data of a kind not met before"
    context.warnings.append(f"taken for {kind}, and admitted from now on: {found}")
    widened = replace(bundle, revision=None)
    subject, body = f"Widen: {kind}", context.redactor.text(found)
    already = _warn(context, run)
    try:
        revision = await commit(context, widened, reason="widen", subject=subject, body=body)
    except (BundleError, StoreError) as error:
        _note_unsaved(context, error)
        return Success(
            run.outcome.value, bundle.committed, used=True, files=run.files, already_done=already, kind=bundle.kind
        )
    await context.good_runs.inherit(bundle, revision, trust=True)
    await keep_read(context, run, revision.id)
    unsigned = None if "provenance" in widened.contract else widened.contract
    await context.good_runs.count(revision, run, keep=bundle.meta.effects == "read", contract=unsigned)
    return Success(
        run.outcome.value, revision, used=True, files=run.files, updated=True, already_done=already, kind=bundle.kind
    )


async def accept_authored(
    context: RunContext, kind: Work, base: Bundle | None, promoted: Promoted, trouble: str = ""
) -> Success:
    """Commit the model's code that passed the gate, and return the result of its run.

    Args:
        base: The bundle that it replaces; None after exploring from nothing.
        trouble: Why that was not good enough.
    """
    context, promoted = without_unread(context, promoted)
    task = context.redactor.text(context.request.task)
    said = context.redactor.text(promoted.candidate.summary).strip().splitlines()
    notices = [context.redactor.text(each) for each in promoted.notices]
    context.warnings.extend(notices)
    bundle = await asyncio.to_thread(new_bundle, context, kind, base, promoted)  # it checks schemas
    subject = f"{kind.capitalize()}: {said[0] if said else task}"
    answered = "".join(f"\n\n{notice}" for notice in notices[: len(promoted.answered)])
    body = f"{task}{_of_kind(base, bundle, context.redactor.text(trouble))}{answered}"
    try:
        revision = await commit(context, bundle, reason=kind, subject=subject, body=body, written_by=context.budget)
    except (BundleError, StoreError) as error:  # the model is paid, and the output has passed the gate
        journal = context.services.records.journal
        if isinstance(error, BundleOutdated) and not await asyncio.to_thread(journal.gates, context.task_id):
            raise
        _note_unsaved(context, error)
        return _unsaved_success(context, promoted, base)
    with contextlib.suppress(StoreError):  # what is known of the site is of use, and not needed
        await keep_site_requests(context, promoted)
    # Code for a changed request gives other output, of which its base's history says nothing.
    return await _first_success(context, revision, promoted, base, inherits=kind == "repair")


def _of_kind(base: Bundle | None, bundle: Bundle, trouble: str) -> str:
    """Return the paragraph of a commit message on a change of the automation's kind; empty where it stays."""
    if base is None or base.kind == bundle.kind:
        return ""
    how = "Without a browser" if bundle.kind == "web" else "In a browser"
    why = shorten(trouble.strip().partition("\n")[0], _LONGEST_NOTE)
    return f"\n\n{how} from now on{f', for before: {why}' if why else ''}"


async def accept_edits(context: RunContext, base: Bundle, adopted: Adopted) -> Success:
    """Commit the user's edits that passed the gate, and return the result of their run."""
    bundle, subject = adopted_bundle(context, adopted), f"Adopt: {', '.join(adopted.files)}"
    revision = await commit(context, bundle, reason="adopt", subject=subject, edits=adopted.edited)
    return await _first_success(context, revision, adopted.promoted, base, inherits=True)


async def accept_compiled(context: RunContext, base: Bundle, compiled: Compiled) -> Success:
    """Commit code without a browser that gave the same, and return the result of its run."""
    bundle = await asyncio.to_thread(new_bundle, context, "repair", base, compiled.promoted)
    body = f"Equal to the code with a browser on {compiled.sets} parameter sets. Per run, {compiled.gain}."
    subject = "Compile: without a browser"
    revision = await commit(context, bundle, reason="compile", subject=subject, body=body, written_by=context.budget)
    return await _first_success(context, revision, compiled.promoted, base, inherits=True)


async def accept_readout(context: RunContext, base: Bundle | None, passed: PassedGate, found: Readout) -> Success:
    """Return the result that was read off the page; of the bundle no more than its notes changes.

    Args:
        base: The bundle that ran or was to be repaired; None in a first run, of which nothing is kept.
    """
    context.warnings.append(
        "the automation failed behind an irreversible action; the model read this result off the page, nothing was"
        " done again, and the automation is as it was"
    )
    files = passed.run.files
    if base is None:
        return Success(found.output, None, used=False, files=files, continued=True)
    await _add_note(context, passed, base, found.note)
    return Success(found.output, base.revision, used=True, files=files, continued=True, kind=base.kind)


async def _add_note(context: RunContext, passed: PassedGate, base: Bundle, note: str) -> None:
    """Commit one line for the next repair."""
    said = collapse(context.redactor.text(note))[:_LONGEST_NOTE]
    line = f"- After {', '.join(map(repr, passed.run.actions))} the automation failed: {said}"
    if line in base.notes:
        return
    notes = context.redactor.text(f"{base.notes.rstrip()}\n{line}\n".lstrip())
    context.settle()
    try:
        proposal = await asyncio.to_thread(context.store.proposal, context.request.reuse_key)
        if await context.is_pinned() or (proposal is not None and proposal.revision != base.revision):
            return
        revision = await commit(
            context,
            replace(base, notes=notes, revision=None),
            reason="continued",
            subject="Note: it failed behind an irreversible action",
            body=said,
            written_by=context.budget,
        )
        await context.good_runs.inherit(base, revision, trust=True)
    except EngineError as error:
        # The deed is done and its result known: that must not be lost for a note.
        context.warnings.append(f"the note for the next repair could not be saved: {error.message}")


async def _first_success(
    context: RunContext, revision: Revision, promoted: Promoted, base: Bundle | None, *, inherits: bool
) -> Success:
    """Record the runs that proved a new revision, and return its success.

    Args:
        inherits: True where it gives the same kind of output as its base, whose history then counts for it.
    """
    good_runs, run = context.good_runs, promoted.run
    if base is not None and inherits:
        await good_runs.inherit(base, revision, trust=False)
    await keep_read(context, run, revision.id)
    await good_runs.count(revision, run, keep=promoted.effects == "read", other=promoted.other)
    created = base is None
    already = _warn(context, run)
    return Success(
        run.outcome.value, revision, used=not created, files=run.files, created=created, updated=True,
        already_done=already, kind=promoted.candidate.kind,
    )  # fmt: skip


def _note_unsaved(context: RunContext, error: EngineError) -> None:
    context.warnings.append(
        f"the output is good, and the automation could not be saved, so the next run begins from what was saved before:"
        f" {context.redactor.text(error.message)}"
    )


def _unsaved_success(context: RunContext, promoted: Promoted, base: Bundle | None) -> Success:
    run = promoted.run
    already = _warn(context, run)
    if base is None:
        return Success(run.outcome.value, None, used=False, files=run.files, already_done=already)
    return Success(run.outcome.value, base.revision, used=True, files=run.files, already_done=already, kind=base.kind)


def _warn(context: RunContext, run: AutomationRun) -> bool:
    """Return True where the site showed that the action was done before, and warn that nothing was done.

    Agreements that the automation accepted are told, too.
    """
    for label in run.outcome.evidence.agreements:
        said = context.redactor.text(label)
        context.warnings.append(
            f"the automation accepted an agreement on the site ({said!r}): see what it binds you to"
        )
    if run.already_done:
        said = context.redactor.text(run.already_done[-1])
        context.warnings.append(f"nothing was done, for the site shows that it was done before: {said!r}")
    return bool(run.already_done)
