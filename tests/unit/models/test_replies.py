"""Replies in the forms that local servers and small models give them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from engine.models.base import ModelReply, Usage
from engine.models.replies import UNREADABLE, read_usage, regular

TOOLS = ("look", "python", "write", "finish", "give_up")
CODE = "async def run(page, parameters, task):\n    return {'title': await page.title()}\n"


def read(*content: Any, stop: str = "tool_use", text_calls: bool = True) -> ModelReply:
    reply = ModelReply(content, stop, Usage(), 0.0, "qwen3", 0.1)  # type: ignore[arg-type]  # what a server may send
    return regular(reply, TOOLS, text_calls=text_calls)


def calls(*content: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(use["name"], use["input"]) for use in read(*content).tool_uses]


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("JSON in a fence", "```json\n" + json.dumps({"name": "write", "arguments": {"code": CODE}}) + "\n```"),
        ("tool_call tag", f"<tool_call>\n{json.dumps({'name': 'write', 'arguments': {'code': CODE}})}\n</tool_call>"),
        ("function tag", f"<function=write>\n<parameter=code>\n{CODE}\n</parameter>\n</function>"),
        ("Python in a fence", f"Here is the automation:\n```python\n{CODE}```\nThis lists the title."),
        ("bare JSON after thoughts", '<think>{"name": "give_up"}? No.</think>\n'
         + json.dumps({"name": "write", "parameters": {"code": CODE}})),
        ("function tag within tool_call",
         f"<tool_call>\n<function=write>\n<parameter=code>\n{CODE}</parameter>\n</function>\n</tool_call>"),
        ("JSON with raw newlines", '{"name": "write", "arguments": {"code": "' + CODE + '"}}'),
    ],
)  # fmt: skip
def test_a_call_written_as_text_is_read(form: str, said: str) -> None:
    ((name, given),) = calls(text(said))
    assert name == "write", form
    assert given["code"].strip() == CODE.strip()


def test_two_calls_in_one_text_are_both_read() -> None:
    said = '<tool_call>{"name": "look", "arguments": {"find": "a"}}</tool_call><tool_call>{"name":"look"}</tool_call>'
    assert calls(text(said)) == [("look", {"find": "a"}), ("look", {})]


def test_python_that_defines_no_run_is_a_step() -> None:
    assert calls(text("```python\nprint(await page.title())\n```")) == [
        ("python", {"code": "print(await page.title())\n"})
    ]


@pytest.mark.parametrize("said", ["I will look at the page first.", '{"answer": true}', '{"name": "search"}', ""])
def test_text_without_a_known_call_stays_text(said: str) -> None:
    reply = read(text(said))
    assert reply.tool_uses == ()
    assert reply.stop_reason == "tool_use" or said


def test_what_a_model_of_the_api_writes_is_never_run_as_a_call() -> None:
    reply = read(text('```json\n{"name": "look", "arguments": {}}\n```'), stop="end_turn", text_calls=False)
    assert reply.tool_uses == ()


def test_text_around_the_call_is_kept() -> None:
    assert read(text('First I look.\n```json\n{"name": "look"}\n```')).text == "First I look."


def test_real_calls_come_before_calls_in_text() -> None:
    real = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    assert [use["id"] for use in read(text('```json\n{"name": "finish"}\n```'), real).tool_uses] == ["t1"]


@pytest.mark.parametrize(
    ("block", "name", "given"),
    [
        ({"type": "tool_use", "name": "look", "input": {}}, "look", {}),
        ({"type": "tool_use", "id": "a", "name": "look", "input": None}, "look", {}),
        ({"type": "tool_use", "id": "a", "name": "look"}, "look", {}),
        ({"type": "tool_use", "id": "a", "name": "look", "input": []}, "look", {}),
        ({"type": "tool_use", "id": "a", "name": "look", "input": '{"find": "x"}'}, "look", {"find": "x"}),
        ({"type": "tool_use", "id": "a", "name": "look", "input": '"{}"'}, "look", {}),
        ({"type": "tool_use", "id": "a", "input": {}}, "", {}),
        ({"type": "function", "function": {"name": "look", "arguments": "{}"}}, "look", {}),
        ({"name": "look", "arguments": {"find": "x"}}, "look", {"find": "x"}),
    ],
)
def test_a_malformed_call_becomes_a_regular_one(block: dict[str, Any], name: str, given: dict[str, Any]) -> None:
    (use,) = read(block).tool_uses
    assert (use["name"], use["input"]) == (name, given)
    assert use["id"]


def test_arguments_that_are_no_object_say_what_they_were() -> None:
    assert calls({"type": "tool_use", "id": "a", "name": "look", "input": "not JSON"}) == [
        ("look", {UNREADABLE: "not JSON"})
    ]


def test_calls_with_one_id_get_two() -> None:
    use = {"type": "tool_use", "id": "same", "name": "look", "input": {}}
    first, second = read(use, dict(use)).tool_uses
    assert first["id"] == "same" != second["id"]


@pytest.mark.parametrize("content", [None, "I look.", {"type": "text", "text": "I look."}, 7, [None, 3, ["x"]]])
def test_content_of_any_form_is_survived(content: Any) -> None:
    reply = ModelReply(content, "end_turn", Usage(), 0.0, "m", 0.1)
    assert all(block["type"] == "text" for block in regular(reply, TOOLS, text_calls=True).content)


@pytest.mark.parametrize("block", [{"type": "text"}, {"type": "text", "text": None}, {"text": ""}])
def test_text_blocks_without_text_are_dropped(block: dict[str, Any]) -> None:
    assert read(block).content == ()


def test_thinking_is_passed_back_unchanged() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": None}
    assert read(thought).content == (thought,)


@pytest.mark.parametrize(
    ("given", "called", "stop"),
    [("", True, "tool_use"), ("", False, "end_turn"), ("tool_calls", True, "tool_use"), ("length", True, "max_tokens"),
     ("stop", False, "end_turn"), ("end_turn", True, "tool_use"), ("refusal", False, "refusal")],
)  # fmt: skip
def test_stop_reasons_of_other_apis_are_known(given: str, called: bool, stop: str) -> None:
    block = {"type": "tool_use", "id": "a", "name": "look", "input": {}} if called else text("x")
    assert read(block, stop=given).stop_reason == stop


@pytest.mark.parametrize(
    ("reported", "tokens"),
    [
        ({"input_tokens": 3, "output_tokens": 4}, (3, 4)),
        ({"input_tokens": "n/a", "output_tokens": "12"}, (0, 12)),
        ({"input_tokens": 12.5, "output_tokens": -1}, (12, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4)),
        ({"input_tokens": None, "output_tokens": float("inf")}, (0, 0)),
        (None, (0, 0)),
        ("many", (0, 0)),
    ],
)
def test_usage_of_any_form_is_counted(reported: Any, tokens: tuple[int, int]) -> None:
    usage = read_usage(reported)
    assert (usage.input_tokens, usage.output_tokens) == tokens


def test_a_regular_reply_stays_as_it_is() -> None:
    use = {"type": "tool_use", "id": "a", "name": "write", "input": {"code": CODE}}
    reply = read(text("Now I write."), use)
    assert regular(replace(reply), TOOLS, text_calls=True) == reply
