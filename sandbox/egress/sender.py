"""The requests of ``web``, sent by the host: the jail has no socket, and names only what it wants to be sent.

Each request is one hop: the client in the jail follows redirects, and each of them is checked like any other request.
The heads of sites are parsed by h11, as for the proxy; bodies are handed on as they came. What decides where a request
goes, and where it ends, is written here and never taken from the jail: the Host header, the length, the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from sandbox.egress.dialer import CREDENTIALS_REJECTED, Dialer, Route, endpoint
from sandbox.egress.http1 import BadMessage, Exchange, Header
from sandbox.egress.options import Egress
from sandbox.egress.policy import RefusedError
from sandbox.http_methods import SAFE

_TLS_SECONDS = 20.0
_HEAD_SECONDS = 60.0
_STALL_SECONDS = 60.0
_MOST_IDLE = 16  # connections that wait for another request
_MOST_IDLE_BETWEEN_JOBS = 4
_IDLE_SECONDS = 30.0
_IDLE_SECONDS_BEFORE_A_CHANGE = 1.0  # a server that closes meanwhile leaves in doubt if it took the request
_LONGEST_URL = 1 << 16
_MOST_HEADERS = 200
_LONGEST_HEADERS = 1 << 16
_METHOD = re.compile(r"[A-Z]{1,20}")
_REFUSED_METHODS = ("CONNECT", "TRACE", "TRACK")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,260})(?::(?P<port>\d{1,5}))?"
    r"(?P<target>[/?][!-\"$-~]*)?"
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# What says where a message goes and ends, and what is between this program and the next: never the jail's to say.
_OWN_HEADERS = frozenset(
    ("connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer",
     "transfer-encoding", "upgrade")
)  # fmt: skip
_CLOSED = "closed: the connection was closed before an answer came"
_NO_ANSWER = "protocol: the server's answer is not HTTP/1.1"
_Key = tuple[str, str, int]


class InvalidRequest(ValueError):
    """A request that no client sends; the text says what is wrong with it."""


@dataclass(frozen=True)
class Outgoing:
    """A request whose every part was checked. Make it with `parse`.

    Args:
        method: In capitals.
        scheme: ``http`` or ``https``.
        host: The host, as it was written.
        port: The port.
        target: Path and query.
        headers: Without those that `Sender` writes itself.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, method: str, url: str, headers: Sequence[tuple[str, str]]) -> Outgoing:
        """Check a request.

        Raises:
            InvalidRequest: Something in it is not what it should be.
        """
        if not _METHOD.fullmatch(method) or method in _REFUSED_METHODS:
            raise InvalidRequest(f"{method[:20]!r} is no method that can be sent")
        match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
        if match is None:
            raise InvalidRequest("not an http or https URL in ASCII, without user name and fragment")
        port = int(match["port"]) if match["port"] else 443 if match["scheme"] == "https" else 80
        if not 0 < port < 65536:
            raise InvalidRequest(f"{port} is no port")
        target = match["target"] or "/"
        kept = tuple((name, value) for name, value in headers if _is_kept(name, value))
        if len(kept) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in kept) > _LONGEST_HEADERS:
            raise InvalidRequest("too many headers, or too long ones")
        return cls(method, match["scheme"], match["host"], port, f"/{target}" if target[0] == "?" else target, kept)

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """The Host header."""
        usual = 443 if self.scheme == "https" else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def _is_kept(name: str, value: str) -> bool:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise InvalidRequest(f"the header {name[:50]!r} has a character that no header may have")
    return name.lower() not in _OWN_HEADERS and not name.lower().startswith("proxy-")


