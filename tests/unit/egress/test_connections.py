"""Connections to the proxy: their number, their time, and their end with the proxy."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Sequence

import pytest

from sandbox import Egress
from sandbox.egress import proxy as egress_proxy
from sandbox.egress.http1 import Peer
from tests.unit.egress.test_upstream import ANSWER, Upstream, proxied, send

GET = b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n"


async def _end(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 30)
    return b""


async def test_connections_beyond_the_limit_are_refused() -> None:
    async with proxied(Upstream()) as (proxy, port):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(256)]
        for _ in range(3):
            assert await send(port, b"") == b""
        assert list(proxy.refused) == [("connections", "policy: more than 256 at one time")]
        held.pop()[1].close()
        async with asyncio.timeout(30):
            while len(proxy._connections) > 255:
                await asyncio.sleep(0.01)
        assert await send(port, GET, len(ANSWER)) == ANSWER
        for _, writer in held:
            writer.close()


async def test_a_dropped_connection_counts_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unread data keeps a connection, and its descriptor, open."""
    monkeypatch.setattr(egress_proxy, "_MAX_CONNECTIONS", 1)
    monkeypatch.setattr("sandbox.egress.http1._LINGER_SECONDS", 2.0)
    long = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n" + bytes(60_000)
    async with proxied(Upstream(long)) as (proxy, port):
        assert proxy._server is not None
        proxy._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(GET)
            await asyncio.sleep(0.2)
            assert await send(port, GET) == b""
            async with asyncio.timeout(30):
                while (answer := await send(port, GET)) == b"":
                    await asyncio.sleep(0.1)
            assert answer == long


async def test_connections_of_clients_send_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the body of each small response would wait for the acknowledgment of its head."""
    options = []
    serve = egress_proxy.EgressProxy._serve

    async def observed(proxy: egress_proxy.EgressProxy, client: Peer) -> None:
        options.append(client.writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await serve(proxy, client)

    monkeypatch.setattr(egress_proxy.EgressProxy, "_serve", observed)
    async with proxied(Upstream()) as (_, port):
        assert await send(port, GET, len(ANSWER)) == ANSWER
    assert options == [1]


@pytest.mark.parametrize("sent", [b"", b"GET http://exam", b"\r\n"])
async def test_a_head_that_takes_too_long_ends_the_connection(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(egress_proxy, "_HEAD_SECONDS", 0.1)
    async with proxied(Upstream()) as (_, port):
        assert await send(port, sent) == b""


@pytest.mark.parametrize("steps", range(8))
async def test_no_connection_outlives_the_proxy(steps: int) -> None:
    upstream = Upstream()
    async with proxied(upstream) as (proxy, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            for _ in range(steps):
                await asyncio.sleep(0)
            proxy.close()
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            answer = b""
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(client, GET)
                answer = await asyncio.wait_for(loop.sock_recv(client, 100), 30)
    gc.collect()  # what asyncio lost would be told now
    assert answer == b""
    assert upstream.heads == []


@pytest.mark.parametrize("steps", range(6))
async def test_a_dns_answer_after_closing_starts_no_connection(steps: int) -> None:
    upstream, asked, answered = Upstream(), asyncio.Event(), asyncio.Event()

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.set()
        await answered.wait()
        return ["93.184.216.34"]

    async with proxied(upstream) as (proxy, port):
        proxy.bind(Egress(proxy=f"http://127.0.0.1:{upstream.port}"), resolve)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await asked.wait()
        answered.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        proxy.close()
        assert await _end(reader) == b""
        writer.close()
    assert upstream.heads == []
