"""Translation between the Messages API, which the engine speaks, and OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.models.base import ModelRequest
from engine.models.messages_api import Json, schema_in_words, sendable


def chat_payload(request: ModelRequest, model: str) -> Json:
    """Return the body of ``POST /chat/completions``.

    Only fields that every compatible server knows are used: no structured output, no strict tools.
    """
    system = request.system
    if request.output_schema is not None:
        system = f"{system}\n\n{schema_in_words(request.output_schema)}".lstrip()
    messages: list[Json] = [{"role": "system", "content": system}] if system else []
    for message in request.messages:
        messages += _message(message)
    body: Json = {"model": model, "max_tokens": request.max_tokens, "messages": sendable(messages)}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "parameters": dict(tool["input_schema"]),
                },
            }
            for tool in request.tools
        ]
    return body


def _message(message: Mapping[str, Any]) -> Iterator[Json]:
    """Yield a message as one or more: each answer of a tool is a message of its own there, before other words."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "\n".join(str(block["text"]) for block in blocks if block.get("type") == "text")
    if message["role"] == "assistant":
        calls = [
            {
                "id": block["id"],
                "type": "function",
                "function": {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)},
            }
            for block in blocks
            if block.get("type") == "tool_use"
        ]
        yield {"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})
        return
    for block in blocks:
        if block.get("type") == "tool_result":
            failed = "Error: " if block.get("is_error") else ""
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": f"{failed}{block['content']}"}
    if text:
        yield {"role": "user", "content": text}


def reply_content(message: Mapping[str, Any]) -> tuple[list[Json], str]:
    """Return the blocks and the stop reason of a completion, to be made regular; see `engine.models.replies`.

    >>> reply_content({"choices": [{"finish_reason": "stop", "message": {"content": "hi"}}]})
    ([{'type': 'text', 'text': 'hi'}], 'stop')
    """
    choices = message.get("choices") or [{}]
    choice = choices[0] if isinstance(choices[0], Mapping) else {}
    said = choice.get("message") or {}
    blocks: list[Json] = [{"type": "text", "text": said["content"]}] if said.get("content") else []
    blocks += [dict(call) for call in said.get("tool_calls") or [] if isinstance(call, Mapping)]
    return blocks, str(choice.get("finish_reason") or "")
