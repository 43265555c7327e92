"""The policy of the proxy, and its requests and tunnels."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sandbox import Egress
from sandbox.egress.policy import Policy, RefusedError, is_public
from sandbox.egress.proxy import EgressProxy
from sandbox.workers.parse import evidence
from tests.unit.egress.test_forged import SEEN


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((address, True) for address in ("1.1.1.1", "93.184.216.34", "2606:4700::1111")),
        *((address, False) for address in ("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254")),
        *((address, False) for address in ("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16")),
        *((address, False) for address in ("::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1")),
        *((address, False) for address in ("64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00::1", "192.88.99.1")),
        *((address, True) for address in ("2001:4860:4860::8888", "2a00:1450:4001::200e", "::ffff:8.8.8.8")),
        *((address, False) for address in ("fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "4000::1", "1fff::1")),
        *((address, False) for address in ("3fff::1", "5f00::1", "2001:db8::1", "2001:20::1", "100::1")),
        ("2606:4700::1%1", False),
    ],
)
def test_only_global_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_ipv6_outside_of_global_unicast_is_never_public() -> None:
    blocks = [f"{number:x}00::1" for number in range(256)]
    assert {block for block in blocks if is_public(block)} == {f"{number:x}00::1" for number in range(0x20, 0x40)}


async def _answers(host: str, port: int) -> Sequence[str]:
    known = {
        "example.com": ["93.184.216.34"],
        "mixed.example.com": ["93.184.216.34", "10.0.0.1"],
        "inside": ["10.0.0.1"],
    }
    return known.get(host, [])


@pytest.mark.parametrize(
    ("host", "port", "tunnel", "expected"),
    [
        ("example.com", 443, True, "93.184.216.34"),
        ("EXAMPLE.com.", 80, False, "93.184.216.34"),
        ("example.com", 8080, False, "93.184.216.34"),
        ("mixed.example.com", 80, False, "policy: 10.0.0.1 is not a public address"),
        ("inside", 80, False, "policy: 10.0.0.1 is not a public address"),
        ("inside", 8001, False, "10.0.0.1"),
        ("inside", 8001, True, "10.0.0.1"),
        ("inside", 8443, False, "policy: 10.0.0.1 is not a public address"),
        ("inside", 8443, True, "10.0.0.1"),
        ("nowhere.example", 80, False, "dns"),
        ("127.1", 80, False, "policy: a number is not a host name"),
        ("0x7f000001", 80, False, "policy: a number is not a host name"),
        ("exa mple.com", 80, False, "policy: not a valid host name"),
        ("example.com%00.evil", 80, False, "policy: not a valid host name"),
        ("[::1]", 80, False, "policy: ::1 is not a public address"),
        ("example.com", 25, True, "policy: port 25 is not for the web"),
    ],
)
async def test_policy_returns_the_address_or_the_refusal(host: str, port: int, tunnel: bool, expected: str) -> None:
    policy = Policy(Egress(allow=("http://inside:8001", "https://inside:8443")), _answers)
    try:
        answer = await policy.address(host, port, tunnel=tunnel)
    except RefusedError as refusal:
        answer = str(refusal)
    assert answer == expected


async def test_hosts_limit_what_the_policy_allows() -> None:
    policy = Policy(Egress(hosts=("*.example.com",)), _answers)
    with pytest.raises(RefusedError, match="allowed hosts"):
        await policy.address("example.com", 80, tunnel=False)
    with pytest.raises(RefusedError, match=r"10\.0\.0\.1"):
        await policy.address("mixed.example.com", 80, tunnel=False)


@asynccontextmanager
async def _proxied(*replies: bytes, allow: bool = True) -> AsyncIterator[tuple[EgressProxy, int, int, list[bytes]]]:
    """A proxy, its port, the port of a server behind it that sends ``replies``, and what that server got."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            received.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(reply)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    proxy = EgressProxy()
    if allow:
        proxy.bind(Egress(allow=(f"http://127.0.0.1:{port}",)))
    await proxy.serve(listener)
    try:
        yield proxy, listener.getsockname()[1], port, received
    finally:
        proxy.close()
        server.close()
        await asyncio.sleep(0.01)


