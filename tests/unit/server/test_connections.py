"""Connections: requests that never arrive whole, limits, and a shortage of file descriptors."""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from engine.server import connections
from engine.server.connections import ConnectionLimits, _network
from tests.support.command import until
from tests.support.live import Live, Serve

HALF_HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: "
HALF_BODY = (
    b"POST /api/v1/runs/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 99\r\n\r\n{"
)
WHOLE = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
Connect = Callable[[Live, bytes], socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function that connects to a server and sends something; the connections are closed after the test."""
    with ExitStack() as stack:

        def connected(live: Live, sent: bytes) -> socket.socket:
            address = urlsplit(live.url)
            opened = stack.enter_context(socket.create_connection((address.hostname, address.port), 5))
            opened.sendall(sent)
            return opened

        yield connected


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    data = b""
    while chunk := connection.recv(4096):
        data += chunk
    return data


@pytest.mark.parametrize(("sent", "part"), [(b"", b"head"), (HALF_HEAD, b"head"), (HALF_BODY, b"body")])
def test_request_that_never_arrives_whole_is_ended(serving: Serve, connect: Connect, sent: bytes, part: bytes) -> None:
    live = serving(connections=ConnectionLimits(head_seconds=0.2, body_seconds=0.3))
    answer = received(connect(live, sent))
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"the request's " + part in answer


def test_bytes_that_trickle_in_do_not_extend_the_time_for_a_head(serving: Serve, connect: Connect) -> None:
    live = serving(connections=ConnectionLimits(head_seconds=0.3))
    slow, began = connect(live, HALF_HEAD), time.monotonic()
    slow.settimeout(0.02)
    while time.monotonic() - began < 60:
        try:
            if slow.recv(99):
                break
        except TimeoutError:
            slow.sendall(b"x")
    assert time.monotonic() - began < 60


def test_second_request_of_a_connection_has_the_same_time(serving: Serve, connect: Connect) -> None:
    live = serving(connections=ConnectionLimits(head_seconds=0.3))
    two = connect(live, WHOLE)
    assert two.recv(4096).startswith(b"HTTP/1.1 200")
    two.sendall(HALF_HEAD)
    assert b"HTTP/1.1 408" in received(two)


def test_half_requests_make_room_for_whole_ones(serving: Serve, connect: Connect) -> None:
    live = serving(connections=ConnectionLimits(total=8))
    held = [connect(live, HALF_HEAD if n % 2 else HALF_BODY) for n in range(20)]
    assert live.http.get("/health").status_code == 200
    dropped = [received(each) for each in held[:12]]
    assert all(answer.startswith(b"HTTP/1.1 503") for answer in dropped), "those that waited longest"


def test_whole_requests_are_not_dropped_for_others(serving: Serve, connect: Connect) -> None:
    live = serving(connections=ConnectionLimits(total=2))
    task = live.start(task="x", startUrl="http://127.0.0.1:9/", reuseKey="k")
    live.end(task)
    live.http.close()
    follow = b"GET /api/v1/runs/%s/events HTTP/1.1\r\nHost: localhost\r\n\r\n" % task.encode()
    streams = [connect(live, follow) for _ in range(2)]
    assert all(each.recv(4096).startswith(b"HTTP/1.1 200") for each in streams)


def test_address_with_too_many_connections_is_told(
    serving: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_network", lambda address: address)  # as if loopback were any network
    monkeypatch.setattr(connections.TimedProtocol, "is_waiting", False)  # as if each had a long request
    live = serving(connections=ConnectionLimits(total=9, per_address=2))
    for _ in range(2):
        connect(live, HALF_HEAD)
    answer = received(connect(live, WHOLE))
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"this address has 2 connections" in answer
    assert b"retry-after: 1" in answer


def test_shortage_of_file_descriptors_is_waited_out(
    serving: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live = serving()
    short, accept, tries = [True], socket.socket.accept, 0

    def accept_if_there_is_room(listening: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if short:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(listening)

    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(socket.socket, "accept", accept_if_there_is_room)
        waiting = connect(live, WHOLE)
        until(lambda: tries > 2)
        short.clear()
        assert waiting.recv(99).startswith(b"HTTP/1.1 200")
    assert [each.name for each in caplog.records] == ["engine.server.connections"], "one line for all"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.9", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_addresses_of_one_caller_are_one(address: str, network: str | None) -> None:
    assert _network(address) == network


def test_limits_follow_the_files_that_may_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((300, 118), (20, 8), (1 << 20, 1_000)):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, files=files: (files, files))
        assert (ConnectionLimits().most, ConnectionLimits().most_per_address) == (most, most // 2)
