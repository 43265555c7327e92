"""Translation of a `ModelRequest` into a Messages-API call: cache breakpoints, schemas, local endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.models.base import ModelRequest

Json = dict[str, Any]
_ROOM_TO_THINK = 2048  # tokens
_CACHE = {"type": "ephemeral"}
_THINKING = ("thinking", "redacted_thinking")
_UNSUPPORTED = frozenset(["patternProperties", "not", "if", "prefixItems", "dependentSchemas"])


def payload(
    request: ModelRequest, model: str, *, caching: bool, plain: bool, to_strict: Callable[[Json], Json]
) -> Json:
    """Return the keyword arguments of ``messages.create``.

    Tools are sent without ``strict``: it would forbid tools that take open objects, and the engine handles calls that
    do not fit their schema anyway.

    Args:
        request: The request.
        model: The model's ID.
        caching: Set cache breakpoints.
        plain: The endpoint knows the basic fields only: no thinking, no structured output.
        to_strict: Rewrites a JSON Schema into the dialect of structured outputs.
    """
    system = request.system
    extra: Json = {}
    if request.output_schema is not None:
        if not plain and request.output_schema.get("type") == "object" and is_expressible(request.output_schema):
            schema = to_strict(dict(request.output_schema))
            extra["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        else:
            system = f"{system}\n\n{schema_in_words(request.output_schema)}".lstrip()
    # A local model may think before it answers, and its tokens cost nothing.
    most = max(request.max_tokens, _ROOM_TO_THINK) if plain else request.max_tokens
    body: Json = {"model": model, "max_tokens": most, **extra}
    tools = [dict(tool) for tool in request.tools]
    messages = [{"role": m["role"], "content": _blocks(m["content"])} for m in request.messages]
    if plain:
        messages = [_without_thinking(message) for message in messages]
    if tools:
        body["tools"] = tools
    if system:
        # Some local servers take a text only; blocks are needed for cache breakpoints.
        body["system"] = [{"type": "text", "text": system}] if caching or not plain else system
    if caching:
        # Tools come before the system prompt in the cached prefix: a breakpoint on the latter covers both.
        _mark(body.get("system") or tools)
        if request.purpose == "agent":  # the prompt of a single question is not reused
            _mark_conversation(messages)
    body["messages"] = messages
    return body


def prompt_bytes(request: ModelRequest) -> int:
    """Return the length of the whole prompt as UTF-8 JSON."""
    parts = [list(request.tools), list(request.messages), request.output_schema]
    text = json.dumps(parts, ensure_ascii=False, default=dict)
    return len(request.system.encode("utf-8", "replace")) + len(text.encode("utf-8", "replace"))


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """Return a schema as an instruction, for an endpoint that cannot enforce one."""
    return (
        f"Answer with JSON only, no other text, that fits this JSON Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )


def is_expressible(schema: Any, definitions: Mapping[str, Any] | None = None, inside: tuple[str, ...] = ()) -> bool:
    """Return True if structured outputs can enforce the schema as it is meant.

    They close every object, so that an open one would come back empty, and support no recursion and no lists of types.

    >>> is_expressible({"type": "object", "properties": {"a": {"type": "integer"}}})
    True
    >>> is_expressible({"type": "object"})
    False
    """
    if not isinstance(schema, Mapping):
        return False
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        return name not in inside and is_expressible(definitions.get(name), definitions, (*inside, name))
    kind = schema.get("type")
    below = [v for k in ("anyOf", "oneOf", "allOf") for v in schema.get(k, [])]
    if kind == "object":
        if not schema.get("properties") or schema.get("additionalProperties", False) is not False:
            return False
        below += schema["properties"].values()
    elif kind == "array":
        below.append(schema.get("items"))
    elif isinstance(kind, list) or not (kind or below or {"enum", "const"} & set(schema)):
        return False
    if _UNSUPPORTED & set(schema):
        return False
    return all(is_expressible(each, definitions, inside) for each in below)


def _blocks(content: Any) -> list[Json]:
    """Return text or blocks as copied blocks, so that cache breakpoints stay out of the caller's history."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [sendable(block) for block in content]


def sendable(data: Any) -> Any:
    """Return data without lone surrogates, which pages and models write and UTF-8 cannot encode."""
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-8", "replace").decode()
    if isinstance(data, Mapping):
        return {name: sendable(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [sendable(value) for value in data]
    return data


def _without_thinking(message: Json) -> Json:
    kept = [block for block in message["content"] if block.get("type") not in _THINKING]
    return {**message, "content": kept or [{"type": "text", "text": "(no answer)"}]}


def _mark_conversation(messages: Sequence[Json]) -> None:
    """Set breakpoints at the end, and at the end of the previous request, whose prefix is in the cache."""
    asked = [m["content"] for m in messages if m["role"] == "user"]
    for blocks in asked[-2:]:
        _mark(blocks)


def _mark(blocks: list[Json]) -> None:
    if blocks and (blocks[-1].get("type") != "text" or blocks[-1].get("text")):  # empty text takes no breakpoint
        blocks[-1]["cache_control"] = _CACHE
