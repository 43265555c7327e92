"""A model behind OpenAI's chat completions: LM Studio, vLLM, llama.cpp, and services that speak no other API.

Only this module imports ``openai``, an extra: ``pip install "webtasks-engine[openai]"``.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidRequest, ModelError
from engine.models.base import ModelRequest
from engine.models.chat_completions import chat_payload, reply_content
from engine.models.endpoint_model import EndpointModel, lost, scrubbed
from engine.models.endpoints import OPENAI, checked_url
from engine.models.errors import ModelEndpoint, no_message, refused
from engine.models.messages_api import Json
from engine.models.prices import Prices, resolve_model

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class OpenAIModel(EndpointModel):
    """A model behind chat completions, bound to the event loop of its first request until it is closed.

    Args:
        model: The endpoint's name for the model.
        base_url: The endpoint's address, as a rule with ``/v1`` at its end. ``openai+`` before it is dropped.
        api_key: Default: ``OPENAI_API_KEY``, read at the first request; it is sent over ``https`` only.
        max_retries: Further attempts if the endpoint is overloaded, limits the rate or cannot be reached, all within
            the request's timeout.
        prices: A file of prices; see `engine.models.prices`. A model without one costs nothing.
        window: Tokens of its context window. Default: asked of the server, for models without a price.

    Raises:
        InvalidRequest: The address is invalid.

    >>> OpenAIModel("qwen3", base_url="openai+http://localhost:1234/v1")
    OpenAIModel('qwen3', base_url='http://localhost:1234/v1')
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | None = None,
        max_retries: int = 2,
        prices: Prices | str | Path | None = None,
        window: int | None = None,
    ) -> None:
        url = checked_url(base_url.strip().removeprefix(OPENAI))
        info = resolve_model(model, prices=prices, own_endpoint=True)
        super().__init__(info, url, server=url.removesuffix("/v1"), max_retries=max_retries, window=window)
        self._api_key = api_key

    def ready(self) -> None:
        """Check that the SDK is installed, and that there is a key, without sending anything.

        Raises:
            InvalidRequest: The extra ``openai`` is missing.
            ModelUnauthenticated: There is no key.
        """
        if importlib.util.find_spec("openai") is None:
            raise InvalidRequest(
                'this endpoint needs the openai package: pip install "webtasks-engine[openai]"', field="base_url"
            )
        super().ready()

    def _sdk(self) -> Any:
        import openai

        return openai

    def _keys(self) -> Mapping[str, str | None]:
        of_environment = os.environ.get("OPENAI_API_KEY") if self._base_url.startswith("https:") else None
        return {"api_key": self._api_key or of_environment}

    def _no_key(self) -> str:
        return "set OPENAI_API_KEY, or pass api_key"

    def _new_client(self, credentials: Mapping[str, str]) -> AsyncOpenAI:
        client: AsyncOpenAI = self._sdk().AsyncOpenAI(**credentials, base_url=self._base_url, max_retries=0)
        return client

    def _payload(self, request: ModelRequest) -> Json:
        return chat_payload(request, self.name)

    async def _send(self, client: AsyncOpenAI, body: Json, timeout: Any) -> bytes:
        raw = await client.chat.completions.with_raw_response.create(**body, timeout=timeout)
        return bytes(raw.content)

    def _translated(self, error: Exception, key: str) -> ModelError | None:
        return translate(error, self._endpoint, key=key)

    def _failure(self, message: Any) -> ModelError | None:
        if isinstance(message, dict) and message.get("error") and not message.get("choices"):
            reported = message["error"]
            said = reported.get("message") if isinstance(reported, dict) else reported
            return refused(self._endpoint, str(said or ""), status=200)
        whole = isinstance(message, dict) and isinstance(message.get("choices"), list)
        return None if whole else no_message(self._endpoint, f"{str(message)[:80]!r}")

    def _content(self, message: Json) -> tuple[Any, str]:
        return reply_content(message)


def translate(error: Exception, endpoint: ModelEndpoint, *, key: str = "") -> ModelError | None:
    """Return the engine's error for one of the SDK or of its HTTP client; None for any other."""
    import httpx2
    import openai

    match error:
        case openai.APIStatusError():
            return refused(
                endpoint,
                scrubbed(error.message, key),
                status=error.status_code,
                kind=str(error.type or ""),
                code=str(error.code or ""),
                headers=error.response.headers,
            )
        case openai.OpenAIError() | httpx2.HTTPError():
            return lost(error, endpoint, key)
    return None
