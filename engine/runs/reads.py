"""Keeping of what a run read, for `result.provenance` and `accept`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from engine.bundles import Bundle
from engine.contract import check, widen
from engine.execution.automation_run import AutomationRun
from engine.execution.pictures import shows_no_secret
from engine.runs.context import RunContext
from engine.storage import kept_reads
from engine.storage.kept_reads import KeptRead

log = logging.getLogger(__name__)


async def keep_read(
    context: RunContext,
    run: AutomationRun,
    revision: str,
    *,
    bundle: Bundle | None = None,
    problems: Sequence[str] = (),
) -> None:
    """Keep what a run read, without secrets; a run without a result is kept for nothing.

    Args:
        revision: The commit that ran, or that the run proved.
        bundle: The bundle that ran, where the result was refused or taken with a warning.
        problems: The reasons for that.
    """
    if not run.outcome.ok or not run.outcome.evidence.maps:
        return
    try:
        await asyncio.to_thread(partial(_keep, context, run, revision, bundle, problems))
    except OSError as error:  # the result is good, or failed, all the same
        log.warning("what task %s read could not be kept: %s", context.task_id, error)


def _keep(
    context: RunContext, run: AutomationRun, revision: str, bundle: Bundle | None, problems: Sequence[str]
) -> None:
    redactor, observed = context.redactor, context.good_runs.observed(run)
    left = []
    if bundle is not None:
        left = [str(b) for b in check(widen(bundle.contract, observed), observed) if b.structural]
    kept = KeptRead(
        key=context.request.reuse_key,
        revision=revision,
        output=observed.legible,
        parameters=observed.parameters,
        account=observed.account,
        maps=observed.evidence.maps,
        problems=[redactor.text(problem) for problem in problems],
        left=[redactor.text(problem) for problem in left],
        pictured=_keep_picture(context, run),
    )
    kept_reads.keep(context.store.root, context.task_id, kept)


def _keep_picture(context: RunContext, run: AutomationRun) -> str:
    """Keep the picture of the page at the run's end, and return the page's URL; empty where there is none to keep."""
    picture, directory = run.outcome.evidence.picture, context.services.pictures.directory
    if picture is None or directory is None or not shows_no_secret(picture.legible, context.redactor):
        return ""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / kept_reads.PICTURE_NAME).write_bytes(picture.image)
    return context.redactor.text(picture.url)
