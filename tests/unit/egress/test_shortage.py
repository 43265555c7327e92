"""A proxy whose program is short of descriptors: the site is not to blame."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from sandbox import Egress
from sandbox.egress.proxy import EgressProxy, Listener
from tests.support.descriptors import descriptors_left


async def _answers(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34"]


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[tuple[EgressProxy, socket.socket]]:
    """A proxy, and a client that is about to connect to it."""
    opened = EgressProxy()
    opened.bind(Egress(), _answers)
    await opened.serve(Listener(fileno=socket.create_server(("127.0.0.1", 0)).detach()))
    with socket.socket() as client:
        client.setblocking(False)
        yield opened, client
        opened.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("left", "name"), [(0, "connections"), (1, "example.com:80")])
async def test_connection_without_a_descriptor_is_recorded_as_a_shortage(
    proxy: tuple[EgressProxy, socket.socket], left: int, name: str
) -> None:
    opened, client = proxy
    assert opened._server is not None
    address = opened._server.sockets[0].getsockname()
    loop = asyncio.get_running_loop()
    with descriptors_left(left):
        await loop.sock_connect(client, address)
        await loop.sock_sendall(client, b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
        async with asyncio.timeout(30):
            while not opened.refused:
                await asyncio.sleep(0.005)
    ((where, reason),) = opened.refused
    assert where == name
    assert reason.startswith("shortage: this program has opened ")
