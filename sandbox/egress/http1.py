"""HTTP/1.1 between the proxy's client and a server.

h11 parses and writes the heads and decides whether a body follows. Bodies do not pass through h11, which would copy
each block three times, drop chunk extensions, and hold back trailers: they are copied as they arrive, only followed
closely enough to know where each message ends.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import h11

Header = tuple[bytes, bytes]
_AnyResponse = h11.Response | h11.InformationalResponse

_HOP_BY_HOP = (b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection")
_BLOCK_BYTES = 1 << 17
_LINGER_SECONDS = 10.0
_MAX_REPEATS = 100  # of interim responses, and of trailers
_MAX_HEADER_LINES = 1_000
_MAX_LENGTH_DIGITS = 18  # fits into 64 bits, with a sign
# h11 reads these shapes, other readers see two lines or another length; and on a NUL, vertical tab or form feed after
# many blanks h11 takes quadratic time.
_AMBIGUOUS_HEAD = re.compile(rb"[\0\v\f]|\r(?!\n)|(?<!\r)\n|\n[ \t]|\n(?i:content-length)[ \t]*:[^\n]*,")
_LINE_END = re.compile(rb"[\r\n\0]")
_CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?\r\n")


class BadMessage(Exception):
    """A message that cannot be forwarded safely as HTTP/1.1."""


class UpstreamCredentialsRejected(Exception):
    """A response that concerns the upstream proxy's credentials, and not the page."""


@dataclass(frozen=True)
class Peer:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def drop(self) -> None:
        """Close the connection. The other side has some seconds to read what was already written."""
        if self.writer.transport.is_closing():  # and one of TLS must not be closed twice on Python 3.11
            return
        self.writer.close()
        if self.writer.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.writer.transport.abort)


@dataclass(frozen=True)
class Body:
    """A body that follows a head: chunked, of a known length in bytes, or else up to the end of the connection."""

    chunked: bool
    length: int | None

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Copy the body.

        Raises:
            BadMessage: It is not delimited properly.
            EOFError: It ends too early.
        """
        async for block in self.blocks(reader, writer.write):
            writer.write(block)
            await writer.drain()
        if not self.chunked and self.length is None and writer.can_write_eof():
            writer.write_eof()

    async def blocks(self, reader: asyncio.StreamReader, frame: Callable[[bytes], object]) -> AsyncIterator[bytes]:
        """Yield the body block by block; some blocks are empty.

        Args:
            reader: The side that it comes from.
            frame: Takes the lines that delimit chunks, and the trailers, each in its place.

        Raises:
            BadMessage: It is not delimited properly.
            EOFError: It ends too early.
        """
        if self.chunked:
            async for block in _chunks(reader, frame):
                yield block
        elif self.length is not None:
            async for block in _exactly(reader, self.length):
                yield block
        else:
            while block := await reader.read(_BLOCK_BYTES):
                yield block


@dataclass(frozen=True)
class Request:
    """The head of a client's request.

    Attributes:
        method: Such as ``"GET"``.
        target: A URL, or ``"host:port"`` for CONNECT.
        headers: Names in lower case, with values.
        body: How its body is delimited.
    """

    method: str
    target: str
    headers: tuple[Header, ...] = ()
    body: Body | None = None


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read the head of the next request.

    Raises:
        EOFError: The client closed the connection.
        asyncio.LimitOverrunError: The head is longer than the reader's limit.
        BadMessage: It is not HTTP/1.1, or another reader could take it for something else.
    """
    connection = h11.Connection(h11.SERVER)
    head = _parse(connection, await reader.readuntil(b"\r\n\r\n"))
    if not isinstance(head, h11.Request):
        raise BadMessage("not a request")
    body = _body_after(connection, head)
    if body is not None and body.chunked and _value(head, b"content-length") is not None:
        raise BadMessage("a request with both Transfer-Encoding and Content-Length")
    return Request(head.method.decode("ascii"), head.target.decode("ascii"), tuple(head.headers), body)