async def _send(port: int, request: bytes, size: int = -1) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read() if size < 0 else reader.readexactly(size), 30)
    writer.close()
    return answer


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


async def test_requests_share_a_connection_and_get_the_dialed_host() -> None:
    async with _proxied(CHUNKED, ANSWER) as (proxy, port, server, received):
        request = (
            f"GET http://127.0.0.1:{server}/a?b HTTP/1.1\r\nHost: evil\r\nProxy-Connection: x\r\nA: b\r\n\r\n".encode()
        )
        assert await _send(port, request * 2, len(CHUNKED + ANSWER)) == CHUNKED + ANSWER
        assert received[0].startswith(f"GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:{server}\r\na: b\r\n".encode())
        assert len(received) == 2
        assert list(proxy.reached) == [f"127.0.0.1:{server}"]


async def test_connect_opens_a_tunnel() -> None:
    async with _proxied(b"pong") as (_, port, server, _received):
        answer = await _send(port, f"CONNECT 127.0.0.1:{server} HTTP/1.1\r\nHost: x\r\n\r\nping\r\n\r\n".encode())
        assert answer == b"HTTP/1.1 200 Connected\r\n\r\npong"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
        b"GET http://user@127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
        b"CONNECT 127.0.0.1:0%d HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_invalid_requests_are_dropped(request_: bytes) -> None:
    async with _proxied(allow=False) as (_, port, server, received):
        assert await _send(port, request_ % server) == b""
        assert received == []


async def test_dial_failures_are_recorded() -> None:
    async with _proxied() as (proxy, port, server, _):
        pass
    async with _proxied() as (proxy, port, _server, _):
        proxy.bind(Egress(allow=(f"http://127.0.0.1:{server}",)))
        assert await _send(port, f"GET http://127.0.0.1:{server}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == b""
        assert list(proxy.refused) == [(f"127.0.0.1:{server}", "refused")]


async def test_long_host_names_are_shortened_in_records() -> None:
    async with _proxied(allow=False) as (proxy, port, _server, _received):
        proxy.bind(Egress())
        for name in (b"a" * 100_000, b"fe80::1%" + b"a" * 100_000):
            assert await _send(port, b"CONNECT %s:443 HTTP/1.1\r\nHost: x\r\n\r\n" % name) == b""
        assert [(len(name), len(reason)) for name, reason in proxy.refused] == [(260, 29), (260, 260)]
        document = {"failed_document": [f"https://{'a' * 100_000}/", "net::ERR_EMPTY_RESPONSE"]}
        assert evidence({**SEEN, **document}, proxy).main_refused == "policy: not a valid host name"


async def test_a_rebound_name_is_checked_again_before_it_is_dialed() -> None:
    """DNS rebinding: the second answer would be private, and is never asked for."""
    async with _proxied(ANSWER) as (proxy, port, server, received):
        answers = iter((["93.184.216.34"], ["127.0.0.1"]))

        async def rebinding(host: str, port: int) -> Sequence[str]:
            return next(answers)

        policy = Policy(Egress(), rebinding)
        assert await policy.address("evil.example", server, tunnel=False) == "93.184.216.34"
        proxy.bind(Egress(), rebinding)
        assert await _send(port, f"GET http://evil.example:{server}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == b""
        assert list(proxy.refused) == [(f"evil.example:{server}", "policy: 127.0.0.1 is not a public address")]
        assert received == []


async def test_refused_hosts_are_not_resolved() -> None:
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"]

    policy = Policy(Egress(hosts=("example.com",)), resolve)
    with pytest.raises(RefusedError):
        await policy.address("the-secret-is-hunter2.evil.example", 80, tunnel=False)
    assert asked == []


@pytest.mark.parametrize(
    "pattern", ["", "https://example.com", "exa mple.com", "example.com:99999", "127.1", "*.*.com", "a.com:"]
)
def test_malformed_hosts_raise_value_error(pattern: str) -> None:
    with pytest.raises(ValueError):
        Egress(hosts=(pattern,))
