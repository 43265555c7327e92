"""The common part of models behind an HTTP endpoint: its client, event loop, timeout, retries, window and price."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

from engine.errors import InvalidRequest, ModelError, ModelUnauthenticated
from engine.models.base import ModelReply, ModelRequest
from engine.models.endpoints import public_url
from engine.models.errors import ModelEndpoint, no_message, timed_out, unreachable
from engine.models.messages_api import Json, prompt_bytes
from engine.models.prices import ModelInfo
from engine.models.replies import read_usage, regular
from engine.models.retries import with_retries
from engine.models.window import ask_window

CONNECT_SECONDS = 10.0
NO_KEY = "none"
"""The key for endpoints that need none; the SDKs want one all the same."""


class Client(Protocol):
    """A client of an SDK."""

    async def close(self) -> None:
        """Close its connections."""


class EndpointModel(ABC):
    """A model behind an HTTP endpoint, bound to the event loop of its first request until it is closed.

    Args:
        info: The model's ID and price.
        base_url: The endpoint's address.
        server: The address at which the server tells of its models.
        max_retries: Further attempts of a request, all within its timeout.
        window: Tokens of the model's context window; None to ask the server, where the model has no price.
    """

    def __init__(self, info: ModelInfo, base_url: str, *, server: str, max_retries: int, window: int | None) -> None:
        self.info = info
        self._base_url = base_url
        self._server = server
        self._endpoint = ModelEndpoint(info.id, public_url(base_url))
        self._max_retries = max_retries
        self._window = window
        self._client: Any = None
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
        return f"{type(self).__name__}({self.name!r}, base_url={self.endpoint!r})"

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
            self._window = await ask_window(self._server, self.name)
        return self._window

    async def warm(self) -> None:
        """Import the SDK in a thread: a second or two that can pass while a browser starts."""
        await asyncio.to_thread(self._sdk)

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
                body = self._payload(request)
                message = await with_retries(
                    lambda seconds: self._send_once(client, body, seconds, credentials),
                    retries=self._max_retries,
                    deadline=started + request.timeout,
                )
        except TimeoutError as error:
            raise timed_out(self._endpoint, request.timeout) from error
        return self._reply(request, message, time.monotonic() - started)

    async def close(self) -> None:
        """Close the connections. A further request opens new ones, on its own event loop."""
        client, self._client, self._loop = self._client, None, None
        if client is not None:
            await client.close()

    @abstractmethod
    def _sdk(self) -> Any:
        """Import and return the SDK."""

    @abstractmethod
    def _keys(self) -> Mapping[str, str | None]:
        """Return the keys that may be used, by the name of the client's argument, the preferred first."""

    @abstractmethod
    def _no_key(self) -> str:
        """Return what to do where there is none."""

    @abstractmethod
    def _payload(self, request: ModelRequest) -> Json:
        """Return the body of a request."""

    @abstractmethod
    async def _send(self, client: Any, body: Json, timeout: Any) -> bytes:
        """Send a body once, and return that of the response."""

    @abstractmethod
    def _translated(self, error: Exception, key: str) -> ModelError | None:
        """Return the engine's error for one of the SDK; None for any other."""

    @abstractmethod
    def _failure(self, message: Any) -> ModelError | None:
        """Return the error in a response with status 200; None where it is a message."""

    @abstractmethod
    def _content(self, message: Json) -> tuple[Any, str]:
        """Return the content of a message and its stop reason, as the endpoint wrote them."""

    def _claim_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise InvalidRequest(
                f"{self!r} is in use on another event loop; make one for each loop, or close it first", field="model"
            )
        self._loop = loop

    def _credentials(self) -> dict[str, str]:
        for kind, value in self._keys().items():
            key = (value or "").strip()
            if key and (not key.isascii() or not key.isprintable()):
                raise ModelUnauthenticated(
                    f"the {kind} for {self._endpoint} has characters that no key has; copy it again",
                    **self._endpoint.details,
                )
            if key:
                return {kind: key}
        if not self.info.priced:
            return {"api_key": NO_KEY}
        raise ModelUnauthenticated(f"there is no key for {self._endpoint}: {self._no_key()}", **self._endpoint.details)

    def _open(self, credentials: Mapping[str, str]) -> Any:
        with self._opening:
            if self._client is None:
                self._client = self._new_client(credentials)
            return self._client

    @abstractmethod
    def _new_client(self, credentials: Mapping[str, str]) -> Client:
        """Return a client without retries of its own: they obey any retry-after, beyond every deadline."""

    async def _send_once(self, client: Any, body: Json, seconds: float, credentials: Mapping[str, str]) -> Json:
        """Send the request once, and return the message as the endpoint wrote it."""
        seconds = max(seconds, 0.001)
        timeout = self._sdk().Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        try:
            text = await self._send(client, body, timeout)
        except Exception as error:  # an SDK raises classes of its own, which are translated; others go on as they are
            known = self._translated(error, next(iter(credentials.values())))
            if known is None:
                raise
            raise known from error
        try:
            message = json.loads(text)
        except ValueError as error:
            begin = text[:200].decode("utf-8", "replace")
            raise no_message(self._endpoint, f"{error}, in {begin!r}") from error
        if (failure := self._failure(message)) is not None:
            raise failure
        return dict(message)

    def _reply(self, request: ModelRequest, message: Json, seconds: float) -> ModelReply:
        usage = read_usage(message.get("usage"))
        content, stop = self._content(message)
        reply = ModelReply(
            content=content,
            stop_reason=stop,
            usage=usage,
            cost_usd=self.info.cost(usage),
            model=str(message.get("model") or self.name),
            seconds=seconds,
        )
        # Models with a price never write their calls as text; what looks like one there is an example.
        return regular(reply, [str(tool["name"]) for tool in request.tools], text_calls=not self.info.priced)


def scrubbed(text: str, key: str) -> str:
    """Return an endpoint's text without the key, which some repeat in their messages."""
    return text.replace(key, "[key]") if key not in ("", NO_KEY) else text


def lost(error: Exception, endpoint: ModelEndpoint, key: str) -> ModelError:
    """Return the error for a response that did not come, or not whole."""
    import httpx2

    cause = error.__cause__ or error
    sent = not isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    return unreachable(endpoint, scrubbed(f"{type(cause).__name__}: {cause}".removesuffix(": "), key), sent=sent)