async def forward(
    request: Request, target: str, authority: str, client: Peer, server: Peer, extra: Sequence[Header] = ()
) -> bool:
    """Forward one request and its response.

    Args:
        request: The head; its body is read from the client.
        target: Path and query; for an upstream proxy the whole URL.
        authority: The Host header: the host that was dialed, whatever the client claims.
        client: The side that sends the request.
        server: The side that responds.
        extra: Further headers.

    Returns:
        True if both connections can serve another request.

    Raises:
        BadMessage: One side does not speak HTTP/1.1 that can be forwarded safely.
        UpstreamCredentialsRejected: An upstream proxy rejected our credentials.
    """
    upgrades = {value for name, value in request.headers if name == b"upgrade"}
    if len(upgrades) > 1:
        raise BadMessage("different Upgrade headers")
    headers = [
        (b"Host", authority.encode("ascii")),
        *(header for header in request.headers if header[0] not in _HOP_BY_HOP),
        *extra,
        (b"Connection", b"Upgrade" if any(upgrades) else b"keep-alive"),
    ]
    connection = h11.Connection(h11.CLIENT)
    server.writer.write(_serialize(connection, request.method, target, headers))
    # The response may come before the whole body was sent, as for an upload that is too large
    sending = asyncio.ensure_future(_copy_request_body(request.body, client.reader, server))
    try:
        reusable = await _forward_response(connection, client, server)
        return reusable and sending.done() and sending.exception() is None
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


