"""The proxy's HTTP: nothing is forwarded that another reader could parse differently, and nothing without an end."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from sandbox.egress.http1 import Peer, Request, forward
from tests.unit.egress.test_upstream import ANSWER, Upstream, proxied, send

HOST = b"\r\nHost: example.com"
GET = b"GET http://example.com/ HTTP/1.1" + HOST
POST = b"POST http://example.com/ HTTP/1.1" + HOST + b"\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET http://internal/ HTTP/1.1\nHost: internal\n"


@pytest.mark.parametrize(
    "head",
    [
        GET + b"\r\nX: a\n\n" + SMUGGLED + b"Y: b",
        GET + b"\r\nX: a\nY: b",
        GET + b"\r\nX: a\rY: b",
        GET + b"\r\nX: a\0b",
        GET + b"\r\nX: a\r\n folded",
        GET + b"\r\nX: a\r\n\tfolded: b",
        GET + b"\r\nX : a",
        GET + b"\r\n: a",
        GET + b"\r\nX",
        GET + HOST,
        GET + b"\r\nUpgrade: websocket\r\nUpgrade: h2c",
        GET + b"\r\nX: a" * 1_000,
        b"GET http://example.com/ HTTP/1.1\nX: a" + HOST,
        b"GET http://example.com/?\n\n" + SMUGGLED.replace(b" ", b"\t", 1) + HOST,
        b"GET http://example.com/?\thttp://internal/ HTTP/1.1" + HOST,
        b"GET http://example.com/? http://internal/ HTTP/1.1" + HOST,
        b"GET\thttp://internal/\tHTTP/1.1 http://example.com/ HTTP/1.1" + HOST,
        b"GET\nX: http://example.com/ HTTP/1.1" + HOST,
        b"GET http://example.com/" + HOST,
        b" http://example.com/ HTTP/1.1" + HOST,
        b"\r\n" + GET,
        b"CONNECT 2606:4700::1111%\tx:443 HTTP/1.1" + HOST,
        POST + b"Transfer-Encoding: chunked, identity",
        POST + b"Transfer-Encoding: identity",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        POST + b"Content-Length: 5\r\nContent-Length: 6",
        POST + b"Content-Length: 5, 5",
        POST + b"Content-Length: +5",
        POST + b"Content-Length:",
        POST + b"Content-Length: " + b"9" * 19,
        POST + b"Content-Length: " + b"9" * 5_000,
    ],
)
async def test_ambiguous_request_heads_are_refused(head: bytes) -> None:
    upstream = Upstream()
    async with proxied(upstream) as (_, port):
        assert await send(port, head + b"\r\n\r\n") == b""
    assert upstream.heads == []


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 5",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded",
        b"HTTP/1.1 200 OK\r\nX: a\0b",
        b"HTTP/1.1 200 OK\r\nX : a",
        b"HTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 19,
        b"HTTP/1.1 99 OK",
        b"HTTP/1.1 0200 OK",
        b"HTTP/1.1 2xx OK",
        b"HTTP/1.1 101 Switching Protocols",
        b"nonsense",
    ],
)
async def test_ambiguous_response_heads_are_refused(head: bytes) -> None:
    async with proxied(Upstream(head + b"\r\n\r\nhello")) as (_, port):
        assert await send(port, GET + b"\r\n\r\n") == b""


@pytest.mark.parametrize("end", [b"\0", b"\v", b"\f", b"\ra", b""])
async def test_a_head_of_blanks_is_parsed_in_linear_time(end: bytes) -> None:
    upstream = Upstream()
    async with proxied(upstream) as (_, port):
        began = time.process_time()
        answer = await send(port, GET + b"\r\nX:" + b" " * 100_000 + end + b"\r\n\r\n", 0 if end else len(ANSWER))
        assert time.process_time() - began < 1
        assert answer == (b"" if end else ANSWER)


@pytest.mark.parametrize(
    "body",
    [
        *(size + b"\r\nhello\r\n" for size in (b"0x5", b"0_5", b"+5", b"-5", b" 5", b"", b"5;a\nb", b"0" * 20 + b"5")),
        b"2\r\nhi\n15\r\nhello\r\n",  # a size of 5 after a chunk, or of 15 where a line ends with its LF
        b"2\r\nhi\r\n0\r\nX: a\n\n" + SMUGGLED + b"\r\n",
    ],
)
async def test_ambiguous_chunked_bodies_are_refused(body: bytes) -> None:
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


async def test_chunks_with_extensions_blanks_and_trailers_are_forwarded() -> None:
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
async def test_endless_interim_responses_and_trailers_are_cut_off(start: bytes, again: bytes) -> None:
    class Endless(Upstream):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            try:
                while True:
                    writer.write(1000 * again)
                    await writer.drain()
            except ConnectionError:
                writer.close()

    async with proxied(Endless()) as (_, port):
        assert await send(port, GET + b"\r\n\r\n") == start + 101 * again


@pytest.mark.parametrize(("start", "again"), [(b"", HINT), (LAST_CHUNK, TRAILER)])
async def test_nothing_piles_up_for_a_client_that_does_not_read(start: bytes, again: bytes) -> None:
    async def ends() -> tuple[Peer, Peer]:
        one, other = socket.socketpair()
        opened = await asyncio.open_connection(sock=one, limit=1 << 17)
        return Peer(*opened), Peer(*await asyncio.open_connection(sock=other, limit=1 << 17))

    (site, server), (client, page) = await ends(), await ends()
    page.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of every transport that reads
    request = Request("GET", "/")
    forwarding = asyncio.ensure_future(forward(request, "/", "example.com", client, server))
    site.writer.write(start + 50 * again)
    await asyncio.sleep(0.3)
    assert client.writer.transport.get_write_buffer_size() < 10 * len(again)
    forwarding.cancel()
    for peer in (site, server, client, page):
        peer.writer.transport.abort()
    await asyncio.wait({forwarding})
