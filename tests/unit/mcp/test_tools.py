"""Saved automations as tools."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.bundles import BundleMeta
from engine.bundles.bundle import Parameter
from engine.mcp.tools import automation_tools, result_schema, tool_name

ROWS = {"type": "array", "items": {"$ref": "#/$defs/Row"}, "$defs": {"Row": {"type": "object"}}}


def meta(key: str = "businesses", **changed: Any) -> BundleMeta:
    known: dict[str, Any] = {
        "tasks": ("List the businesses",),
        "parameters": {"category": Parameter(type="string"), "password": Parameter(type="string", secret=True)},
        "output_schema": ROWS,
        "effects": "read",
    }
    return BundleMeta(reuse_key=key, created_at=datetime.now(UTC), **known | changed)


def test_a_tool_has_the_schemas_and_the_effects_of_its_automation() -> None:
    (tool,) = automation_tools([meta()], may_repair=False).values()
    assert (tool.name, tool.key, tool.reads_only, tool.secrets) == ("businesses", "businesses", True, ("password",))
    assert tool.description.startswith("List the businesses\n\nReplays a saved web automation; no model is asked.")
    assert tool.input_schema["required"] == ["category", "password"]
    assert tool.input_schema["properties"]["password"]["description"].startswith("Secret")
    assert tool.output_schema["properties"]["output"]["items"] == {"$ref": "#/$defs/Row"}
    assert tool.output_schema["$defs"] == {"Row": {"type": "object"}}


def test_a_tool_that_writes_or_costs_says_so() -> None:
    (tool,) = automation_tools([meta(effects="write")], may_repair=True).values()
    assert not tool.reads_only
    assert "which costs money" in tool.description
    assert "cannot be undone" in tool.description


@pytest.mark.parametrize("key", ["List all books!", "a" * 200, "Bücher", "..", "a/b"])
def test_any_key_has_a_name_that_clients_take_and_no_other_key_has(key: str) -> None:
    name = tool_name(key)
    assert len(name) <= 64
    assert name.replace("-", "").replace("_", "").isalnum()
    assert name.isascii()
    assert name != tool_name(key.replace("!", "?").replace("a", "b") + "x")


def test_an_output_without_a_schema_may_be_anything() -> None:
    assert result_schema(None)["properties"]["output"] == {}
