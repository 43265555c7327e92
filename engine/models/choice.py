"""The model at an address: which API it speaks is part of the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.models.endpoints import OPENAI

if TYPE_CHECKING:
    from engine.models.anthropic import AnthropicModel
    from engine.models.openai import OpenAIModel


def model_at(
    model: str, *, base_url: str | None, api_key: str | None = None, window: int | None = None
) -> AnthropicModel | OpenAIModel:
    """Return the model at an address, by the API that it names; the SDK is imported when it is first asked.

    Raises:
        InvalidRequest: The model is unknown, or the address is invalid.
    """
    if base_url is not None and base_url.strip().startswith(OPENAI):
        from engine.models.openai import OpenAIModel

        return OpenAIModel(model, base_url=base_url, api_key=api_key, window=window)
    from engine.models.anthropic import AnthropicModel

    return AnthropicModel(model, base_url=base_url, api_key=api_key, window=window)
