"""What the server can do, as a table: from it come the routes and the OpenAPI document, so that they agree."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from engine.api.async_engine import AsyncEngine
from engine.errors import EngineError
from engine.server.errors import Problem, json_response, problem, unfit
from engine.server.files import Links, Signer
from engine.server.keys import Key, Keys
from engine.server.workspaces import Workspaces
from engine.task.wire import Limits

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
_WORKSPACE_LENGTH = 64


@dataclass(frozen=True)
class Access:
    """Who may call, and with how much.

    Args:
        always_keys: Whether a key is needed even where none was ever made: beyond loopback.
        hosts: Names by which the server may be called; None: by any.
        public_url: Where callers reach it, if not where it listens.
        max_body_bytes: Most bytes of a call.
        default_workspace: What calls without a workspace and without a key mean.
        max_timeout: Most seconds that a call may ask for a task.
        max_usd: Most dollars that a call may ask for a task.
    """

    always_keys: bool = False
    hosts: frozenset[str] | None = None
    public_url: str | None = None
    max_body_bytes: int = 1 << 20
    default_workspace: str = "default"
    max_timeout: float = 3600.0
    max_usd: float = 5.0


@dataclass(frozen=True)
class Parts:
    """What the handlers work with."""

    workspaces: Workspaces
    keys: Keys
    signer: Signer
    access: Access

    @property
    def keys_required(self) -> bool:
        """Whether a call needs a key."""
        return self.access.always_keys or self.keys.any()


@dataclass
class Call:
    """One call, checked.

    Args:
        request: The HTTP request.
        parts: What it is answered with.
        key: Its key, if it has one.
        body: Its body, as the operation says.
        query: Its query, as the operation says.
    """

    request: Request
    parts: Parts
    key: Key | None = None
    body: Any = None
    query: Any = None

    @property
    def workspace(self) -> str:
        """The workspace: of the path, else of the key.

        Raises:
            Problem: The key opens another one.
        """
        named = self.request.path_params.get("workspaceId")
        if named is None:
            return self.key.workspace if self.key is not None else self.parts.access.default_workspace
        if self.key is not None and self.key.workspace != named:
            raise Problem(403, "forbidden", "the key in x-api-key belongs to another workspace")
        if len(named) > _WORKSPACE_LENGTH:
            raise Problem(422, "invalid-request", f"a workspace's name has at most {_WORKSPACE_LENGTH} characters")
        return str(named)

    def asked(self) -> dict[str, Any]:
        """The arguments of ``AsyncEngine.start`` that the body stands for, within what the operator lets a call have.

        Raises:
            Problem: It asks for more time or money than the operator lets a call have.
        """
        asked: dict[str, Any] = self.body.asked()
        access = self.parts.access
        for name, most, unit, usual in (
            ("timeout", access.max_timeout, "s", Limits().timeout),
            ("budget_usd", access.max_usd, "dollars", Limits().budget_usd),
        ):
            if usual > most:
                asked.setdefault(name, most)
            if asked.get(name, 0) > most:
                raise Problem(
                    422, "invalid-request", f"{to_camel(name)} may be at most {most:g} {unit} on this server",
                    field=to_camel(name),
                )  # fmt: skip
        return asked

    async def engine(self) -> AsyncEngine:
        """The workspace's engine; the workspace is made where there was none."""
        return await self.parts.workspaces.engine(self.workspace)

    async def known_engine(self) -> AsyncEngine | None:
        """The workspace's engine, if it exists."""
        return await self.parts.workspaces.known(self.workspace)

    async def engine_of(self, task_id: str) -> AsyncEngine:
        """The engine that has the task; its methods say so where it has not."""
        engine = await self.known_engine()
        if engine is None:
            raise Problem(404, "not-found", f"there is no task {task_id!r} in this workspace", task_id=task_id)
        return engine

    def links(self, engine: AsyncEngine) -> Links:
        """Makes the URLs of files."""
        return Links(self.parts.signer, self.base_url, engine.root.name, engine.root.resolve())

    @property
    def base_url(self) -> str:
        """Where the caller reaches the server."""
        url = self.request.url
        return self.parts.access.public_url or f"{url.scheme}://{url.netloc}"


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Args:
        method: The HTTP method.
        path: With ``{names}``.
        id: Its name in the OpenAPI document.
        summary: What it does.
        handler: Does it.
        answers: What comes with 200, or with others; None: no JSON, or no body.
        body: What it takes.
        query: What its query may hold.
        open: Whether it needs no key.
        media: What kind of answer it is where it is not JSON.
        headers: Request headers that mean something, with what they mean.
    """

    method: str
    path: str
    id: str
    summary: str
    handler: Handler
    answers: Mapping[int, Any]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    open: bool = False
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def routes(operations: Sequence[Operation], parts: Parts) -> list[Route]:
    """One route for each path, so that the wrong method is told the right ones."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation

    def endpoint(methods: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await _answered(methods["GET" if request.method == "HEAD" else request.method], request, parts)

        return answer

    return [Route(path, endpoint(methods), methods=list(methods)) for path, methods in by_path.items()]


async def _answered(operation: Operation, request: Request, parts: Parts) -> Response:
    """The answer, whatever happens: every failure has the documented body."""
    aliases: dict[str, str] = {}
    if operation.body is not None:
        aliases = {name: str(f.alias or name) for name, f in operation.body.model_fields.items()}
        if "skillet_id" in aliases:
            aliases["reuse_key"] = aliases["skillet_id"]
    try:
        return await operation.handler(await _checked(operation, request, parts))
    except Problem as found:
        told = found
    except ClientDisconnect:
        told = Problem(422, "invalid-request", "the call broke off")  # nobody is there to read it
    except Exception as error:
        known = problem(error, aliases) if isinstance(error, EngineError) else None
        if known is None and parts.workspaces.closing.is_set():
            known = Problem(503, "closing", "the server is about to end; ask again when it is back")
        if known is None or known.status >= 500:
            log.exception("call %s failed", request.state.correlation_id)
        told = known or Problem(500, "internal-error", "a fault of the server; its log has the correlation id")
    return told.response(request.state.correlation_id)


async def _checked(operation: Operation, request: Request, parts: Parts) -> Call:
    call = Call(request, parts)
    if not operation.open:
        call.key = _key(request, parts)
        request.state.key = call.key
    if operation.query is not None:
        call.query = _read_query(operation.query, request)
    if request.method in ("POST", "PATCH"):
        data = await _read_body(request, parts.access.max_body_bytes)
        if operation.body is not None:
            try:
                call.body = await asyncio.to_thread(operation.body.model_validate_json, data)
            except ValidationError as error:
                raise unfit(error, "body") from None
    return call


def _key(request: Request, parts: Parts) -> Key | None:
    given = request.headers.get("x-api-key")
    if not parts.keys_required:
        return None
    if given is None:
        raise Problem(401, "unauthenticated", "this server wants a key in the header x-api-key")
    key = parts.keys.find(given)
    if key is None:
        raise Problem(401, "unauthenticated", "the key in x-api-key is not known here, or was revoked")
    return key


def _read_query(model: type[M], request: Request) -> M:
    given = request.query_params
    if len(given.multi_items()) > len(given):
        raise Problem(422, "invalid-request", "a name stands twice in the query")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise unfit(error, "query") from None


async def _read_body(request: Request, most: int) -> bytes:
    """The body, of JSON: a web page can send other types to any server without asking first."""
    data = bytearray()
    declared = request.headers.get("content-length", "")
    too_large = Problem(413, "too-large", f"the body may have at most {most} bytes")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > most:
        raise too_large
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise too_large
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and (data or media):
        raise Problem(
            415, "unsupported-media-type", f"the body must be application/json, not {media or 'without type'}"
        )
    return bytes(data)


def ok(data: Any) -> Response:
    """The answer that all went well."""
    return json_response(data)


def elapsed_ms(since: float) -> int:
    """Milliseconds since then."""
    return round((time.monotonic() - since) * 1000)
