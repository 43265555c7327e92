"""The transport of ``web`` in a worker: each request is a message to the host, which sends it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.inside.write_guard import WriteBlocked
from sandbox.protocol import Channel, RemoteError
from sandbox.web.errors import WebError
from sandbox.web.transport import WebAnswer, WebRequest

if TYPE_CHECKING:
    from sandbox.web.client import Web
    from sandbox.web.transport import WebObserver

_PART_BYTES = 512 << 10
_SAID = {
    "closed": "the connection was closed before the whole answer came",
    "dns": "its host name has no address",
    "policy": "this run may not reach it",
    "refused": "its server does not accept the connection",
    "timeout": "its server did not answer in time",
    "tls": "its certificate is not valid, or its server does not speak TLS",
}


def host_client(
    channel: Channel, start_url: str | None, options: Mapping[str, Any], observer: WebObserver | None = None
) -> Web:
    """Return the client of an automation, whose requests the host sends.

    Args:
        channel: The channel to the host.
        start_url: What it counts addresses from.
        options: Those of a browser context.
        observer: Is told what the automation does with it.
    """
    from sandbox.web.client import Web

    own_origin, own_headers = options.get("own_headers") or (None, None)
    return Web(
        HostTransport(channel),
        start_url,
        observer,
        user_agent=options.get("user_agent"),
        language=options.get("locale"),
        headers=options.get("extra_http_headers"),
        own_headers=own_headers,
        own_origin=own_origin,
    )


class HostTransport:
    """Sends requests by the host.

    Args:
        channel: The channel to it.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def send(self, request: WebRequest) -> WebAnswer:
        """Send a request and return its answer, a redirect or an error of the site's, too.

        Raises:
            WebError: There is no answer; ``reason`` says why.
            WriteBlocked: The host holds the request, as the run may change nothing.
        """
        try:
            return await self._send(request)
        except RemoteError as error:
            if error.kind == "WriteBlocked":
                raise WriteBlocked(str(error)) from None
            raise self._error(request, str(error)) from None

    async def _send(self, request: WebRequest) -> WebAnswer:
        sent = {"method": request.method, "url": request.url, "headers": request.headers}
        if len(request.body) > _PART_BYTES:
            answer = await self._channel.request("http", **sent, upload=await self._upload(request.body))
        else:
            answer = await self._channel.request("http", **sent, body=base64.b64encode(request.body).decode())
        body = base64.b64decode(answer["body"])
        if answer["more"]:
            parts = [body]
            while True:
                part = await self._channel.request("http_read", stream=answer["more"])
                parts.append(base64.b64decode(part["body"]))
                if part["ended"]:
                    break
            body = b"".join(parts)
        return WebAnswer(answer["status"], tuple((name, value) for name, value in answer["headers"]), body)

    async def _upload(self, body: bytes) -> int:
        upload: int = await self._channel.request("http_upload")
        for start in range(0, len(body), _PART_BYTES):
            data = base64.b64encode(body[start : start + _PART_BYTES]).decode()
            await self._channel.request("http_part", upload=upload, data=data)
        return upload

    @staticmethod
    def _error(request: WebRequest, reason: str) -> WebError:
        url = request.url.partition("?")[0]
        kind, _, more = reason.partition(":")
        why = _SAID.get(kind, reason)
        message = (
            f"{request.method} {url} was not answered: {why}{f' ({more.strip()})' if more and kind in _SAID else ''}"
        )
        return WebError(message, reason=reason, url=url)
