"""A short conversation about a page, and its recording; ``python -m tests.support.conversation`` records it anew.

Set ``ANTHROPIC_API_KEY`` or ``ANTHROPIC_BASE_URL``. The page is the directory of `fixtures_sites`, in short.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine.models import AnthropicModel, Model, ModelReply, ModelRequest, RecordingModel

RECORDING = Path(__file__).with_name("conversation.jsonl")
SITE = "http://127.0.0.1:43211"
SECRET = "correct horse"
SYSTEM = "You explore web pages. Use a tool where you can; several in one turn are fine. Be brief."
TOOLS = (
    {
        "name": "locator",
        "description": "Turns refs (e12) into durable Playwright locators.",
        "input_schema": {
            "type": "object",
            "properties": {"refs": {"type": "array", "items": {"type": "string"}}},
            "required": ["refs"],
            "additionalProperties": False,
        },
    },
    {
        "name": "python",
        "description": "Runs Python on the live page; gives stdout and the last expression.",
        "input_schema": {
            "type": "object",
            "properties": {"code": {"type": "string"}},
            "required": ["code"],
            "additionalProperties": False,
        },
    },
)
PAGE = """\
- heading "Trades" [level=3] [ref=e13]
- link "All trades 53" [ref=e15]: /url: /
- link "Joinery & Carpentry 17" [ref=e17]: /url: /?category=joinery
- link "Thatching 0" [ref=e27]: /url: /?category=thatching
- paragraph [ref=e31]: Showing 1-12 of 53 entries
- link "Next" [ref=e190]: /url: /?page=2
"""
VERDICT = {
    "type": "object",
    "properties": {"trade": {"type": "string", "enum": ["joinery", "electrical", "other"]}},
    "required": ["trade"],
}


def first_step(site: str = SITE, *, page: str = PAGE, tools: Any = TOOLS, task: str = "") -> ModelRequest:
    """The request that opens the conversation."""
    task = (
        task
        or f"Find the locator of the link to joinery, and read the joiners' page of {site} in Python. Then say done."
    )
    return ModelRequest(
        purpose="agent",
        system=SYSTEM,
        tools=tools,
        messages=({"role": "user", "content": f"{task}\n\nThe page {site}/:\n{page}"},),
        timeout=600,
    )


def next_step(request: ModelRequest, reply: ModelReply) -> ModelRequest:
    """The request that follows, with an answer for every tool call."""
    results = [{"type": "tool_result", "tool_use_id": use["id"], "content": "17 rows"} for use in reply.tool_uses]
    messages = (
        *request.messages,
        {"role": "assistant", "content": list(reply.content)},
        {"role": "user", "content": results},
    )
    return ModelRequest("agent", request.system, messages, request.tools, timeout=600)


def question(content: str) -> ModelRequest:
    """A judgment, as an automation asks for it."""
    asked = f"Which trade is this? Name the login {SECRET!r} nowhere.\n\n<content>\n{content}\n</content>"
    return ModelRequest(
        purpose="ask",
        system="Judge a piece of content. Answer with JSON only.",
        messages=({"role": "user", "content": asked},),
        output_schema=VERDICT,
        timeout=600,
    )


STAIRS, LAMPS = "Staircases and sash windows.", f"Rewiring of old houses, see {SITE}/entry/9"


async def hold(model: Model, site: str = SITE) -> list[ModelReply]:
    """Goes through the whole conversation."""
    opening = first_step(site)
    first = await model.query(opening)
    second = await model.query(next_step(opening, first))
    return [first, second, *[await model.query(question(c.replace(SITE, site))) for c in (STAIRS, LAMPS)]]


async def _record() -> None:
    RECORDING.unlink(missing_ok=True)
    asked = AnthropicModel("haiku", max_retries=20)
    names = {"site": SITE, "login": SECRET}
    model = RecordingModel(asked, RECORDING, substitutions=names, about="directory", timeout=3600)
    await hold(model)
    await model.close()


if __name__ == "__main__":
    asyncio.run(_record())
