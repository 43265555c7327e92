"""A model behind the Messages API: the API itself, a proxy for it, or a local model with the same interface.

Only this module imports ``anthropic``, which takes over a second: on the first request, or in `AnthropicModel.warm`, so
that a run without a model never pays for it.
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
from engine.models.endpoints import checked_url, public_url
from engine.models.errors import ModelEndpoint, no_message, read_failure, refused, timed_out, unreachable
from engine.models.messages_api import Json, payload, prompt_bytes
from engine.models.prices import Prices, resolve_model
from engine.models.replies import read_usage, regular
from engine.models.retries import with_retries
from engine.models.window import ask_window

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_API = "https://api.anthropic.com"
_CONNECT_SECONDS = 10.0
_NO_KEY = "none"  # for local endpoints: they need no key, but the SDK does


class AnthropicModel:
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
        self._base_url = checked_url(base_url or os.environ.get("ANTHROPIC_BASE_URL") or _API).removesuffix("/v1")
        self.info = resolve_model(model, prices=prices, own_endpoint=self._base_url != _API)
        self._endpoint = ModelEndpoint(self.info.id, public_url(self._base_url))
        self._api_key = api_key
        self._environment_key = self.info.priced or base_url is None
        self._max_retries = max_retries
        self._caching = self.info.priced if caching is None else caching
        self._window = window
        self._client: AsyncAnthropic | None = None
        self._opening = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """The model's ID."""
        return self.info.id

    @property
    def endpoint(self) -> str:
        """The endpoint's address, without user, password and query."""
        return self._endpoint.url

    def __repr__(self) -> str:
        return f"AnthropicModel({self.name!r}, base_url={self.endpoint!r})"

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the most dollars that the request can cost, with nothing cached; 0 without a price."""
        return self.info.worst_cost(prompt_bytes(request), request.max_tokens) if self.info.priced else 0.0

    def ready(self) -> None:
        """Check that there is a key, without sending anything.

        Raises:
            ModelUnauthenticated: There is none.
        """
        self._credentials()

    async def context_window(self) -> int | None:
        """Return the tokens of the model's context window; None where that is not known, or needs no care."""
        if self._window is None and not self.info.priced:
            self._window = await ask_window(self._base_url, self.name)
        return self._window

    async def warm(self) -> None:
        """Import the SDK in a thread: a second or two that can pass while a browser starts."""
        await asyncio.to_thread(_sdk)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Send the request, and retry where that may help, until ``request.timeout``.

        Raises:
            ModelUnauthenticated: The key is missing, wrong, or not allowed to use the model.
            ModelOutOfCredit: The account is empty, or its spend limit reached.
            ModelRejected: The endpoint refused the request.
            ModelUnavailable: No response within the timeout, or none after the retries.
        """
        credentials = self._credentials()
        self._claim_loop()
        started = time.monotonic()
        try:
            async with asyncio.timeout(request.timeout):
                client = await asyncio.to_thread(self._open, credentials)
                message = await self._send_with_retries(client, request, started + request.timeout)
        except TimeoutError as error:
            raise timed_out(self._endpoint, request.timeout) from error
        return self._reply(request, message, time.monotonic() - started)

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

    def _credentials(self) -> dict[str, str]:
        found = {"api_key": self._api_key}
        if not self._api_key and self._environment_key:
            found = {
                "api_key": os.environ.get("ANTHROPIC_API_KEY"),
                "auth_token": os.environ.get("ANTHROPIC_AUTH_TOKEN"),
            }
        for kind, value in found.items():
            key = (value or "").strip()
            if key and (not key.isascii() or not key.isprintable()):
                raise ModelUnauthenticated(
                    f"the {kind} for {self._endpoint} has characters that no key has; copy it again",
                    **self._endpoint.details,
                )
            if key:
                return {kind: key}
        if not self.info.priced:
            return {"api_key": _NO_KEY}
        raise ModelUnauthenticated(
            f"there is no key for {self._endpoint}: set ANTHROPIC_API_KEY, or pass api_key; for a local model name it,"
            " too: model=NAME",
            **self._endpoint.details,
        )

    def _open(self, credentials: dict[str, str]) -> AsyncAnthropic:
        with self._opening:
            # The SDK's own retries obey any retry-after, beyond every deadline.
            client: AsyncAnthropic = self._client or _sdk().AsyncAnthropic(
                **credentials, base_url=self._base_url, max_retries=0
            )
            self._client = client
            return client

    async def _send_with_retries(self, client: AsyncAnthropic, request: ModelRequest, deadline: float) -> Json:
        body = payload(
            request,
            self.name,
            caching=self._caching,
            plain=not self.info.priced,
            to_strict=_sdk().transform_schema,
        )
        return await with_retries(
            lambda seconds: self._send_once(client, body, seconds), retries=self._max_retries, deadline=deadline
        )

    async def _send_once(self, client: AsyncAnthropic, body: Json, seconds: float) -> Json:
        """Send the request once, and return the message as the API wrote it, to be passed back unchanged."""
        sdk = _sdk()
        timeout = sdk.Timeout(max(seconds, 0.001), connect=min(max(seconds, 0.001), _CONNECT_SECONDS))
        try:
            raw = await client.messages.with_raw_response.create(**body, timeout=timeout)
            text = await raw.read()
        except Exception as error:
            known = translate(error, self._endpoint, key=client.api_key or client.auth_token or "")
            if known is None:
                raise
            raise known from error
        try:
            message = json.loads(text)
        except ValueError as error:
            begin = bytes(text[:200]).decode("utf-8", "replace")
            raise no_message(self._endpoint, f"{error}, in {begin!r}") from error
        failure = read_failure(message, self._endpoint)
        if failure is not None:
            raise failure
        return dict(message)

    def _reply(self, request: ModelRequest, message: Json, seconds: float) -> ModelReply:
        usage = read_usage(message.get("usage"))
        reply = ModelReply(
            content=message["content"],
            stop_reason=str(message.get("stop_reason") or ""),
            usage=usage,
            cost_usd=self.info.cost(usage),
            model=str(message.get("model") or self.name),
            seconds=seconds,
        )
        # Models of the API never write their calls as text; what looks like one there is an example.
        return regular(reply, [str(tool["name"]) for tool in request.tools], text_calls=not self.info.priced)


def translate(error: Exception, endpoint: ModelEndpoint, *, key: str = "") -> ModelError | None:
    """Return the engine's error for one of the SDK or of its HTTP client; None for any other.

    Args:
        error: The exception.
        endpoint: The endpoint.
        key: The key in use, which some endpoints repeat in their messages.
    """
    import anthropic
    import httpx2

    def scrubbed(text: str) -> str:
        return text.replace(key, "[key]") if key not in ("", _NO_KEY) else text

    match error:
        case anthropic.APIStatusError():
            return refused(
                endpoint,
                scrubbed(error.api_message or error.message),
                status=error.status_code,
                kind=error.type or "",
                code=error.error_code or "",
                headers=error.response.headers,
            )
        case anthropic.CredentialsError():
            return refused(endpoint, scrubbed(str(error)), status=401)
        case anthropic.APIResponseValidationError():
            return no_message(endpoint, scrubbed(str(error)))
        case anthropic.AnthropicError() | httpx2.HTTPError() | httpx2.StreamError():
            cause = error.__cause__ or error
            sent = not isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
            return unreachable(endpoint, scrubbed(f"{type(cause).__name__}: {cause}".removesuffix(": ")), sent=sent)
    return None


def _sdk() -> Any:
    import anthropic

    return anthropic
