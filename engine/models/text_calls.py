"""Tool calls that a model writes as text: servers without a parser for their model's template hand them on so."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from engine.models.loose_json import bracketed, read_json

_TAGGED = re.compile(r"<(tool_call|function_call|tool_use)>\s*(.*?)\s*(?:</\1>|\Z)", re.DOTALL)
_FUNCTION = re.compile(r"<function(?:=|\s+name=[\"']?)([\w.-]+)[\"']?>\s*(.*?)\s*(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    r"<parameter(?:=|\s+name=[\"']?)([\w.-]+)[\"']?>\n?(.*?)\n?(?:</parameter>|(?=<parameter)|\Z)", re.DOTALL
)
_FENCE = re.compile(r"^```[ \t]*([\w+-]*)[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_ARGUMENTS = ("arguments", "parameters", "input", "args")
_NAMES = ("name", "tool", "function", "tool_name")


@dataclass
class TextCalls:
    """The calls of a text, and what else it says.

    Args:
        found: Name and arguments of each call, in order.
        rest: The text around them.
    """

    found: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rest: str = ""

    def __bool__(self) -> bool:
        return bool(self.found)


def calls_in_text(text: str, tools: Collection[str]) -> TextCalls:
    """Read the calls of known tools in a text, in the forms in which local servers hand them on.

    The forms: JSON alone or in a fence, ``<tool_call>`` around JSON, ``<function=name>`` with parameters, and a fence
    of Python, which is a ``write`` where it defines ``run``, else a step of ``python``.

    >>> calls_in_text('<tool_call>{"name": "look", "arguments": {}}</tool_call>', {"look"}).found
    [('look', {})]
    """
    calls = TextCalls()

    def take(found: list[tuple[str, dict[str, Any]]], match: re.Match[str]) -> str:
        calls.found += found
        return "" if found else match[0]

    rest = _TAGGED.sub(lambda m: take(_function_calls(m[2], tools) or _json_calls(m[2], tools), m), text)
    rest = _FUNCTION.sub(lambda m: take(_function_calls(m[0], tools), m), rest)
    rest = _FENCE.sub(lambda m: take(_fenced(m[1].lower(), m[2], tools), m), rest)
    if not calls.found and (bare := _json_calls(rest, tools)):
        calls.found, rest = bare, ""
    calls.rest = rest.strip()
    return calls


def _function_calls(text: str, tools: Collection[str]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, body in _FUNCTION.findall(text):
        if (known := _known(name, tools)) is None:
            continue
        given = {key: _value(value) for key, value in _PARAMETER.findall(body)}
        found.append((known, given or _object(body) or {}))
    return found


def _json_calls(text: str, tools: Collection[str]) -> list[tuple[str, dict[str, Any]]]:
    read = _object(text)
    entries = read if isinstance(read, list) else [read]
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        function = entry.get("function")
        inner: dict[str, Any] = function if isinstance(function, dict) else entry
        name = next((inner[key] for key in _NAMES if isinstance(inner.get(key), str)), "")
        given: Any = next((inner[key] for key in _ARGUMENTS if key in inner), {})
        given = _object(given) if isinstance(given, str) else given
        if (known := _known(name, tools)) is not None and isinstance(given, dict):
            found.append((known, given))
    return found


def _fenced(language: str, body: str, tools: Collection[str]) -> list[tuple[str, dict[str, Any]]]:
    if language in ("python", "py"):
        name = "write" if re.search(r"^(async )?def run\(", body, re.MULTILINE) else "python"
        return [(name, {"code": body})] if name in tools else []
    return _function_calls(body, tools) or _json_calls(body, tools)


def _known(name: str, tools: Collection[str]) -> str | None:
    """Return the tool that a name means: "functions.look" and "Look" mean ``look``."""
    bare = name.strip().rpartition(".")[2]
    return next((tool for tool in tools if tool.casefold() == bare.casefold()), None)


def _object(text: str) -> Any:
    """Return the first JSON value in a text; None where there is none."""
    for part in (text, *bracketed(text)):
        try:
            return read_json(part)
        except ValueError:
            continue
    return None


def _value(text: str) -> Any:
    """Return a parameter's value: an object or a list where it is one as JSON, else the text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
