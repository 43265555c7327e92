"""The server's connections: how many there may be, and how long a caller may take for a request.

A caller that opens connections and never completes a request would otherwise hold them, and the file descriptors that
browsers and git need, for as long as it likes.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.server.errors import ApiError
from engine.task import ids

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
_BODY_BYTES_PER_SECOND = 20_000  # a caller that is faster gets more time than that
_UNREAD_SECONDS = 60.0  # for a caller that does not read its answer
_EXTRA = 16  # connections beyond the limit that are told of it
_LOG_SECONDS = 10.0
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_WAIT_AT_SHORTAGE = 0.1


@dataclass(frozen=True)
class ConnectionLimits:
    """The most connections, and the time for a request.

    Args:
        total: Connections at the same time; None for half of the file descriptors that the process may open.
        per_address: The same from one address, or from one IPv6 network of 64 bits; None for half of ``total``.
            Loopback, where a reverse proxy is, has no such limit.
        head_seconds: Time until a request's head has arrived.
        body_seconds: Time until its body has arrived; a large one gets more.
    """

    total: int | None = None
    per_address: int | None = None
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = BODY_SECONDS

    @property
    def most(self) -> int:
        """The most connections at the same time."""
        if self.total is not None:
            return self.total
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return 1_000 if files == resource.RLIM_INFINITY else max(8, min(1_000, (files - 64) // 2))

    @property
    def most_per_address(self) -> int:
        """The most connections from one address at the same time."""
        return self.per_address if self.per_address is not None else max(1, self.most // 2)


class TimedProtocol(H11Protocol):
    """One connection, closed where a request does not arrive in time.

    Args:
        connections: All connections of the server, this one among them while it is open.
        address: The caller's address or network; None on loopback.
        more: The arguments of uvicorn's own class.
    """

    def __init__(self, connections: Connections, address: str | None, **more: Any) -> None:
        super().__init__(**more)
        self.address = address
        self._all = connections
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._part = ""  # of a request that is being waited for
        self._began = 0.0
        self._received = 0

    @property
    def is_waiting(self) -> bool:
        """True while there is no complete request, so that nothing is lost if the connection is closed."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered or (self.conn.their_state is h11.SEND_BODY and not self.cycle.response_started)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._all.opened(self)
        self._wait_for("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._all.closed(self)
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take part of a request, and time what is still missing."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY:
            self._received += len(data)
            self._wait_for("body")
        elif self.cycle is None or self.cycle.response_complete:
            self._wait_for("head")
        else:
            self._stop_waiting()

    def pause_writing(self) -> None:
        """Wait for a caller that does not read, but not for ever."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(_UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def close_for(self, error: ApiError) -> None:
        """Close the connection; tell the caller why, if no answer has begun."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        running = self.cycle is not None and not self.cycle.response_complete
        if not running or not self.cycle.response_started:
            self.transport.write(_raw(error))
        if running:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _wait_for(self, part: str) -> None:
        if self._timer is None or part != self._part:
            self._stop_waiting()
            self._part, self._began, self._received = part, time.monotonic(), 0
            self._timer = self.loop.call_later(self._allowed(), self._expire)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _allowed(self) -> float:
        limits = self._all.limits
        if self._part == "head":
            return limits.head_seconds
        return limits.body_seconds + self._received / _BODY_BYTES_PER_SECOND

    def _expire(self) -> None:
        self._timer = None
        left = self._began + self._allowed() - time.monotonic()
        if left > 0:
            self._timer = self.loop.call_later(left, self._expire)
            return
        self._all.note("timed out")
        self.close_for(
            ApiError(408, "request-timeout", f"the request's {self._part} did not arrive within {self._allowed():g} s")
        )


class Connections:
    """All connections of the server, from the longest that has waited.

    Attributes:
        limits: Their limits.
        counts: How many were closed, by reason.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.counts: Counter[str] = Counter()
        self._open: dict[TimedProtocol, None] = {}
        self._by_address: Counter[str | None] = Counter()
        self._told = Counter[str]()
        self._logged_at = 0.0

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: TimedProtocol) -> None:
        """Add a connection."""
        self._open[connection] = None
        self._by_address[connection.address] += 1

    def closed(self, connection: TimedProtocol) -> None:
        """Remove a connection."""
        if connection in self._open:
            del self._open[connection]
            self._by_address[connection.address] -= 1
            if not self._by_address[connection.address]:
                del self._by_address[connection.address]

    def make_room(self, address: str | None) -> str | None:
        """Make room for one more from an address, by closing what has waited longest for a request.

        Returns:
            Why there is no room; None where there is.
        """
        limits = self.limits
        if address is not None and self._by_address[address] >= limits.most_per_address:
            if not self.drop_waiting(address):
                return (
                    f"this address has {limits.most_per_address} connections with requests, the most that it may have"
                )
        elif len(self._open) >= limits.most and not self.drop_waiting():
            return f"the server has {limits.most} connections with requests, the most that it may have"
        return None

    def drop_waiting(self, address: str | None = None) -> bool:
        """Close the connection that has waited longest for a request; return False where none does."""
        waiting = (each for each in self._open if each.is_waiting and address in (None, each.address))
        found = next(waiting, None)
        if found is None:
            return False
        self.closed(found)
        self.note("dropped for others")
        found.close_for(ApiError(503, "busy", "the server needs the connection for other callers; try again"))
        return True

    def note(self, what: str) -> None:
        """Count what happened to a connection; log it, but not for each one."""
        self.counts[what] += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            new = self.counts - self._told
            self._told = self.counts.copy()
            found = ", ".join(f"{number} {name}" for name, number in sorted(new.items()))
            log.warning("connections since the last such line: %s; now open: %d", found, len(self._open))


class Listener:
    """A listening socket that waits where the process is short of file descriptors; in place of asyncio's server.

    asyncio's own logs a shortage once for each connection that it could not accept, thousands of times a second.

    Args:
        sock: The listening socket.
        connections: The connections, which have the limits.
        make: Makes the protocol of a connection.
    """

    def __init__(
        self, sock: socket.socket, connections: Connections, make: Callable[[str | None], TimedProtocol]
    ) -> None:
        self._socket, self._connections, self._make = sock, connections, make
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept no further connections."""
        self._accepting.cancel()

    async def wait_closed(self) -> None:
        """Wait until none is being accepted."""
        await asyncio.gather(self._accepting, return_exceptions=True)

    async def _accept(self) -> None:
        loop, connections = asyncio.get_running_loop(), self._connections
        while True:
            try:
                accepted, peer = await loop.sock_accept(self._socket)
            except OSError as error:
                if error.errno in _SHORTAGES:
                    connections.note(f"not accepted: {error.strerror}")
                    connections.drop_waiting()
                    await asyncio.sleep(_WAIT_AT_SHORTAGE)
                elif self._socket.fileno() < 0:
                    return
                continue  # the caller has gone before it was accepted
            address = _network(peer[0])
            full = connections.make_room(address)
            if full is not None:
                connections.note("refused")
                if len(connections) >= connections.limits.most + _EXTRA:
                    accepted.close()
                    continue
            protocol = self._make(address)
            if full is not None:
                protocol.app = _busy(full)
            await self._serve(accepted, protocol)

    @staticmethod
    async def _serve(accepted: socket.socket, protocol: TimedProtocol) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted)
        except OSError:
            accepted.close()


def _network(address: str) -> str | None:
    """Return the address, or the network of 64 bits that one caller has in IPv6; None on loopback."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return None if found.is_loopback else str(ipaddress.ip_network((found, 64), strict=False))
        found = found.ipv4_mapped
    return None if found.is_loopback else str(found)


def _busy(message: str) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        error = ApiError(503, "busy", f"{message}; try again later")
        response = error.response(ids.new_id("co_"), {"connection": "close", "retry-after": "1"})
        await response(scope, receive, send)

    return answer


def _raw(error: ApiError) -> bytes:
    """Return an answer as it is sent."""
    response = error.response(ids.new_id("co_"), {"connection": "close"})
    head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    head += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*head, b"", bytes(response.body)])
