"""The public model for tests: it says what it is told to, and says so when it is told nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.models.base import Model, ModelRequest
from engine.testing import ScriptedModel

REQUEST = ModelRequest(purpose="agent", system="s", messages=({"role": "user", "content": "go"},))


async def test_scripted_model_calls_tools_turn_by_turn() -> None:
    model = ScriptedModel([("look", {}), ("click", {"ref": "e1"})], [("finish", {"summary": "done"})])
    assert isinstance(model, Model)
    first, second = await model.query(REQUEST), await model.query(REQUEST)
    assert [(use["name"], use["input"]) for use in first.tool_uses] == [("look", {}), ("click", {"ref": "e1"})]
    assert [use["name"] for use in second.tool_uses] == ["finish"]
    assert len({use["id"] for use in (*first.tool_uses, *second.tool_uses)}) == 3
    assert first.stop_reason == "tool_use"
    assert 0 < first.cost_usd < model.worst_cost(REQUEST)
    assert model.requests == [REQUEST, REQUEST]


async def test_scripted_model_answers_judgments_with_ask() -> None:
    question = replace(REQUEST, purpose="ask")
    model = ScriptedModel(ask=lambda request: f"yes, {request.purpose}")
    assert (await model.query(question)).text == "yes, ask"


async def test_scripted_model_without_a_reply_raises() -> None:
    model = ScriptedModel([])
    await model.query(REQUEST)
    with pytest.raises(AssertionError, match="request 2 comes after the script's last turn"):
        await model.query(REQUEST)
    with pytest.raises(AssertionError, match="purpose 'confirm': pass ask"):
        await model.query(replace(REQUEST, purpose="confirm"))
