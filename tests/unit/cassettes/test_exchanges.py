"""Exchanges of every kind through the proxy and by `web`: recorded from a site, and played when it is gone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.client
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.cassettes import CassetteOptions
from engine.cassettes.base import Cassette, TaskTape
from engine.cassettes.playing import PlayingCassette
from engine.cassettes.recording import RecordingCassette
from engine.errors import CassetteMismatch
from sandbox import Egress
from sandbox.egress import sender as sending
from sandbox.egress.policy import RefusedError
from sandbox.egress.proxy import EgressProxy
from sandbox.egress.sender import Outgoing
from sandbox.egress.sockets import messages
from sandbox.egress.tape import NOT_RECORDED
from sandbox.egress.taped import TapedSender
from tests.support.taped_site import ACCEPTING, MAGIC, Site


@asynccontextmanager
async def proxied(origin: str, tape: TaskTape, *, allowed: bool = True) -> AsyncIterator[tuple[EgressProxy, int]]:
    """A proxy with a tape, and its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = EgressProxy()
    proxy.bind(Egress(hosts=(), allow=(origin,) if allowed else (), tape=tape))
    await proxy.serve(listener)
    try:
        yield proxy, listener.getsockname()[1]
    finally:
        serving = list(proxy._connections)
        proxy.close()
        await asyncio.gather(*serving, return_exceptions=True)


def cassette(path: Path, *, playing: bool) -> Cassette:
    return (PlayingCassette if playing else RecordingCassette)(path, CassetteOptions())


def fetch(proxy: int, site: Site, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, str | None]:
    """One request by a client of the proxy."""
    client: http.client.HTTPConnection
    if site.tls:
        client = http.client.HTTPSConnection("127.0.0.1", proxy, timeout=60, context=ACCEPTING)
        client.set_tunnel("localhost", site.port)
        target = path
    else:
        client = http.client.HTTPConnection("127.0.0.1", proxy, timeout=60)
        target = site.origin + path
    try:
        client.request(method, target, body, {"If-None-Match": "x"})
        response = client.getresponse()
        return response.status, response.read(), response.getheader("Content-Encoding")
    finally:
        client.close()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the host accept the site's certificate, as one of a known authority."""
    monkeypatch.setattr(sending, "_tls", lambda: ACCEPTING)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("trusting")
async def test_what_a_client_of_the_proxy_got_comes_again_without_the_site(tmp_path: Path, tls: bool) -> None:
    wanted = [("GET", "/a", None), ("HEAD", "/a", None), ("POST", "/b", b"x=1"), ("GET", "/c?d=1", None)]
    site, got = Site(tls=tls), []
    for playing in (False, True):
        used = cassette(tmp_path / "a.wtrec", playing=playing)
        tape = used.tape({})
        async with proxied(site.origin, tape) as (proxy, port):
            if playing:
                got.append([await asyncio.to_thread(fetch, port, site, *each) for each in wanted])
            else:
                async with site:
                    proxy.bind(Egress(hosts=(), allow=(site.origin,), tape=tape))
                    got.append([await asyncio.to_thread(fetch, port, site, *each) for each in wanted])
            assert list(proxy.reached) == [f"localhost:{site.port}"]
        tape.check()
        used.close()
    assert got[0] == got[1]
    assert [each[0] for each in got[0]] == [200] * 4
    assert [each[1][:8] for each in got[0]] == [b"page /a", b"", b"echo x=1", b"page /c?"]
    assert got[0][0][2] is None


