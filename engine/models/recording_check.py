"""Checks that a recorded answer fits a request: its tools are offered, and its refs were shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.models.base import ModelRequest

_REF = re.compile(r"\b(f\d+)?e(\d+)\b")
_RANGE = re.compile(r"\b((?:f\d+)?e)(\d+)-\1(\d+)\b")
_REF_FIELDS = ("ref", "refs", "unfold")
_REF_IN_CODE = re.compile(r"""(?:get_by_ref\(\s*["']|aria-ref=)((?:f\d+)?e\d+)""")


def misfits(content: Sequence[Mapping[str, Any]], request: ModelRequest) -> list[str]:
    """Return the tools, inputs and refs of an answer that the request does not offer; empty if it fits.

    Args:
        content: The answer's blocks.
        request: The request.
    """
    tools = {str(tool["name"]): tool for tool in request.tools}
    found: list[str] = []
    for block in content:
        if block.get("type") != "tool_use":
            continue
        name, arguments = str(block["name"]), block["input"]
        if name not in tools:
            found.append(f"it calls the tool {name!r}, which this run does not offer")
            continue
        if problem := _invalid(arguments, tools[name]["input_schema"]):
            found.append(f"its input for the tool {name!r} does not fit: {problem}")
        unseen = sorted(set(_used(arguments)) - _shown(request), key=_order)
        found += [f"it uses the ref {ref} ({name}), which the page did not show" for ref in unseen]
    return found


def _invalid(arguments: Any, schema: Mapping[str, Any]) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(arguments))
    return f"{error.json_path}: {error.message}" if error is not None else None


def _used(data: Any, field: str = "") -> Iterator[str]:
    """Yield the refs that a tool's input names: in fields for refs, and in Python code."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _used(value, str(name))
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from _used(value, field)
    elif isinstance(data, str):
        if field in _REF_FIELDS:
            yield from (match[0] for match in _REF.finditer(data))
        yield from _REF_IN_CODE.findall(data)


def _shown(request: ModelRequest) -> set[str]:
    """Return the refs in the request's messages; ``e3-e9`` stands for all seven."""
    shown: set[str] = set()
    for text in _user_texts(request):
        shown |= {match[0] for match in _REF.finditer(text)}
        for prefix, first, last in _RANGE.findall(text):
            shown |= {f"{prefix}{number}" for number in range(int(first), min(int(last), int(first) + 10_000))}
    return shown


def _user_texts(request: ModelRequest) -> Iterator[str]:
    for message in request.messages:
        if message["role"] == "user":
            yield from _texts(message["content"])


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from _texts(content.get("text"))
        yield from _texts(content.get("content"))
    elif isinstance(content, (list, tuple)):
        for block in content:
            yield from _texts(block)


def _order(ref: str) -> tuple[str, int]:
    prefix, _, number = ref.rpartition("e")
    return prefix, int(number)
