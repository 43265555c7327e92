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
from dataclasses import dataclass
from typing import Any

from sandbox.egress.http1 import (
    BadMessage,
    Peer,
    Request,
    UpstreamCredentialsRejected,
    forward,
    pump_both,
    read_request,
    request_tunnel,
)
from sandbox.egress.options import Egress
from sandbox.egress.origins import LONGEST_NAME, Upstream, normalize_host
from sandbox.egress.policy import Lookups, Policy, RefusedError, Resolver
from sandbox.isolation import shortage

CREDENTIALS_REJECTED = "proxy: it rejected the credentials"

_DIAL_SECONDS = 20.0
_HEAD_SECONDS = 60.0  # for a request's head, the wait for it included
_MAX_CONNECTIONS = 256  # a browser opens 32 to a proxy
_MAX_RECORDS = 1_000
_TARGET = re.compile(r"http://(?P<host>\[[0-9a-fA-F:.]+\]|[^/:@?#\[\]]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?][^#]*)?")


@dataclass(frozen=True)
class _Route:
    """A connection to a server, or to the upstream proxy, which takes whole URLs."""

    peer: Peer
    upstream: Upstream | None = None

    async def forward(self, request: Request, path: str, authority: str, client: Peer) -> bool:
        if self.upstream is None:
            return await forward(request, path, authority, client, self.peer)
        url = f"http://{authority}{path}"
        return await forward(request, url, authority, client, self.peer, self.upstream.headers)


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


class EgressProxy:
    """The proxy of one worker. It refuses every connection until `bind` sets what may be reached.

    Attributes:
        reached: ``host:port`` of connections that were made.
        refused: ``host:port`` and reason of connections that were refused or failed.
    """

    def __init__(self) -> None:
        self.reached: dict[str, None] = {}
        self.refused: dict[tuple[str, str], None] = {}
        self._lookups = Lookups()
        self._policy = Policy(Egress(hosts=()), self._lookups)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._closed = False

    def bind(self, egress: Egress, resolve: Resolver | None = None) -> None:
        """Set what may be reached."""
        self._policy = Policy(egress, resolve or self._lookups)

    async def serve(self, listener: socket.socket) -> None:
        """Start to accept connections on a listening TCP socket."""
        listener.setblocking(False)
        if isinstance(listener, Listener):
            listener.failed = self._note_shortage
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=1 << 17)

    def close(self) -> None:
        """Stop accepting, and drop every connection."""
        self._closed = True
        if self._server is not None:
            self._server.close()
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
            self._note_refusal("connections", f"policy: more than {_MAX_CONNECTIONS} at one time")
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
        upstream: tuple[tuple[str, int], _Route] | None = None
        try:
            while True:
                async with asyncio.timeout(_HEAD_SECONDS):
                    request = await read_request(client.reader)
                if request.method == "CONNECT":
                    host, _, port = request.target.rpartition(":")
                    server = (await self._dial(host, _port(port), tunnel=True)).peer
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
                    upstream = key, await self._dial(*key, tunnel=False)
                authority = match["host"] if key[1] == 80 else f"{match['host']}:{key[1]}"
                try:
                    if not await upstream[1].forward(request, match["path"] or "/", authority, client):
                        return
                except UpstreamCredentialsRejected:
                    self._note_refusal(_name(*key), CREDENTIALS_REJECTED)
                    return
        finally:
            if upstream is not None:
                upstream[1].peer.drop()

    async def _dial(self, host: str, port: int, *, tunnel: bool) -> _Route:
        name = _name(host, port)
        policy = self._policy
        try:
            address = await policy.address(host, port, tunnel=tunnel)
            if policy.upstream is None or policy.allows(normalize_host(host), port, tunnel=tunnel):
                route = _Route(await _connect(address, port))
            elif tunnel:
                route = _Route(await _tunnel(policy.upstream, host, port))
            else:
                route = _Route(await _connect_upstream(policy.upstream), policy.upstream)
        except RefusedError as refusal:
            self._note_refusal(name, str(refusal))
            raise
        if len(self.reached) < _MAX_RECORDS:
            self.reached[name] = None
        return route

    def _note_shortage(self, error: OSError) -> None:
        if reason := shortage.reason(error):
            self._note_refusal("connections", reason)

    def _note_refusal(self, name: str, reason: str) -> None:
        if len(self.refused) < _MAX_RECORDS:
            self.refused[name, reason[:LONGEST_NAME]] = None  # the reason may contain the name


async def _connect(address: str, port: int) -> Peer:
    try:
        async with asyncio.timeout(_DIAL_SECONDS):  # not wait_for, which may lose a cancellation on Python 3.11
            return Peer(*await asyncio.open_connection(address, port, limit=1 << 17))
    except TimeoutError:
        raise RefusedError("timeout") from None
    except OSError as error:
        raise RefusedError(shortage.reason(error) or "refused") from None


async def _connect_upstream(upstream: Upstream) -> Peer:
    try:
        return await _connect(upstream.host, upstream.port)
    except RefusedError as refusal:
        raise RefusedError(f"proxy: {upstream.host}:{upstream.port} cannot be reached ({refusal})") from None


async def _tunnel(upstream: Upstream, host: str, port: int) -> Peer:
    """Open a tunnel through the upstream proxy.

    Raises:
        RefusedError: The proxy cannot be reached, or refuses.
    """
    peer = await _connect_upstream(upstream)
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            status = await request_tunnel(peer, f"{host}:{port}", upstream.headers)
    except (OSError, EOFError, TimeoutError, BadMessage, asyncio.LimitOverrunError):
        peer.drop()
        raise RefusedError("proxy: it sent no valid response") from None
    except BaseException:
        peer.drop()
        raise
    if status // 100 == 2:
        return peer
    peer.drop()
    raise RefusedError(CREDENTIALS_REJECTED if status == 407 else f"proxy: it responded with status {status}")


def _name(host: str, port: int) -> str:
    return f"{host.lower().rstrip('.')}:{port}"[:LONGEST_NAME]


def _port(text: str) -> int:
    with contextlib.suppress(ValueError):
        if text.isascii() and 0 < int(text) < 65536:
            return int(text)
    raise BadMessage(f"not a port: {text[:20]!r}")
