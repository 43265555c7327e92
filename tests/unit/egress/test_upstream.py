"""Egress through an upstream proxy: the same checks apply, and its own refusals are distinguished from the site's."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sandbox import Egress
from sandbox.egress.proxy import EgressProxy
from tests.support.serving import refusing

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
USER = base64.b64encode(b"user:p@ss").decode()


@dataclass
class Upstream:
    """An upstream proxy that answers every request itself, and records their heads."""

    reply: bytes = ANSWER
    heads: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if head.startswith(b"CONNECT") and self.reply is ANSWER:
            writer.write(b"HTTP/1.1 200 Fine\r\n\r\n")
            writer.write(b"echo " + await reader.readexactly(4))
        else:
            writer.write(self.reply)
        await writer.drain()
        writer.close()


async def _answers(host: str, port: int) -> Sequence[str]:
    return {"example.com": ["93.184.216.34"], "inside": ["10.0.0.1"]}.get(host, [])


@asynccontextmanager
async def proxied(upstream: Upstream, **egress: object) -> AsyncIterator[tuple[EgressProxy, int]]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.port = server.sockets[0].getsockname()[1]
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = EgressProxy()
    settings = {"proxy": f"http://user:p%40ss@127.0.0.1:{upstream.port}"} | egress
    proxy.bind(Egress(**settings), _answers)  # type: ignore[arg-type]  # a test's own
    await proxy.serve(listener)
    try:
        yield proxy, listener.getsockname()[1]
    finally:
        proxy.close()
        server.close()
        await asyncio.sleep(0.01)


async def send(port: int, request: bytes, size: int = -1) -> bytes:
    """Send a request; return the answer up to its end, or so many bytes of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read() if size < 0 else reader.readexactly(size), 30)
    writer.close()
    return answer


async def test_tunnel_through_an_upstream_proxy_sends_name_and_credentials() -> None:
    upstream = Upstream()
    async with proxied(upstream) as (proxy, port):
        answer = await send(port, b"CONNECT Example.com:443 HTTP/1.1\r\nHost: x\r\n\r\nping")
    assert answer == b"HTTP/1.1 200 Connected\r\n\r\necho ping"
    assert upstream.heads == [
        b"CONNECT Example.com:443 HTTP/1.1\r\nHost: Example.com:443\r\nProxy-Authorization: Basic %s\r\n\r\n"
        % USER.encode()
    ]
    assert list(proxy.reached) == ["example.com:443"]


async def test_plain_http_through_an_upstream_proxy_sends_the_whole_url() -> None:
    upstream = Upstream()
    async with proxied(upstream) as (_, port):
        asked = b"GET http://example.com/a?b HTTP/1.1\r\nHost: x\r\nProxy-Authorization: mine\r\n\r\n"
        assert await send(port, asked, len(ANSWER)) == ANSWER
    (head,) = upstream.heads
    assert head.startswith(b"GET http://example.com/a?b HTTP/1.1\r\nHost: example.com\r\n")
    assert head.count(b"Proxy-Authorization") == 1
    assert b"mine" not in head


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (b"inside:443", "policy: 10.0.0.1 is not a public address"),
        (b"169.254.169.254:80", "policy: 169.254.169.254 is not a public address"),
        (b"2130706433:80", "policy: a number is not a host name"),
        (b"nowhere.example:443", "dns"),
    ],
)
async def test_refused_hosts_never_reach_the_upstream_proxy(target: bytes, reason: str) -> None:
    upstream = Upstream()
    async with proxied(upstream) as (proxy, port):
        assert await send(port, b"CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n" % target) == b""
        assert [why for _, why in proxy.refused] == [reason]
    assert upstream.heads == []


async def test_hosts_limit_requests_through_an_upstream_proxy() -> None:
    upstream = Upstream()
    async with proxied(upstream, hosts=("example.com:443",)) as (proxy, port):
        assert await send(port, b"CONNECT example.com:8443 HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert list(proxy.refused) == [("example.com:8443", "policy: not among the allowed hosts")]
    assert upstream.heads == []


async def test_allowed_origins_bypass_the_upstream_proxy() -> None:
    upstream, site = Upstream(), Upstream()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, proxied(upstream, allow=(origin,)) as (_, port):
        assert await send(port, f"GET {origin}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode(), len(ANSWER)) == ANSWER
    assert len(site.heads) == 1
    assert upstream.heads == []


@pytest.mark.parametrize("request_", [b"CONNECT example.com:443", b"GET http://example.com/"])
async def test_rejected_credentials_are_recorded_and_not_forwarded(request_: bytes) -> None:
    reply = b"HTTP/1.1 407 Who are you\r\nContent-Length: 5\r\n\r\nlogin"
    async with proxied(Upstream(reply)) as (proxy, port):
        assert await send(port, request_ + b" HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert [why for _, why in proxy.refused] == ["proxy: it rejected the credentials"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 403 No\r\n\r\n", "proxy: it responded with status 403"),
        (b"", "proxy: it sent no valid response"),
        (b"nonsense\r\n\r\n", "proxy: it sent no valid response"),
    ],
)
async def test_a_refused_tunnel_is_dropped_and_recorded(reply: bytes, reason: str) -> None:
    async with proxied(Upstream(reply)) as (proxy, port):
        assert await send(port, b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert [why for _, why in proxy.refused] == [reason]


async def test_an_unreachable_upstream_proxy_is_recorded() -> None:
    with refusing() as url:
        async with proxied(Upstream(), proxy=url) as (proxy, port):
            assert await send(port, b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n") == b""
            assert [why for _, why in proxy.refused] == [f"proxy: {url[7:]} cannot be reached (refused)"]


def test_repr_of_egress_omits_the_password() -> None:
    assert "p%40ss" not in repr(Egress(proxy="http://user:p%40ss@127.0.0.1:1"))
