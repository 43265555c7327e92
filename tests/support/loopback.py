"""A transport of `web` that asks sites on loopback itself, without a host and a policy."""

from __future__ import annotations

import asyncio
import http.client
from urllib.parse import urlsplit

from sandbox.web.errors import WebError
from sandbox.web.transport import WebAnswer, WebRequest


class Loopback:
    """Sends each request over a connection of its own."""

    async def send(self, request: WebRequest) -> WebAnswer:
        return await asyncio.to_thread(_send, request)


def _send(request: WebRequest) -> WebAnswer:
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, target, request.body or None, dict(request.headers))
        answer = connection.getresponse()
        return WebAnswer(answer.status, tuple(answer.getheaders()), answer.read())
    except OSError as error:
        raise WebError(f"{parts.netloc} does not answer: {error}", reason="refused") from None
    finally:
        connection.close()
