"""The requests of ``web``, as the host checks and sends them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import fixtures_sites
from fixtures_sites import serve
from sandbox import Egress
from sandbox.egress import sender as sending
from sandbox.egress.dialer import Dialer
from sandbox.egress.policy import RefusedError
from sandbox.egress.sender import Connections, InvalidRequest, Outgoing, Sender

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab\r\n3\r\ncde\r\n0\r\nTrailer: 1\r\n\r\n"


@dataclass
class Site:
    """A server that answers each request with the next of these answers, the last one again; b"" ends the connection.

    Args:
        closes: It ends each connection after an answer.
    """

    answers: Sequence[bytes] = (PLAIN,)
    closes: bool = False
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(sum(sizes)))
                answer = self.answers[min(len(self.heads), len(self.answers)) - 1]
                writer.write(answer)
                await writer.drain()
                if self.closes or not answer:
                    return
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def served(site: Site, allow: bool = True) -> AsyncIterator[tuple[Sender, Dialer]]:
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    dialer = Dialer()
    dialer.bind(Egress(hosts=(), allow=(site.url,) if allow else ()))
    sender = Sender(dialer)
    try:
        yield sender, dialer
    finally:
        sender.close()
        server.close()
        await asyncio.sleep(0.01)


async def fetch(
    sender: Sender, url: str, method: str = "GET", headers: Sequence[tuple[str, str]] = (), body: bytes = b""
) -> tuple[int, bytes]:
    answer = await sender.send(Outgoing.parse(method, url, headers), body)
    parts = []
    while part := await answer.read():
        parts.append(part)
    return answer.status, b"".join(parts)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET /x HTTP/1.1\r\nHost: other\r\n\r\nGET", "http://site.test/"),
        ("CONNECT", "http://site.test/"),
        ("TRACE", "http://site.test/"),
        ("get", "http://site.test/"),
        ("", "http://site.test/"),
        ("GET", "http://site.test/ HTTP/1.1\r\nX: y"),
        ("GET", "http://site.test/\r\nX: y"),
        ("GET", "http://site.test/a b"),
        ("GET", "http://site.test/#part"),
        ("GET", "http://user:pass@site.test/"),
        ("GET", "http://site.test:99999/"),
        ("GET", "http://site.test:0/"),
        ("GET", "http://[::1/"),
        ("GET", "http://söme.test/"),
        ("GET", "http:///etc/passwd"),
        ("GET", "file:///etc/passwd"),
        ("GET", "ftp://site.test/"),
        ("GET", "//site.test/"),
        ("GET", "http://site.test/" + "a" * 70_000),
    ],
)
def test_absurd_methods_and_addresses_are_refused(method: str, url: str) -> None:
    with pytest.raises(InvalidRequest):
        Outgoing.parse(method, url, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", "a\r\nHost: other"),
        ("X", "a\nb"),
        ("X", "a\0b"),
        ("X", "snow ☃"),
        ("X\r\nY", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("", "a"),
    ],
)
def test_headers_that_would_be_two_are_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest, match="character"):
        Outgoing.parse("GET", "http://site.test/", [(name, value)])


def test_too_many_and_too_long_headers_are_refused() -> None:
    for headers in ([("X", "y")] * 201, [("X", "y" * 70_000)]):
        with pytest.raises(InvalidRequest, match="too"):
            Outgoing.parse("GET", "http://site.test/", headers)


async def test_what_delimits_and_directs_a_message_is_never_the_jails() -> None:
    site = Site()
    forged = [
        ("Host", "other.test"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close, X-Kept"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "Basic eA=="),
        ("X-Kept", "1"),
    ]
    async with served(site) as (sender, _):
        assert await fetch(sender, f"{site.url}/a?b=c", "POST", forged, b"GET / HTTP/1.1\r\n\r\n") == (200, b"ok")
    first, *lines = site.heads[0].decode().split("\r\n")
    assert first == "POST /a?b=c HTTP/1.1"
    host = site.url.removeprefix("http://")
    assert lines[:-2] == [f"Host: {host}", "X-Kept: 1", "Content-Length: 18", "Connection: keep-alive"]
    assert site.bodies == [b"GET / HTTP/1.1\r\n\r\n"]
    assert len(site.heads) == 1


async def test_connections_are_kept_and_belong_to_one_policy() -> None:
    site = Site()
    async with served(site) as (sender, dialer):
        for _ in range(3):
            assert await fetch(sender, f"{site.url}/") == (200, b"ok")
        assert site.connections == 1
        dialer.bind(Egress(hosts=()))
        with pytest.raises(RefusedError, match=r"policy: 127\.0\.0\.1 is not a public address"):
            await fetch(sender, f"{site.url}/")
        assert len(site.heads) == 3


async def test_refused_addresses_are_recorded_and_get_no_connection() -> None:
    site = Site()
    async with served(site, allow=False) as (sender, dialer):
        for url in (site.url, site.url.replace("127.0.0.1", "localhost"), "http://169.254.169.254/", "http://0x7f.1/"):
            with pytest.raises(RefusedError, match="policy: "):
                await fetch(sender, url)
        assert len(dialer.refused) == 4
        assert (site.connections, dialer.reached) == (0, {})


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (CHUNKED, b"abcde"),
        (b"HTTP/1.1 103 Early\r\n\r\n" + PLAIN, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 204 None\r\n\r\n", b""),
    ],
)
async def test_bodies_end_where_the_head_says(answer: bytes, body: bytes) -> None:
    site = Site([answer, PLAIN], closes=answer.startswith(b"HTTP/1.0"))
    async with served(site) as (sender, _):
        assert (await fetch(sender, f"{site.url}/"))[1] == body
        assert await fetch(sender, f"{site.url}/") == (200, b"ok")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 400_000,
    ],
)
async def test_answers_that_are_no_http_are_refused(answer: bytes) -> None:
    site = Site([answer])
    async with served(site) as (sender, _):
        with pytest.raises(RefusedError, match="protocol"):
            await fetch(sender, f"{site.url}/")


async def test_answers_that_break_off_are_errors() -> None:
    site = Site([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"], closes=True)
    async with served(site) as (sender, _):
        with pytest.raises(RefusedError, match="closed: the answer ended"):
            await fetch(sender, f"{site.url}/")


async def test_safe_requests_are_repeated_where_a_kept_connection_was_closed() -> None:
    site = Site([PLAIN, b"", PLAIN])
    async with served(site) as (sender, _):
        await fetch(sender, f"{site.url}/")
        assert await fetch(sender, f"{site.url}/") == (200, b"ok")
        assert (len(site.heads), site.connections) == (3, 2)


async def test_requests_that_may_change_something_are_sent_once() -> None:
    site = Site([PLAIN, b"", PLAIN])
    async with served(site) as (sender, _):
        await fetch(sender, f"{site.url}/")
        with pytest.raises(RefusedError, match="closed: the connection was closed before"):
            await fetch(sender, f"{site.url}/", "POST", body=b"order")
        assert site.bodies == [b"", b"order"]


async def test_servers_that_say_nothing_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_HEAD_SECONDS", 0.05)
    monkeypatch.setattr(sending, "_STALL_SECONDS", 0.05)
    site = Site([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"])
    async with served(site) as (sender, dialer):
        for _ in range(2):
            with pytest.raises(RefusedError, match="timeout"):
                await fetch(sender, f"{site.url}/")
        assert [reason for _, reason in dialer.refused] == ["timeout"]


async def test_servers_without_tls_are_told_from_those_that_refuse() -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PLAIN)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    dialer = Dialer()
    dialer.bind(Egress(allow=(url,)))
    async with server:
        with pytest.raises(RefusedError, match="tls"):
            await fetch(Sender(dialer), url)
    assert [reason for _, reason in dialer.refused] == ["tls"]


async def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("directory", tls=True) as site:
        url = site.url.rstrip("/")
        dialer = Dialer()
        dialer.bind(Egress(allow=(url,)))
        with pytest.raises(RefusedError, match="tls"):
            await fetch(Sender(dialer), f"{url}/")
        trusting = ssl.create_default_context(cafile=Path(fixtures_sites.__file__).with_name("self_signed.pem"))
        monkeypatch.setattr(sending, "_tls", lambda: trusting)
        sender = Sender(dialer)
        for _ in range(2):
            status, body = await fetch(sender, f"{url}/")
            assert (status, b"All trades" in body) == (200, True)
        sender.close()


async def test_upstream_proxies_get_whole_addresses_and_credentials() -> None:
    site = Site([PLAIN, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"])

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    async with served(site) as (sender, dialer):
        dialer.bind(Egress(proxy=site.url.replace("http://", "http://user:pass@")), resolve)
        assert await fetch(sender, "http://example.com/a?b", headers=[("Proxy-Authorization", "mine")]) == (200, b"ok")
        assert site.heads[0].startswith(b"GET http://example.com/a?b HTTP/1.1\r\nHost: example.com\r\n")
        assert site.heads[0].count(b"Proxy-Authorization") == 1
        with pytest.raises(RefusedError, match="credentials"):
            await fetch(sender, "http://example.com/")


async def test_closed_senders_make_no_connection() -> None:
    site = Site()
    async with served(site) as (sender, _):
        sender.close()
        with pytest.raises(RefusedError, match="the run has ended"):
            await fetch(sender, f"{site.url}/")
        assert site.connections == 0


async def test_a_kept_workers_next_job_uses_its_connections_where_it_may_reach_the_same() -> None:
    site, connections = Site(), Connections()
    async with served(site):

        async def job(egress: Egress) -> tuple[Dialer, Sender]:
            dialer = Dialer()
            dialer.bind(egress)
            connections.begin(egress)
            sender = Sender(dialer, connections)
            assert await fetch(sender, f"{site.url}/") == (200, b"ok")
            sender.close()
            return dialer, sender

        same = Egress(hosts=(), allow=(site.url,))
        _, ended = await job(same)
        with pytest.raises(RefusedError, match="ended"):
            await fetch(ended, f"{site.url}/")
        dialer, _ = await job(Egress(hosts=(), allow=(site.url,)))
        assert site.connections == 1
        assert list(dialer.reached) == [site.url.removeprefix("http://")]
        await job(Egress(allow=(site.url,)))
        assert site.connections == 2
        connections.drop()  # as at the worker's end
        await job(same)
        assert site.connections == 3
        connections.drop()
