"""One small question that shows whether a model and its server can do the engine's work."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import ModelError, ModelUnavailable
from engine.models.base import LEAST_WINDOW, ModelReply, ModelRequest

if TYPE_CHECKING:
    from engine.models.anthropic import AnthropicModel
    from engine.models.openai import OpenAIModel

_WORD = "KESTREL-417"
_LINES = 560  # of filler: about 6,000 tokens by most tokenizers
_CHARS_PER_TOKEN = 6.0  # at most
_READ_AT_LEAST = 0.7
_ADVISED = 16_384
_SLOW = 60.0  # seconds a turn
_TOOL = {
    "name": "report",
    "description": "Reports the code word.",
    "input_schema": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    },
}
_MORE_WINDOW = f"raise it to {_ADVISED} tokens (Ollama: num_ctx, llama.cpp: -c, LM Studio and vLLM: context length)"


@dataclass(frozen=True)
class Finding:
    """One thing that the question showed.

    Args:
        name: Its subject: ``endpoint``, ``tool calls``, ``context window`` or ``speed``.
        ok: False where the engine cannot work so, or not well.
        detail: What was seen.
        remedy: What would help; empty where nothing is wrong.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


async def examine(model: AnthropicModel | OpenAIModel, *, timeout: float = 300.0) -> list[Finding]:
    """Ask the model one question, with one tool and a code word at the start of about 6,000 tokens.

    It costs what a prompt of that length costs; nothing with a model without a price.

    Args:
        model: The model; it stays open.
        timeout: Most seconds that are waited for its answer: a local model may have to be loaded first.
    """
    filler = "\n".join(f"Line {number}: this line says nothing of the word." for number in range(1, _LINES + 1))
    text = f"The code word is {_WORD}.\n{filler}\nCall the tool `report` with the code word from the very first line."
    request = ModelRequest(
        purpose="agent",
        system="You report code words by calling the tool. Say nothing else.",
        tools=(_TOOL,),
        messages=({"role": "user", "content": [{"type": "text", "text": text}]},),
        max_tokens=1024,
        timeout=timeout,
    )
    began = time.monotonic()
    window = await model.context_window()
    try:
        reply = await model.query(request)
    except ModelError as error:
        away = isinstance(error, ModelUnavailable)
        remedy = "start the server, or correct its address (--base-url, ANTHROPIC_BASE_URL)" if away else ""
        return [Finding("endpoint", ok=False, detail=error.message, remedy=remedy)]
    seconds = time.monotonic() - began
    answered = Finding("endpoint", ok=True, detail=f"{model.name} at {model.endpoint} speaks the API")
    return [answered, _tool_calls(reply), _window(reply, window, len(text)), _speed(seconds)]


def _tool_calls(reply: ModelReply) -> Finding:
    if reply.tool_uses:
        return Finding("tool calls", ok=True, detail="it called the tool")
    said = reply.text.strip()[:100]
    return Finding(
        "tool calls",
        ok=False,
        detail=f"it called no tool, and said {said!r}",
        remedy="take a model and a template with tool calls (llama.cpp: --jinja; vLLM: --enable-auto-tool-choice)",
    )


def _window(reply: ModelReply, window: int | None, sent_chars: int) -> Finding:
    words = [str(use["input"].get("word", "")) for use in reply.tool_uses] + [reply.text]
    read, least = reply.usage.prompt_tokens, int(sent_chars / _CHARS_PER_TOKEN * _READ_AT_LEAST)
    size = f"{window} tokens" if window else "not told by the server"
    if window is not None and window < LEAST_WINDOW:
        return Finding("context window", ok=False, detail=f"{size}, {LEAST_WINDOW} are needed", remedy=_MORE_WINDOW)
    if 0 < read < least:
        detail = f"{size}; the endpoint read {read} tokens of at least {least}: it cuts prompts"
        return Finding("context window", ok=False, detail=detail, remedy=_MORE_WINDOW)
    if not any(_WORD in word for word in words):
        detail = f"{size}; the word at the start of 6,000 tokens was not found"
        return Finding("context window", ok=False, detail=detail, remedy=f"a larger model, or {_MORE_WINDOW}")
    return Finding("context window", ok=True, detail=f"{size}; the start of 6,000 tokens was read")


def _speed(seconds: float) -> Finding:
    detail = f"{seconds:.1f} s for this turn; a first run takes 2 to 12"
    remedy = "raise Limits.timeout (600 s), or take a smaller model" if seconds > _SLOW else ""
    return Finding("speed", ok=not remedy, detail=detail, remedy=remedy)
