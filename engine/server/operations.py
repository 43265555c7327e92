"""The server's operations; the routes and the OpenAPI document are both made from this table."""

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
from engine.server.connections import ConnectionLimits, Connections
from engine.server.errors import ApiError, engine_error, json_response, validation_error
from engine.server.files import FileLinks, UrlSigner
from engine.server.keys import ApiKey, ApiKeyStore
from engine.server.metrics import CallFigures
from engine.server.workspaces import Workspaces, stopping_error
from engine.task.wire import Limits

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
_WORKSPACE_LENGTH = 64


@dataclass(frozen=True)
class AccessPolicy:
    """The server's rules for callers, and the most that a call may ask for.

    Args:
        always_keys: Require an API key even if none was ever created: beyond loopback.
        hosts: Names under which the server may be called; None allows any.
        public_url: The server's address for its callers, if not the one where it listens.
        max_body_bytes: Largest body of a call.
        default_workspace: The workspace of calls that name none and have no API key.
        max_timeout: Longest timeout that a call may ask for, in seconds.
        max_usd: Largest budget that a call may ask for, in dollars.
    """

    always_keys: bool = False
    hosts: frozenset[str] | None = None
    public_url: str | None = None
    max_body_bytes: int = 1 << 20
    default_workspace: str = "default"
    max_timeout: float = 3600.0
    max_usd: float = 5.0


@dataclass(frozen=True)
class Services:
    """The parts that the handlers share."""

    workspaces: Workspaces
    keys: ApiKeyStore
    signer: UrlSigner
    access: AccessPolicy
    connections: Connections = field(default_factory=lambda: Connections(ConnectionLimits()))
    calls: CallFigures = field(default_factory=CallFigures)

    @property
    def keys_required(self) -> bool:
        """True if a call needs an API key."""
        return self.access.always_keys or self.keys.any()


@dataclass
class ApiCall:
    """One call, after its key, query and body were checked.

    Args:
        request: The HTTP request.
        services: The parts that the handlers share.
        key: Its API key, if it has one.
        body: Its body, an instance of the operation's model.
        query: Its query, an instance of the operation's model.
    """

    request: Request
    services: Services
    key: ApiKey | None = None
    body: Any = None
    query: Any = None

    @property
    def workspace(self) -> str:
        """The workspace in the path, else the one of the API key.

        Raises:
            ApiError: The API key is for another workspace.
        """
        named = self.request.path_params.get("workspaceId")
        if named is None:
            return self.key.workspace if self.key is not None else self.services.access.default_workspace
        if self.key is not None and self.key.workspace != named:
            raise ApiError(403, "forbidden", "the API key in x-api-key is for another workspace")
        if len(named) > _WORKSPACE_LENGTH:
            raise ApiError(422, "invalid-request", f"a workspace's name has at most {_WORKSPACE_LENGTH} characters")
        return str(named)

    def engine_arguments(self) -> dict[str, Any]:
        """Return the arguments of ``AsyncEngine.start`` that the body stands for, within the operator's limits.

        Raises:
            ApiError: The timeout or the budget is above the operator's limit.
        """
        arguments: dict[str, Any] = self.body.engine_arguments()
        access = self.services.access
        for name, most, unit, usual in (
            ("timeout", access.max_timeout, "s", Limits().timeout),
            ("budget_usd", access.max_usd, "dollars", Limits().budget_usd),
        ):
            if usual > most:
                arguments.setdefault(name, most)
            if arguments.get(name, 0) > most:
                raise ApiError(
                    422, "invalid-request", f"{to_camel(name)} may be at most {most:g} {unit} on this server",
                    field=to_camel(name),
                )  # fmt: skip
        return arguments

    async def engine(self) -> AsyncEngine:
        """Return the workspace's engine; create the workspace if necessary."""
        return await self.services.workspaces.engine(self.workspace)

    async def known_engine(self) -> AsyncEngine | None:
        """Return the workspace's engine; None if the workspace does not exist."""
        return await self.services.workspaces.known(self.workspace)

    async def engine_of(self, task_id: str) -> AsyncEngine:
        """Return the workspace's engine, for a task that should be in it.

        The engine's own methods raise `TaskNotFound` if it has no such task.

        Raises:
            ApiError: The workspace does not exist.
        """
        engine = await self.known_engine()
        if engine is None:
            raise ApiError(404, "not-found", f"there is no task {task_id!r} in this workspace", task_id=task_id)
        return engine

    def links(self, engine: AsyncEngine) -> FileLinks:
        """Return what makes the URLs of the workspace's files."""
        return FileLinks(self.services.signer, self.base_url, engine.root.name, engine.root.resolve())

    @property
    def base_url(self) -> str:
        """The server's address, as the caller sees it."""
        url = self.request.url
        return self.services.access.public_url or f"{url.scheme}://{url.netloc}"


