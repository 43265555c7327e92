"""The filtering proxy: a worker's only way to the network, served by the host on a listener that the worker hands over.

A connection that `Policy` refuses, or that cannot be made, is dropped without a response: the page sees a network
error, and never a page of the proxy. The reason is recorded for `Evidence`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.egress.dialer import CREDENTIALS_REJECTED, Dialer, Route, endpoint
from sandbox.egress.http1 import (
    BadMessage,
    Peer,
    Request,
    UpstreamCredentialsRejected,
    forward,
    pump_both,
    read_request,
)
from sandbox.egress.policy import RefusedError
from sandbox.egress.sockets import is_handshake, serve_socket
from sandbox.egress.taped import TapedSender, answer_client
from sandbox.egress.tunnels import end_tunnel
from sandbox.isolation import shortage

_HEAD_SECONDS = 60.0  # for a request's head, the wait for it included
_MAX_CONNECTIONS = 256  # a browser opens 32 to a proxy
_TARGET = re.compile(r"http://(?P<host>\[[0-9a-fA-F:.]+\]|[^/:@?#\[\]]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?][^#]*)?")


async def _forward(route: Route, request: Request, path: str, authority: str, client: Peer) -> bool:
    if route.upstream is None:
        return await forward(request, path, authority, client, route.peer)
    url = f"http://{authority}{path}"
    return await forward(request, url, authority, client, route.peer, route.upstream.headers)


class Listener(socket.socket):
    """A listening socket that drops, and tells of, connections for which this program has no descriptor left.

    asyncio would log each of a hundred attempts and let the browser wait.

    Args:
        fileno: The descriptor of a listening socket.

    Attributes:
        failed: Called with the error.
    """

    failed: Callable[[OSError], None] | None = None

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self._spare = _spare()

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or self._spare < 0:
                raise
            if self._drop_connection() and self.failed is not None:
                self.failed(error)
            raise BlockingIOError from None  # there is nothing to accept any more

    def _drop_connection(self) -> bool:
        """Drop one that waits, with the descriptor that is kept for this; return False if none does."""
        os.close(self._spare)
        try:
            super().accept()[0].close()
        except OSError:
            return False  # the system looks for a descriptor before it looks for a connection
        finally:
            self._spare = _spare()
        return True

    def close(self) -> None:
        """Close the socket."""
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
        super().close()


def _spare() -> int:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


class EgressProxy(Dialer):
    """The proxy of one worker."""

    def __init__(self) -> None:
        super().__init__()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closed = False

    async def serve(self, listener: socket.socket) -> None:
        """Start to accept connections on a listening TCP socket."""
        listener.setblocking(False)
        if isinstance(listener, Listener):
            listener.failed = self._note_shortage
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=1 << 17)

    def close(self) -> None:
        """Stop accepting, and drop every connection."""
        super().close()
        self._closed = True
        if self._server is not None:
            loop = self._server.get_loop()
            for listener in self._server.sockets:
                loop.remove_reader(listener.fileno())
            # asyncio loses a connection that it accepted just before its server is closed: it has to be begun first
            loop.call_soon(self._server.close)
        for task in self._connections:
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection. Not a coroutine: `close` would not know of its task before the first step."""
        client = Peer(reader, writer)
        # asyncio does so for sockets of protocol 6, which this listener's are not; a body would wait 40 ms for the
        # acknowledgment of its head
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._closed:
            client.drop()
        elif len(self._connections) >= _MAX_CONNECTIONS:
            self.note_refusal("connections", f"policy: more than {_MAX_CONNECTIONS} at one time")
            client.drop()
        else:
            task = asyncio.ensure_future(self._serve(client))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
            task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, client: Peer) -> None:
        # In all these cases the client sees a dropped connection
        with contextlib.suppress(OSError, EOFError, BadMessage, RefusedError, asyncio.LimitOverrunError):
            await self._serve_requests(client)
        client.drop()
        with contextlib.suppress(OSError):
            await client.writer.wait_closed()  # until then it holds a descriptor, and counts

    async def _serve_requests(self, client: Peer) -> None:
        upstream: tuple[tuple[str, int], Route] | None = None
        try:
            while True:
                async with asyncio.timeout(_HEAD_SECONDS):
                    request = await read_request(client.reader)
                if self.tape is not None:
                    await self._serve_taped(client, request, TapedSender(self, self.tape))
                    return
                if request.method == "CONNECT":
                    host, _, port = request.target.rpartition(":")
                    server = (await self.dial(host, _port(port), tunnel=True)).peer
                    try:
                        client.writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                        await pump_both(client, server)
                    finally:
                        server.drop()
                    return
                match = _TARGET.fullmatch(request.target)
                if match is None:
                    raise BadMessage(f"the request target is not an http URL: {request.target[:200]!r}")
                key = match["host"], _port(match["port"] or "80")
                if upstream is not None and (upstream[0] != key or upstream[1].peer.reader.at_eof()):
                    upstream[1].peer.drop()
                    upstream = None
                if upstream is None:
                    upstream = key, await self.dial(*key, tunnel=False)
                authority = match["host"] if key[1] == 80 else f"{match['host']}:{key[1]}"
                try:
                    if not await _forward(upstream[1], request, match["path"] or "/", authority, client):
                        return
                except UpstreamCredentialsRejected:
                    self.note_refusal(endpoint(*key), CREDENTIALS_REJECTED)
                    return
        finally:
            if upstream is not None:
                upstream[1].peer.drop()

    async def _serve_taped(self, client: Peer, request: Request, sender: TapedSender) -> None:
        """Serve a connection whose exchanges go onto the tape, or come from it, from its first request on."""
        tunneled = ""
        try:
            if request.method == "CONNECT":
                host, _, port = request.target.rpartition(":")
                tunneled = f"{'https' if await end_tunnel(client) else 'http'}://{host}:{_port(port)}"
                request = await read_request(client.reader)
            while True:
                base, request = (tunneled, request) if tunneled else _without_origin(request)
                if is_handshake(request):
                    await serve_socket(client, request, base, sender)
                    return
                if not await answer_client(client, request, base, sender):
                    return
                async with asyncio.timeout(_HEAD_SECONDS):
                    request = await read_request(client.reader)
        finally:
            sender.close()

    def _note_shortage(self, error: OSError) -> None:
        if reason := shortage.reason(error):
            self.note_refusal("connections", reason)


def _without_origin(request: Request) -> tuple[str, Request]:
    """Return the origin that a request for a whole URL is for, and the request for the rest of it."""
    match = _TARGET.fullmatch(request.target)
    if match is None:
        raise BadMessage(f"the request target is not an http URL: {request.target[:200]!r}")
    return f"http://{match['host']}:{match['port'] or 80}", replace(request, target=match["path"] or "/")


def _port(text: str) -> int:
    with contextlib.suppress(ValueError):
        if text.isascii() and 0 < int(text) < 65536:
            return int(text)
    raise BadMessage(f"not a port: {text[:20]!r}")
