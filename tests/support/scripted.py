"""A model that says what a test tells it to: for what no model should do, and recordings therefore never hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.models.base import ModelReply, ModelRequest, Usage

Turn = tuple[str, Mapping[str, Any]]  # a tool and its arguments


class ScriptedModel:
    """Calls tools turn by turn; judgments are answered by ``ask``."""

    name = "scripted"

    def __init__(self, *turns: Iterable[Turn], ask: Callable[[ModelRequest], str] | None = None) -> None:
        self.requests: list[ModelRequest] = []
        self._turns = iter(turns)
        self._ask = ask
        self._numbers = itertools.count()

    async def query(self, request: ModelRequest) -> ModelReply:
        self.requests.append(request)
        if request.purpose != "agent":
            assert self._ask is not None, "nobody said what to answer"
            content: list[dict[str, Any]] = [{"type": "text", "text": self._ask(request)}]
            return ModelReply(tuple(content), "end_turn", Usage(10, 5), 0.001, self.name, 0.1)
        content = [
            {"type": "tool_use", "id": f"t{next(self._numbers)}", "name": tool, "input": arguments}
            for tool, arguments in next(self._turns)
        ]
        return ModelReply(tuple(content), "tool_use", Usage(100, 50), 0.01, self.name, 0.1)

    def worst_cost(self, request: ModelRequest) -> float:
        return 0.02

    async def close(self) -> None: ...
