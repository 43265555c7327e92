"""Tool calls as small models make them: the nearly right is taken, the wrong is told with what would be right."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.models.replies import UNREADABLE
from engine.task.schema import OutputSchema

_REF = re.compile(r"^\[?(f?\d*e\d+)\]?$")
_FENCE = re.compile(r"^```[ \t]*[\w+-]*[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_PAGE_WORDS = re.compile(r"click|goto|navigat|open|type|fill|scroll|press|select|back|wait|browser|page|tab", re.I)

Tools = Sequence[Mapping[str, Any]]


def known_tool(name: str, tools: Tools) -> str | None:
    """Return the tool that a name means, or None.

    >>> known_tool("functions.Look", [{"name": "look"}])
    'look'
    """
    bare = name.strip().rpartition(".")[2].casefold()
    return next((str(tool["name"]) for tool in tools if str(tool["name"]).casefold() == bare), None)


def unknown_tool(name: str, tools: Tools) -> str:
    """Return the answer to a call of a tool that does not exist."""
    names = ", ".join(str(tool["name"]) for tool in tools)
    if not name:
        return f"the call names no tool; there are {names}"
    page = _PAGE_WORDS.search(name) is not None and known_tool("python", tools) is not None
    how = (
        '; to click, type or open a page use python: `await page.get_by_role("link", name="…").click()`' if page else ""
    )
    return f"there is no tool {name[:60]!r}; there are {names}{how}"


def fitted(arguments: Mapping[str, Any], tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with what is nearly right made right: by the tool's schema, never by guessing values."""
    schema: Mapping[str, Any] = tool["input_schema"]
    known: Mapping[str, Any] = schema.get("properties", {})
    found = {}
    for name, value in arguments.items():
        wanted = known.get(name)
        if value is None and wanted is not None and name not in schema.get("required", ()):
            continue
        found[name] = _fitted_value(name, value, wanted) if isinstance(wanted, Mapping) else value
    return found


def _fitted_value(name: str, value: Any, wanted: Mapping[str, Any]) -> Any:
    kind = wanted.get("type")
    if kind in ("object", "array") and isinstance(value, str):
        value = _parsed(value, kind)
    if kind == "array" and not isinstance(value, list):
        value = [value]
    if kind == "string" and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if name == "code" and isinstance(value, str):
        return bare_code(value)
    if kind == "array" and isinstance(value, list):
        return [_bare_ref(entry) for entry in value]
    return _bare_ref(value)


def _parsed(text: str, kind: str) -> Any:
    """Return an object or a list that was written as JSON text; the text itself where it is none."""
    try:
        read = json.loads(text)
    except ValueError:
        return text
    return read if isinstance(read, (dict, list)) and (kind == "array" or isinstance(read, dict)) else text


def _bare_ref(value: Any) -> Any:
    match = _REF.match(value.strip()) if isinstance(value, str) else None
    return match[1] if match else value


def bare_code(code: str) -> str:
    """Return the code without one markdown fence around it, or the one fenced part of an answer in prose.

    Code that is Python as it is stays as it is, whatever its texts hold.

    >>> bare_code("Here:\\n```python\\nprint(1)\\n```\\n")
    'print(1)\\n'
    """
    if "```" not in code or _parses(code):
        return code
    fenced = _FENCE.findall(code if code.endswith("\n") else code + "\n")
    return str(fenced[0]) if len(fenced) == 1 else code


def _parses(code: str) -> bool:
    try:
        compile(code, "code", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def misfit(arguments: Mapping[str, Any], tool: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arguments and what would be right; None where they fit the tool."""
    name, schema = tool["name"], tool["input_schema"]
    if UNREADABLE in arguments:
        return f"the arguments of {name} must be a JSON object, and were {arguments[UNREADABLE]!r}; {_example(tool)}"
    problems = OutputSchema(schema).errors(arguments)
    if not problems:
        return None
    known = schema.get("properties", {})
    remedies = [_example(tool)]
    extra = [key for key in arguments if key not in known]
    if extra and "other_parameters" in known:
        remedies.append(
            f"put {', '.join(map(repr, extra))} inside other_parameters, if they are parameters of the task"
        )
    return f"the arguments do not fit the tool {name}: {'; '.join(problems)}; {'; '.join(remedies)}"


def _example(tool: Mapping[str, Any]) -> str:
    known = tool["input_schema"].get("properties", {})
    required = tool["input_schema"].get("required", ())
    shown = ", ".join(f"{key} ({what.get('type', 'any')}{', required' if key in required else ''})"
                      for key, what in known.items())  # fmt: skip
    return f"it takes {shown}" if shown else "it takes no arguments"
