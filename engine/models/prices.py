"""Model names and token prices: ``prices.json``, extended or overridden by a user's file of the same form.

A user's file adds models and aliases or replaces them; it is given as an argument, or by the environment variable
``WEBTASKS_PRICES``::

    {"aliases": {"fast": "my-model"}, "models": {"my-model": [{"input": 0.2, "output": 0.8}]}}
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest
from engine.models.base import Usage

_BUILT_IN = Path(__file__).with_name("prices.json")
_ENVIRONMENT = "WEBTASKS_PRICES"
_BYTES_PER_TOKEN = 2.0  # the tokenizer averages 2.5 on English prose, less on dense markup and digits
_TOOLS_TOKENS = 400  # that the API itself adds to prompts with tools
_MILLION = 1_000_000


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens, for prompts of more than ``above_prompt_tokens``."""

    input: float
    output: float
    cache_write: float
    cache_read: float
    above_prompt_tokens: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """A model's ID and price.

    Args:
        id: Its ID in the API.
        rates: One for each range of prompt lengths, shortest prompts first; empty without a price.
    """

    id: str
    rates: tuple[Rates, ...] = ()

    @property
    def priced(self) -> bool:
        """True if the model has a price."""
        return bool(self.rates)

    def cost(self, usage: Usage) -> float:
        """Return the US dollars for these tokens of one call; 0 without a price.

        >>> round(resolve_model("haiku").cost(Usage(input_tokens=90_000, output_tokens=10_000)), 6)
        0.014
        >>> round(resolve_model("haiku").cost(Usage(input_tokens=110_000, output_tokens=10_000)), 6)
        0.08
        """
        if not self.rates:
            return 0.0
        rates = self._reached(usage.prompt_tokens)[-1]
        return (
            usage.input_tokens * rates.input
            + usage.output_tokens * rates.output
            + usage.cache_write_tokens * rates.cache_write
            + usage.cache_read_tokens * rates.cache_read
        ) / _MILLION

    def worst_cost(self, prompt_bytes: int, max_tokens: int) -> float:
        """Return the most US dollars that a call can cost, before its tokens are known.

        Args:
            prompt_bytes: Length of the whole prompt in UTF-8, which bounds the tokens of every script.
            max_tokens: Most tokens of the reply.
        """
        prompt = math.ceil(prompt_bytes / _BYTES_PER_TOKEN) + _TOOLS_TOKENS
        costs = [prompt * max(r.input, r.cache_write) + max_tokens * r.output for r in self._reached(prompt)]
        return max(costs, default=0.0) / _MILLION

    def _reached(self, prompt_tokens: int) -> list[Rates]:
        return [r for r in self.rates if not r.above_prompt_tokens or prompt_tokens > r.above_prompt_tokens]


@dataclass(frozen=True)
class Prices:
    """Known models and the short names for them."""

    models: Mapping[str, ModelInfo]
    aliases: Mapping[str, str]

    @property
    def choices(self) -> list[str]:
        """Every name that `resolve_model` knows."""
        return [*self.aliases, *(m for m in self.models if m not in self.aliases.values())]


def load_prices(path: str | Path | None = None) -> Prices:
    """Return the built-in prices, overridden by a user's file.

    Args:
        path: The user's file; default: the one that ``WEBTASKS_PRICES`` names, if any.

    Raises:
        InvalidRequest: The user's file cannot be read or has another form.
    """
    models, aliases = _parse(json.loads(_BUILT_IN.read_text(encoding="utf-8")))
    path = path or os.environ.get(_ENVIRONMENT)
    if path:
        try:
            own_models, own_aliases = _parse(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InvalidRequest(
                f"the prices in {path} cannot be used: {error}; the form is that of engine/models/prices.json",
                field="prices",
            ) from error
        models, aliases = models | own_models, aliases | own_aliases
    return Prices(models, aliases)


def resolve_model(name: str, *, prices: Prices | str | Path | None = None, own_endpoint: bool = False) -> ModelInfo:
    """Return the model behind a name.

    Args:
        name: An alias (``haiku``), or an ID (``claude-haiku-5-5``).
        prices: Prices, or the path of a user's prices; default: as `load_prices`.
        own_endpoint: The model is served at the user's own endpoint, where unknown IDs are accepted and cost nothing.

    Raises:
        InvalidRequest: The name is unknown.

    >>> resolve_model("opus").id
    'claude-opus-5-5'
    >>> resolve_model("qwen3-coder:30b", own_endpoint=True).priced
    False
    """
    known = prices if isinstance(prices, Prices) else load_prices(prices)
    model_id = known.aliases.get(name, name)
    if model_id in known.models:
        return known.models[model_id]
    if own_endpoint and model_id:
        return ModelInfo(model_id)
    raise InvalidRequest(
        f"no model is called {name!r}; there are {', '.join(known.choices)}."
        " Other models need a base_url (a local model), or a price (a file named by WEBTASKS_PRICES)",
        field="model",
        choices=known.choices,
    )


def _parse(data: Mapping[str, Any]) -> tuple[dict[str, ModelInfo], dict[str, str]]:
    models = {name: ModelInfo(name, _parse_rates(name, rates)) for name, rates in data.get("models", {}).items()}
    aliases = {str(alias): str(model) for alias, model in data.get("aliases", {}).items()}
    return models, aliases


def _parse_rates(model: str, rows: list[Mapping[str, Any]]) -> tuple[Rates, ...]:
    parsed = sorted((_parse_row(model, row) for row in rows), key=lambda rates: rates.above_prompt_tokens)
    if not parsed or parsed[0].above_prompt_tokens:
        raise ValueError(f"{model} needs a price for short prompts")
    return tuple(parsed)


def _parse_row(model: str, row: Mapping[str, Any]) -> Rates:
    prices = {name: row.get(name, row.get("input")) for name in ("input", "output", "cache_write", "cache_read")}
    for name, price in prices.items():
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 <= price < math.inf:
            raise ValueError(f"{model}: {name} is {price!r}, not a price")
    if "output" not in row:
        raise ValueError(f"{model}: output has no price")
    return Rates(**prices, above_prompt_tokens=int(row.get("above_prompt_tokens", 0)))