class Exchange:
    """One request of this program's own, and its response, on a connection to a server."""

    def __init__(self, server: Peer) -> None:
        self._server = server
        self._connection = h11.Connection(h11.CLIENT)
        self._body: Body | None = None
        self.reusable = False
        """The connection can serve another request; known once the body was read."""

    def begin(self, method: str, target: str, headers: list[Header]) -> None:
        """Send the head.

        Raises:
            BadMessage: It is not valid HTTP/1.1.
        """
        self._server.writer.write(_serialize(self._connection, method, target, headers))

    async def response(self) -> h11.Response:
        """Read the head of the response; interim ones are passed over.

        Raises:
            BadMessage: It is not HTTP/1.1, or other readers could take it for something else.
            EOFError: There is none.
        """
        for _ in range(_MAX_REPEATS + 1):
            head = _parse_response(self._connection, await self._server.reader.readuntil(b"\r\n\r\n"))
            if head.status_code == 101:
                raise BadMessage("a switch of protocols that was not asked for")
            if isinstance(head, h11.Response):
                break
        else:
            raise BadMessage("too many interim responses")
        self._body = _body_after(self._connection, head)
        self._head = head
        return head

    async def switched(self) -> tuple[bytes, _AnyResponse]:
        """Read the head of the response to a request for another protocol; an interim one with status 101 if it is met.

        Returns:
            The head as it came, and parsed.

        Raises:
            BadMessage: As of `response`.
            EOFError: There is none.
        """
        raw = await self._server.reader.readuntil(b"\r\n\r\n")
        return raw, _parse_response(self._connection, raw)

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body of the response, without its framing; errors as of `Body.blocks`."""
        if self._body is not None:
            async for block in self._body.blocks(self._server.reader, lambda line: None):
                if block:
                    yield block
        self.reusable = _is_reusable(self._head, self._body)


async def request_tunnel(proxy: Peer, authority: str, extra: Sequence[Header] = ()) -> int:
    """Ask an upstream proxy for a tunnel.

    Args:
        proxy: The connection to it, which becomes the tunnel if the status is 2xx.
        authority: ``"host:port"``.
        extra: Further headers.

    Returns:
        The status of its response.

    Raises:
        BadMessage: The response is not HTTP/1.1.
        EOFError: There is none.
    """
    connection = h11.Connection(h11.CLIENT)
    headers = [(b"Host", authority.encode("ascii")), *extra]
    proxy.writer.write(_serialize(connection, "CONNECT", authority, headers))
    return _parse_response(connection, await proxy.reader.readuntil(b"\r\n\r\n")).status_code


async def pump_both(one: Peer, other: Peer) -> None:
    """Copy both ways until both ends are done."""
    await asyncio.gather(_pump(one.reader, other.writer), _pump(other.reader, one.writer))


def _parse(connection: h11.Connection, raw: bytes) -> h11.Request | _AnyResponse:
    if raw.count(b"\n") > _MAX_HEADER_LINES:
        raise BadMessage("too many header lines")
    if _AMBIGUOUS_HEAD.search(raw):
        raise BadMessage("a head that other readers could parse differently")
    connection.receive_data(raw)
    try:
        head = connection.next_event()
    except h11.ProtocolError as error:
        raise BadMessage(str(error)) from None
    if not isinstance(head, h11.Request | h11.Response | h11.InformationalResponse):
        raise BadMessage("not the head of a message")
    if len(_value(head, b"content-length") or b"") > _MAX_LENGTH_DIGITS:
        raise BadMessage("the Content-Length is too large")
    return head


def _parse_response(connection: h11.Connection, raw: bytes) -> _AnyResponse:
    head = _parse(connection, raw)
    if isinstance(head, h11.Request):
        raise BadMessage("not a response")
    return head


def _serialize(connection: h11.Connection, method: str, target: str, headers: list[Header]) -> bytes:
    try:
        return connection.send(h11.Request(method=method, target=target, headers=headers))
    except h11.ProtocolError as error:
        raise BadMessage(str(error)) from None


def _body_after(connection: h11.Connection, head: h11.Request | _AnyResponse) -> Body | None:
    """Return how the body after a head is delimited; None if no body follows."""
    if connection.next_event() is not h11.NEED_DATA:
        return None
    length = _value(head, b"content-length")
    return Body(_value(head, b"transfer-encoding") is not None, None if length is None else int(length))


def _value(head: h11.Request | _AnyResponse, name: bytes) -> bytes | None:
    return next((value for header, value in head.headers if header == name), None)


async def _copy_request_body(body: Body | None, reader: asyncio.StreamReader, server: Peer) -> None:
    try:
        if body is not None:
            await body.copy(reader, server.writer)
    except (BadMessage, EOFError):
        server.drop()  # the server would wait for the rest, and this proxy for its response
        raise
    await server.writer.drain()


async def _forward_response(connection: h11.Connection, client: Peer, server: Peer) -> bool:
    for _ in range(_MAX_REPEATS + 1):
        raw = await server.reader.readuntil(b"\r\n\r\n")
        head = _parse_response(connection, raw)
        if head.status_code == 407:
            raise UpstreamCredentialsRejected
        client.writer.write(raw)
        await client.writer.drain()
        if head.status_code == 101:
            await pump_both(client, server)
            return False
        if isinstance(head, h11.Response):
            break
    else:
        raise BadMessage("too many interim responses")
    body = _body_after(connection, head)
    if body is not None:
        await body.copy(server.reader, client.writer)
    await client.writer.drain()
    return _is_reusable(head, body)


def _is_reusable(head: _AnyResponse, body: Body | None) -> bool:
    until_close = body is not None and not body.chunked and body.length is None
    return not (until_close or head.http_version < b"1.1" or _closes(head))


def _closes(head: _AnyResponse) -> bool:
    options = b",".join(value for name, value in head.headers if name == b"connection")
    return b"close" in (option.strip() for option in options.lower().split(b","))


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        block = await reader.read(min(size, _BLOCK_BYTES))
        if not block:
            raise EOFError("the body is shorter than announced")
        size -= len(block)
        yield block


async def _chunks(reader: asyncio.StreamReader, frame: Callable[[bytes], object]) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        size = _CHUNK_HEAD.fullmatch(line)
        if size is None:
            raise BadMessage("a chunk without a valid size")
        frame(line)
        if int(size[1], 16) == 0:
            break
        async for block in _exactly(reader, int(size[1], 16)):
            yield block
        if await reader.readexactly(2) != b"\r\n":
            raise BadMessage("a chunk longer than announced")
        frame(b"\r\n")
    for _ in range(_MAX_REPEATS + 1):  # trailers
        line = await reader.readuntil(b"\r\n")
        if _LINE_END.search(line[:-2]):
            raise BadMessage("a trailer that other readers could split into two lines")
        frame(line)
        yield b""  # a pause, in which what was framed is written
        if line == b"\r\n":
            return
    raise BadMessage("too many trailers")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(_BLOCK_BYTES):
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
