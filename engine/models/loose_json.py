"""JSON as models write it: after thoughts, in prose, with raw line breaks in texts, or in Python's spelling."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_LOOSE_END = re.compile(  # templates swallow the start
    r"\A.*?</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE
)


def without_thinking_tags(text: str) -> str:
    """Return the text without what the model thought aloud between tags.

    >>> without_thinking_tags("<think>What is asked?</think> Yes.")
    'Yes.'
    """
    return _LOOSE_END.sub("", _THINKING.sub("", text)).strip()


def read_json(text: str) -> Any:
    """Return the value that a text is, as JSON or as a literal of Python.

    Raises:
        ValueError: It is neither, or a value that JSON cannot hold.

    >>> read_json("{'answer': True}")
    {'answer': True}
    """
    for read in (_json, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        if _is_json(value):
            return value
    raise ValueError("it was not JSON")


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, strict=False)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def bracketed(text: str) -> Iterator[str]:
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
