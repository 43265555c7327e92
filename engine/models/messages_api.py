"""A `ModelRequest` as the fields of a Messages-API call: cache breakpoints, schemas, less for plain endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.models.base import ModelRequest

Json = dict[str, Any]
_CACHE = {"type": "ephemeral"}
_THINKING = ("thinking", "redacted_thinking")
_BEYOND = frozenset(["patternProperties", "not", "if", "prefixItems", "dependentSchemas"])


def payload(
    request: ModelRequest, model: str, *, caching: bool, plain: bool, to_strict: Callable[[Json], Json]
) -> Json:
    """The keyword arguments of ``messages.create``.

    Tools are sent without ``strict``: it would forbid tools that take open objects, and the engine answers a call that
    does not fit its schema anyway.

    Args:
        request: What is asked.
        model: The model's id.
        caching: Whether to set cache breakpoints.
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
    body: Json = {"model": model, "max_tokens": request.max_tokens, **extra}
    tools = [dict(tool) for tool in request.tools]
    messages = [{"role": m["role"], "content": _blocks(m["content"])} for m in request.messages]
    if plain:
        messages = [_without_thinking(message) for message in messages]
    if tools:
        body["tools"] = tools
    if system:
        body["system"] = [{"type": "text", "text": system}]
    if caching:
        # Tools come before the system prompt in the cached prefix: a breakpoint on the latter covers both.
        _mark(body.get("system") or tools)
        if request.purpose == "agent":  # single questions are not read from the cache again
            _mark_conversation(messages)
    body["messages"] = messages
    return body


def prompt_bytes(request: ModelRequest) -> int:
    """Length of the whole prompt as UTF-8 JSON."""
    parts = [list(request.tools), list(request.messages), request.output_schema]
    text = json.dumps(parts, ensure_ascii=False, default=dict)
    return len(request.system.encode("utf-8", "replace")) + len(text.encode("utf-8", "replace"))


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """A schema for a model whose endpoint cannot enforce one."""
    return (
        f"Answer with JSON only, no other text, that fits this JSON Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )


def is_expressible(schema: Any, definitions: Mapping[str, Any] | None = None, inside: tuple[str, ...] = ()) -> bool:
    """Whether structured outputs can enforce the schema as it is meant.

    They close every object, so an open one would come back empty, and know no recursion and no list of types.

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
    if _BEYOND & set(schema):
        return False
    return all(is_expressible(each, definitions, inside) for each in below)


def _blocks(content: Any) -> list[Json]:
    """Text and lists of blocks alike as blocks, copied, so that marks stay out of the caller's history."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [sendable(block) for block in content]


def sendable(data: Any) -> Any:
    """Data without halves of surrogate pairs, which pages and models write and UTF-8 cannot carry."""
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
    """Marks the end, and the end of the request before it: that is found again however many blocks were added since."""
    asked = [m["content"] for m in messages if m["role"] == "user"]
    for blocks in asked[-2:]:
        _mark(blocks)


def _mark(blocks: list[Json]) -> None:
    if blocks and (blocks[-1].get("type") != "text" or blocks[-1].get("text")):  # empty text takes no mark
        blocks[-1]["cache_control"] = _CACHE
