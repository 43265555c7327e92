"""The end of a tunnel whose content goes onto a tape, or comes from it: TLS ends here.

The certificate is accepted by nobody but the browser contexts of that job, which reach nothing but this program; what
the sites present is verified where a request is sent on.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
from pathlib import Path

from sandbox.egress.http1 import Peer

_CERTIFICATE = Path(__file__).with_name("tape.pem")
_FIRST_SECONDS = 60.0
_TLS_SECONDS = 20.0
_HANDSHAKE = b"\x16"  # the first byte of TLS; of HTTP it is a letter


async def end_tunnel(client: Peer) -> bool:
    """Open the tunnel that a client asked for, and end its TLS.

    Returns:
        True if what it sends is encrypted: WebSockets without TLS come through a tunnel, too.

    Raises:
        OSError: The connection broke, or the client does not speak TLS as this program does.
    """
    transport = client.writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()  # what it sends next is not for the reader if it is TLS
    client.writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    await client.writer.drain()
    async with asyncio.timeout(_FIRST_SECONDS):
        encrypted = await _first_byte(transport.get_extra_info("socket").fileno()) == _HANDSHAKE
    if encrypted:
        await client.writer.start_tls(_context(), ssl_handshake_timeout=_TLS_SECONDS)
    else:
        transport.resume_reading()
    return encrypted


async def _first_byte(descriptor: int) -> bytes:
    """Return the first byte that waits on a connection, which stays there."""
    loop = asyncio.get_running_loop()
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        ready = asyncio.Event()
        loop.add_reader(copy.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(copy.fileno())
        return copy.recv(1, socket.MSG_PEEK)


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    context.set_alpn_protocols(["http/1.1"])
    return context
