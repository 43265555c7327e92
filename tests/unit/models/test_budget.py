"""The budget: concurrent calls share it, and a lost reply is not free."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.errors import ModelOverBudget, ModelUnavailable
from engine.models import AnthropicModel, ModelRequest
from engine.models.base import ModelReply, Usage
from engine.models.budget import ModelBudget
from tests.support.endpoint import Answer, drop, error, hang, message, serve, text

ASK = ModelRequest(purpose="ask", system="", messages=({"role": "user", "content": "Well?"},), max_tokens=1000)


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pause before a lost request is sent again."""
    monkeypatch.setattr("engine.models.budget._PAUSE", 0.05)


class Account:
    """An account that records reservations and payments, slowly."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, float]] = []

    async def reserve(self, usd: float) -> int:
        await asyncio.sleep(0.01)
        self.entries.append(("set aside", usd))
        return len(self.entries) - 1

    async def settle(self, entry: int, usd: float) -> None:
        self.entries[entry] = ("paid", usd)

    async def spent(self) -> tuple[float, float]:
        return 0.0, 0.0


class Priced:
    """A model whose replies all cost the maximum."""

    name = "priced"
    calls = 0

    async def query(self, request: ModelRequest) -> ModelReply:
        self.calls += 1
        await asyncio.sleep(0.01)
        return ModelReply((), "end_turn", Usage(output_tokens=request.max_tokens), 0.01, self.name, 0.01)

    def worst_cost(self, request: ModelRequest) -> float:
        return 0.01

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("budget", "tokens", "answered"), [(0.035, 1_000_000, 3), (1.0, 2_500, 3)], ids=["dollars", "tokens"]
)
async def test_concurrent_calls_share_one_budget(budget: float, tokens: int, answered: int) -> None:
    model = Priced()
    model_budget = ModelBudget(
        model, budget_usd=budget, tokens=tokens, deadline=time.monotonic() + 60, account=Account()
    )
    replies = await asyncio.gather(*(model_budget.query(ASK) for _ in range(20)), return_exceptions=True)
    assert model.calls == answered
    assert sum(isinstance(reply, ModelOverBudget) for reply in replies) == 20 - answered
    assert model_budget.spent_usd <= budget


@pytest.mark.parametrize(
    ("answers", "seconds", "calls", "states"),
    [
        ([drop, message(text("ok"))], 2.0, 2, ["set aside", "paid"]),
        ([drop], 2.0, 3, ["set aside"] * 3),
        ([hang], 1.0, 1, ["set aside"]),
        ([error(529, "overloaded_error", "busy", retry_after_ms="10")], 2.0, 3, ["paid"]),
    ],
    ids=["lost, then answered", "always lost", "no answer in time", "refused"],
)
async def test_a_lost_reply_is_requested_again_and_may_be_billed(
    answers: list[Answer], seconds: float, calls: int, states: list[str]
) -> None:
    account = Account()
    with serve(*answers) as endpoint:
        model = AnthropicModel(api_key="k", base_url=endpoint.url)
        deadline = time.monotonic() + seconds
        model_budget = ModelBudget(model, budget_usd=1, tokens=10**6, deadline=deadline, account=account)
        try:
            await model_budget.query(ASK)
        except ModelUnavailable:
            assert model_budget.calls == 0
        await model.close()
    assert len(endpoint.requests) == calls
    assert [state for state, _ in account.entries] == states


async def test_a_reply_that_may_be_billed_counts_against_the_budget() -> None:
    with serve(drop) as endpoint:
        model = AnthropicModel(api_key="k", base_url=endpoint.url)
        model_budget = ModelBudget(
            model, budget_usd=model.worst_cost(ASK) * 1.5, tokens=10**6, deadline=time.monotonic() + 5
        )
        with pytest.raises(ModelOverBudget):
            await model_budget.query(ASK)
        await model.close()
