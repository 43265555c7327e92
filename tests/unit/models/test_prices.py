"""Names of models, and prices of their tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.models import AnthropicModel, ModelRequest, Usage, load_prices, resolve_model

TOKENS = st.integers(0, 400_000)


@pytest.mark.parametrize(
    ("alias", "model", "usd"),
    [("haiku", "claude-haiku-5-5", 0.635), ("sonnet", "claude-sonnet-5-5", 12.6), ("opus", "claude-opus-5-5", 25.2)],
)
def test_aliases_and_ids_name_the_same_model(alias: str, model: str, usd: float) -> None:
    assert resolve_model(alias) == resolve_model(model)
    assert resolve_model(alias).id == model
    thousand = Usage(output_tokens=1000, cache_read_tokens=1000, cache_write_tokens=1000)
    assert resolve_model(model).cost(thousand) == pytest.approx(usd / 1000)


def test_haiku_costs_five_times_as_much_above_100k_tokens_of_prompt() -> None:
    haiku = resolve_model("haiku")
    at, above = (haiku.cost(Usage(10, 1000, cache_read_tokens=n - 10)) for n in (100_000, 100_001))
    assert above == pytest.approx(5 * at, rel=1e-4)


@given(st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS), st.sampled_from(["haiku", "sonnet", "opus"]))
def test_no_call_costs_more_than_its_reserve(usage: Usage, model: str) -> None:
    info = resolve_model(model)
    assert info.cost(usage) <= info.worst_cost(2 * usage.prompt_tokens, usage.output_tokens)


def test_the_reserve_covers_the_whole_prompt() -> None:
    model = AnthropicModel("sonnet")
    short = ModelRequest(purpose="agent", system="s", messages=({"role": "user", "content": "m"},), max_tokens=100)
    chinese = ModelRequest(purpose="agent", system="s", messages=({"role": "user", "content": "网" * 1000},))
    tool = {"name": "look", "description": "x" * 10_000, "input_schema": {}}
    longer = ModelRequest(purpose="agent", system="s", messages=short.messages, tools=(tool,), max_tokens=100)
    assert model.worst_cost(longer) - model.worst_cost(short) >= 10_000 / 2 * 2.5e-6
    assert model.worst_cost(chinese) >= 1000 * 2.5e-6 + 4096 * 10e-6


def test_an_unknown_model_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidRequest, match="haiku, sonnet, opus") as raised:
        AnthropicModel("claude-3-opus")
    assert raised.value.details["field"] == "model"
    assert not resolve_model("qwen3:8b", own_endpoint=True).priced


def test_a_users_file_adds_models_and_changes_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "prices.json"
    changed = [{"input": 1, "output": 3}]
    own.write_text(json.dumps({"aliases": {"haiku": "my-model"}, "models": {"my-model": changed}}))
    monkeypatch.setenv("WEBTASKS_PRICES", str(own))
    assert AnthropicModel("haiku").name == "my-model"
    assert resolve_model("my-model").cost(Usage(0, 1_000_000, 1_000_000, 1_000_000)) == 5
    assert resolve_model("claude-haiku-5-5").priced
    assert "my-model" not in load_prices(own).choices  # its alias stands for it


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"models": {"m": []}}',
        '{"models": {"m": [{"input": 1}]}}',
        '{"models": {"m": [{"input": -1, "output": 1}]}}',
        '{"models": {"m": [{"input": "1", "output": 1}]}}',
        '{"models": {"m": [{"above_prompt_tokens": 5, "input": 1, "output": 1}]}}',
        '{"models": {"m": 3}}',
    ],
)
def test_a_malformed_prices_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    own = tmp_path / "prices.json"
    own.write_text(content)
    with pytest.raises(InvalidRequest, match=r"prices\.json"):
        resolve_model("haiku", prices=own)
    with pytest.raises(InvalidRequest, match="missing"):
        resolve_model("haiku", prices=tmp_path / "missing")
