"""``page.request`` of Playwright on `web`: automations that do nothing else with their page run without a browser."""

from __future__ import annotations

import asyncio
import json as json_module
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urljoin

from sandbox.web import addresses, bodies
from sandbox.web.client import Web
from sandbox.web.errors import WebError, WrongUse
from sandbox.web.form_fields import File, Pairs
from sandbox.web.pages import WebPage

_TIMEOUT = 30_000.0


class RequestPage:
    """A `page` whose ``request`` is the only thing that works; all else says that it needs a browser.

    The page of the start URL is got before the first request, for its cookies, as a browser opens it.

    Args:
        web: The client.
    """

    def __init__(self, web: Web) -> None:
        self._web = web
        self._opening: asyncio.Future[WebPage] | None = None
        self.url = web.start_url or "about:blank"
        self.request = RequestContext(self)

    @property
    def context(self) -> RequestPage:
        """Itself: its ``request`` is that of the context."""
        return self

    async def send(self, method: str, url: str, **options: Any) -> Response:
        """Send a request as ``page.request`` does."""
        if self._opening is None and self._web.start_url:
            self._opening = asyncio.ensure_future(self._web.get(self._web.start_url, allow=True))
        if self._opening is not None:
            self.url = (await asyncio.shield(self._opening)).url
        body, kind = _body(**{name: options.get(name) for name in ("data", "form", "multipart")})
        target = urljoin(self.url, url)
        if options.get("params") is not None:
            target = addresses.with_parameters(target, _parameters(options["params"]))
        headers = {"Accept": "*/*", **(options.get("headers") or {})}
        seconds = (options.get("timeout") or _TIMEOUT) / 1000
        try:
            async with asyncio.timeout(seconds):
                page = await self._web.fetch(method.upper(), target, body, kind, headers, options.get("max_redirects"))
        except TimeoutError:
            message = f"{method.upper()} {addresses.shown(target)} was not answered within {seconds:g} s"
            raise WebError(message, reason="timeout", url=addresses.shown(target)) from None
        if options.get("fail_on_status_code") and page.status >= 400:
            message = f"{method.upper()} {addresses.shown(target)} was answered with status {page.status}"
            raise WebError(message, reason="status", url=addresses.shown(target), status=page.status)
        return Response(page)

    def __getattr__(self, name: str) -> NoReturn:
        raise WrongUse(
            f"page.{name} needs a browser: this automation was taken for one that only sends requests", reason="use"
        )


class RequestContext:
    """The methods of Playwright's ``APIRequestContext``."""

    def __init__(self, page: RequestPage) -> None:
        self._page = page

    async def fetch(self, url: str, *, method: str = "GET", **options: Any) -> Response:
        """Send a request of any method."""
        return await self._page.send(method, url, **options)

    async def get(self, url: str, **options: Any) -> Response:
        """Send a GET request."""
        return await self._page.send("GET", url, **options)

    async def post(self, url: str, **options: Any) -> Response:
        """Send a POST request."""
        return await self._page.send("POST", url, **options)

    async def put(self, url: str, **options: Any) -> Response:
        """Send a PUT request."""
        return await self._page.send("PUT", url, **options)

    async def patch(self, url: str, **options: Any) -> Response:
        """Send a PATCH request."""
        return await self._page.send("PATCH", url, **options)

    async def delete(self, url: str, **options: Any) -> Response:
        """Send a DELETE request."""
        return await self._page.send("DELETE", url, **options)

    async def head(self, url: str, **options: Any) -> Response:
        """Send a HEAD request."""
        return await self._page.send("HEAD", url, **options)

    async def dispose(self) -> None:
        """Do nothing: answers are kept as long as code has them."""


class Response:
    """The attributes and methods of Playwright's ``APIResponse``."""

    def __init__(self, page: WebPage) -> None:
        self._page = page
        self.url = page.url
        self.status = page.status
        self.ok = 200 <= page.status < 300
        self.headers = dict(page.headers)

    @property
    def status_text(self) -> str:
        """The words that belong to the status."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    @property
    def headers_array(self) -> list[dict[str, str]]:
        """All headers, each by itself."""
        return [{"name": name, "value": each} for name in self._page.headers for each in self._page.headers.every(name)]

    async def text(self) -> str:
        """Return the body as text."""
        return self._page.source

    async def json(self) -> Any:
        """Return the body as JSON."""
        return self._page.json()

    async def body(self) -> bytes:
        """Return the body."""
        return self._page.body

    async def dispose(self) -> None:
        """Do nothing: the body is kept as long as code has it."""


def _parameters(given: Any) -> Any:
    if isinstance(given, str):
        return parse_qsl(given.removeprefix("?"), keep_blank_values=True)
    return given


def _body(data: Any, form: Any, multipart: Any) -> tuple[bytes, str]:
    if form is not None:
        return bodies.form_body(list(addresses.pairs(form)))
    if multipart is not None:
        pairs: Pairs = []
        for name, value in multipart.items():
            if isinstance(value, Mapping):
                pairs.append((name, File(value["name"], value["mimeType"], value["buffer"])))
            else:
                pairs.append((name, addresses.as_text(value)))
        return bodies.form_body(pairs, bodies.MULTIPART)
    if data is None:
        return b"", ""
    if isinstance(data, bytes):
        return data, "application/octet-stream"
    if isinstance(data, str):
        return data.encode(), "application/octet-stream"
    return json_module.dumps(data).encode(), "application/json"
