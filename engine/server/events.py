"""A task's events as server-sent events, from the first or after the last that the caller received."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from engine.api.async_engine import AsyncEngine
from engine.server.operations import ApiCall
from engine.task.events import Event

_RETRY_MS = 2000
_KEEP_ALIVE_SECONDS = 15.0  # proxies close connections that stay silent


async def stream(call: ApiCall, task_id: str) -> Response:
    """Stream the events after the caller's ``Last-Event-ID``; answer 204 if there are and will be none."""
    engine = await call.engine_of(task_id)
    task = await engine.result(task_id)
    seen = _last_seen(call.request)
    if task.final and seen >= len([event async for event in engine.events(task_id)]):
        return Response(status_code=204)  # stops an EventSource from reconnecting
    return StreamingResponse(
        _lines(engine, task_id, seen, call.services.workspaces.closing),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _last_seen(request: Request) -> int:
    given = request.headers.get("last-event-id", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


async def _lines(engine: AsyncEngine, task_id: str, seen: int, closing: asyncio.Event) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MS}\n\n"
    events, numbers = engine.events(task_id), count(1)
    ending = asyncio.ensure_future(closing.wait())
    coming = asyncio.ensure_future(_next(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming, ending}, timeout=_KEEP_ALIVE_SECONDS, return_when="FIRST_COMPLETED")
            if coming in done:
                event = coming.result()
                if event is None:
                    return
                number = next(numbers)
                if number > seen:
                    yield f"id: {number}\nevent: {event.type}\ndata: {json.dumps(event.to_json())}\n\n"
                coming = asyncio.ensure_future(_next(events))
            elif ending in done:
                return  # the caller reconnects when the next server is up
            else:
                yield ": keep-alive\n\n"
    finally:
        for waiting in (coming, ending):
            waiting.cancel()
        await asyncio.gather(coming, ending, return_exceptions=True)


async def _next(events: AsyncIterator[Event]) -> Event | None:
    return await anext(events, None)
