"""The proxy's HTTP: nothing goes on that another reader could take for something else, and nothing without an end."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sandbox.egress.http1 import Head, Peer, forward_request
from tests.unit.egress.test_upstream import ANSWER, Upstream, proxied, send

POST = b"POST http://example.com/ HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET http://internal/ HTTP/1.1\nHost: internal\n"


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://example.com/ HTTP/1.1\r\nX: a\n\n" + SMUGGLED + b"Y: b",
        b"GET http://example.com/ HTTP/1.1\r\nX: a\rY: b",
        b"GET http://example.com/ HTTP/1.1\r\nX: a\0b",
        b"GET http://example.com/ HTTP/1.1\nX: a",
        b"GET http://example.com/?\n\n" + SMUGGLED.replace(b" ", b"\t", 1),
        b"GET http://example.com/?\thttp://internal/ HTTP/1.1",
        b"GET\thttp://internal/\tHTTP/1.1 http://example.com/ HTTP/1.1",
        b"GET\nX: http://example.com/ HTTP/1.1",
        b" http://example.com/ HTTP/1.1",
        b"CONNECT 2606:4700::1111%\tx:443 HTTP/1.1",
        POST + b"Transfer-Encoding: chunked, identity",
        POST + b"Content-Length: " + b"9" * 5_000,
    ],
)
async def test_heads_that_another_reads_otherwise_are_refused(head: bytes) -> None:
    upstream = Upstream()
    async with proxied(upstream) as (_, port):
        assert await send(port, head + b"\r\n\r\n") == b""
    assert upstream.heads == []


@pytest.mark.parametrize(
    "body",
    [
        *(size + b"\r\nhello\r\n" for size in (b"0x5", b"0_5", b"+5", b"-5", b" 5", b"", b"5;a\nb", b"0" * 20 + b"5")),
        b"2\r\nhi\n15\r\nhello\r\n",  # a size of 5 after a chunk, or of 15 where a line ends with its LF
        b"2\r\nhi\r\n0\r\nX: a\n\n" + SMUGGLED + b"\r\n",
    ],
)
async def test_bodies_that_another_reads_otherwise_are_refused(body: bytes) -> None:
    received = bytearray()

    class Keeping(Upstream):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            received.extend(await reader.read())
            writer.close()

    async with proxied(Keeping()) as (_, port):
        assert await send(port, CHUNKED + body + b"0\r\n\r\n") == b""
    assert received.startswith(b"POST ")
    assert not received.endswith(b"\r\n0\r\n\r\n")
    assert b"internal" not in received


async def test_chunks_pass_with_extensions_blanks_and_trailers() -> None:
    body = b"2\r\nhi\r\n0A ;a=b\r\n0123456789\r\n0\r\nX: y\r\n\r\n"

    class Reading(Upstream):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            self.heads.append(await reader.readexactly(len(body)))
            writer.write(ANSWER)
            writer.close()

    upstream = Reading()
    async with proxied(upstream) as (_, port):
        assert await send(port, CHUNKED + body, len(ANSWER)) == ANSWER
    assert upstream.heads == [body]


HINT = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 100_000 + b"\r\n\r\n"
TRAILER = b"X: " + b"x" * 100_000 + b"\r\n"
LAST_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize(("start", "again"), [(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), (LAST_CHUNK, b"X: y\r\n")])
async def test_what_has_no_end_is_ended(start: bytes, again: bytes) -> None:
    class Endless(Upstream):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            try:
                while True:
                    writer.write(again)
                    await writer.drain()
            except ConnectionError:
                writer.close()

    async with proxied(Endless()) as (_, port):
        assert await send(port, b"GET http://example.com/ HTTP/1.1\r\n\r\n") == start + 101 * again


@pytest.mark.parametrize(("start", "again"), [(b"", HINT), (LAST_CHUNK, TRAILER)])
async def test_a_client_that_does_not_read_gets_no_more(start: bytes, again: bytes) -> None:
    async def ends() -> tuple[Peer, Peer]:
        one, other = socket.socketpair()
        opened = await asyncio.open_connection(sock=one, limit=1 << 17)
        return Peer(*opened), Peer(*await asyncio.open_connection(sock=other, limit=1 << 17))

    (site, server), (client, page) = await ends(), await ends()
    page.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of every transport that reads
    request = Head(b"", ("GET", "/", "HTTP/1.1"), ())
    forwarding = asyncio.ensure_future(forward_request(request, "/", "example.com", client, server))
    site.writer.write(start + 50 * again)
    await asyncio.sleep(0.3)
    assert client.writer.transport.get_write_buffer_size() < 10 * len(again)
    forwarding.cancel()
    for peer in (site, server, client, page):
        peer.writer.transport.abort()
    await asyncio.wait({forwarding})
