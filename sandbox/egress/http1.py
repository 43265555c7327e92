"""Forwarding of HTTP/1.1 between a proxy's client and a server: just enough to know where each message ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

_HOP_BY_HOP = (b"connection", b"host", b"keep-alive", b"proxy-authorization", b"proxy-connection")
_BLOCK = 1 << 17
_LINGER_SECONDS = 10.0
_MOST_IN_A_ROW = 100  # of what may come any number of times
_LINE_ENDS = re.compile(rb"[\r\n\0]")  # to some readers, each by itself
_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BLANK = re.compile(r"[\0-\x20\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")  # no reader's counter runs over
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\0]*)?\r\n")


class BadMessage(Exception):
    """What arrived is no HTTP/1.1 that we could forward safely."""


class ProxyWantsCredentials(Exception):
    """The answer came from an upstream proxy, and is about it and not about the page."""


@dataclass(frozen=True)
class Peer:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def drop(self) -> None:
        """Close; what was written may still be taken for some seconds."""
        self.writer.close()
        if self.writer.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.writer.transport.abort)


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a message."""

    raw: bytes
    first_line: tuple[str, str, str]
    headers: tuple[tuple[bytes, bytes], ...]

    def value(self, name: bytes) -> bytes | None:
        """The value of a header; None if it is missing.

        Raises:
            BadMessage: It is there more than once, with different values.
        """
        values = {value for header, value in self.headers if header == name}
        if len(values) > 1:
            raise BadMessage(f"two values of {name!r}")
        return values.pop() if values else None

    def mentions(self, name: bytes, word: bytes) -> bool:
        """Whether a header's list of words holds one."""
        return any(
            word in (part.strip() for part in value.lower().split(b","))
            for header, value in self.headers
            if header == name
        )

    @property
    def chunked(self) -> bool:
        """Whether a chunked body follows."""
        encoding = self.value(b"transfer-encoding")
        if encoding is not None and encoding.lower() != b"chunked":
            raise BadMessage("a transfer encoding other than chunked")
        return encoding is not None

    @property
    def length(self) -> int | None:
        """Content-Length."""
        text = self.value(b"content-length")
        if text is None:
            return None
        if not _LENGTH.fullmatch(text):
            raise BadMessage("Content-Length is no number")
        return int(text)

    @property
    def request(self) -> tuple[str, str]:
        """Method and target.

        Raises:
            BadMessage: They hold what another reader could take for the blank between them.
        """
        method, target, _ = self.first_line
        if not _METHOD.fullmatch(method) or _BLANK.search(target):
            raise BadMessage("the first line is no request")
        return method, target


async def read_head(reader: asyncio.StreamReader) -> Head:
    """The next message's head.

    Raises:
        EOFError: The other side closed.
        BadMessage: It is no HTTP.
    """
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw[:-4].split(b"\r\n")
    if any(map(_LINE_ENDS.search, (first, *lines))):
        raise BadMessage("a line that is two to some")
    words = first.decode("latin-1").split(" ", 2)
    if len(words) == 2:
        words.append("")  # a status line without a reason
    if len(words) != 3:
        raise BadMessage("the first line is no HTTP")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise BadMessage("a header line is no header")
        headers.append((name.lower(), value.strip()))
    return Head(raw, (words[0], words[1], words[2]), tuple(headers))


async def forward_request(
    head: Head, path: str, authority: str, client: Peer, server: Peer, extra: Sequence[bytes] = ()
) -> bool:
    """Forward one request and its answer. Returns whether both connections may serve another.

    Args:
        head: The request's.
        path: Path and query; for an upstream proxy the whole URL.
        authority: What the Host header shall say: the host that was dialed, whatever the client claims.
        client: Who asks.
        server: Who answers.
        extra: Further header lines.

    Raises:
        BadMessage: One of them speaks no HTTP that we could forward safely.
        ProxyWantsCredentials: An upstream proxy refused ours.
    """
    method, _ = head.request
    upgrade = head.value(b"upgrade")
    length = head.length  # here, so that one that is no number does not go on
    if head.chunked and length is not None:
        raise BadMessage("two lengths")
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: " + authority.encode("latin-1")]
    lines += [b"%s: %s" % header for header in head.headers if header[0] not in _HOP_BY_HOP]
    lines += extra
    lines.append(b"Connection: Upgrade" if upgrade else b"Connection: keep-alive")
    server.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    # the answer may come before the body is through, as for an upload that is too large
    body = asyncio.ensure_future(_copy_body(head, client.reader, server))
    try:
        return await _forward_answer(method, client, server) and body.done() and body.exception() is None
    finally:
        body.cancel()
        await asyncio.gather(body, return_exceptions=True)


async def _copy_body(head: Head, reader: asyncio.StreamReader, server: Peer) -> None:
    try:
        if head.chunked:
            await _copy_chunks(reader, server.writer)
        elif head.length:
            await _copy(reader, server.writer, head.length)
    except (BadMessage, EOFError):
        server.drop()  # it would wait for the rest, and we for its answer
        raise
    await server.writer.drain()


async def _forward_answer(method: str, client: Peer, server: Peer) -> bool:
    for _ in range(_MOST_IN_A_ROW + 1):
        head = await read_head(server.reader)
        digits = head.first_line[1]
        status = int(digits) if len(digits) == 3 and digits.isdecimal() else 0
        if status < 100:
            raise BadMessage("no status")
        if status == 407:
            raise ProxyWantsCredentials
        client.writer.write(head.raw)
        await client.writer.drain()
        if status == 101:
            await pump_both(client, server)
            return False
        if status >= 200:
            break
    else:
        raise BadMessage("an answer that does not come to its end")
    if method == "HEAD" or status in (204, 304):
        pass
    elif head.chunked:
        await _copy_chunks(server.reader, client.writer)
    elif head.length is not None:
        await _copy(server.reader, client.writer, head.length)
    else:
        await _pump(server.reader, client.writer)
        return False
    await client.writer.drain()
    return not (head.mentions(b"connection", b"close") or head.first_line[0] == "HTTP/1.0")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> None:
    while size:
        block = await reader.read(min(size, _BLOCK))
        if not block:
            raise EOFError("the body is shorter than announced")
        size -= len(block)
        writer.write(block)
        await writer.drain()


async def _copy_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        size = _CHUNK.fullmatch(line)
        if size is None:
            raise BadMessage("a chunk without a size")
        writer.write(line)
        if int(size[1], 16) == 0:
            break
        await _copy(reader, writer, int(size[1], 16))
        if await reader.readexactly(2) != b"\r\n":
            raise BadMessage("a chunk longer than announced")
        writer.write(b"\r\n")
    for _ in range(_MOST_IN_A_ROW + 1):  # trailers
        line = await reader.readuntil(b"\r\n")
        if _LINE_ENDS.search(line[:-2]):
            raise BadMessage("a trailer that is two lines to some")
        writer.write(line)
        await writer.drain()
        if line == b"\r\n":
            return
    raise BadMessage("trailers that do not come to their end")


async def pump_both(one: Peer, other: Peer) -> None:
    """Copy both ways until both ends are done."""
    await asyncio.gather(_pump(one.reader, other.writer), _pump(other.reader, one.writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(_BLOCK):
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
