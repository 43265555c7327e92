"""Requests that a site sends by itself: what one automation's runs showed of them holds for the others of the site."""

from __future__ import annotations

import asyncio
import hashlib
import json
from urllib.parse import urlsplit

from engine.gate.verdicts import Promoted
from engine.runs.context import RunContext

_MOST_KINDS = 100


async def known_site_requests(context: RunContext) -> frozenset[str]:
    """Return the kinds of requests that the start URL's site is known to send without an act of an automation."""
    digest = _digest(context)
    if digest is None:
        return frozenset()
    kept = await asyncio.to_thread(context.services.records.journal.judgment, digest)
    return frozenset(json.loads(kept)) if kept is not None else frozenset()


async def keep_site_requests(context: RunContext, promoted: Promoted) -> None:
    """Keep what the proving runs showed of them; none whose address or fields hold a secret."""
    digest, runs = _digest(context), (promoted.run, promoted.other)
    seen = {kind for run in runs if run is not None for kind in run.outcome.evidence.own_signatures}
    seen = {kind for kind in seen if context.redactor.text(kind) == kind}
    known = await known_site_requests(context) if digest is not None and seen else frozenset[str]()
    if digest is not None and not seen <= known:
        kinds = json.dumps(sorted(known | seen)[:_MOST_KINDS])
        await asyncio.to_thread(context.services.records.journal.keep_judgment, digest, kinds)


def _digest(context: RunContext) -> str | None:
    """Return the key of the site's kinds among what is kept; None without a start URL."""
    parts = urlsplit(context.executor.start_url or "")
    if not parts.hostname:
        return None
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return hashlib.sha256(f"site-requests {origin}".encode()).hexdigest()
