"""The dashboard's routes. Each page is made on the server; a form changes something, a link never does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from engine.api.async_engine import AsyncEngine
from engine.api.store_views import good_parameters, read_report
from engine.errors import EngineError, InvalidRequest, TaskNotFound
from engine.reports.page import page, script_hash
from engine.server.errors import ApiError
from engine.server.operations import Services
from engine.server.ui.forms import fields, values
from engine.server.ui.overview import keys_of, tasks_of
from engine.server.ui.visitors import Visitor, Visitors, is_own
from engine.task.wire import Limits

log = logging.getLogger(__name__)

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPT = _TEMPLATES / "live.js"
_MOST_FORM_BYTES = 256 << 10
_LOOK_SECONDS = 1.0
_KEEP_ALIVE_SECONDS = 15.0
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'self' '{script_hash()}'; img-src data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
Handler = Callable[[Request, Visitor, AsyncEngine], Awaitable[Response]]


class _Dashboard:
    """The pages and forms of one server.

    Args:
        services: The parts that the server's handlers share.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._visitors = Visitors(services.keys, services.access.default_workspace)

    def route(self, path: str, handler: Handler, method: str = "GET") -> Route:
        """Make a route that only a visitor who is let in reaches; a form must be the visitor's own."""

        async def answer(request: Request) -> Response:
            request.state.operation = f"ui {path}"
            visitor = self._visitors.find(request, keys_required=self._services.keys_required)
            if visitor is None:
                return RedirectResponse("/ui/login", 303)
            try:
                if method == "POST":
                    request.state.form = await _form(request)
                    if not is_own(visitor, request.state.form.get("token", "")):
                        raise ApiError(403, "forbidden", "the form is not of this dashboard; open the page again")
                return await handler(request, visitor, await self._services.workspaces.engine(visitor.workspace))
            except (ApiError, EngineError) as error:
                return self._problem(visitor, error)

        return Route(path, answer, methods=[method])

    def shown(self, template: str, visitor: Visitor, status: int = 200, **facts: Any) -> HTMLResponse:
        """Return a page of the dashboard."""
        common = {"visitor": visitor, "live": False, "said": ""}
        return HTMLResponse(page(template, {**common, **facts}, directory=_TEMPLATES), status, _HEADERS)

    def _problem(self, visitor: Visitor, error: ApiError | EngineError) -> Response:
        if isinstance(error, ApiError):
            status = error.status
        else:
            status = 404 if isinstance(error, TaskNotFound) else 422 if isinstance(error, InvalidRequest) else 409
        return self.shown("ui_problem.html", visitor, status, problem=str(error))

    # Logging in

    async def login(self, request: Request) -> Response:
        """Show the form for an API key, or let a browser in by it."""
        request.state.operation = "ui login"
        nobody = Visitor("", "")
        if not self._services.keys_required:
            return RedirectResponse("/ui", 303)
        if request.method == "GET":
            return self.shown("ui_login.html", nobody)
        try:
            given = (await _form(request)).get("key", "")
        except ApiError as error:
            return self._problem(nobody, error)
        inside = RedirectResponse("/ui", 303)
        secure = (self._services.access.public_url or "").startswith("https:")
        if self._visitors.log_in(given.strip(), inside, secure=secure):
            return inside
        return self.shown("ui_login.html", nobody, 403, said="This API key is unknown or was revoked.")

    async def logout(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Forget the browser."""
        left = RedirectResponse("/ui/login", 303)
        self._visitors.log_out(request, left)
        return left

    # Pages

    async def front(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Show keys and tasks."""
        keys, tasks = await keys_of(engine), await tasks_of(engine)
        return self.shown("ui_front.html", visitor, keys=keys, tasks=tasks, live=True)

    async def live(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Send the list of tasks whenever it changes, as server-sent events."""
        return StreamingResponse(
            self._changes(engine), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def _changes(self, engine: AsyncEngine) -> AsyncIterator[str]:
        last, silent, closing = "", 0.0, self._services.workspaces.closing
        while not closing.is_set():
            shown = page("ui_tasks.html", {"tasks": await tasks_of(engine)}, directory=_TEMPLATES)
            if shown != last:
                yield f"data: {json.dumps(shown)}\n\n"
                last, silent = shown, 0.0
            elif silent >= _KEEP_ALIVE_SECONDS:
                yield ": keep-alive\n\n"
                silent = 0.0
            try:
                await asyncio.wait_for(closing.wait(), _LOOK_SECONDS)
            except TimeoutError:
                silent += _LOOK_SECONDS

    async def task(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Show a task's report."""
        from engine.reports.task_report import task_facts

        facts = await read_report(engine, task_facts, request.path_params["task_id"])
        return self.shown("ui_task.html", visitor, **facts, live=not facts["result"].final)

    async def key(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Show a key's report, with what can be done to it."""
        from engine.reports.key_report import key_facts

        key = request.query_params.get("key", "")
        facts = await read_report(engine, key_facts, key)
        meta, revisions = facts["bundle"].meta, facts["revisions"]
        good = await good_parameters(engine, revisions[0].id)
        edited = await asyncio.to_thread(engine.bundles.edited, key)
        return self.shown(
            "ui_key.html", visitor, **facts, fields=fields(meta.parameters, good), edited=edited,
            said=request.query_params.get("said", ""),
        )  # fmt: skip

    # Forms

    async def run(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Start a task of a key, by default without a model."""
        given = request.state.form
        key, access = given.get("key", ""), self._services.access
        bundle = await asyncio.to_thread(engine.bundles.load, key)
        if bundle is None:
            raise await asyncio.to_thread(engine.bundles.missing, key)
        task_id = await engine.start(
            reuse_key=key,
            parameters=values(bundle.meta.parameters, given),
            ai="auto" if given.get("repair") == "true" else "never",
            timeout=min(Limits().timeout, access.max_timeout),
            budget_usd=min(Limits().budget_usd, access.max_usd),
            secrets=[name for name, parameter in bundle.meta.parameters.items() if parameter.secret],
        )
        return RedirectResponse(f"/ui/tasks/{task_id}", 303)

    async def cancel(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Cancel a task."""
        task = await engine.cancel(request.path_params["task_id"])
        return RedirectResponse(f"/ui/tasks/{quote(task.web_task_id)}", 303)

    async def rollback(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Commit an earlier revision's files again."""
        key, revision = _key_and_revision(request)
        made = await asyncio.to_thread(engine.bundles.rollback, key, revision)
        return _back(key, f"Rolled back: revision {made.short}.")

    async def pin(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Pin a revision, or remove the pin where none is named."""
        key, revision = _key_and_revision(request)
        if not revision:
            await asyncio.to_thread(engine.bundles.unpin, key)
            return _back(key, "The pin is removed.")
        made = await asyncio.to_thread(engine.bundles.pin, key, revision)
        return _back(key, f"Pinned to revision {made.short}; it is not repaired until the pin is removed.")

    async def adopt(self, request: Request, visitor: Visitor, engine: AsyncEngine) -> Response:
        """Put edits that were made by hand through the gate."""
        key, _ = _key_and_revision(request)
        result = await engine.adopt(key)
        return RedirectResponse(f"/ui/tasks/{quote(result.web_task_id)}", 303)


def routes(services: Services) -> list[Route]:
    """Return the dashboard's routes, where what it is made with is installed; else one that says what is missing."""
    made = _Dashboard(services)

    async def script(request: Request) -> Response:
        request.state.operation = "ui script"
        return Response(_SCRIPT.read_bytes(), headers=_HEADERS, media_type="text/javascript")

    async def slash(request: Request) -> Response:
        request.state.operation = "ui slash"
        return RedirectResponse("/ui", 308)

    return [
        Route("/ui/login", made.login, methods=["GET", "POST"]),
        Route("/ui/live.js", script),
        made.route("/ui", made.front),
        Route("/ui/", slash),
        made.route("/ui/live", made.live),
        made.route("/ui/key", made.key),
        made.route("/ui/tasks/{task_id}", made.task),
        made.route("/ui/logout", made.logout, "POST"),
        made.route("/ui/run", made.run, "POST"),
        made.route("/ui/rollback", made.rollback, "POST"),
        made.route("/ui/pin", made.pin, "POST"),
        made.route("/ui/adopt", made.adopt, "POST"),
        made.route("/ui/tasks/{task_id}/cancel", made.cancel, "POST"),
    ]


async def _form(request: Request) -> dict[str, str]:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MOST_FORM_BYTES:
            raise ApiError(413, "too-large", f"a form may have at most {_MOST_FORM_BYTES} bytes")
    return dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))


def _key_and_revision(request: Request) -> tuple[str, str]:
    given = request.state.form
    return given.get("key", ""), given.get("revision", "")


def _back(key: str, said: str) -> Response:
    return RedirectResponse(f"/ui/key?{urlencode({'key': key, 'said': said})}", 303)
