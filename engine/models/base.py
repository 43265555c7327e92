"""The model protocol: a request in the form of the Messages API, its reply, and a bound on its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

Purpose = Literal["agent", "ask", "confirm", "compile"]
LEAST_WINDOW = 6_000
"""Tokens of the smallest context window that holds the prompt, a page and an automation."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one or more calls. ``input_tokens`` excludes cache reads and cache writes."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True)
class ModelRequest:
    """One request to a model.

    Args:
        purpose: A step of the agent, a judgment that an automation asked for, the confirmation of a suspect result, or
            a rewrite without a browser.
        system: The system prompt, the same for all tasks, so that it is cached.
        tools: Tool definitions (``name``, ``description``, ``input_schema``).
        messages: The conversation, in the form of the Messages API.
        max_tokens: Most tokens of the reply.
        output_schema: JSON Schema that the reply's text must fit, if any.
        timeout: Most seconds of the call, retries included; a long reply takes minutes.
    """

    purpose: Purpose
    system: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    max_tokens: int = 4096
    output_schema: Mapping[str, Any] | None = None
    timeout: float = 600.0


@dataclass(frozen=True)
class ModelReply:
    """One reply: the content blocks as the API returned them, and the cost.

    Args:
        content: Blocks (``text``, ``thinking``, ``tool_use`` …), to be passed back unchanged.
        stop_reason: As the API gives it: ``end_turn``, ``tool_use``, ``max_tokens``, ``refusal`` …
        usage: Tokens.
        cost_usd: Dollars; 0 if the endpoint has no price.
        model: The ID of the model that replied.
        seconds: Wall time of the call.
        recorded: The reply comes from a recording; its cost was paid when it was recorded.
    """

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    usage: Usage
    cost_usd: float
    model: str
    seconds: float
    recorded: bool = False

    @property
    def text(self) -> str:
        """The text blocks, joined."""
        return "\n".join(str(b["text"]) for b in self.content if b.get("type") == "text")

    @property
    def tool_uses(self) -> tuple[Mapping[str, Any], ...]:
        """The ``tool_use`` blocks, in order."""
        return tuple(b for b in self.content if b.get("type") == "tool_use")


@runtime_checkable
class Model(Protocol):
    """A model behind any endpoint. Its errors are subclasses of ``engine.errors.ModelError``."""

    @property
    def name(self) -> str:
        """The model's ID, for records and commit trailers."""

    async def query(self, request: ModelRequest) -> ModelReply:
        """Answer one request, or raise a ``ModelError``."""

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the most dollars that the request can cost, which are reserved before it is sent."""

    async def close(self) -> None:
        """Release the connections. The model is not used afterwards."""
