"""The first route family: the web tasks of a workspace."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from engine.errors import EngineError, InvalidRequest, TaskNotFound
from engine.server import events, serialize
from engine.server.errors import ApiError
from engine.server.operations import ApiCall, Operation, ok
from engine.server.schemas import (
    EventAnswer,
    OriginAnswer,
    ProvenanceQuery,
    TaskPage,
    WebTaskAnswer,
    WebTaskStart,
    WebTaskStarted,
)
from engine.storage.kept_reads import to_json

_EVENTS = {"last-event-id": "Number of the last event received; the stream continues after it."}


def operations(base_path: str) -> list[Operation]:
    """Return the operations of the family, below a path such as ``/api/v1/workspace``."""
    tasks = f"{base_path}/{{workspaceId}}/web-tasks"
    task = f"{tasks}/{{webTaskId}}"
    return [
        Operation(
            "POST", f"{tasks}/start", "startWebTask", "Start a task and return its id at once", _start,
            {200: WebTaskStarted}, body=WebTaskStart,
        ),
        Operation("GET", tasks, "listWebTasks", "List tasks, newest first", _list, {200: list[WebTaskAnswer]},
                  query=TaskPage),
        Operation(
            "GET", f"{task}/result", "getWebTaskResult", "Get a task in its current state", _result,
            {200: WebTaskAnswer, 404: None},
        ),
        Operation(
            "GET", f"{task}/provenance", "explainWebTask", "Show where values of a task's output stood", _provenance,
            {200: list[OriginAnswer], 404: None}, query=ProvenanceQuery,
        ),
        Operation(
            "POST", f"{task}/cancel", "cancelWebTask", "Cancel a task; one that has ended is unchanged", _cancel,
            {200: WebTaskAnswer, 404: None},
        ),
        Operation(
            "GET", f"{task}/events", "followWebTask", "Follow a task's events as server-sent events",
            _events, {200: EventAnswer, 204: None, 404: None}, media="text/event-stream", headers=_EVENTS,
        ),
    ]  # fmt: skip


async def _start(call: ApiCall) -> Response:
    engine = await call.engine()
    arguments = call.engine_arguments()
    task_id = await engine.start(arguments.pop("task", None), **arguments)
    return ok({"webTaskId": task_id, "status": "pending"})


async def _list(call: ApiCall) -> Response:
    engine = await call.known_engine()
    if engine is None:
        return ok([])
    tasks = await engine.list(**call.query.model_dump())
    return ok([await serialize.web_task(task, call.links(engine)) for task in tasks])


async def _result(call: ApiCall) -> Response:
    task_id = call.request.path_params["webTaskId"]
    engine = await call.engine_of(task_id)
    return ok(await serialize.web_task(await engine.result(task_id), call.links(engine)))


async def _provenance(call: ApiCall) -> Response:
    task_id = call.request.path_params["webTaskId"]
    result = await (await call.engine_of(task_id)).result(task_id)
    try:
        return ok(to_json(await asyncio.to_thread(result.provenance, call.query.path)))
    except (InvalidRequest, TaskNotFound):
        raise
    except EngineError as error:  # what it read was not kept
        raise ApiError(404, "not-found", error.message) from error


async def _cancel(call: ApiCall) -> Response:
    task_id = call.request.path_params["webTaskId"]
    engine = await call.engine_of(task_id)
    return ok(await serialize.web_task(await engine.cancel(task_id), call.links(engine)))


async def _events(call: ApiCall) -> Response:
    return await events.stream(call, call.request.path_params["webTaskId"])
