"""The OpenAPI document, made from the same table as the routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter

from engine.server.errors import ErrorBody
from engine.server.operations import Operation
from engine.version import installed_version

_REF = "#/components/schemas/{model}"
_ERRORS = {
    401: "The API key is missing, unknown or revoked.",
    403: "The API key is for another workspace, the URL's signature is wrong, or a web page of another origin calls.",
    404: "Not found in this workspace, or nothing is at this path.",
    408: "The request did not arrive in time.",
    410: "The file has expired.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    421: "The server does not have this host name.",
    422: "The call does not have the documented form.",
    500: "The server failed.",
    501: "Not supported yet.",
    503: "The store is not available, the server is stopping, or it has too many connections.",
}
_OTHERS = {
    200: "Success.",
    204: "There are no further events.",
    206: "The requested range.",
    400: "The range is malformed.",
    416: "The file has no such range.",
}
_PARAMETERS = {
    "workspaceId": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "webTaskId": {"type": "string", "minLength": 1},
    "id": {"type": "string", "minLength": 1},
    "path": {"type": "string", "minLength": 1},
}


def document(operations: Sequence[Operation], *, keys_required: bool) -> dict[str, Any]:
    """Return the document, without the server's address.

    Args:
        keys_required: Every call needs an API key.
    """
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas, keys_required)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "webtasks-engine",
            "version": installed_version(),
            "description": "Web tasks that write their own code. Times are in RFC 3339 format.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    }


def _operation(operation: Operation, schemas: dict[str, Any], keys_required: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {str(status): _answer(operation, status, schemas) for status in _statuses(operation)},
    }
    if operation.body is not None:
        content = {"application/json": {"schema": _schema(operation.body, schemas)}}
        made["requestBody"] = {"required": True, "content": content}
    if keys_required and not operation.open:
        made["security"] = [{"key": []}]
    return made


def _statuses(operation: Operation) -> list[int]:
    """Return every status that the operation can answer with."""
    found = {*operation.answers, 403, 408, 421, 500, 503}
    if not operation.open:
        found.add(401)
    if "{" in operation.path:
        found.add(404)
    if "{workspaceId}" in operation.path or operation.query or operation.body:
        found.add(422)
    if operation.method in ("POST", "PATCH"):
        found |= {413, 415, 422}
    return sorted(found)


def _answer(operation: Operation, status: int, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": _OTHERS.get(status) or _ERRORS[status]}
    if status == 204:
        return made
    if status in _ERRORS:
        made["content"] = {"application/json": {"schema": _schema(ErrorBody, schemas)}}
        return made
    kind = operation.answers[status]
    if status in (400, 416):
        made["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif kind is str:
        made["content"] = {operation.media: {"schema": {"type": "string"}}}
    elif kind is bytes:
        made["content"] = {operation.media: {"schema": {}}}
    elif kind is not None:
        made["content"] = {operation.media: {"schema": _schema(kind, schemas)}}
    return made


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": _PARAMETERS[name]}
    for name, meaning in operation.headers.items():
        yield {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
    if operation.query is not None:
        schema = operation.query.model_json_schema(by_alias=True)
        for name, each in schema["properties"].items():
            yield {"name": name, "in": "query", "schema": _not_null(each)}
    if operation.path.startswith("/files/"):
        for name, kind in (("expires", "integer"), ("signature", "string")):
            yield {"name": name, "in": "query", "required": True, "schema": {"type": kind}}


def _not_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without null: a query parameter is either given or absent."""
    kept = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "default")}
    return {**rest, **kept[0]} if len(kept) == 1 else dict(schema)


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type; for a model, add it to the components and return a reference."""
    made = TypeAdapter(kind).json_schema(by_alias=True, ref_template=_REF)
    schemas.update(made.pop("$defs", {}))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas[kind.__name__] = made
        return {"$ref": _REF.format(model=kind.__name__)}
    return dict(made)
