"""JSON answers as models give them: after thoughts, in prose or a fence, in Python's spelling, booleans in words."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.models.text_calls import without_thinking_tags

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
    for part in (said, *_FENCE.findall(said), *(_from_brackets(said) if schema else ())):
        for read in (_strict_json, ast.literal_eval):
            try:
                value = read(part.strip())
            except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
                continue
            if _is_json(value):
                return _fitted(value, schema or {})
    raise ValueError("it was not JSON")


def _strict_json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _from_brackets(text: str) -> Iterator[str]:
    """Yield each longest part that begins with a bracket and ends with the one that closes it."""
    for match in re.finditer(r"[\[{]", text):
        depth, quoted, escaped = 0, "", False
        for at in range(match.start(), len(text)):
            char = text[at]
            if escaped:
                escaped = False
            elif quoted:
                escaped = char == "\\"
                quoted = "" if char == quoted else quoted
            elif char == '"':
                quoted = char
            elif char in "[{":
                depth += 1
            elif char in "]}":
                depth -= 1
                if depth == 0:
                    yield text[match.start() : at + 1]
                    break


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return not isinstance(value, (bytes, set, tuple))


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
