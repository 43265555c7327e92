"""A model behind the Messages API: the API itself, a proxy for it, or a local model with the same interface.

Only this module imports ``anthropic``, which takes over a second: on the first request, or in `AnthropicModel.warm`, so
that a run without a model never pays for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ModelError
from engine.models.base import ModelRequest
from engine.models.endpoint_model import EndpointModel, lost, scrubbed
from engine.models.endpoints import checked_url
from engine.models.errors import ModelEndpoint, no_message, read_failure, refused
from engine.models.messages_api import Json, payload
from engine.models.prices import Prices, resolve_model

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_API = "https://api.anthropic.com"


class AnthropicModel(EndpointModel):
    """A model behind the Messages API, bound to the event loop of its first request until it is closed.

    Args:
        model: ``haiku``, ``sonnet``, ``opus``, an ID, or a local endpoint's name for its model.
        api_key: Default: ``ANTHROPIC_API_KEY``, else ``ANTHROPIC_AUTH_TOKEN``, read at the first request.
            A local model that is named by ``base_url`` never gets the environment's key.
        base_url: Default: ``ANTHROPIC_BASE_URL``, else the API itself. A ``/v1`` at its end is dropped.
        max_retries: Further attempts if the endpoint is overloaded, limits the rate or cannot be reached, all within
            the request's timeout. A response that was lost may be billed, so it is not requested again here.
        prices: A file of prices and further models, over those built in; see `engine.models.prices`.
        caching: Mark prompts for the cache. Default: if the model has a price.
        window: Tokens of its context window. Default: asked of the server, for models without a price.

    Raises:
        InvalidRequest: The model is unknown, or the address is invalid.

    >>> AnthropicModel("haiku").name
    'claude-haiku-5-5'
    """

    def __init__(
        self,
        model: str = "haiku",
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        max_retries: int = 2,
        prices: Prices | str | Path | None = None,
        caching: bool | None = None,
        window: int | None = None,
    ) -> None:
        url = checked_url(base_url or os.environ.get("ANTHROPIC_BASE_URL") or _API).removesuffix("/v1")
        info = resolve_model(model, prices=prices, own_endpoint=url != _API)
        super().__init__(info, url, server=url, max_retries=max_retries, window=window)
        self._api_key = api_key
        self._environment_key = info.priced or base_url is None
        self._caching = info.priced if caching is None else caching

    def _sdk(self) -> Any:
        import anthropic

        return anthropic

    def _keys(self) -> Mapping[str, str | None]:
        if self._api_key or not self._environment_key:
            return {"api_key": self._api_key}
        return {
            "api_key": os.environ.get("ANTHROPIC_API_KEY"),
            "auth_token": os.environ.get("ANTHROPIC_AUTH_TOKEN"),
        }

    def _no_key(self) -> str:
        return "set ANTHROPIC_API_KEY, or pass api_key; for a local model name it, too: model=NAME"

    def _new_client(self, credentials: Mapping[str, str]) -> AsyncAnthropic:
        client: AsyncAnthropic = self._sdk().AsyncAnthropic(**credentials, base_url=self._base_url, max_retries=0)
        return client

    def _payload(self, request: ModelRequest) -> Json:
        return payload(
            request,
            self.name,
            caching=self._caching,
            plain=not self.info.priced,
            to_strict=self._sdk().transform_schema,
        )

    async def _send(self, client: AsyncAnthropic, body: Json, timeout: Any) -> bytes:
        raw = await client.messages.with_raw_response.create(**body, timeout=timeout)
        return bytes(await raw.read())

    def _translated(self, error: Exception, key: str) -> ModelError | None:
        return translate(error, self._endpoint, key=key)

    def _failure(self, message: Any) -> ModelError | None:
        return read_failure(message, self._endpoint)

    def _content(self, message: Json) -> tuple[Any, str]:
        return message["content"], str(message.get("stop_reason") or "")


def translate(error: Exception, endpoint: ModelEndpoint, *, key: str = "") -> ModelError | None:
    """Return the engine's error for one of the SDK or of its HTTP client; None for any other.

    Args:
        error: The exception.
        endpoint: The endpoint.
        key: The key in use, which some endpoints repeat in their messages.
    """
    import anthropic
    import httpx2

    match error:
        case anthropic.APIStatusError():
            return refused(
                endpoint,
                scrubbed(error.api_message or error.message, key),
                status=error.status_code,
                kind=error.type or "",
                code=error.error_code or "",
                headers=error.response.headers,
            )
        case anthropic.CredentialsError():
            return refused(endpoint, scrubbed(str(error), key), status=401)
        case anthropic.APIResponseValidationError():
            return no_message(endpoint, scrubbed(str(error), key))
        case anthropic.AnthropicError() | httpx2.HTTPError() | httpx2.StreamError():
            return lost(error, endpoint, key)
    return None