async def opened(port: int, site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket through the proxy, whose handshake is done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"CONNECT localhost:%d HTTP/1.1\r\nHost: a\r\n\r\n" % site.port)
    await reader.readuntil(b"\r\n\r\n")
    if site.tls:
        await writer.start_tls(ACCEPTING, server_hostname="localhost")
    key = base64.b64encode(bytes(16))
    writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    writer.write(b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert base64.b64encode(hashlib.sha1(key + MAGIC).digest()) in head
    return reader, writer


def masked(data: bytes) -> bytes:
    """A client's frame of text."""
    return bytes((0x81, 0x80 | len(data))) + b"\1\2\3\4" + bytes(b ^ (1, 2, 3, 4)[n % 4] for n, b in enumerate(data))


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("trusting")
async def test_messages_of_a_websocket_come_again_after_what_the_client_sends(tmp_path: Path, tls: bool) -> None:
    site = Site(tls=tls)

    async def talk(port: int, *said: bytes) -> list[bytes]:
        reader, writer = await opened(port, site)
        heard = messages(reader)
        try:
            got = [(await anext(heard)).data]
            for each in said:
                writer.write(masked(each))
                got.append((await anext(heard)).data)
            return got
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async with site:
        recording = cassette(tmp_path / "a.wtrec", playing=False)
        async with proxied(site.origin, recording.tape({})) as (_, port):
            got = await talk(port, b"one", b"x" * 100)
            recording.close()  # what is open then is kept as far as it is
    playing = cassette(tmp_path / "a.wtrec", playing=True)
    tape = playing.tape({})
    async with proxied(site.origin, tape) as (_, port):
        assert await talk(port, b"one", b"x" * 100) == got == [b"hello", b"one" * 3, b"x" * 300]
        tape.check()
        with pytest.raises((EOFError, OSError)):
            await talk(port, b"two")
    with pytest.raises(CassetteMismatch, match=f"MESSAGE ws{'s' if tls else ''}://localhost:{site.port}/ws was rec"):
        tape.check()
    playing.close()


async def test_web_gets_the_same_answers_and_the_same_refusals_again(tmp_path: Path) -> None:
    async with Site(tls=True) as unverified, Site(tls=False) as site:
        hosts = (site.origin, unverified.origin, "http://127.0.0.1:1")
        urls = (f"{site.origin}/half", *(f"{each}/" for each in hosts[1:]))
        recorded = await by_web(cassette(tmp_path / "a.wtrec", playing=False), hosts, urls)
    assert recorded[0] == ["half", "closed: the answer ended before it was complete", "tls", "refused"]
    assert await by_web(cassette(tmp_path / "a.wtrec", playing=True), hosts, urls) == recorded


async def by_web(
    used: Cassette, hosts: tuple[str, ...], urls: tuple[str, ...]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the answers that `web` gets of these addresses, and the refusals."""
    proxy, tape, said = EgressProxy(), used.tape({}), list[str]()
    proxy.bind(Egress(hosts=(), allow=hosts, tape=tape))
    sender = TapedSender(proxy, tape)
    for url in urls:
        try:
            reply = await sender.send(Outgoing.parse("GET", url, ()))
            while part := await reply.read():
                said.append(part.decode())
        except RefusedError as refusal:
            said.append(str(refusal))
    sender.close()
    used.close()
    return said, list(proxy.refused)


async def test_a_host_that_may_not_be_reached_is_refused_in_a_replay_too(tmp_path: Path) -> None:
    async with Site(tls=False) as site:
        recording = cassette(tmp_path / "a.wtrec", playing=False)
        async with proxied(site.origin, recording.tape({})) as (_, port):
            await asyncio.to_thread(fetch, port, site, "GET", "/a")
        recording.close()
    playing = cassette(tmp_path / "a.wtrec", playing=True)
    tape = playing.tape({})
    async with proxied(site.origin, tape, allowed=False) as (proxy, port):
        with pytest.raises(http.client.RemoteDisconnected):
            await asyncio.to_thread(fetch, port, site, "GET", "/a")
    assert list(proxy.refused) == [(f"localhost:{site.port}", "policy: not among the allowed hosts")]
    tape.check()
    playing.close()


async def test_an_unknown_host_of_a_replay_is_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cassette(tmp_path / "a.wtrec", playing=False).close()
    playing = cassette(tmp_path / "a.wtrec", playing=True)
    tape, proxy = playing.tape({}), EgressProxy()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    proxy.bind(Egress(tape=tape))
    with pytest.raises(RefusedError, match=f"^{NOT_RECORDED}GET https://a.test/ was not recorded"):
        await TapedSender(proxy, tape).send(Outgoing.parse("GET", "https://a.test/", ()))
    with pytest.raises(CassetteMismatch):
        tape.check()
    playing.close()
