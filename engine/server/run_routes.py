"""The second route family: runs, skillets and auth sessions; the workspace follows from the key."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.responses import Response

from engine.errors import BundleError, InvalidRequest
from engine.models.prices import resolve_model
from engine.server import events, serialize
from engine.server.errors import Problem
from engine.server.operations import Call, Operation, ok
from engine.server.schemas import (
    EventAnswer,
    Page,
    RecordBody,
    RunAnswer,
    RunStart,
    RunStartedAnswer,
    RunUpdate,
    SkilletAnswer,
    SkilletPage,
)

log = logging.getLogger(__name__)

_BASE = "/api/v1"
_EVENTS = {"last-event-id": "The last event that is not to be sent again."}


def operations() -> list[Operation]:
    """The family."""
    run, session = f"{_BASE}/runs/{{id}}", f"{_BASE}/authsessions"
    return [
        Operation("POST", f"{_BASE}/runs/start", "startRun", "Start a run; its id comes at once", _start,
                  {200: RunStartedAnswer}, body=RunStart),
        Operation("GET", f"{_BASE}/runs", "listRuns", "List runs, the newest first", _list, {200: list[RunAnswer]},
                  query=Page),
        Operation("GET", run, "getRun", "A run as it is now", _get, {200: RunAnswer, 404: None}),
        Operation("PATCH", run, "updateRun", "Give a run a title", _update, {200: RunAnswer, 404: None},
                  body=RunUpdate),
        Operation("POST", f"{run}/cancel", "cancelRun", "End a run; one that has ended stays as it was", _cancel,
                  {200: RunAnswer, 404: None}),
        Operation("GET", f"{run}/events", "followRun", "The events of a run as they happen, as server-sent events",
                  _events, {200: EventAnswer, 204: None, 404: None}, media="text/event-stream", headers=_EVENTS),
        Operation("GET", f"{_BASE}/skillets", "listSkillets", "The saved automations", _skillets,
                  {200: list[SkilletAnswer]}, query=SkilletPage),
        Operation("GET", session, "listAuthSessions", "Saved logins: none yet", _no_sessions, {200: list[Any]}),
        Operation("POST", f"{session}/record", "recordAuthSession", "Record a login: not possible yet", _record,
                  {501: None}, body=RecordBody),
        Operation("GET", f"{session}/{{id}}", "getAuthSession", "A saved login: there is none yet", _no_session,
                  {404: None}),
    ]  # fmt: skip


async def _start(call: Call) -> Response:
    engine = await call.engine()
    asked = call.asked()
    if "model" in asked and not _is_known(asked["model"]):
        del asked["model"]  # its client always names one, of another vendor
    task_id = await engine.start(asked.pop("task"), **asked)
    return ok({"id": task_id, "status": "pending"})


def _is_known(model: str) -> bool:
    try:
        resolve_model(model)
    except InvalidRequest:
        return False
    return True


async def _list(call: Call) -> Response:
    engine = await call.known_engine()
    if engine is None:
        return ok([])
    tasks = await engine.list(**call.query.model_dump())
    return ok([await serialize.run(task, call.links(engine), whole=False) for task in tasks])


async def _get(call: Call) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.result(run_id), call.links(engine), whole=True))


async def _update(call: Call) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.set_title(run_id, call.body.title), call.links(engine), whole=True))


async def _cancel(call: Call) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.cancel(run_id), call.links(engine), whole=True))


async def _events(call: Call) -> Response:
    return await events.stream(call, call.request.path_params["id"])


async def _skillets(call: Call) -> Response:
    engine = await call.known_engine()
    if engine is None:
        return ok([])
    bundles = engine.bundles

    def read() -> list[dict[str, Any]]:
        found = []
        first, most = call.query.offset, call.query.limit
        for key in bundles.keys()[first : None if most is None else first + most]:
            try:
                head = bundles.head(key)
            except BundleError as error:
                log.warning("the bundle %r is left out of the list: %s", key, error)
                continue
            if head is not None:
                found.append({"id": key, "revisionId": head.id, "revisionTimestamp": head.timestamp.isoformat()})
        return found

    return ok(await asyncio.to_thread(read))


async def _no_sessions(call: Call) -> Response:
    return ok([])


async def _no_session(call: Call) -> Response:
    raise Problem(404, "not-found", "there are no saved logins here yet, so there is none with this id")


async def _record(call: Call) -> Response:
    raise Problem(501, "not-implemented", "logins cannot be recorded here yet; give a password as a secret parameter")
