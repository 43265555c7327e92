"""Replay a saved automation, and judge the result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.bundles import Bundle
from engine.bundles.bundle import committed
from engine.runs.context import RunContext
from engine.runs.execute import execute
from engine.runs.judge import first_verdict, settle
from engine.runs.verdict import Accepted, SiteAtFault, Suspect, Verdict
from sandbox import Session


@asynccontextmanager
async def replay(context: RunContext, bundle: Bundle) -> AsyncIterator[Verdict]:
    """Replay the committed revision once; the block gets the verdict, and the page stays open until its end.

    Raises:
        Failed: The model could not be asked.
    """
    session: Session | None = None
    try:
        async with context.attempts.attempt("replay") as note:
            note.revision = committed(bundle).id
            await context.events.emit("replay.started", revision=note.revision)
            run = await execute(context, bundle, context.request.parameters, keep_open=True)
            session = run.outcome.session
            verdict = await first_verdict(context, bundle, run)
            if isinstance(verdict, SiteAtFault):
                note.reason = verdict.cause.reason
            elif not isinstance(verdict, Accepted):
                note.reason = verdict.reason
        yield await settle(context, bundle, verdict) if isinstance(verdict, Suspect) else verdict
    finally:
        if session is not None:
            await session.close()
