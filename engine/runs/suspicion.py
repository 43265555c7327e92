"""Drifts that are remembered: once a result was refused, all that its revision gives is in doubt.

The parameters that drifted are run again beside the next ones. Where they are good, the doubt is over; where they are
not, the code is to blame, whatever it gave for others. What cannot be run again is told as a warning.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.bundles import Bundle
from engine.contract import rows
from engine.runs.context import RunContext
from engine.runs.verdict import Accepted, Drifted, NewData, OtherParameters, PassedGate, Verdict
from engine.storage.suspicions import Suspicion

_SHOWN = 300  # characters of a problem

Check = Callable[[Mapping[str, Any]], Awaitable[OtherParameters]]


async def remember(context: RunContext, bundle: Bundle, verdict: Verdict) -> None:
    """Remember a result that was refused.

    A run that failed, or found nothing, tells nothing of what others give.
    """
    if not isinstance(verdict, (Drifted, PassedGate)) or (isinstance(verdict, Drifted) and not verdict.of_result):
        return
    if verdict.run.outcome.ok and rows(verdict.run.outcome.value) != 0:
        await context.good_runs.suspect(bundle, verdict.run, verdict.problems)


async def settle_suspicions(
    context: RunContext, bundle: Bundle, verdict: Accepted | NewData, check: Check
) -> Accepted | NewData | Drifted:
    """Settle what is held against the revision, before a good result of it is believed.

    Args:
        check: Runs the automation with other parameters.
    """
    good_runs, run = context.good_runs, verdict.run
    suspicions = await good_runs.suspicions(bundle)
    if not suspicions:
        return verdict
    account = await asyncio.to_thread(good_runs.account, run.parameters)
    for suspicion in suspicions:
        alone = not suspicion.repeatable or suspicion.account != account or run.passed_gate
        if alone or context.request.trust == "lenient":
            _warn(context, suspicion)
            continue
        other = await check(suspicion.parameters)
        if other.obstacle is not None:
            _warn(context, suspicion)
        elif other.problems:
            why = "; ".join(other.problems)[:_SHOWN]
            remedy = "where that one is right, run these again and accept their result"
            said = f"{_told(suspicion)}, and still does: {why}; {remedy}"
            return Drifted(run, [f"$: {said}"], of_result=False)
        else:
            await good_runs.clear(bundle, suspicion)
    return verdict


def _warn(context: RunContext, suspicion: Suspicion) -> None:
    said = "; ".join(suspicion.problems)[:_SHOWN]
    context.warnings.append(
        f"the result may be wrong: {_told(suspicion)} ({said}), and it was not run again with these to see whether it"
        " still does"
    )


def _told(suspicion: Suspicion) -> str:
    shown = json.dumps(dict(suspicion.parameters), ensure_ascii=False)
    return f"since {suspicion.at[:16].replace('T', ' ')} UTC the automation gives a result that was refused for {shown}"
