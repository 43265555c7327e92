"""Execute the committed revision of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bundles import Bundle
from engine.bundles.bundle import committed
from engine.execution.automation_run import AutomationRun, Mode
from engine.runs.context import RunContext


async def execute(
    context: RunContext,
    bundle: Bundle,
    parameters: Mapping[str, Any],
    *,
    mode: Mode = "real",
    keep_open: bool = False,
) -> AutomationRun:
    """Execute a bundle's automation with these parameters.

    Args:
        mode: ``rehearsal`` stops at the first irreversible action.
        keep_open: Leave the page open after the run, for a repair or a read-out.
    """
    return await context.executor.run(
        bundle.automation,
        parameters,
        resources=bundle.resources,
        mode=mode,
        keep_open=keep_open,
        once=bundle.meta.effects != "read",
        affinity=f"{context.store.root}:{bundle.meta.reuse_key}:{committed(bundle).id}",
        secret=bool(context.request.secrets),
        known_hosts=bundle.meta.allowed_hosts,
    )
