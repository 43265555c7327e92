"""Let the agent write or mend the automation of one task, until a candidate passes the gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

from engine.agent import brief_prompts, prompts
from engine.agent.author_tools import AuthorTools
from engine.agent.history import Window, too_small
from engine.agent.loop import Agent
from engine.agent.page_tools import SHOWN, GivenUp
from engine.bundles import Bundle
from engine.contract import History
from engine.diagnosis.failures import Failed, session_failure
from engine.diagnosis.page_kinds import mentions_login
from engine.diagnosis.private_backends import private_backend
from engine.diagnosis.triage import site_cause
from engine.errors import AgentStuck, ModelError
from engine.gate.gate import Gate
from engine.gate.hardcoded import unread_parameters
from engine.gate.verdicts import Promoted, Requirements
from engine.models.base import LEAST_WINDOW
from engine.models.budget import ModelBudget
from engine.observation.observer import CAP, Observer
from engine.runs.context import RunContext
from engine.runs.new_bundle import Work
from engine.runs.refusal import explain_refusal
from engine.runs.site_requests import known_site_requests
from engine.runs.verdict import PassedGate
from engine.task.cause import Cause
from sandbox import Evidence, Session
from sandbox.http_login import login_in

_REJECTED = frozenset({"not-a-web-task", "harmful", "impossible", "contradictory", "model-refused"})


@dataclass(frozen=True)
class Assignment:
    """The work that the model is given.

    Args:
        kind: ``explore`` from nothing, ``update`` to a changed request, ``repair`` after a failure.
        base: The saved bundle; None when exploring from nothing.
        trouble: Why the saved automation is not good enough.
        needs_browser: The site turned away code without a browser.
    """

    kind: Work
    base: Bundle | None = None
    trouble: str = ""
    needs_browser: bool = False


async def author(
    context: RunContext, budget: ModelBudget, work: Assignment, session: Session | None = None
) -> Promoted | PassedGate:
    """Work until a candidate passes the gate, or fails behind something irreversible that it did.

    Args:
        budget: Pays for the model.
        session: The worker whose replay failed, with its page still open; None to open the start URL anew.

    Raises:
        Failed: No candidate passed, and why.
    """
    await context.events.emit(f"{work.kind}.started", trouble=work.trouble)
    # Loading the model's library takes a second or two; the page opens meanwhile.
    warming = asyncio.create_task(budget.warm())
    try:
        budget.ready()
        async with AsyncExitStack() as opened:
            page = await opened.enter_async_context(_page(context, session))
            page.allow(context.executor.egress)
            try:
                return await _promote(context, work, budget, page, opened)
            finally:
                await context.services.pictures.finish()
    except (ModelError, AgentStuck) as error:
        raise Failed(session_failure(error)) from error
    finally:
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)


@asynccontextmanager
async def _page(context: RunContext, session: Session | None) -> AsyncIterator[Session]:
    """Lend the session of the failed replay, or open one and close it."""
    if session is not None:
        yield session
        return
    opened = await _open(context)
    try:
        yield opened
    finally:
        await opened.close()


async def _open(context: RunContext) -> Session:
    """Open the start URL; first runs are triaged too, before the first model call."""
    while True:
        async with AsyncExitStack() as opened:
            session = await context.executor.open_session(context.request.parameters)
            opened.push_async_callback(session.close)
            cause = await _site_cause(context, session)
            if cause is None:
                opened.pop_all()  # the caller closes it
                return session
            await context.executor.take_screenshot(session)
        if not await context.executor.retry_policy.wait(cause):
            raise Failed(cause)


async def _site_cause(context: RunContext, session: Session) -> Cause | None:
    request, opened = context.request, session.opened
    cause = site_cause(
        opened,
        await session.evidence(screenshot=opened is not None),
        start_url=context.executor.start_url,
        login_expected=bool(request.secrets) or mentions_login(request.task),
        first=True,
    )
    return cause if cause is None else await explain_refusal(context, session, cause)


async def _promote(
    context: RunContext, work: Assignment, budget: ModelBudget, session: Session, opened: AsyncExitStack
) -> Promoted | PassedGate:
    """Run the agent's loop until the gate promotes a candidate.

    Args:
        opened: Closes the sessions that are opened in place of one that a step has ended.
    """

    async def open_anew() -> Session:
        again = await _open(context)
        opened.push_async_callback(again.close)
        return again

    limits, required = context.request.limits, await _requirements(context, work)
    window = Window(await budget.context_window())
    if window.tokens is not None and window.tokens < LEAST_WINDOW:
        raise too_small(window.tokens, budget.model.name)
    tools = AuthorTools(
        session=session,
        gate=Gate(context.executor, required, may_offer_web=not window.small),
        redactor=context.redactor,
        observer=Observer(hide=context.redactor.texts, cap=window.shown(CAP, 4)),
        shown=window.shown(SHOWN, 6),
        code=work.base.automation if work.base is not None else "",
        candidates=limits.candidates,
        open_anew=open_anew,
        pictures=context.services.pictures,
        system=brief_prompts.SYSTEM if window.small else prompts.SYSTEM,
        tools=brief_prompts.TOOLS if window.small else prompts.TOOLS,
    )
    look = await tools.first_look()  # which waits for what the page loads late
    evidence = await session.evidence(screenshot=False)
    if (cause := private_backend(evidence, context.executor.start_url)) is not None:
        await context.executor.take_screenshot(session)
        raise Failed(cause)
    if evidence.http_login == "given" and (login := login_in(context.request.parameters)) is not None:
        tools.gate.requirements = required = replace(required, given=required.given | login.names)
    first = await _first_message(context, work, required, look, evidence)
    ended = await Agent(budget, tools, context.events, limits.turns, window).work(first)
    if isinstance(ended, Promoted):
        return ended
    if isinstance(ended, GivenUp):
        later = private_backend(await tools.session.evidence(screenshot=False), context.executor.start_url)
        if later is not None:  # asked for by what the model clicked
            raise Failed(later)
        code: Literal["rejected", "internal-error"] = "rejected" if ended.reason in _REJECTED else "internal-error"
        raise Failed(Cause(ended.reason, ended.message, code))
    if ended.final and ended.run is not None:
        return PassedGate(ended.run, ended.reasons, tools.code)
    raise Failed(
        Cause(
            "no-good-candidate",
            f"no automation passed the gate; the last was refused because {'; '.join(ended.reasons)}",
            details={"reasons": list(ended.reasons), "while": work.kind},
        )
    )


async def _requirements(context: RunContext, work: Assignment) -> Requirements:
    base, good_runs, request = work.base, context.good_runs, context.request
    repaired = base if work.kind == "repair" else None
    return Requirements(
        task=request.task,
        parameters=request.parameters,
        secrets=request.secrets,
        schema=context.schema,
        contract=repaired.contract if repaired is not None else None,
        history=await good_runs.history(repaired) if repaired is not None else History(),
        known_parameters=await good_runs.other_parameters(base) if base is not None else None,
        optional=context.text_inputs,
        resources=base.resources if base is not None else {},
        unneeded=unread_parameters(base.automation, base.meta.parameters) if base is not None else frozenset(),
        writes=base is not None and base.meta.effects == "write",
        needs_browser=work.needs_browser,
        given=frozenset().union(*context.executor.browser.header_parameters.values()),
        harmless=frozenset(base.meta.harmless_requests if base is not None else ())
        | await known_site_requests(context),
    )


async def _first_message(
    context: RunContext, work: Assignment, required: Requirements, look: str, page: Evidence
) -> str:
    schema, redactor, base, start_url = required.schema, context.redactor, work.base, context.executor.start_url
    return prompts.assignment(
        task=redactor.text(context.request.task),
        start_url=redactor.text(start_url) if start_url else None,
        parameters=redactor.parameters(context.request.parameters),
        from_text=sorted(context.text_inputs),
        output_schema=schema.json_schema if schema else None,
        look=look,
        base_code=base.automation if base is not None else None,
        notes=base.notes if base is not None else "",
        trouble=redactor.text(work.trouble),
        sample=await context.good_runs.sample(base),
        done_before=await _done_before(context),
        logged_in=page.http_login == "given",
        sources=() if work.needs_browser else context.redactor.texts([str(source) for source in page.sources]),
        headers={name: sorted(names) for name, names in context.executor.browser.header_parameters.items()},
    )


async def _done_before(context: RunContext) -> list[str]:
    """Return the irreversible actions that earlier tasks of the key did with the request's parameters, in words."""
    asked = context.redactor.parameters(context.request.parameters)
    journal = context.services.records.journal
    earlier = await asyncio.to_thread(journal.earlier, context.request.reuse_key, asked, context.task_id)
    return [context.redactor.text(str(action)) for action in earlier]
