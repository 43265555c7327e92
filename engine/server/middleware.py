"""The check and the log before every call: no web page in the user's browser may use the server."""

from __future__ import annotations

import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.server.errors import ApiError
from engine.server.metrics import CallFigures
from engine.server.operations import AccessPolicy, elapsed_ms
from engine.task import ids

log = logging.getLogger(__name__)
access_log = logging.getLogger("engine.server.access")

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class AccessMiddleware:
    """Refuses calls under a foreign host name and calls by web pages, and logs every call under an id.

    A page's script can make the browser send a request to any address, and with a host name that resolves to 127.0.0.1
    the page and the server are one origin for the browser. The browser sets the Host and Origin headers, which reveal
    both.

    Args:
        app: The protected application.
        policy: Has the names under which the server may be called.
        calls: Counts the calls.
    """

    def __init__(self, app: ASGIApp, policy: AccessPolicy, calls: CallFigures) -> None:
        self._app = app
        self._policy = policy
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        state = scope.setdefault("state", {})
        state["correlation_id"] = ids.new_id("co_")

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-correlation-id", state["correlation_id"].encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            if (refused := self._refusal(Headers(scope=scope), scope)) is not None:
                await refused.response(state["correlation_id"])(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        finally:
            self._calls.add(state.get("operation"), status, time.monotonic() - began)
            self._log(scope, status, elapsed_ms(began))

    def _refusal(self, headers: Headers, scope: Scope) -> ApiError | None:
        hosts = headers.getlist("host")
        name = _host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None or (self._policy.hosts is not None and name not in self._policy.hosts):
            return ApiError(
                421, "misdirected", "this server does not have the name in the Host header; see --public-url"
            )
        own = {f"{scope['scheme']}://{hosts[0]}".lower(), self._policy.public_url}
        origins = headers.getlist("origin")
        foreign = any(origin.lower() not in own for origin in origins)
        site = headers.get("sec-fetch-site", "none")
        by_page = site in ("cross-site", "same-site") and (
            scope["method"] != "GET" or headers.get("sec-fetch-mode") != "navigate"
        )
        if foreign or by_page:
            return ApiError(403, "forbidden", "web pages of other origins may not use this server")
        return None

    def _log(self, scope: Scope, status: int, milliseconds: int) -> None:
        """Log the call with its raw path, but without the query, which for a file has the signature."""
        key = scope["state"].get("key")
        access_log.info(
            "%s %s %s %s %d ms %s %s",
            (scope.get("client") or ("-",))[0],
            scope["method"],
            scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "backslashreplace"),
            status or "no-response",
            milliseconds,
            key.id if key is not None else "-",
            scope["state"]["correlation_id"],
        )


def _host_name(host: str) -> str | None:
    """Return the name in a Host header, without its port; None if the header is malformed."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name and not set(host) & set("/?#@\\ ") else None
