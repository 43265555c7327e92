"""WebSockets whose messages go onto a tape, or come from it.

Each message of the client is kept as a request of the method `MESSAGE`, with the messages that the server sent before
the client's next one as its answer; those before the first belong to the handshake. Frames pass as they are; extensions
are not offered to the server, so that the messages can be read.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import h11

from sandbox.egress.http1 import BadMessage, Exchange, Header, Peer, Request
from sandbox.egress.sender import Outgoing
from sandbox.egress.tape import LARGEST_BODY, MESSAGE, Received, Sent, Tape, TextHeader
from sandbox.egress.taped import TapedSender, outgoing_of

_SWITCH = 101
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_KEPT = (_TEXT, _BINARY, _CLOSE)
_FINAL, _MASKED = 0x80, 0x80
_OWN = (b"connection", b"host", b"keep-alive", b"proxy-connection", b"sec-websocket-extensions")


@dataclass(frozen=True)
class Message:
    """A whole message, or a control frame.

    Args:
        kind: Its opcode.
        data: Its payload, without a mask.
    """

    kind: int
    data: bytes

    def to_json(self) -> list[Any]:
        """Return it for a tape."""
        if self.kind == _TEXT:
            return [self.kind, self.data.decode("utf-8", "replace")]
        return [self.kind, base64.b64encode(self.data).decode()]

    @classmethod
    def from_json(cls, data: Any) -> Message:
        """Return the message that `to_json` returned.

        Raises:
            ValueError: It is none.
        """
        if not (isinstance(data, list) and len(data) == 2 and isinstance(data[1], str)):
            raise ValueError("not a message")
        kind, text = data
        if kind not in (_TEXT, _BINARY, _CLOSE):
            raise ValueError("not a message of a server")
        return cls(kind, text.encode() if kind == _TEXT else base64.b64decode(text, validate=True))

    def frame(self) -> bytes:
        """Return it as a server's frame."""
        size = len(self.data)
        if size < 126:
            head = bytes((_FINAL | self.kind, size))
        elif size < 1 << 16:
            head = bytes((_FINAL | self.kind, 126)) + size.to_bytes(2)
        else:
            head = bytes((_FINAL | self.kind, 127)) + size.to_bytes(8)
        return head + self.data


async def messages(reader: asyncio.StreamReader, copy: asyncio.StreamWriter | None = None) -> AsyncIterator[Message]:
    """Yield the messages of one side.

    Args:
        reader: The side.
        copy: Gets each frame as it came.

    Raises:
        BadMessage: It is no WebSocket, or a message is too large.
        EOFError: The connection ended.
    """
    kind, whole = 0, bytearray()
    while True:
        head = await reader.readexactly(2)
        size = head[1] & 0x7F
        if size >= 126:
            length = await reader.readexactly(2 if size == 126 else 8)
            head, size = head + length, int.from_bytes(length)
        if size + len(whole) > LARGEST_BODY or head[0] & 0x70:
            raise BadMessage("a message that is too large, or of an extension")
        mask = await reader.readexactly(4) if head[1] & _MASKED else b""
        data = await reader.readexactly(size)
        if copy is not None:
            copy.write(head + mask + data)
        data = _unmasked(data, mask) if mask else data
        opcode = head[0] & 0x0F
        if opcode >= _CLOSE:
            yield Message(opcode, data)
            continue
        kind, whole = opcode or kind, whole + data
        if head[0] & _FINAL:
            yield Message(kind, bytes(whole))
            whole = bytearray()


