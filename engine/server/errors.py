"""Errors as HTTP tells them: one body for all, and which status each exception of the engine becomes."""

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
    """What every refused or failed call is answered with.

    Args:
        code: What is wrong, for programs.
        category: Whose it is: the caller's, the key's, the server's.
        message: What is wrong and what to do next.
        retirable: Whether the same call may succeed later.
        details: Facts; they depend on the code.
        correlation_id: Names this call in the server's log.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    code: str = Field(examples=["invalid-request", "unauthenticated", "not-found"])
    category: Category
    message: str
    retirable: bool
    details: dict[str, Any] = Field(default_factory=dict)
    correlation_id: str


class Problem(Exception):
    """A call that cannot be answered as it was meant.

    Args:
        status: The HTTP status.
        code: What is wrong, for programs.
        message: What is wrong and what to do next.
        details: Facts, JSON-able.
    """

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details

    def response(self, correlation_id: str, headers: dict[str, str] | None = None) -> Response:
        """The answer."""
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
    """JSON that can always be written: half a surrogate pair, which pages may hold, becomes its escape."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def unfit(error: ValidationError, where: str) -> Problem:
    """Input that has not the documented form. What was given is not repeated: it may hold secrets."""
    found = [
        {"field": ".".join(map(str, e["loc"])) or where, "message": e["msg"].removeprefix("Value error, ")}
        for e in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    told = "; ".join(f"{each['field']}: {each['message']}" for each in found[:_SHOWN])
    return Problem(422, "invalid-request", told, errors=found[:_SHOWN])


def problem(error: EngineError, aliases: dict[str, str] | None = None) -> Problem | None:
    """The problem that an exception of the engine is for the caller; None where it is a fault of the server.

    Args:
        aliases: The wire's names of the engine's arguments.
    """
    if isinstance(error, TaskNotFound):
        return Problem(404, "not-found", error.message, **error.details)
    if isinstance(error, InvalidRequest):
        field = str(error.details.get("field", ""))
        name = (aliases or {}).get(field, field)
        message = error.message.replace(field, name) if field else error.message
        return Problem(422, "invalid-request", message, errors=[{"field": name, "message": message}])
    if isinstance(error, StoreError):
        return Problem(503, "store", "the server's store cannot be used now; its log says why")
    return None
