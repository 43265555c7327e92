"""Adopt what the user edited in a bundle's directory: no model, but the same gate as for a model's code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from engine.bundles import Bundle
from engine.diagnosis.failures import Failed, outcome_failure
from engine.diagnosis.triage import site_cause
from engine.errors import BundleCorrupt
from engine.gate.gate import Gate
from engine.gate.hardcoded import unread_parameters
from engine.gate.verdicts import Candidate, Promoted, Refused, Requirements
from engine.runs.context import RunContext
from engine.task.cause import Cause
from engine.task.schema import schema_in_force
from sandbox import Outcome
from sandbox.http_login import login_in

_OWN_EDIT = "it was edited by hand"
_ONE_EXAMPLE = "it was saved with one set of parameters"


@dataclass(frozen=True)
class Adopted:
    """Edits that passed the gate.

    Args:
        edited: The working tree as it was read.
        files: The names of the edited files.
    """

    edited: Bundle
    files: tuple[str, ...]
    promoted: Promoted


async def adopt(context: RunContext, base: Bundle) -> Adopted:
    """Put the edited code through the gate.

    Args:
        base: The bundle at HEAD.

    Raises:
        Failed: It did not pass, and why; the edits stay in the directory.
    """
    edited, files = await _read_edits(context)
    return Adopted(edited, files, await _prove(context, base, edited))


async def _read_edits(context: RunContext) -> tuple[Bundle, tuple[str, ...]]:
    """Return the working tree as a bundle, and the names of the edited files."""
    store, key = context.store, context.request.reuse_key
    files = await asyncio.to_thread(store.edited, key)
    if not files:
        raise Failed(Cause("nothing-edited", f"nothing is edited in {store.path(key)}", "rejected"))
    await context.events.emit("adopt.started", files=list(files))
    try:
        edited = await asyncio.to_thread(store.read_working_tree, key)
    except BundleCorrupt as error:
        raise Failed(Cause("bundle", error.message)) from error
    if edited.meta.reuse_key != key:
        raise Failed(Cause("bundle", f"bundle.json names another key, {edited.meta.reuse_key!r}; restore {key!r}"))
    return edited, files


async def _prove(context: RunContext, base: Bundle, edited: Bundle) -> Promoted:
    gate = Gate(context.executor, await requirements_of(context, base, edited))
    trial = await gate.try_out(edited.automation, reads_only=_OWN_EDIT)
    if trial.run is not None:
        gate.seen.append(json.dumps(trial.run.outcome.value))  # its author has seen the page
        _triage(context, base, trial.run.outcome)
    if not trial.good:
        raise Failed(_refusal(Refused(trial.problems, trial.run)))
    no_others = _ONE_EXAMPLE if base.meta.one_example else ""
    candidate = Candidate(edited.automation, no_other_values=no_others, why_right=_OWN_EDIT)
    decision, told = await gate.promote(candidate), list[str]()
    while isinstance(decision, Refused) and not decision.final and not set(decision.reasons) <= set(told):
        told += decision.reasons
        decision = await gate.promote(candidate)  # objections are told once: the user has decided
    if isinstance(decision, Promoted):
        context.warnings.extend(map(context.redactor.text, decision.notices))
    if isinstance(decision, Refused):
        raise Failed(_refusal(decision))
    return decision


async def requirements_of(context: RunContext, base: Bundle, edited: Bundle) -> Requirements:
    """Return what other code of a bundle has to satisfy, with the schema and the contract of ``edited``."""
    request, good_runs, schema = context.request, context.good_runs, edited.meta.output_schema
    return Requirements(
        task=request.task,
        parameters=request.parameters,
        secrets=request.secrets,
        schema=await asyncio.to_thread(schema_in_force, None, schema),
        contract=edited.contract,
        history=await good_runs.history(base),
        known_parameters=request.other_parameters or await good_runs.other_parameters(base),
        resources=edited.resources,
        given=frozenset().union(
            login.names if (login := login_in(request.parameters)) is not None else (),
            *context.executor.browser.header_parameters.values(),
        ),
        harmless=frozenset(base.meta.harmless_requests),
        unneeded=unread_parameters(base.automation, base.meta.parameters),
    )


def _triage(context: RunContext, base: Bundle, outcome: Outcome) -> None:
    """End the task where the site is to blame, not the edit."""
    if outcome.error is None:
        return
    login = bool(base.contract.get("page", {}).get("login"))
    start_url = context.executor.start_url
    cause = site_cause(outcome.error, outcome.evidence, start_url=start_url, login_expected=login, good=False)
    if cause is not None:
        raise Failed(cause)


def _refusal(refused: Refused) -> Cause:
    reasons = list(refused.reasons)
    if refused.final and refused.run is not None:
        return outcome_failure(reasons, refused.run, reason="failed-behind-gate")
    message = f"the edit did not pass the gate, and stays uncommitted: {'; '.join(reasons)}"
    return Cause("edit-refused", message, details={"reasons": reasons})