def _unmasked(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    return (int.from_bytes(data) ^ int.from_bytes((mask * (size // 4 + 1))[:size])).to_bytes(size)


def is_handshake(request: Request) -> bool:
    """Return True where a client asks for a WebSocket."""
    return any(name == b"upgrade" and value.strip().lower() == b"websocket" for name, value in request.headers)


async def serve_socket(client: Peer, request: Request, base: str, sender: TapedSender) -> None:
    """Serve a client's WebSocket to its end.

    Args:
        client: The client.
        request: The head of its handshake.
        base: See `sandbox.egress.taped.answer_client`.
        sender: Opens it.

    Raises:
        RefusedError: It may not be opened, failed, or was not recorded.
        BadMessage: One side does not speak WebSocket.
        EOFError: The connection ended.
    """
    outgoing = outgoing_of(request, base)
    sent = Sent(outgoing.method, f"ws{outgoing.url.removeprefix('http')}", outgoing.headers)
    if sender.tape.playing:
        await _play(client, request, outgoing, sent, sender)
        return
    server = (await sender.connect(outgoing, sent)).peer
    try:
        await _record(client, request, outgoing, server, _Log(sent, sender.tape))
    finally:
        server.drop()


class _Log:
    """The messages of one connection, put onto the tape."""

    def __init__(self, opened: Sent, tape: Tape) -> None:
        self._url = opened.url
        self._tape = tape
        self._asked = opened
        self._headers: tuple[TextHeader, ...] = ()
        self._came: list[Message] = []
        self._release = tape.hold(self.flush)

    def refused(self, head: h11.Response) -> None:
        """Keep that the server opens none."""
        self._release()
        self._tape.keep(self._asked, Received(head.status_code, _plain(head)))

    def opened(self, head: h11.InformationalResponse) -> None:
        """Keep that it is open."""
        self._headers = _plain(head)

    def sent(self, message: Message) -> None:
        """Keep a message of the client; what came before it belongs to its last one."""
        if message.kind == _CLOSE:
            return
        self.flush()
        self._asked = Sent(MESSAGE, self._url, body=message.data)

    def came(self, message: Message) -> None:
        """Keep a message of the server."""
        self._came.append(message)

    def end(self) -> None:
        """Put the rest onto the tape."""
        self._release()
        self.flush()

    def flush(self) -> None:
        """Put onto the tape what belongs together."""
        body = json.dumps([each.to_json() for each in self._came]).encode()
        self._tape.keep(self._asked, Received(_SWITCH, self._headers, body))
        self._headers, self._came = (), []


def _plain(head: h11.Response | h11.InformationalResponse) -> tuple[TextHeader, ...]:
    own = (b"connection", b"content-length", b"sec-websocket-accept", b"transfer-encoding", b"upgrade")
    pairs = [pair for pair in head.headers.raw_items() if pair[0].lower() not in own]
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


async def _record(client: Peer, request: Request, outgoing: Outgoing, server: Peer, log: _Log) -> None:
    handshake = Exchange(server)
    headers: list[Header] = [
        (b"Host", outgoing.authority.encode("ascii")),
        *(header for header in request.headers if header[0] not in _OWN),
        (b"Connection", b"Upgrade"),
    ]
    handshake.begin(request.method, outgoing.target, headers)
    raw, head = await handshake.switched()
    client.writer.write(raw)
    await client.writer.drain()
    if isinstance(head, h11.Response):
        log.refused(head)
        return
    log.opened(head)
    ways = [
        asyncio.ensure_future(_follow(client, server, log.sent)),
        asyncio.ensure_future(_follow(server, client, log.came)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        log.end()  # first: the job may end while the ways do
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _follow(one: Peer, other: Peer, keep: Callable[[Message], None]) -> None:
    async for message in messages(one.reader, other.writer):
        if message.kind in _KEPT:
            keep(message)  # before the other side can answer it
        await other.writer.drain()
        if message.kind == _CLOSE:
            return


async def _play(client: Peer, request: Request, outgoing: Outgoing, sent: Sent, sender: TapedSender) -> None:
    opened = await sender.found(outgoing, sent)
    key = next((value for name, value in request.headers if name == b"sec-websocket-key"), b"")
    lines = [f"{name}: {value}" for name, value in opened.headers]
    if opened.status == _SWITCH:
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest()).decode()  # noqa: S324  as RFC 6455 has it
        lines += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
    else:
        lines += ["Content-Length: 0", "Connection: close"]
    client.writer.write("\r\n".join((f"HTTP/1.1 {opened.status} ", *lines, "", "")).encode("latin-1", "replace"))
    if opened.status != _SWITCH:
        return
    await _send(client, opened)
    async for message in messages(client.reader):
        if message.kind in (_TEXT, _BINARY):
            await _send(client, await sender.found(outgoing, Sent(MESSAGE, sent.url, body=message.data)))
        elif message.kind == _PING:
            client.writer.write(Message(_PONG, message.data).frame())
        elif message.kind == _CLOSE:
            client.writer.write(message.frame())
            return


async def _send(client: Peer, received: Received) -> None:
    try:
        came = [Message.from_json(each) for each in json.loads(received.body)]
    except (ValueError, TypeError) as error:
        raise BadMessage("the tape's messages are none") from error
    for message in came:
        client.writer.write(message.frame())
    await client.writer.drain()
