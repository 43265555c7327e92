"""Replies made regular: what endpoints and small models leave out, misspell or write as text becomes ordinary blocks.

Every reply passes through here once, in `engine.models.budget`, so that nothing behind it meets a block without a name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.models.base import ModelReply, Usage
from engine.models.loose_json import without_thinking_tags
from engine.models.text_calls import calls_in_text

_STOP_REASONS = {
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "stop": "end_turn",
    "content_filter": "refusal",
}
_TEXT_TYPES = ("text", "output_text")
_CALL_TYPES = ("tool_use", "function", "tool_call", "function_call")
_VERBATIM = ("thinking", "redacted_thinking")
_USAGE = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cache_read_tokens": ("cache_read_input_tokens",),
    "cache_write_tokens": ("cache_creation_input_tokens",),
}
UNREADABLE = "\u0000unreadable"
"""The only key of a call's arguments that are no JSON object; the value says what they were."""


def regular(reply: ModelReply, tools: Collection[str], *, text_calls: bool) -> ModelReply:
    """Return the reply with ordinary blocks and a known stop reason.

    Args:
        reply: The reply as the model gave it.
        tools: The names of the request's tools.
        text_calls: Read tool calls that are written as text, where the reply has no others.
    """
    blocks = _with_ids(_blocks(reply.content))
    if text_calls and tools and not any(block["type"] == "tool_use" for block in blocks):
        text = without_thinking_tags("\n".join(str(block["text"]) for block in blocks if block["type"] == "text"))
        kept = [block for block in blocks if block["type"] in _VERBATIM]
        if calls := calls_in_text(text, tools):
            rest = [{"type": "text", "text": calls.rest}] if calls.rest else []
            uses = [{"type": "tool_use", "name": name, "input": given} for name, given in calls.found]
            blocks = _with_ids([*kept, *rest, *uses])
    called = any(block["type"] == "tool_use" for block in blocks)
    reason = _STOP_REASONS.get(reply.stop_reason, reply.stop_reason) or ""
    if not reason or (called and reason == "end_turn"):
        reason = "tool_use" if called else "end_turn"
    return replace(reply, content=tuple(blocks), stop_reason=reason)


def read_usage(reported: Any) -> Usage:
    """Return the tokens that an endpoint reports; 0 for what is missing or no number.

    >>> read_usage({"input_tokens": "12", "output_tokens": None, "completion_tokens": 4.0})
    Usage(input_tokens=12, output_tokens=4, cache_read_tokens=0, cache_write_tokens=0)
    """
    counted: Mapping[str, Any] = reported if isinstance(reported, Mapping) else {}
    return Usage(**{name: next(filter(None, (_tokens(counted.get(key)) for key in keys)), 0)
                    for name, keys in _USAGE.items()})  # fmt: skip


def _tokens(value: Any) -> int:
    try:
        return max(int(float(value)), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _blocks(content: Any) -> list[dict[str, Any]]:
    """Return content of any form as blocks of type ``text`` and ``tool_use``, and thinking as it was."""
    if isinstance(content, (str, Mapping)):
        content = [content]
    elif not isinstance(content, Sequence):
        content = []
    found = []
    for block in content:
        if isinstance(block, str):
            found += _text(block)
        elif isinstance(block, Mapping):
            found += _block(block)
    return found


def _block(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind = block.get("type")
    if kind in _VERBATIM:
        return [dict(block)]
    inner = block.get("function")
    call: Mapping[str, Any] = inner if isinstance(inner, Mapping) else block
    if kind in _CALL_TYPES or (kind not in _TEXT_TYPES and call.get("name")):
        given = next((call[name] for name in ("input", "arguments", "parameters") if name in call), None)
        name = call.get("name")
        use = {"type": "tool_use", "name": name.strip() if isinstance(name, str) else "", "input": arguments(given)}
        return [{**use, "id": block["id"]} if isinstance(block.get("id"), str) and block["id"] else use]
    if kind in (*_TEXT_TYPES, None) or "text" in block:
        return _text(block.get("text"))
    return [{name: value for name, value in block.items() if value is not None}]


def _text(text: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if isinstance(text, str) and text.strip() else []


def arguments(given: Any) -> dict[str, Any]:
    """Return a call's arguments as an object: JSON text is read, nothing is an empty object.

    >>> arguments('{"find": "Surveying"}'), arguments(None)
    ({'find': 'Surveying'}, {})
    """
    read = given
    for _ in range(2):  # some servers write JSON of JSON
        if isinstance(read, str):
            try:
                read = json.loads(read) if read.strip() else {}
            except ValueError:
                break
    if read is None or read == []:
        return {}
    return dict(read) if isinstance(read, Mapping) else {UNREADABLE: str(given)[:200]}


def _with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each call an id of its own: answers refer to it."""
    taken: set[str] = set()
    for number, block in enumerate(blocks, 1):
        if block["type"] != "tool_use":
            continue
        if block.get("id") in taken or not block.get("id"):
            block["id"] = next(f"call_{n}" for n in range(number, number + len(blocks) + 1) if f"call_{n}" not in taken)
        taken.add(block["id"])
    return blocks
