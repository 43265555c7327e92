"""The routes outside the two families: files, health, and the OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.responses import FileResponse, Response

from engine.server import files
from engine.server.operations import ApiCall, Operation, ok
from engine.server.schemas import Health
from engine.version import installed_version

FILE_PATH = f"{files.PREFIX}/{{workspaceId}}/{{path:path}}"


def operations(document: Callable[[ApiCall], dict[str, Any]]) -> list[Operation]:
    """Return the operations for files, health and the OpenAPI document.

    Args:
        document: Makes the document.
    """
    return [
        Operation(
            "GET", FILE_PATH, "getFile", "A large result, or a file that a task saved; the result has its URL",
            _file, {200: bytes, 206: bytes, 400: None, 410: None, 416: None}, open=True, media="*/*",
        ),
        Operation("GET", "/health", "getHealth", "Check that the server is up", _health, {200: Health}, open=True),
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


async def _health(call: ApiCall) -> Response:
    return ok({"status": "ok", "version": installed_version()})


def _document(document: Callable[[ApiCall], dict[str, Any]]) -> Callable[[ApiCall], Any]:
    async def answer(call: ApiCall) -> Response:
        return ok(document(call))

    return answer
