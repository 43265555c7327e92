"""JSON answers as models give them: after thoughts, in prose or a fence, in Python's spelling, booleans in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.models.loose_json import bracketed, read_json, without_thinking_tags

_FENCE = re.compile(r"```[ \t]*\w*[ \t]*\n(.*?)```", re.DOTALL)
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def read_answer(text: str, schema: Mapping[str, Any] | None = None) -> Any:
    """Return the JSON value that an answer holds.

    Args:
        text: The answer.
        schema: Its JSON Schema, if any: where it asks for a boolean or a number, one written as text is taken.

    Raises:
        ValueError: There is none.

    >>> read_answer("<think>Is it {maybe}?</think> Sure: {'answer': True}. Anything else?", {"type": "object"})
    {'answer': True}
    """
    said = without_thinking_tags(text)
    # Without a schema nothing tells a value in prose from the answer.
    for part in (said, *_FENCE.findall(said), *(bracketed(said) if schema else ())):
        try:
            return _fitted(read_json(part), schema or {})
        except ValueError:
            continue
    raise ValueError("it was not JSON")


def _fitted(value: Any, schema: Any) -> Any:
    """Return the value with booleans and numbers in place of their words, where the schema asks for them."""
    if not isinstance(schema, Mapping):
        return value
    kind = schema.get("type")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: _fitted(inner, known.get(name, {})) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fitted(inner, schema.get("items", {})) for inner in value]
    if isinstance(value, str) and kind == "boolean":
        return _WORDS.get(value.strip().casefold(), value)
    if isinstance(value, str) and kind in ("integer", "number") and re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", value):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value