class Answer:
    """An answer whose head is there, and whose body is read block by block. Close it.

    Attributes:
        status: Its status.
        headers: Names as they came, with values.
    """

    def __init__(self, sender: Sender, key: _Key, route: Route, exchange: Exchange, head: h11.Response) -> None:
        self.status = head.status_code
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()]
        self._sender = sender
        self._key = key
        self._route: Route | None = route
        self._exchange = exchange
        self._blocks = exchange.blocks()

    async def read(self) -> bytes:
        """Return the next block of the body; empty at its end, and the connection then serves another request.

        Raises:
            RefusedError: It broke off, or did not go on.
        """
        if self._route is None:
            return b""
        try:
            async with asyncio.timeout(_STALL_SECONDS):
                block = await anext(self._blocks, b"")
        except TimeoutError:
            self.close()
            raise RefusedError("timeout") from None
        except (OSError, EOFError, BadMessage, asyncio.LimitOverrunError):
            self.close()
            raise RefusedError("closed: the answer ended before it was complete") from None
        if not block:
            if self._exchange.reusable:
                self._sender.give_back(self._key, self._route)
                self._route = None
            self.close()
        return block

    def close(self) -> None:
        """Drop the connection, unless the body was read to its end."""
        if self._route is not None:
            self._route.peer.drop()
            self._route = None


class Connections:
    """The connections of a worker that wait for another request: of the job that made them, or of its next one.

    A kept worker serves one owner and one revision, and its next job gets them only where it may reach the same.
    """

    def __init__(self) -> None:
        self._idle: dict[_Key, list[tuple[Route, float]]] = {}
        self._egress: Egress | None = None
        self._expiring: asyncio.TimerHandle | None = None

    def begin(self, egress: Egress) -> None:
        """Begin a job; connections that were made by other rules, or for a tape, are dropped."""
        if egress != self._egress or egress.tape is not None:
            self.drop()
        self._egress = None if egress.tape is not None else egress

    def end(self) -> None:
        """End a job: a few connections are kept, for a while."""
        if self._egress is None:
            self.drop()
        while self._number > _MOST_IDLE_BETWEEN_JOBS:
            self._drop_first()
        if self._idle and self._expiring is None:
            self._expiring = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.drop)

    def take(self, key: _Key, seconds: float) -> Route | None:
        """Take one that has waited for at most so long."""
        waiting = self._idle.get(key, [])
        while waiting:
            route, since = waiting.pop()
            if not route.peer.reader.at_eof() and time.monotonic() - since <= seconds:
                return route
            route.peer.drop()
        return None

    def give(self, key: _Key, route: Route) -> None:
        """Keep one for another request."""
        if self._number >= _MOST_IDLE:
            route.peer.drop()
        else:
            self._idle.setdefault(key, []).append((route, time.monotonic()))

    def drop(self) -> None:
        """Drop all."""
        if self._expiring is not None:
            self._expiring.cancel()
            self._expiring = None
        while self._number:
            self._drop_first()
        self._idle.clear()

    @property
    def _number(self) -> int:
        return sum(map(len, self._idle.values()))

    def _drop_first(self) -> None:
        waiting = next(filter(None, self._idle.values()))
        waiting.pop(0)[0].peer.drop()


