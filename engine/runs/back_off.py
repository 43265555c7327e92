"""Hold back a repair where one of the same revision failed lately, and would be paid for again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from engine.bundles import Bundle
from engine.runs.context import RunContext
from engine.task.cause import Cause

# What more of the same would end in again; a model that could not be asked, or a wall, says nothing of that.
_OF_THE_WORK = frozenset({
    "no-good-candidate", "turns", "stuck", "agent-silent", "impossible", "contradictory", "unknown-parameter",
    "site-broken", "budget",
})  # fmt: skip


async def note_failed_repair(context: RunContext, bundle: Bundle, cause: Cause) -> None:
    """Count a repair that failed for what another try would fail for, too."""
    if cause.reason in _OF_THE_WORK:
        repairs = context.good_runs.run_history.failed_repairs
        await asyncio.to_thread(repairs.add, bundle.committed.id, cause.reason)


async def reason_to_wait(context: RunContext, bundle: Bundle) -> str | None:
    """Return why the model is not asked now, in words; None where it may be, or where the request insists."""
    if context.request.ai == "insist":
        return None
    failed = await asyncio.to_thread(context.good_runs.run_history.failed_repairs.of, bundle.committed.id)
    if failed is None or datetime.now(UTC) >= failed.next:
        return None
    times = "once" if failed.count == 1 else f"{failed.count} times in a row"
    return (
        f"a repair of this revision failed {times}, last at {failed.at:%Y-%m-%d %H:%M} UTC ({failed.reason}), so the"
        f' model is not paid for it again before {failed.next:%Y-%m-%d %H:%M} UTC; ai="insist" asks it now'
    )
