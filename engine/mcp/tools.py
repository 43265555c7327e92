"""Saved automations as tools: names, schemas and annotations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.bundles import BundleMeta
from engine.task.text import collapse, shorten

_LONGEST_NAME = 64  # characters; some clients take no more
_LONGEST_DESCRIPTION = 1_000
_TOLD_OF_SECRETS = "Secret: it is kept out of records and prompts."


@dataclass(frozen=True)
class AutomationTool:
    """One saved automation as a tool.

    Args:
        name: The tool's name: letters, digits, ``_`` and ``-``.
        key: The reuse key.
        description: Its task, and what a call does.
        input_schema: JSON Schema of its parameters.
        output_schema: JSON Schema of a result: ``{"output": …}``, or ``{"resource": …}`` where that is large.
        reads_only: True where no run of it changes the site.
        secrets: Names of the parameters that are secret.
    """

    name: str
    key: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    reads_only: bool
    secrets: tuple[str, ...]


def automation_tools(saved: Iterable[BundleMeta], *, may_repair: bool) -> dict[str, AutomationTool]:
    """Return the tools for saved automations, by name.

    Args:
        saved: Their descriptions.
        may_repair: True where a call may ask the model, which the description says.
    """
    tools: dict[str, AutomationTool] = {}
    for meta in sorted(saved, key=lambda meta: meta.reuse_key):
        tool = _tool(meta, may_repair=may_repair)
        tools.setdefault(tool.name, tool)
    return tools


def tool_name(key: str) -> str:
    """Return a tool's name for any key; a key that is not a name by itself gets a part of its hash.

    >>> tool_name("businesses"), tool_name("List all books!")
    ('businesses', 'List_all_books_-e27e0b4d')
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", key)
    if name == key and len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - 9]}-{digest}"


def _tool(meta: BundleMeta, *, may_repair: bool) -> AutomationTool:
    task = collapse(meta.tasks[-1]) if meta.tasks else meta.reuse_key
    reads = meta.effects == "read"
    how = [
        "Replays a saved web automation; no model is asked."
        if not may_repair
        else "Replays a saved web automation; where the site has changed, a model repairs it, which costs money.",
        "It only reads." if reads else "It may change something on the site, which cannot be undone.",
    ]
    properties = {
        name: _property(parameter.type, secret=parameter.secret) for name, parameter in meta.parameters.items()
    }
    return AutomationTool(
        name=tool_name(meta.reuse_key),
        key=meta.reuse_key,
        description=f"{shorten(task, _LONGEST_DESCRIPTION)}\n\n{' '.join(how)}",
        input_schema={
            "type": "object",
            "properties": properties,
            "required": sorted(properties),
            "additionalProperties": False,
        },
        output_schema=result_schema(meta.output_schema),
        reads_only=reads,
        secrets=tuple(sorted(name for name, parameter in meta.parameters.items() if parameter.secret)),
    )


def result_schema(output: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the schema of a result with this output, or with the address of one that is too large for a message.

    Its definitions stand at the top, where references look for them.
    """
    inner = {name: value for name, value in (output or {}).items() if name not in ("$defs", "$schema")}
    definitions = {"$defs": output["$defs"]} if output and "$defs" in output else {}
    return {
        "type": "object",
        "properties": {"output": inner, "resource": {"type": "string", "description": "URI of a large output"}},
        **definitions,
    }


def _property(kind: str, *, secret: bool) -> dict[str, Any]:
    plain = {} if kind in ("null", "") else {"type": kind}
    return plain | ({"description": _TOLD_OF_SECRETS} if secret else {})
