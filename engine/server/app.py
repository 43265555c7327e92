"""The ASGI application: all routes, behind the access middleware."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from engine.server import meta_routes, openapi, run_routes, task_routes, ui
from engine.server.errors import ApiError
from engine.server.middleware import AccessMiddleware
from engine.server.operations import ApiCall, Operation, Services, routes

BASE_PATH = "/api/v1/workspace"
_CODES = {
    404: ("not-found", "there is nothing at this path"),
    405: ("method-not-allowed", "this path does not support the method; the header allow lists those that it does"),
}


def make_app(services: Services, *, base_path: str = BASE_PATH) -> Starlette:
    """Make the ASGI application.

    Args:
        services: The parts that the handlers share.
        base_path: Path of the web-task routes, before the workspace's name; without a slash at its end.
    """

    documents: dict[bool, dict[str, Any]] = {}  # cached: making one takes a while

    def document(call: ApiCall) -> dict[str, Any]:
        required = services.keys_required
        if required not in documents:
            documents[required] = openapi.document(operations, keys_required=required)
        return documents[required] | {"servers": [{"url": call.base_url}]}

    operations: list[Operation] = [
        *task_routes.operations(base_path),
        *run_routes.operations(),
        *meta_routes.operations(document, f"{base_path}/{services.access.default_workspace}/web-tasks"),
    ]
    app = Starlette(
        routes=[*routes(operations, services), *ui.routes(services)],
        middleware=[Middleware(AccessMiddleware, policy=services.access, calls=services.calls)],
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.router.redirect_slashes = False
    return app


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for statuses, which only these have"
    code, message = _CODES[error.status_code]
    headers = dict(error.headers) if error.headers else None
    return ApiError(error.status_code, code, message).response(request.state.correlation_id, headers)