class Sender:
    """The sender of one job's requests.

    Args:
        dialer: Checks, makes and records connections.
        connections: Those that wait; default none that outlive it.
    """

    def __init__(self, dialer: Dialer, connections: Connections | None = None) -> None:
        self._dialer = dialer
        self._policy = dialer.policy
        self._connections = connections or Connections()
        self._closed = False

    async def send(self, request: Outgoing, body: bytes = b"") -> Answer:
        """Send a request, and return its answer, whose body is not read yet.

        A request that may change something is sent once: it is repeated on no other connection, whatever happens.

        Raises:
            RefusedError: It may not be sent, or it failed; recorded like a refused connection.
        """
        key = (request.scheme, request.host.lower(), request.port)
        safe = request.method in SAFE
        while (route := self._kept(key, _IDLE_SECONDS if safe else _IDLE_SECONDS_BEFORE_A_CHANGE)) is not None:
            self._dialer.note_reached(endpoint(request.host, request.port))  # an earlier job may have made it
            with contextlib.suppress(_Stale):
                return await self._exchange(request, key, route, body)
            if not safe:
                raise RefusedError(_CLOSED)
        route = await self.connect(request, tunnel=request.scheme == "https")
        try:
            return await self._exchange(request, key, route, body)
        except _Stale:
            raise RefusedError(_CLOSED) from None

    def close(self) -> None:
        """Make no more connections; those that wait may serve the next job."""
        self._closed = True
        self._connections.end()

    def _kept(self, key: _Key, seconds: float) -> Route | None:
        """Take a kept connection that has waited for at most so long."""
        if self._policy is not self._dialer.policy:  # they were allowed by other rules
            self._connections.drop()
            self._policy = self._dialer.policy
        return None if self._closed else self._connections.take(key, seconds)

    def give_back(self, key: _Key, route: Route) -> None:
        """Keep a connection for another request."""
        if self._closed:
            route.peer.drop()
        else:
            self._connections.give(key, route)

    async def connect(self, request: Outgoing, *, tunnel: bool) -> Route:
        """Make a connection for a request.

        Args:
            tunnel: As for `Dialer.dial`.

        Raises:
            RefusedError: It may not be made, or failed.
        """
        if self._closed:
            raise RefusedError("policy: the run has ended")
        route = await self._dialer.dial(request.host, request.port, tunnel=tunnel)
        if request.scheme == "http":
            return route
        name = request.host.removeprefix("[").removesuffix("]").rstrip(".")
        try:
            async with asyncio.timeout(_TLS_SECONDS):
                await route.peer.writer.start_tls(_tls(), server_hostname=name)
        except BaseException as error:  # cancelation, too, drops the connection
            route.peer.drop()
            if isinstance(error, TimeoutError):
                raise self._refusal(request, "timeout") from None
            if isinstance(error, OSError | ValueError):  # a name that no certificate can have is a ValueError
                raise self._refusal(request, "tls") from None
            raise
        return route

    async def _exchange(self, request: Outgoing, key: _Key, route: Route, body: bytes) -> Answer:
        """Send a request on a connection.

        Raises:
            RefusedError: It failed.
            _Stale: The connection was closed before anything of an answer came.
        """
        exchange = Exchange(route.peer)
        try:
            exchange.begin(request.method, *_head(request, route, len(body)))
            route.peer.writer.write(body)
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await exchange.response()
            if head.status_code == 407 and route.upstream is not None:
                raise self._refusal(request, CREDENTIALS_REJECTED)
        except BaseException as error:  # cancelation, too, drops the connection
            route.peer.drop()
            if isinstance(error, ConnectionError) or (
                isinstance(error, asyncio.IncompleteReadError) and not error.partial
            ):
                raise _Stale from None
            if isinstance(error, TimeoutError):
                raise self._refusal(request, "timeout") from None
            if isinstance(error, OSError | EOFError | BadMessage | asyncio.LimitOverrunError):
                raise RefusedError(_NO_ANSWER) from None
            raise
        return Answer(self, key, route, exchange, head)

    def _refusal(self, request: Outgoing, reason: str) -> RefusedError:
        self._dialer.note_refusal(endpoint(request.host, request.port), reason)
        return RefusedError(reason)


class _Stale(Exception):
    """A connection that the server had closed, or closes before it answers."""


def _head(request: Outgoing, route: Route, size: int) -> tuple[str, list[Header]]:
    """Return the request's target and headers as they are sent."""
    length = [("Content-Length", str(size))] if size or request.method not in (*SAFE, "DELETE") else []
    pairs = [("Host", request.authority), *request.headers, *length, ("Connection", "keep-alive")]
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in pairs]
    if route.upstream is None:
        return request.target, headers
    return request.url, [*headers, *route.upstream.headers]


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()  # takes 20 ms
    context.set_alpn_protocols(["http/1.1"])
    return context
