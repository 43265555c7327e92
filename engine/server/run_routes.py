"""The second route family: runs, skillets and auth sessions; the API key decides the workspace."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.responses import Response

from engine.errors import BundleError, InvalidRequest
from engine.models.prices import resolve_model
from engine.server import events, serialize
from engine.server.errors import ApiError
from engine.server.operations import ApiCall, Operation, ok
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
_EVENTS = {"last-event-id": "Number of the last event received; the stream continues after it."}


def operations() -> list[Operation]:
    """Return the operations of the family."""
    run, session = f"{_BASE}/runs/{{id}}", f"{_BASE}/authsessions"
    return [
        Operation("POST", f"{_BASE}/runs/start", "startRun", "Start a run and return its id at once", _start,
                  {200: RunStartedAnswer}, body=RunStart),
        Operation("GET", f"{_BASE}/runs", "listRuns", "List runs, newest first", _list, {200: list[RunAnswer]},
                  query=Page),
        Operation("GET", run, "getRun", "Get a run in its current state", _get, {200: RunAnswer, 404: None}),
        Operation("PATCH", run, "updateRun", "Set a run's title", _update, {200: RunAnswer, 404: None},
                  body=RunUpdate),
        Operation("POST", f"{run}/cancel", "cancelRun", "Cancel a run; one that has ended is unchanged", _cancel,
                  {200: RunAnswer, 404: None}),
        Operation("GET", f"{run}/events", "followRun", "Follow a run's events as server-sent events",
                  _events, {200: EventAnswer, 204: None, 404: None}, media="text/event-stream", headers=_EVENTS),
        Operation("GET", f"{_BASE}/skillets", "listSkillets", "List the saved automations", _skillets,
                  {200: list[SkilletAnswer]}, query=SkilletPage),
        Operation("GET", session, "listAuthSessions", "List saved logins: not supported yet", _no_sessions,
                  {200: list[Any]}),
        Operation("POST", f"{session}/record", "recordAuthSession", "Record a login: not supported yet", _record,
                  {501: None}, body=RecordBody),
        Operation("GET", f"{session}/{{id}}", "getAuthSession", "Get a saved login: not supported yet", _no_session,
                  {404: None}),
    ]  # fmt: skip


async def _start(call: ApiCall) -> Response:
    engine = await call.engine()
    arguments = call.engine_arguments()
    if "model" in arguments and not _is_known(arguments["model"]):
        del arguments["model"]  # this family's client always names a model, of another vendor
    task_id = await engine.start(arguments.pop("task", None), **arguments)
    return ok({"id": task_id, "status": "pending"})


def _is_known(model: str) -> bool:
    try:
        resolve_model(model)
    except InvalidRequest:
        return False
    return True


async def _list(call: ApiCall) -> Response:
    engine = await call.known_engine()
    if engine is None:
        return ok([])
    tasks = await engine.list(**call.query.model_dump())
    return ok([await serialize.run(task, call.links(engine), whole=False) for task in tasks])


async def _get(call: ApiCall) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.result(run_id), call.links(engine), whole=True))


async def _update(call: ApiCall) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.set_title(run_id, call.body.title), call.links(engine), whole=True))


async def _cancel(call: ApiCall) -> Response:
    run_id = call.request.path_params["id"]
    engine = await call.engine_of(run_id)
    return ok(await serialize.run(await engine.cancel(run_id), call.links(engine), whole=True))


async def _events(call: ApiCall) -> Response:
    return await events.stream(call, call.request.path_params["id"])


async def _skillets(call: ApiCall) -> Response:
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
                log.warning("bundle %r omitted from the list: %s", key, error)
                continue
            if head is not None:
                found.append({"id": key, "revisionId": head.id, "revisionTimestamp": head.timestamp.isoformat()})
        return found

    return ok(await asyncio.to_thread(read))


async def _no_sessions(call: ApiCall) -> Response:
    return ok([])


async def _no_session(call: ApiCall) -> Response:
    raise ApiError(404, "not-found", "saved logins are not supported yet, so there is none with this id")


async def _record(call: ApiCall) -> Response:
    raise ApiError(
        501, "not-implemented", "recording a login is not supported yet; pass the password as a secret parameter"
    )
