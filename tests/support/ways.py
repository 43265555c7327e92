"""The ways by which a page gets out, the site that it is on, and the servers that it must not reach."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Self

# FORBIDDEN is host:port of a server of TCP and, under the same number, of UDP. Each way names itself in what it asks
# for, or is the only one to use its protocol.
SERVICE_WORKER = (
    "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)"
    ".then(r => new Promise(done => { navigator.serviceWorker.onmessage = done; r.active.postMessage('http://FORBIDDEN/service-worker');"
    " setTimeout(done, 1500) }))"
)
WAYS = {
    "fetch": "fetch('http://FORBIDDEN/fetch', {mode: 'no-cors'}).catch(() => 0)",
    "image": "new Promise(done => { const i = new Image(); i.onload = i.onerror = done;"
    " i.src = 'http://FORBIDDEN/image' })",
    "frame": "new Promise(done => { const f = document.createElement('iframe'); f.onload = done;"
    " f.src = 'http://FORBIDDEN/frame'; document.body.append(f) })",
    "redirect": "fetch('/to/redirect', {mode: 'no-cors'}).catch(() => 0)",
    "redirect-of-the-page": "GOTO /to/redirect-of-the-page",
    "refresh": "GOTO /refresh",
    "preload-header": "GOTO /preload",
    "csp-report": "GOTO /csp",
    "websocket": "new Promise(done => { const s = new WebSocket('ws://FORBIDDEN/websocket');"
    " s.onopen = s.onerror = () => done(1) })",
    "websocket-in-a-worker": "new Promise(done => { const w = new Worker('/socket.js'); w.onmessage = () => done(1);"
    " w.postMessage('ws://FORBIDDEN/websocket-in-a-worker') })",
    "service-worker": SERVICE_WORKER,
    "beacon": "navigator.sendBeacon('http://FORBIDDEN/beacon', 'x')",
    "event-source": "new Promise(done => { const s = new EventSource('http://FORBIDDEN/event-source');"
    " s.onopen = s.onerror = () => { s.close(); done(1) } })",
    "prefetch": "(() => { const l = document.createElement('link'); l.rel = 'prefetch';"
    " l.href = 'http://FORBIDDEN/prefetch'; document.head.append(l) })()",
    "form": "(() => { const f = document.createElement('form'); f.action = 'http://FORBIDDEN/form'; f.method = 'post';"
    " f.target = '_blank'; document.body.append(f); f.submit() })()",
    "keepalive": "(() => { addEventListener('pagehide', () => fetch('http://FORBIDDEN/keepalive', {keepalive: true,"
    " mode: 'no-cors'})); location.href = '/?left' })()",
    "popup": "window.open('http://FORBIDDEN/popup', '_blank', 'noopener') && 0",
    "request-api": "API http://FORBIDDEN/request-api",
    "turn": "(async () => { const p = new RTCPeerConnection({iceServers: [{urls: 'turn:FORBIDDEN?transport=tcp',"
    " username: 'a', credential: 'b'}]}); p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer());"
    " await new Promise(done => setTimeout(done, 1500)) })()",
    "stun": "(async () => { const p = new RTCPeerConnection({iceServers: [{urls: 'stun:FORBIDDEN'}]});"
    " p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer());"
    " await new Promise(done => setTimeout(done, 1500)) })()",
    "webtransport": "(async () => { const t = new WebTransport('https://FORBIDDEN/'); t.ready.catch(() => 0);"
    " t.closed.catch(() => 0); await new Promise(done => setTimeout(done, 1500)) })()",
}
SCRIPTS = {
    "/sw.js": "self.addEventListener('install', () => self.skipWaiting());"
    " self.addEventListener('activate', e => e.waitUntil(clients.claim()));"
    " self.addEventListener('message', e => fetch(e.data, {mode: 'no-cors'}).then(() => 0, () => 0)"
    ".then(() => e.source.postMessage('done')))",
    "/socket.js": "onmessage = e => { const s = new WebSocket(e.data); s.onopen = s.onerror = () => postMessage(1) }",
}


class Forbidden(asyncio.DatagramProtocol):
    """Servers on loopback that nobody named.

    Attributes:
        host: Host and port, of TCP and of UDP.
        hits: The ways by which they were reached.
    """

    def __init__(self) -> None:
        self.hits: dict[str, None] = {}
        self.host = ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        # Not the site's host: same-site rules would hide some ways.
        self._server = await asyncio.start_server(self._serve, "127.0.0.2", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.2", port))
        self.host = f"127.0.0.2:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._datagrams.close()

    def datagram_received(self, data: bytes, _address: object) -> None:
        # A STUN request has its magic number at the fifth byte; QUIC sets the highest bit of the first.
        self.hits["stun" if data[4:8] == b"\x21\x12\xa4\x42" else "webtransport"] = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
            while first := await reader.readexactly(4):
                if first[0] < 2:  # STUN over TCP, as TURN begins
                    self.hits["turn"] = None
                    break
                head = first + await reader.readuntil(b"\r\n\r\n")
                self.hits[head.split(b" ")[1].decode().rpartition("/")[2]] = None
                writer.write(_answer(head))
                await writer.drain()
        writer.close()


def _answer(head: bytes) -> bytes:
    if b"upgrade: websocket" not in head.lower():
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
    key = next(
        line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
    )
    accepted = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accepted
        + b"\r\n\r\n"
    )


@contextlib.asynccontextmanager
async def open_site(forbidden: Forbidden) -> AsyncIterator[str]:
    """The site that the page is on; its origin."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                writer.write(_page(path, f"http://{forbidden.host}"))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def _page(path: str, forbidden: str) -> bytes:
    status, kind, body, header = "200 OK", "text/html", "<title>Site</title><body>here", ""
    if path in SCRIPTS:
        kind, body = "text/javascript", SCRIPTS[path]
    elif path.startswith("/to/"):
        status, header = "302 Found", f"Location: {forbidden}/{path.removeprefix('/to/')}\r\n"
    elif path == "/refresh":
        header = f"Refresh: 0; url={forbidden}/refresh\r\n"
    elif path == "/preload":
        header = f"Link: <{forbidden}/preload-header>; rel=preload; as=script\r\n"
    elif path == "/csp":
        header = f"Content-Security-Policy: img-src 'none'; report-uri {forbidden}/csp-report\r\n"
        body = "<body><img src=/x.png>"
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{header}\r\n{body}".encode()
