"""What belongs to neither family: files, health, and the document that describes it all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.responses import FileResponse, Response

from engine.server import files
from engine.server.operations import Call, Operation, ok
from engine.server.schemas import Health
from engine.version import installed_version

FILE_PATH = f"{files.PREFIX}/{{workspaceId}}/{{path:path}}"


def operations(document: Callable[[Call], dict[str, Any]]) -> list[Operation]:
    """Files, health, and the document."""
    return [
        Operation(
            "GET", FILE_PATH, "getFile", "A large result, or a file that a task saved; the URL comes with the result",
            _file, {200: bytes, 206: bytes, 400: None, 410: None, 416: None}, open=True, media="*/*",
        ),
        Operation("GET", "/health", "getHealth", "Whether the server answers", _health, {200: Health}, open=True),
        Operation("GET", "/openapi.json", "getDocument", "This document", _document(document), {200: dict[str, Any]},
                  open=True),
    ]  # fmt: skip


async def _file(call: Call) -> Response:
    parts = call.request.path_params
    workspace, path = parts["workspaceId"], parts["path"]
    file, expires = await asyncio.to_thread(call.parts.signer.open, workspace, path, call.request.query_params)
    links = files.Links(call.parts.signer, call.base_url, workspace, call.parts.signer.root(workspace))
    content = await asyncio.to_thread(links.content, file, expires)
    headers, media = files.headers(file), files.content_type(file)
    if content is not None:
        return Response(content, headers=headers, media_type=media)
    return FileResponse(file, headers=headers, media_type=media)


async def _health(call: Call) -> Response:
    return ok({"status": "ok", "version": installed_version()})


def _document(document: Callable[[Call], dict[str, Any]]) -> Callable[[Call], Any]:
    async def answer(call: Call) -> Response:
        return ok(document(call))

    return answer
