"""The budget of a task's model calls: it reserves the worst price of a call before it is made."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import replace
from typing import Protocol

from engine.errors import ModelOverBudget, ModelUnavailable
from engine.models.base import Model, ModelReply, ModelRequest, Usage
from engine.models.replies import regular

_LEAST_REPLY = 256  # tokens; a shorter reply is not worth its prompt
_LOST_REPLIES = 2  # to one request, before it fails
_PAUSE = 0.5  # seconds


class Account(Protocol):
    """The spending of all tasks, with its caps by day, that calls are charged to beside the task's own budget."""

    async def reserve(self, usd: float) -> int:
        """Reserve dollars and return the entry's number, or raise ``ModelOverBudget``."""

    async def settle(self, entry: int, usd: float) -> None:
        """Replace a reservation by the real price."""

    async def spent(self) -> tuple[float, float]:
        """Return the dollars that the task has paid before, and those reserved for replies that never came."""


class ModelBudget:
    """A task's model calls, within its caps.

    Args:
        model: The model.
        budget_usd: Most dollars.
        tokens: Most tokens of prompts and replies.
        deadline: ``time.monotonic()`` value after which no call is made.
        account: The spending of all tasks; None for no caps beyond the task's.
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
        """Check that the model can be called, and raise its ``ModelError`` if it knows that it cannot."""
        ready = getattr(self.model, "ready", None)
        if ready is not None:
            ready()

    async def warm(self) -> None:
        """Let the model prepare its first call, if it needs to."""
        warm = getattr(self.model, "warm", None)
        if warm is not None:
            await warm()

    async def context_window(self) -> int | None:
        """Return the tokens of the model's context window, if it tells."""
        ask = getattr(self.model, "context_window", None)
        return None if ask is None else await ask()

    async def open(self) -> None:
        """Count what the task has spent before, as it may be a rerun after its process died."""
        if self._account is not None:
            self.spent_usd, self._reserved = await self._account.spent()

    async def query(self, request: ModelRequest) -> ModelReply:
        """Reserve the most that the call can cost, and call the model; again, if the reply was lost.

        Raises:
            ModelOverBudget: The call could exceed the cap on dollars or tokens.
            ModelError: As the model raises it.
        """
        for attempt in itertools.count(1):
            try:
                return await self._pay(request)
            except ModelUnavailable as error:
                lost = error.details.get("maybe_billed") and error.details.get("transient")
                if not lost or attempt > _LOST_REPLIES or time.monotonic() + 2 * _PAUSE > self._deadline:
                    raise
            await asyncio.sleep(_PAUSE * random.uniform(1, 1.5))  # noqa: S311  jitter, not a secret
        raise AssertionError("unreachable")

    async def _pay(self, request: ModelRequest) -> ModelReply:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ModelUnavailable("the task's time ran out before the model was called", model=self.model.name)
        request = self._affordable(replace(request, timeout=min(request.timeout, left)))
        reserve = self.model.worst_cost(request)
        self._reserved += reserve  # before anything is awaited: calls may be concurrent
        self._reserved_tokens += request.max_tokens
        entry: int | None = None
        try:
            if self._account is not None and reserve > 0:
                entry = await self._account.reserve(reserve)
            reply = await self.model.query(request)
        except asyncio.CancelledError:
            # The reply may still be written and billed: its worst price stays reserved.
            raise
        except BaseException as error:  # whatever it is, the caller gets it; what it reserved must not stay taken
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
        return regular(reply, [str(tool["name"]) for tool in request.tools], text_calls=False)

    async def _settle(self, entry: int | None, usd: float) -> None:
        if entry is not None and self._account is not None:
            await self._account.settle(entry, usd)

    def _affordable(self, request: ModelRequest) -> ModelRequest:
        """Return the request, with fewer tokens for the reply if the full number could exceed the cap."""
        used = self.usage.prompt_tokens + self.usage.output_tokens
        if used + self._reserved_tokens >= self._tokens:
            raise ModelOverBudget(
                f"the task used {used} tokens, its cap is {self._tokens}; raise Limits.tokens",
                used_tokens=used,
                cap_tokens=self._tokens,
            )
        left = self.budget_usd - self.spent_usd - self._reserved
        while self.model.worst_cost(request) > left:
            if request.max_tokens <= _LEAST_REPLY:
                needed = self.model.worst_cost(request)
                raise ModelOverBudget(
                    f"the next call could cost ${needed:.4f}; ${self.spent_usd:.4f} of the budget of"
                    f" ${self.budget_usd:.4f} is spent; raise budget_usd",
                    budget_usd=self.budget_usd,
                    spent_usd=self.spent_usd,
                    needed_usd=needed,
                )
            request = replace(request, max_tokens=max(_LEAST_REPLY, request.max_tokens // 2))
        return request
