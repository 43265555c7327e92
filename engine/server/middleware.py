"""What stands before every call: no web page in the user's browser may use the server, and each call is logged."""

from __future__ import annotations

import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.server.errors import Problem
from engine.server.operations import Access, elapsed_ms
from engine.task import ids

log = logging.getLogger(__name__)
access_log = logging.getLogger("engine.server.access")

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Refuses calls by another name and those of web pages; names every call; logs it.

    A page's script can make the browser ask any address, and a name that resolves to 127.0.0.1 makes the page and the
    server one origin for the browser. The host's name and the origin give both away: the browser writes them.

    Args:
        app: What is guarded.
        access: By which names the server may be called.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        state = scope.setdefault("state", {})
        state["correlation_id"] = ids.new_id("co_")

        async def sent(message: Message) -> None:
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
                await refused.response(state["correlation_id"])(scope, receive, sent)
            else:
                await self._app(scope, receive, sent)
        finally:
            self._log(scope, status, elapsed_ms(began))

    def _refusal(self, headers: Headers, scope: Scope) -> Problem | None:
        hosts = headers.getlist("host")
        name = _host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None or (self._access.hosts is not None and name not in self._access.hosts):
            return Problem(421, "misdirected", "this server has not the name in the Host header; see --public-url")
        own = {f"{scope['scheme']}://{hosts[0]}".lower(), self._access.public_url}
        origins = headers.getlist("origin")
        foreign = any(origin.lower() not in own for origin in origins)
        site = headers.get("sec-fetch-site", "none")
        by_page = site in ("cross-site", "same-site") and (
            scope["method"] != "GET" or headers.get("sec-fetch-mode") != "navigate"
        )
        if foreign or by_page:
            return Problem(403, "forbidden", "web pages of other origins may not use this server")
        return None

    def _log(self, scope: Scope, status: int, milliseconds: int) -> None:
        """The path as it came, without the query: that of a file lets whoever reads it in."""
        key = scope["state"].get("key")
        access_log.info(
            "%s %s %s %s %d ms %s %s",
            (scope.get("client") or ("-",))[0],
            scope["method"],
            scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "backslashreplace"),
            status or "broke off",
            milliseconds,
            key.id if key is not None else "-",
            scope["state"]["correlation_id"],
        )


def _host_name(host: str) -> str | None:
    """The name in a Host header, without its port."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name and not set(host) & set("/?#@\\ ") else None
