"""A site over sockets of its own that has what a cassette must hold: packed pages, a WebSocket, TLS, broken answers."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import ssl
from collections.abc import Mapping
from pathlib import Path

import fixtures_sites
from sandbox.egress.sockets import Message, messages

CERTIFICATE = Path(fixtures_sites.__file__).with_name("self_signed.pem")
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ACCEPTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ACCEPTING.check_hostname, ACCEPTING.verify_mode = False, ssl.CERT_NONE


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Mapping[bytes, bytes]) -> None:
    """Serve one connection of a site that packs pages, echoes what is posted, breaks off, and has a WebSocket."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n")[0].split(b" ")
            fields = dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:] if line)
            body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            if b"upgrade" in fields:
                key = next(
                    line.split(b": ")[1]
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"sec-websocket-key")
                )
                accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
                writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + Message(1, b"hello").frame())
                async for message in messages(reader):
                    writer.write(message.frame() if message.kind == 8 else Message(2, message.data * 3).frame())
                return
            if path == b"/half":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                return
            page = gzip.compress(b"echo " + body if method == b"POST" else pages.get(path, b"page " + path))
            kind = b"text/javascript" if path.endswith(b".js") else b"text/html"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: x\r\nContent-Type: " + kind + b"\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(page), b"" if method == b"HEAD" else page))
    except asyncio.IncompleteReadError:
        return
    finally:
        writer.close()


class Site:
    """The site, while it is there.

    Args:
        tls: It uses HTTPS.
        pages: The content of paths; other ones say what they are.
    """

    def __init__(self, *, tls: bool, pages: Mapping[bytes, bytes] | None = None) -> None:
        self.tls = tls
        self._pages = pages or {}
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    async def __aenter__(self) -> Site:
        context = None
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.ensure_future(answer(reader, writer, self._pages)))

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it, and its connections."""
        self._server.close()
        for each in self._serving:
            each.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
