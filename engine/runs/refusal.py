"""Explain a site's refusal: by the user agent, where an ordinary one is not refused."""

from __future__ import annotations

from dataclasses import replace

from engine.runs.context import RunContext
from engine.task.cause import Cause
from sandbox import SandboxError, Session


async def explain_refusal(context: RunContext, session: Session | None, cause: Cause) -> Cause:
    """Open what was refused once more under an ordinary user agent, and name that in the cause if it helps.

    Args:
        session: The open page of the run that was refused.
    """
    refused = cause.reason == "access-denied" and cause.details.get("status") == 403
    if session is None or not refused or context.executor.browser.user_agent is not None:
        return cause
    try:
        agent, status = await session.try_user_agent(str(cause.details["url"]))
    except SandboxError:
        return cause  # it was worth a try only
    if not 200 <= status < 300:
        return cause
    message = (
        f"{cause.message} to this browser's user agent, and answers an ordinary one with {status}: set"
        f" user_agent=\"{agent}\" among the browser's options, if the site's terms allow that"
    )
    return replace(cause, message=message, details={**cause.details, "user_agent": agent})