Handler = Callable[[ApiCall], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    Args:
        method: The HTTP method.
        path: The path, with ``{names}``.
        id: The operation's id in the OpenAPI document.
        summary: The operation's summary there.
        handler: The function that answers a call.
        answers: For each status, the type of the body; None if it is not JSON, or empty.
        body: The model of the request's body.
        query: The model of the query.
        open: True if no API key is needed.
        bearer: True if the API key may be a bearer token, too.
        media: The content type of the answers.
        headers: The request headers that it reads, each with its meaning.
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
    bearer: bool = False
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def routes(operations: Sequence[Operation], services: Services) -> list[Route]:
    """Make one route per path, so that an answer to a wrong method lists the right ones."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation

    def endpoint(methods: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            operation = methods["GET" if request.method == "HEAD" else request.method]
            request.state.operation = operation.id
            return await _answer(operation, request, services)

        return answer

    return [Route(path, endpoint(methods), methods=list(methods)) for path, methods in by_path.items()]


async def _answer(operation: Operation, request: Request, services: Services) -> Response:
    """Answer a call; every failure, too, has the documented body."""
    aliases: dict[str, str] = {}
    if operation.body is not None:
        aliases = {name: str(f.alias or name) for name, f in operation.body.model_fields.items()}
        if "skillet_id" in aliases:
            aliases["reuse_key"] = aliases["skillet_id"]
    try:
        return await operation.handler(await _checked_call(operation, request, services))
    except ApiError as error:
        failure = error
    except ClientDisconnect:
        failure = ApiError(422, "invalid-request", "the connection was closed before the call was complete")
    except Exception as error:  # each call gets an answer; an unknown error is logged
        known = engine_error(error, aliases) if isinstance(error, EngineError) else None
        if known is None and services.workspaces.closing.is_set():
            known = stopping_error()
        if known is None or known.status >= 500:
            log.exception("call %s failed", request.state.correlation_id)
        failure = known or ApiError(
            500, "internal-error", "the server failed; look for the correlation id in the server's log"
        )
    return failure.response(request.state.correlation_id)


async def _checked_call(operation: Operation, request: Request, services: Services) -> ApiCall:
    call = ApiCall(request, services)
    if not operation.open:
        call.key = _api_key(operation, request, services)
        request.state.key = call.key
    if operation.query is not None:
        call.query = _read_query(operation.query, request)
    if request.method in ("POST", "PATCH"):
        data = await _read_body(request, services.access.max_body_bytes)
        if operation.body is not None:
            try:
                call.body = await asyncio.to_thread(operation.body.model_validate_json, data)
            except ValidationError as error:
                raise validation_error(error, "body") from None
    return call


def _api_key(operation: Operation, request: Request, services: Services) -> ApiKey | None:
    given = request.headers.get("x-api-key")
    if given is None and operation.bearer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else None
    if not services.keys_required:
        return None
    if given is None:
        raise ApiError(401, "unauthenticated", "this server requires an API key in the header x-api-key")
    key = services.keys.find(given)
    if key is None:
        raise ApiError(401, "unauthenticated", "the API key in x-api-key is unknown or was revoked")
    return key


def _read_query(model: type[M], request: Request) -> M:
    given = request.query_params
    if len(given.multi_items()) > len(given):
        raise ApiError(422, "invalid-request", "the query has a parameter twice")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise validation_error(error, "query") from None


async def _read_body(request: Request, most: int) -> bytes:
    """Read the body, which must be declared as JSON: a web page may send other types across origins unasked."""
    data = bytearray()
    declared = request.headers.get("content-length", "")
    too_large = ApiError(413, "too-large", f"the body may have at most {most} bytes")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > most:
        raise too_large
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise too_large
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and (data or media):
        raise ApiError(
            415, "unsupported-media-type", f"the content type must be application/json, not {media or 'empty'}"
        )
    return bytes(data)


def ok(data: Any) -> Response:
    """Make a response of status 200 with JSON data."""
    return json_response(data)


def elapsed_ms(since: float) -> int:
    """Return the milliseconds since a time of the monotonic clock."""
    return round((time.monotonic() - since) * 1000)
