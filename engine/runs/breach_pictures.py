"""A picture of the page that departs from good results, with the places of the values that do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.contract import Breach, origins_by_path, place_of
from engine.execution.automation_run import AutomationRun
from engine.runs.context import RunContext

_MOST = 8  # places on a picture
_ROWS = 5_000  # in which a place is looked for


async def keep_picture_of(context: RunContext, run: AutomationRun, breaches: Sequence[Breach]) -> None:
    """Keep the picture for the report, while the page of a replay whose result was refused is still open."""
    session = run.outcome.session
    if session is None or not run.outcome.ok or not breaches:
        return
    observed = await asyncio.to_thread(context.good_runs.observed, run)
    origins = await asyncio.to_thread(origins_by_path, observed, _ROWS)
    open_page = {path: origin for path, origin in origins.items() if origin.url == observed.evidence.url}
    places = {breach.path: place_of(open_page, breach.path, breach.got) for breach in breaches}
    texts = {path: origin.text for path, origin in list(places.items())[:_MOST] if origin is not None}
    await context.services.pictures.keep_places(session, texts)
