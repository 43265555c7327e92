"""Read the result of a run that failed behind a passed gate off the page it left open; nothing is run again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from engine.agent import readout_tools
from engine.agent.loop import Agent
from engine.agent.page_tools import GivenUp
from engine.agent.readout_tools import Readout, ReadoutTools
from engine.bundles import Bundle
from engine.diagnosis.failures import Failed
from engine.errors import AgentStuck, ModelError
from engine.models.budget import ModelBudget
from engine.observation.observer import Observer
from engine.runs.acceptance import accept_readout
from engine.runs.context import RunContext, Success
from engine.runs.verdict import PassedGate
from engine.task.cause import Cause
from engine.task.schema import schema_in_force
from sandbox import SandboxError, Session

_TURNS = 15


async def read_out(context: RunContext, passed: PassedGate, base: Bundle | None) -> Success:
    """Let a model read the result off the page that is still open, and accept that.

    Args:
        base: The bundle that ran or was to be repaired; None in a first run.

    Raises:
        Failed: There is no model or no page, or the site does not show that the action took effect.
    """
    session, budget = passed.run.outcome.session, context.budget
    if budget is None or session is None:
        raise Failed(passed.cause)
    async with context.attempts.attempt("continue"):
        await context.events.emit("continuation.started", actions=passed.run.actions, problems=list(passed.problems))
        try:
            budget.ready()
            await session.freeze()
            ended = await _read(context, budget, session, passed, base)
        except (ModelError, AgentStuck, SandboxError) as error:
            raise Failed(_not_shown(passed.cause, f"the page could not be read: {error}")) from error
        if not isinstance(ended, Readout):
            raise Failed(_not_shown(passed.cause, ended.message))
        await context.events.emit("continuation.finished", note=ended.note)
        return await accept_readout(context, base, passed, ended)


async def _read(
    context: RunContext, budget: ModelBudget, session: Session, passed: PassedGate, base: Bundle | None
) -> Readout | GivenUp:
    saved, redactor = base.meta.output_schema if base is not None else None, context.redactor
    schema = await asyncio.to_thread(schema_in_force, context.schema, saved)
    tools = ReadoutTools(
        session=session, redactor=redactor, observer=Observer(hide=redactor.texts), schema=schema,
        pictures=context.services.pictures,
    )  # fmt: skip
    error = passed.run.outcome.error
    first = readout_tools.assignment(
        task=redactor.text(context.request.task),
        actions=passed.run.actions,
        parameters=redactor.parameters(context.request.parameters),
        output_schema=schema.json_schema if schema else None,
        code=passed.code,
        problems=[redactor.text(problem) for problem in passed.problems],
        traceback=redactor.text(error.traceback) if error is not None else "",
        sample=await context.good_runs.sample(base),
        look=await tools.first_look(),
    )
    turns = min(_TURNS, context.request.limits.turns)
    try:
        return await Agent(budget, tools, context.events, turns).work(first)
    finally:
        await context.services.pictures.finish()


def _not_shown(cause: Cause, found: str) -> Cause:
    """Return the cause of the failure with what was found on the page."""
    return replace(cause, message=f"{cause.message}; {found}", details={**cause.details, "found": found})
