"""A model behind OpenAI's chat completions: LM Studio, vLLM, llama.cpp, and services that speak no other API.

Only this module imports ``openai``, an extra: ``pip install "webtasks-engine[openai]"``.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidRequest, ModelError, ModelUnauthenticated
from engine.models.base import ModelReply, ModelRequest
from engine.models.chat_completions import chat_payload, reply_content
from engine.models.endpoints import checked_url, public_url
from engine.models.errors import ModelEndpoint, no_message, refused, timed_out, unreachable
from engine.models.messages_api import Json, prompt_bytes
from engine.models.prices import Prices, resolve_model
from engine.models.replies import read_usage, regular
from engine.models.retries import with_retries
from engine.models.window import ask_window

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_CONNECT_SECONDS = 10.0
_SCHEME = "openai+"
_NO_KEY = "none"  # local endpoints need no key, but the SDK does


class OpenAIModel:
    """A model behind chat completions, bound to the event loop of its first request until it is closed.

    Args:
        model: The endpoint's name for the model.
        base_url: The endpoint's address, as a rule with ``/v1`` at its end. ``openai+`` before it is dropped.
        api_key: Default: ``OPENAI_API_KEY``, read at the first request; local endpoints need none.
        max_retries: Further attempts if the endpoint is overloaded, limits the rate or cannot be reached, all within
            the request's timeout.
        prices: A file of prices; see `engine.models.prices`. A model without one costs nothing.
        window: Tokens of its context window. Default: asked of the server, for models without a price.

    Raises:
        InvalidRequest: The address is invalid, or the extra ``openai`` is not installed.
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
        self._base_url = checked_url(base_url.strip().removeprefix(_SCHEME))
        self.info = resolve_model(model, prices=prices, own_endpoint=True)
        self._endpoint = ModelEndpoint(self.info.id, public_url(self._base_url))
        self._api_key = api_key
        self._max_retries = max_retries
        self._window = window
        self._client: AsyncOpenAI | None = None
        self._opening = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.info.id

    @property
    def endpoint(self) -> str:
        """The endpoint's address, without user, password and query."""
        return self._endpoint.url

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, base_url={self.endpoint!r})"

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the most dollars that the request can cost; 0 without a price."""
        return self.info.worst_cost(prompt_bytes(request), request.max_tokens) if self.info.priced else 0.0

    def ready(self) -> None:
        """Check that the SDK is installed, and that there is a key where the model has a price.

        Raises:
            InvalidRequest: The extra is missing.
            ModelUnauthenticated: There is no key.
        """
        _sdk()
        if self.info.priced and self._key() == _NO_KEY:
            raise ModelUnauthenticated(
                f"there is no key for {self._endpoint}: set OPENAI_API_KEY, or pass api_key", **self._endpoint.details
            )

    async def context_window(self) -> int | None:
        """Return the tokens of the model's context window; None where that is not known, or needs no care."""
        if self._window is None and not self.info.priced:
            self._window = await ask_window(self._base_url.removesuffix("/v1"), self.name)
        return self._window

    async def warm(self) -> None:
        """Import the SDK in a thread."""
        await asyncio.to_thread(_sdk)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Send the request, and retry where that may help, until ``request.timeout``.

        Raises:
            ModelUnauthenticated: The key is missing or wrong.
            ModelOutOfCredit: The account is empty.
            ModelRejected: The endpoint refused the request.
            ModelUnavailable: No response within the timeout, or none after the retries.
        """
        self.ready()
        self._claim_loop()
        started = time.monotonic()
        body = chat_payload(request, self.name)
        try:
            async with asyncio.timeout(request.timeout):
                client = await asyncio.to_thread(self._open)
                message = await with_retries(
                    lambda seconds: self._send_once(client, body, seconds),
                    retries=self._max_retries,
                    deadline=started + request.timeout,
                )
        except TimeoutError as error:
            raise timed_out(self._endpoint, request.timeout) from error
        usage = read_usage(message.get("usage"))
        content, stop = reply_content(message)
        reply = ModelReply(
            content=tuple(content),
            stop_reason=stop,
            usage=usage,
            cost_usd=self.info.cost(usage),
            model=str(message.get("model") or self.name),
            seconds=time.monotonic() - started,
        )
        return regular(reply, [str(tool["name"]) for tool in request.tools], text_calls=not self.info.priced)

    async def close(self) -> None:
        """Close the connections. A further request opens new ones, on its own event loop."""
        client, self._client, self._loop = self._client, None, None
        if client is not None:
            await client.close()

    def _claim_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise InvalidRequest(
                f"{self!r} is in use on another event loop; make one for each loop, or close it first", field="model"
            )
        self._loop = loop

    def _key(self) -> str:
        return (self._api_key or os.environ.get("OPENAI_API_KEY") or "").strip() or _NO_KEY

    def _open(self) -> AsyncOpenAI:
        with self._opening:
            client: AsyncOpenAI = self._client or _sdk().AsyncOpenAI(
                api_key=self._key(), base_url=self._base_url, max_retries=0
            )
            self._client = client
            return client

    async def _send_once(self, client: AsyncOpenAI, body: Json, seconds: float) -> Json:
        sdk = _sdk()
        timeout = sdk.Timeout(max(seconds, 0.001), connect=min(max(seconds, 0.001), _CONNECT_SECONDS))
        try:
            raw = await client.chat.completions.with_raw_response.create(**body, timeout=timeout)
            text = raw.text
        except Exception as error:
            known = translate(error, self._endpoint, key=self._key())
            if known is None:
                raise
            raise known from error
        return _completion(text, self._endpoint)


def _completion(text: str, endpoint: ModelEndpoint) -> Json:
    """Return a completion's body, or raise the error that stands in its place."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise no_message(endpoint, f"{error}, in {text[:200]!r}") from error
    if isinstance(message, dict) and message.get("error") and not message.get("choices"):
        reported = message["error"]
        said = reported.get("message") if isinstance(reported, dict) else reported
        raise refused(endpoint, str(said or ""), status=200)
    if not isinstance(message, dict) or not isinstance(message.get("choices"), list):
        raise no_message(endpoint, f"{text[:80]!r}")
    return message


def translate(error: Exception, endpoint: ModelEndpoint, *, key: str = "") -> ModelError | None:
    """Return the engine's error for one of the SDK or of its HTTP client; None for any other."""
    import httpx2
    import openai

    def scrubbed(text: str) -> str:
        return text.replace(key, "[key]") if key not in ("", _NO_KEY) else text

    match error:
        case openai.APIStatusError():
            return refused(
                endpoint,
                scrubbed(error.message),
                status=error.status_code,
                kind=str(error.type or ""),
                code=str(error.code or ""),
                headers=error.response.headers,
            )
        case openai.OpenAIError() | httpx2.HTTPError():
            cause = error.__cause__ or error
            sent = not isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
            return unreachable(endpoint, scrubbed(f"{type(cause).__name__}: {cause}".removesuffix(": ")), sent=sent)
    return None


def _sdk() -> Any:
    try:
        import openai
    except ImportError:
        raise InvalidRequest(
            'this endpoint needs the openai package: pip install "webtasks-engine[openai]"', field="base_url"
        ) from None
    return openai
