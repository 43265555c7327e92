"""The routes outside the two families: files, health, and the OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.responses import FileResponse, Response

from engine.server import files, metrics, pages
from engine.server.operations import ApiCall, Operation, ok
from engine.server.schemas import Health
from engine.version import installed_version

FILE_PATH = f"{files.PREFIX}/{{workspaceId}}/{{path:path}}"


def operations(document: Callable[[ApiCall], dict[str, Any]], tasks_path: str) -> list[Operation]:
    """Return the operations for files, health, figures, pages and the OpenAPI document.

    Args:
        document: Makes the document.
        tasks_path: The path of the default workspace's tasks, for an example.
    """

    async def front(call: ApiCall) -> Response:
        return pages.front(document(call), keys_required=call.services.keys_required, tasks_path=tasks_path)

    async def reference(call: ApiCall) -> Response:
        return pages.reference(document(call))

    return [
        Operation(
            "GET", FILE_PATH, "getFile", "A large result, or a file that a task saved; the result has its URL",
            _file, {200: bytes, 206: bytes, 400: None, 410: None, 416: None}, open=True, media="*/*",
        ),
        Operation("GET", "/health", "getHealth", "Check that the server is up", _health, {200: Health}, open=True),
        Operation("GET", "/healthz", "getHealthz", "The same, by its usual name", _health, {200: Health}, open=True),
        Operation("GET", "/metrics", "getMetrics", "Figures for Prometheus; the key may be a bearer token", _metrics,
                  {200: str}, bearer=True, media=metrics.CONTENT_TYPE.partition(";")[0]),
        Operation("GET", "/", "getFront", "What this is", front, {200: str}, open=True, media="text/html"),
        Operation("GET", "/docs", "getReference", "This document as a page", reference, {200: str}, open=True,
                  media="text/html"),
        Operation("GET", "/assets/style.css", "getStyle", "The pages' style", _style, {200: str}, open=True,
                  media="text/css"),
        Operation("GET", "/openapi.json", "getDocument", "This document", _document(document), {200: dict[str, Any]},
                  open=True),
    ]  # fmt: skip


async def _file(call: ApiCall) -> Response:
    workspace, path = call.request.path_params["workspaceId"], call.request.path_params["path"]
    file, expires = await asyncio.to_thread(call.services.signer.open, workspace, path, call.request.query_params)
    links = files.FileLinks(call.services.signer, call.base_url, workspace, call.services.signer.root(workspace))
    content = await asyncio.to_thread(links.content, file, expires)
    headers, media = files.headers(file), files.content_type(file)
    if content is not None:
        return Response(content, headers=headers, media_type=media)
    return FileResponse(file, headers=headers, media_type=media)


async def _metrics(call: ApiCall) -> Response:
    services = call.services
    figures = await services.workspaces.figures(call.key.workspace if call.key is not None else None)
    text = await asyncio.to_thread(metrics.render, services.calls, services.connections, figures)
    return Response(text, media_type=metrics.CONTENT_TYPE)


async def _style(call: ApiCall) -> Response:
    return FileResponse(pages.STYLE, headers={"cache-control": "max-age=3600"}, media_type="text/css")


async def _health(call: ApiCall) -> Response:
    return ok({"status": "ok", "version": installed_version()})


def _document(document: Callable[[ApiCall], dict[str, Any]]) -> Callable[[ApiCall], Any]:
    async def answer(call: ApiCall) -> Response:
        return ok(document(call))

    return answer
