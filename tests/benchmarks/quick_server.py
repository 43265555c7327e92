"""A server that costs next to nothing, for a process of its own beside what a bench measures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class _Quick(asyncio.Protocol):
    def __init__(self, page: Callable[[str], bytes]) -> None:
        self._page = page

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for head in data.split(b"\r\n\r\n")[:-1]:
            body = self._page(head.split(b" ", 2)[1].decode())
            answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(answer.encode() + body)


def serve(page: Callable[[str], bytes]) -> None:
    """Serve the pages that a function returns by their paths, until Ctrl-C; print the address as fixture sites do."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Quick(page), "127.0.0.1", 0)
        print(f"serving\nhttp://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
        await server.serve_forever()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(forever())
