"""Players of graded skill: a model that knows the right code and makes a mistake now and then."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from engine.models.base import ModelReply, ModelRequest, Usage
from engine.models.prices import resolve_model
from tests.benchmarks.weak.mistakes import CALL_MISTAKES, CODE_MISTAKES, Blocks, CallMistake, CodeMistake, call
from tests.benchmarks.weak.tasks import WeakTask

_PER_TOKEN = 3.3  # characters
_PRICES = resolve_model("haiku")


@dataclass
class Player:
    """A model of some skill: a mistake stays until an answer makes its correction obvious.

    Where the gate asks for a reason, it gives one that says nothing.

    Args:
        task: What it works on.
        rate: The share of its turns in which it makes another mistake.
        seed: Which.

    Attributes:
        made: The names of its mistakes.
        turns: The number of its answers.
        usd: What they would cost at the price of a small hosted model, with a cache.
    """

    task: WeakTask
    rate: float
    seed: int
    name: str = "player"
    made: list[str] = field(default_factory=list)
    turns: int = 0
    usd: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed} {self.rate} {self.task.path}")
        self._spoiled: list[CodeMistake] = []
        self._wrong: CallMistake | None = None
        self._sent = 0

    async def query(self, request: ModelRequest) -> ModelReply:
        """Answer, as the agent's model."""
        told = json.dumps(request.messages[-1]["content"], default=str) if self.turns else ""
        self.turns += 1
        self._learn(told)
        if self._random.random() < self.rate:
            self._err()
        content = self._answer(told)
        return ModelReply(tuple(content), "", self._usage(request, content), 0.0, self.name, 0.1)

    def _learn(self, told: str) -> None:
        self._spoiled = [each for each in self._spoiled if not re.search(each.told, told)]
        if self._wrong is not None and re.search(self._wrong.told, told):
            self._wrong = None

    def _err(self) -> None:
        """Make one more mistake, of the calls or of the code."""
        if self._random.random() < 1 / 3:
            self._wrong = self._random.choice(CALL_MISTAKES)
            self.made.append(self._wrong.name)
            return
        possible = [each for each in CODE_MISTAKES if each not in self._spoiled and self._code([*self._spoiled, each])]
        if possible:
            self._spoiled.append(self._random.choice(possible))
            self.made.append(self._spoiled[-1].name)

    def _code(self, spoiled: list[CodeMistake]) -> str | None:
        code: str | None = self.task.code
        for each in spoiled:
            before = code
            code = each.spoil(code, self.task) if code is not None else None
            if code == before:
                return None
        return code

    def _answer(self, told: str) -> Blocks:
        code = self._code(self._spoiled) or self.task.code
        if self._wrong is not None:
            return self._wrong.blocks(code)
        finish: dict[str, Any] = {"summary": "Lists the rows", "other_parameters": dict(self.task.parameters[1])}
        if "why_right" in told:
            finish["why_right"] = "I checked it and the result is right as it is"
        return [call("write", code=code), call("finish", **finish)]

    def _usage(self, request: ModelRequest, content: Blocks) -> Usage:
        size = len(json.dumps([request.system, request.tools, request.messages], default=str))
        before, self._sent = self._sent, size
        usage = Usage(
            0,
            int(len(json.dumps(content)) / _PER_TOKEN),
            int(before / _PER_TOKEN),
            int(max(0, size - before) / _PER_TOKEN),
        )
        self.usd += _PRICES.cost(usage)
        return usage

    def worst_cost(self, request: ModelRequest) -> float:
        """Return nothing: it is free."""
        return 0.0

    async def close(self) -> None:
        """Do nothing."""
