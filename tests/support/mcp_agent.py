"""An agent as others write one: a loop between a model and the tools of an MCP server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp.client.client import Client
from mcp_types import TextContent

QUESTION = "Which surveyors can I call in Harrowmere, and since when have they been in business? Use the tools."
RECORDING = Path(__file__).parents[1] / "recordings" / "mcp_agent.jsonl"
_MOST_TURNS = 6
Ask = Callable[[list[dict[str, Any]], list[dict[str, Any]]], Awaitable[list[dict[str, Any]]]]


async def converse(client: Client, ask: Ask, question: str = QUESTION) -> list[dict[str, Any]]:
    """Have a model answer a question by the server's tools, and return the conversation, its answer last.

    Args:
        ask: Gives the model's content blocks for messages and tools.
    """
    offered = (await client.list_tools()).tools
    tools = [
        {"name": tool.name, "description": tool.description or "", "input_schema": tool.input_schema}
        for tool in offered
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    for _ in range(_MOST_TURNS):
        blocks = await ask(messages, tools)
        messages.append({"role": "assistant", "content": blocks})
        calls = [block for block in blocks if block["type"] == "tool_use"]
        if not calls:
            break
        answers = []
        for call in calls:
            result = await client.call_tool(call["name"], call["input"])
            text = "\n".join(each.text for each in result.content if isinstance(each, TextContent))
            answers.append(
                {"type": "tool_result", "tool_use_id": call["id"], "content": text, "is_error": bool(result.is_error)}
            )
        messages.append({"role": "user", "content": answers})
    return messages


async def live(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask the model at ``ANTHROPIC_BASE_URL``, and add its answer to the recording."""
    from anthropic import AsyncAnthropic

    async with AsyncAnthropic() as model:
        reply = await model.messages.create(
            model="claude-haiku-4-5",
            max_tokens=1000,
            messages=messages,
            tools=tools,  # type: ignore[arg-type]  plain JSON
        )
    blocks = [block.model_dump(mode="json", exclude_none=True) for block in reply.content]
    with RECORDING.open("a") as file:
        file.write(json.dumps(blocks, ensure_ascii=False) + "\n")
    return blocks


def recorded() -> Ask:
    """Return the model's recorded answers, one after another."""
    answers = iter(RECORDING.read_text().splitlines())

    async def ask(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = json.loads(next(answers))
        return blocks

    return ask
