"""The first route family: web tasks, by workspace."""

from __future__ import annotations

from starlette.responses import Response

from engine.server import events, serialize
from engine.server.operations import Call, Operation, ok
from engine.server.schemas import EventAnswer, TaskPage, WebTaskAnswer, WebTaskStart, WebTaskStarted

_EVENTS = {"last-event-id": "The last event that is not to be sent again."}


def operations(base_path: str) -> list[Operation]:
    """The family below a path, such as ``/api/v1/workspace``."""
    tasks = f"{base_path}/{{workspaceId}}/web-tasks"
    task = f"{tasks}/{{webTaskId}}"
    return [
        Operation(
            "POST", f"{tasks}/start", "startWebTask", "Start a task; its id comes at once", _start,
            {200: WebTaskStarted}, body=WebTaskStart,
        ),
        Operation("GET", tasks, "listWebTasks", "List tasks, the newest first", _list, {200: list[WebTaskAnswer]},
                  query=TaskPage),
        Operation(
            "GET", f"{task}/result", "getWebTaskResult", "A task as it is now", _result,
            {200: WebTaskAnswer, 404: None},
        ),
        Operation(
            "POST", f"{task}/cancel", "cancelWebTask", "End a task; one that has ended stays as it was", _cancel,
            {200: WebTaskAnswer, 404: None},
        ),
        Operation(
            "GET", f"{task}/events", "followWebTask", "The events of a task as they happen, as server-sent events",
            _events, {200: EventAnswer, 204: None, 404: None}, media="text/event-stream", headers=_EVENTS,
        ),
    ]  # fmt: skip


async def _start(call: Call) -> Response:
    engine = await call.engine()
    asked = call.asked()
    task_id = await engine.start(asked.pop("task"), **asked)
    return ok({"webTaskId": task_id, "status": "pending"})


async def _list(call: Call) -> Response:
    engine = await call.known_engine()
    if engine is None:
        return ok([])
    tasks = await engine.list(**call.query.model_dump())
    return ok([await serialize.web_task(task, call.links(engine)) for task in tasks])


async def _result(call: Call) -> Response:
    task_id = call.request.path_params["webTaskId"]
    engine = await call.engine_of(task_id)
    return ok(await serialize.web_task(await engine.result(task_id), call.links(engine)))


async def _cancel(call: Call) -> Response:
    task_id = call.request.path_params["webTaskId"]
    engine = await call.engine_of(task_id)
    return ok(await serialize.web_task(await engine.cancel(task_id), call.links(engine)))


async def _events(call: Call) -> Response:
    return await events.stream(call, call.request.path_params["webTaskId"])
