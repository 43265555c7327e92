"""Models: the protocol, the Messages API, recordings, prices. Heavy modules are imported when a name is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from engine.models.base import Model, ModelReply, ModelRequest, Usage

if TYPE_CHECKING:
    from engine.models.anthropic import AnthropicModel
    from engine.models.openai import OpenAIModel
    from engine.models.prices import ModelInfo, Prices, load_prices, resolve_model
    from engine.models.recorded import RecordedModel, RecordingModel

__all__ = [
    "AnthropicModel",
    "Model",
    "ModelInfo",
    "ModelReply",
    "ModelRequest",
    "OpenAIModel",
    "Prices",
    "RecordedModel",
    "RecordingModel",
    "Usage",
    "load_prices",
    "resolve_model",
]

_HOMES = {
    "AnthropicModel": "anthropic",
    "ModelInfo": "prices",
    "OpenAIModel": "openai",
    "Prices": "prices",
    "RecordedModel": "recorded",
    "RecordingModel": "recorded",
    "load_prices": "prices",
    "resolve_model": "prices",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
