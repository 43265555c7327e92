"""A model whose answers a test writes down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.models.base import ModelReply, ModelRequest, Usage

Turn = tuple[str, Mapping[str, Any]]
"""A tool's name and its arguments."""


class ScriptedModel:
    """A model that calls the tools it is told to, turn by turn, at a fixed price and without a network.

    Use it where no recording exists: for what a model should never do, and for tests of your own tools and sites.

    Args:
        turns: The tool calls of each reply to the agent, in order.
        ask: Returns the text of every other reply: to ``task.ask`` (purpose ``"ask"``) and to the question about a
            suspect result (``"confirm"``).

    Attributes:
        requests: Every request, in order.

    >>> import asyncio
    >>> model = ScriptedModel([("finish", {"summary": "List the entries"})], ask=lambda request: "yes")
    >>> reply = asyncio.run(model.query(ModelRequest("agent", "Work.", ({"role": "user", "content": "Go"},))))
    >>> reply.tool_uses[0]["name"], reply.cost_usd, len(model.requests)
    ('finish', 0.01, 1)
    """

    name = "scripted"

    def __init__(self, *turns: Iterable[Turn], ask: Callable[[ModelRequest], str] | None = None) -> None:
        self.requests: list[ModelRequest] = []
        self._turns = iter(turns)
        self._ask = ask
        self._numbers = itertools.count()

    async def query(self, request: ModelRequest) -> ModelReply:
        """Return the next reply.

        Raises:
            AssertionError: The script holds no reply to this request.
        """
        self.requests.append(request)
        if request.purpose != "agent":
            if self._ask is None:
                raise AssertionError(f"no answer to a request of the purpose {request.purpose!r}: pass ask")
            content: list[dict[str, Any]] = [{"type": "text", "text": self._ask(request)}]
            return ModelReply(tuple(content), "end_turn", Usage(10, 5), 0.001, self.name, 0.1)
        turn = next(self._turns, None)
        if turn is None:
            raise AssertionError(f"request {len(self.requests)} comes after the script's last turn")
        content = [
            {"type": "tool_use", "id": f"t{next(self._numbers)}", "name": tool, "input": arguments}
            for tool, arguments in turn
        ]
        return ModelReply(tuple(content), "tool_use", Usage(100, 50), 0.01, self.name, 0.1)

    def worst_cost(self, request: ModelRequest) -> float:
        """Return 0.02 dollars for any request."""
        return 0.02

    async def close(self) -> None:
        """Do nothing; the model holds no connection."""
