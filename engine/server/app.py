"""The application: both families behind the guard."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from engine.server import meta_routes, openapi, run_routes, task_routes
from engine.server.errors import Problem
from engine.server.middleware import Guard
from engine.server.operations import Call, Operation, Parts, routes

BASE_PATH = "/api/v1/workspace"
_CODES = {404: ("not-found", "there is nothing at this path"), 405: ("method-not-allowed", "not with this method")}


def make_app(parts: Parts, *, base_path: str = BASE_PATH) -> Starlette:
    """The ASGI application.

    Args:
        parts: What it works with.
        base_path: Path of the first family, before the workspace's name; without a slash at its end.
    """

    made: dict[bool, dict[str, Any]] = {}  # it takes a while

    def document(call: Call) -> dict[str, Any]:
        keys = parts.keys_required
        if keys not in made:
            made[keys] = openapi.document(operations, keys_required=keys)
        return made[keys] | {"servers": [{"url": call.base_url}]}

    operations: list[Operation] = [
        *task_routes.operations(base_path),
        *run_routes.operations(),
        *meta_routes.operations(document),
    ]
    app = Starlette(
        routes=routes(operations, parts),
        middleware=[Middleware(Guard, access=parts.access)],
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.router.redirect_slashes = False
    return app


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "only these have a status"
    code, message = _CODES[error.status_code]
    headers = dict(error.headers) if error.headers else None
    return Problem(error.status_code, code, message).response(request.state.correlation_id, headers)
