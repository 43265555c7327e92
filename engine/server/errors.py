"""HTTP errors: the one body that all have, and the status of each exception of the engine."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from engine.errors import EngineError, InvalidRequest, StoreError, TaskNotFound

Category = Literal["user", "auth", "infrastructure"]
_SHOWN = 5
_CATEGORIES: dict[int, Category] = {401: "auth", 403: "auth"}


class ErrorBody(BaseModel):
    """The body of every answer to a call that was refused or failed.

    Args:
        code: The error, for programs.
        category: Its origin: the caller's request, the API key, or the server.
        message: The error and what to do next, for people.
        retirable: True if the same call may succeed later.
        details: Facts; their names depend on the code.
        correlation_id: The call's id in the server's log.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    code: str = Field(examples=["invalid-request", "unauthenticated", "not-found"])
    category: Category
    message: str
    retirable: bool
    details: dict[str, Any] = Field(default_factory=dict)
    correlation_id: str


class ApiError(Exception):
    """A call that was refused or failed.

    Args:
        status: The HTTP status.
        code: The error, for programs.
        message: The error and what to do next.
        details: Facts, JSON-able.
    """

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details

    def response(self, correlation_id: str, headers: dict[str, str] | None = None) -> Response:
        """Make the HTTP response."""
        body = ErrorBody(
            code=self.code,
            category=_CATEGORIES.get(self.status, "user" if self.status < 500 else "infrastructure"),
            message=self.message,
            retirable=self.status in (500, 503),
            details=self.details,
            correlation_id=correlation_id,
        )
        return json_response(body.model_dump(by_alias=True), self.status, headers)


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Make a JSON response; a lone surrogate, which text from a page may contain, becomes an escape."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def validation_error(error: ValidationError, where: str) -> ApiError:
    """Make the error for input that does not fit its schema, without repeating it: it may contain secrets.

    Args:
        where: ``body`` or ``query``; names a fault of the input as a whole.
    """
    faults = [
        {"field": ".".join(map(str, e["loc"])) or where, "message": e["msg"].removeprefix("Value error, ")}
        for e in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    message = "; ".join(f"{each['field']}: {each['message']}" for each in faults[:_SHOWN])
    return ApiError(422, "invalid-request", message, errors=faults[:_SHOWN])


def engine_error(error: EngineError, aliases: dict[str, str] | None = None) -> ApiError | None:
    """Translate an exception of the engine for the caller; return None if it is a fault of the server.

    Args:
        aliases: The wire's names of the engine's arguments.
    """
    if isinstance(error, TaskNotFound):
        return ApiError(404, "not-found", error.message, **error.details)
    if isinstance(error, InvalidRequest):
        field = str(error.details.get("field", ""))
        name = (aliases or {}).get(field, field)
        message = error.message.replace(field, name) if field else error.message
        return ApiError(422, "invalid-request", message, errors=[{"field": name, "message": message}])
    if isinstance(error, StoreError):
        return ApiError(503, "store", "the server's store is not available; see the server's log")
    return None
