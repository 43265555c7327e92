"""Tool calls as small models make them."""

from typing import Any

import pytest

from engine.agent.calls import bare_code, fitted, known_tool, misfit, unknown_tool
from engine.agent.prompts import TOOLS
from engine.models.replies import UNREADABLE

BY_NAME = {str(tool["name"]): tool for tool in TOOLS}
CODE = "async def run(page, parameters, task):\n    return 1\n"


@pytest.mark.parametrize(
    ("tool", "given", "taken"),
    [
        ("locator", {"refs": "e12"}, {"refs": ["e12"]}),
        ("locator", {"refs": ["[e12]", "f1e3"]}, {"refs": ["e12", "f1e3"]}),
        ("locator", {"refs": '["e12"]'}, {"refs": ["e12"]}),
        ("look", {"find": None, "unfold": None}, {}),
        ("look", {"find": ["Surveying"]}, {"find": "Surveying"}),
        ("look", {"unfold": "[e12]"}, {"unfold": "e12"}),
        ("write", {"edits": '[{"old": "a", "new": "b"}]'}, {"edits": [{"old": "a", "new": "b"}]}),
        ("write", {"edits": {"old": "a", "new": "b"}}, {"edits": [{"old": "a", "new": "b"}]}),
        (
            "write",
            {"code": CODE, "parameters": '{"category": "Oak"}'},
            {"code": CODE, "parameters": {"category": "Oak"}},
        ),
        ("write", {"code": f"```python\n{CODE}```"}, {"code": CODE}),
        ("write", {"code": f"Here it is:\n\n```python\n{CODE}```\nDone."}, {"code": CODE}),
        ("python", {"code": "```\nprint(await page.title())\n```"}, {"code": "print(await page.title())\n"}),
        ("finish", {"summary": "x", "other_parameters": '{"a": 1}'}, {"summary": "x", "other_parameters": {"a": 1}}),
    ],
)
def test_what_is_nearly_right_is_taken(tool: str, given: dict[str, Any], taken: dict[str, Any]) -> None:
    found = fitted(given, BY_NAME[tool])
    assert found == taken
    assert misfit(found, BY_NAME[tool]) is None


@pytest.mark.parametrize("code", [CODE, 'TEXT = """\n```\na fence in a text\n```\n"""\n' + CODE, "a = `1`\n```\n"])
def test_code_that_needs_nothing_taken_off_stays(code: str) -> None:
    assert bare_code(code) == code


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("python", {}, "it takes code (string, required)"),
        ("python", {"script": "print(1)"}, "it takes code (string, required)"),
        ("write", {"path": "a.py", "content": CODE}, "it takes code (string), edits (array)"),
        ("look", {"url": "https://x"}, "it takes find (string), unfold (string)"),
        ("finish", {"summary": "x", "category": "Oak"}, "put 'category' inside other_parameters"),
        ("finish", {"other_parameters": {}}, "summary (string, required)"),
        ("look", {UNREADABLE: "not JSON"}, "must be a JSON object, and were 'not JSON'"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(tool: str, given: dict[str, Any], told: str) -> None:
    assert told in (misfit(given, BY_NAME[tool]) or "")


@pytest.mark.parametrize(
    ("name", "tool"), [("look", "look"), ("Write", "write"), ("functions.look", "look"), ("browser_look", None)]
)
def test_the_tool_that_a_name_means(name: str, tool: str | None) -> None:
    assert known_tool(name, TOOLS) == tool


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("click", "to click, type or open a page use python: `await page."),
        ("navigate", "use python"),
        ("search", "there are look, python, locator, write, finish, give_up"),
        ("", "the call names no tool; there are look"),
    ],
)
def test_an_unknown_tool_is_answered_with_those_that_exist(name: str, told: str) -> None:
    assert told in unknown_tool(name, TOOLS)
