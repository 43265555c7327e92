"""The one door to a model: reserves the worst price of a call before it is made, and counts what a task has spent."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import replace
from typing import Protocol

from engine.errors import ModelOverBudget, ModelUnavailable
from engine.models.base import Model, ModelReply, ModelRequest, Usage

_LEAST_ANSWER = 256  # tokens; with less than this a call is not worth its prompt
_LOST_ANSWERS = 2  # of one question, before it is given up
_PAUSE = 0.5  # seconds


class Account(Protocol):
    """Where calls are paid from beside the task's own budget: what all tasks of a day may cost."""

    async def reserve(self, usd: float) -> int:
        """Sets dollars aside and gives the entry's number, or raises ``ModelOverBudget``."""

    async def settle(self, entry: int, usd: float) -> None:
        """Puts the real price in the place of what was set aside."""

    async def spent(self) -> tuple[float, float]:
        """Dollars that the task has paid before, and those set aside for answers that never came."""


class ModelBudget:
    """Pays for a task's model calls, within its caps.

    Args:
        model: Who is asked.
        budget_usd: Most dollars.
        tokens: Most tokens of prompts and answers.
        deadline: ``time.monotonic()`` value after which nothing is asked.
        account: Keeps the caps of the day; None for none.
    """

    def __init__(
        self, model: Model, *, budget_usd: float, tokens: int, deadline: float, account: Account | None = None
    ) -> None:
        self.model = model
        self._account = account
        self.budget_usd = budget_usd
        self.spent_usd = 0.0
        self.calls = 0
        self.usage = Usage()
        self._reserved = 0.0
        self._reserved_tokens = 0
        self._tokens = tokens
        self._deadline = deadline

    def ready(self) -> None:
        """Raises ``ModelError`` where the model knows already that it cannot be asked."""
        ready = getattr(self.model, "ready", None)
        if ready is not None:
            ready()

    async def warm(self) -> None:
        """Lets the model make ready, where it has something to make ready."""
        warm = getattr(self.model, "warm", None)
        if warm is not None:
            await warm()

    async def open(self) -> None:
        """Counts what the task has spent before: it may be run again after its process ended."""
        if self._account is not None:
            self.spent_usd, self._reserved = await self._account.spent()

    async def query(self, request: ModelRequest) -> ModelReply:
        """Asks the model, having reserved what the answer can cost at the most; again, where the answer was lost.

        Raises:
            ModelOverBudget: The cap on dollars or tokens could be passed.
            ModelError: As the model raises it.
        """
        for attempt in itertools.count(1):
            try:
                return await self._pay(request)
            except ModelUnavailable as error:
                lost = error.details.get("maybe_billed") and error.details.get("transient")
                if not lost or attempt > _LOST_ANSWERS or time.monotonic() + 2 * _PAUSE > self._deadline:
                    raise
            await asyncio.sleep(_PAUSE * random.uniform(1, 1.5))  # noqa: S311  spreads clients, hides nothing
        raise AssertionError("unreachable")

    async def _pay(self, request: ModelRequest) -> ModelReply:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ModelUnavailable("the task's time ran out before the model was asked", model=self.model.name)
        request = self._affordable(replace(request, timeout=min(request.timeout, left)))
        reserve = self.model.worst_cost(request)
        self._reserved += reserve  # before anything is awaited: questions are asked at the same time
        self._reserved_tokens += request.max_tokens
        entry: int | None = None
        try:
            if self._account is not None and reserve > 0:
                entry = await self._account.reserve(reserve)
            reply = await self.model.query(request)
        except asyncio.CancelledError:
            # Nobody waits for the answer any more, but it may be written and billed: its worst price stays reserved.
            raise
        except BaseException as error:
            self._reserved_tokens -= request.max_tokens
            if not (isinstance(error, ModelUnavailable) and error.details.get("maybe_billed")):
                self._reserved -= reserve
                await self._settle(entry, 0.0)
            raise
        self._reserved -= reserve
        self._reserved_tokens -= request.max_tokens
        self.calls += 1
        self.usage += reply.usage
        self.spent_usd += reply.cost_usd
        await self._settle(entry, reply.cost_usd)
        return reply

    async def _settle(self, entry: int | None, usd: float) -> None:
        if entry is not None and self._account is not None:
            await self._account.settle(entry, usd)

    def _affordable(self, request: ModelRequest) -> ModelRequest:
        """The request, with a shorter answer where the whole length might pass the cap."""
        used = self.usage.prompt_tokens + self.usage.output_tokens
        if used + self._reserved_tokens >= self._tokens:
            raise ModelOverBudget(
                f"the task used {used} tokens, its cap is {self._tokens}; raise Limits.tokens",
                used_tokens=used,
                cap_tokens=self._tokens,
            )
        left = self.budget_usd - self.spent_usd - self._reserved
        while self.model.worst_cost(request) > left:
            if request.max_tokens <= _LEAST_ANSWER:
                needed = self.model.worst_cost(request)
                raise ModelOverBudget(
                    f"the next call could cost ${needed:.4f}; ${self.spent_usd:.4f} of the budget of"
                    f" ${self.budget_usd:.4f} is spent; raise budget_usd",
                    budget_usd=self.budget_usd,
                    spent_usd=self.spent_usd,
                    needed_usd=needed,
                )
            request = replace(request, max_tokens=max(_LEAST_ANSWER, request.max_tokens // 2))
        return request
