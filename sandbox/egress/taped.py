"""Requests of a job whose exchanges are recorded, or played from a tape: the one place that all of them pass.

What a browser and Playwright's own HTTP client send to the proxy, and what ``web`` has the host send, becomes an
`Outgoing` request here. It is sent, and its answer kept, or it is answered from the tape, after the same rules of what
may be reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from sandbox.egress.dialer import Dialer, Route, endpoint
from sandbox.egress.http1 import BadMessage, Peer, Request
from sandbox.egress.policy import RefusedError
from sandbox.egress.sender import Answer, Connections, InvalidRequest, Outgoing, Sender
from sandbox.egress.tape import LARGEST_BODY, NOT_RECORDED, End, Received, Sent, Tape, TextHeader

_BLOCK_BYTES = 1 << 17
_FINISH_SECONDS = 3.0  # for an answer that the page no longer waits for
_GZIP = 31  # zlib's name for that format
# Of a message on its way, or of what this program does to it: an answer is kept as the page reads it.
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
# A page that has a copy would be told that it still holds; a replay may have none.
_CONDITIONS = frozenset(("if-none-match", "if-modified-since", "accept-encoding"))
_NO_BODY = (204, 304)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_NOT_FROM_OUTSIDE = ("policy", "shortage", "recording")


class AnyAnswer(Protocol):
    """An answer whose body is read block by block; see `sandbox.egress.sender.Answer`."""

    status: int
    headers: list[TextHeader]

    async def read(self) -> bytes:
        """Return the next block of the body, empty at its end."""

    def close(self) -> None:
        """End it."""


class TapedSender:
    """The sender of one job's requests, from or onto a tape.

    Args:
        dialer: Checks what may be reached, and connects while recording.
        tape: The tape.
    """

    def __init__(self, dialer: Dialer, tape: Tape) -> None:
        self._dialer = dialer
        self.tape = tape
        self._sender = Sender(dialer)

    async def send(self, request: Outgoing, body: bytes = b"") -> AnyAnswer:
        """Send a request, or find it on the tape; return its answer.

        Raises:
            RefusedError: It may not be sent, or failed, or was not recorded.
        """
        sent = Sent(request.method, request.url, request.headers, body)
        if self.tape.playing:
            return PlayedAnswer(await self.found(request, sent))
        plain = tuple(header for header in request.headers if header[0].lower() not in _CONDITIONS)
        whole = request.method != "HEAD" and sent.header("range") is None  # else its size, or a part, of what is packed
        headers = (*plain, ("Accept-Encoding", "gzip" if whole else "identity"))
        with self._keeping_refusals(sent):
            answer = await self._sender.send(replace(request, headers=headers), body)
        return RecordedAnswer(answer, sent, self.tape)

    async def connect(self, request: Outgoing, sent: Sent) -> Route:
        """Connect to a server, for what is no request and answer.

        Raises:
            RefusedError: It may not be reached, or cannot.
        """
        with self._keeping_refusals(sent):
            return await self._sender.connect(request, tunnel=True)

    @contextlib.contextmanager
    def _keeping_refusals(self, sent: Sent) -> Iterator[None]:
        try:
            yield
        except RefusedError as refusal:
            if not str(refusal).startswith(_NOT_FROM_OUTSIDE):
                self.tape.keep(sent, Received(refusal=str(refusal)))
            raise

    async def found(self, request: Outgoing, sent: Sent) -> Received:
        """Return what the tape has for a request that may be sent.

        Raises:
            RefusedError: It may not be, or was refused when it was recorded, or was not recorded.
        """
        name = endpoint(request.host, request.port)
        try:
            try:
                await self._dialer.reach(request.host, request.port, tunnel=request.scheme == "https")
            except RefusedError as refusal:
                if not str(refusal).startswith(NOT_RECORDED):
                    raise  # else the tape tells more of it
            received = self.tape.play(sent)
            if received.refusal:
                raise RefusedError(received.refusal)
        except RefusedError as refusal:
            self._dialer.note_refusal(name, str(refusal))
            raise
        self._dialer.note_reached(name)
        return received

    def close(self) -> None:
        """Drop the connections that wait."""
        self._sender.close()


class RecordedAnswer:
    """An answer that is kept as it is read."""

    def __init__(self, answer: Answer, sent: Sent, tape: Tape) -> None:
        self.status = answer.status
        packed = next((value for name, value in answer.headers if name.lower() == "content-encoding"), "")
        self._unpack = zlib.decompressobj(_GZIP) if packed.strip().lower() in ("gzip", "x-gzip") else None
        left_out = _FRAMING | {"content-encoding"} if self._unpack is not None else _FRAMING
        if sent.method == "HEAD":
            left_out -= {"content-length"}
        self.headers = [(name, value) for name, value in answer.headers if name.lower() not in left_out]
        self._answer = answer
        self._sent = sent
        self._tape = tape
        self._body = bytearray()
        self._ended = False
        self._release = tape.hold(lambda: self._keep("client"))

    async def read(self) -> bytes:
        """Return the next block of the body, empty at its end.

        Raises:
            RefusedError: It broke off, or is too large.
        """
        while not self._ended:
            try:
                block = self._unpacked(await self._answer.read())
            except RefusedError:
                self._keep("server")
                raise
            if block is None:
                self._keep("complete")
            elif block:
                self._body += block
                return block
        return b""

    def _unpacked(self, block: bytes) -> bytes | None:
        """Return a block without compression, which may be empty; None at the end."""
        if not block:
            return None
        if self._unpack is not None:
            try:
                block = self._unpack.decompress(block, LARGEST_BODY + 1)
            except zlib.error:
                raise RefusedError("protocol: the answer's gzip is broken") from None
        if len(self._body) + len(block) > LARGEST_BODY:
            raise RefusedError(f"recording: an answer of more than {LARGEST_BODY >> 20} MiB cannot be recorded")
        return block

    async def finish(self) -> None:
        """Read what is left, for a while: the page did not wait for it, and may do so the next time."""
        with contextlib.suppress(RefusedError, TimeoutError):
            async with asyncio.timeout(_FINISH_SECONDS):
                while await self.read():
                    pass

    def close(self) -> None:
        """End it here."""
        self._keep("client")
        self._answer.close()

    def _keep(self, end: End) -> None:
        if not self._ended:
            self._ended = True
            self._release()
            self._tape.keep(self._sent, Received(self.status, tuple(self.headers), bytes(self._body), end))


class PlayedAnswer:
    """An answer from the tape."""

    def __init__(self, received: Received) -> None:
        self.status = received.status
        self.headers = list(received.headers)
        self._received = received
        self._at = 0

    async def read(self) -> bytes:
        """Return the next block of the body, empty at its end; wait for the reader's end where it was the reader's.

        Raises:
            RefusedError: It broke off here.
        """
        block = self._received.body[self._at : self._at + _BLOCK_BYTES]
        self._at += len(block)
        if not block and self._received.end == "server":
            raise RefusedError("closed: the answer ended before it was complete")
        if not block and self._received.end == "client":
            await asyncio.get_running_loop().create_future()  # a stream that goes on; the reader's task is canceled
        return block

    async def finish(self) -> None:
        """Do nothing: nothing is read on."""

    def close(self) -> None:
        """Do nothing: no connection is open."""


def sender_of(dialer: Dialer, connections: Connections | None = None) -> Sender | TapedSender:
    """Return the sender for a job's requests, as its network access has a tape or none; arguments as of `Sender`."""
    return Sender(dialer, connections) if dialer.tape is None else TapedSender(dialer, dialer.tape)


async def answer_client(client: Peer, request: Request, base: str, sender: TapedSender) -> bool:
    """Answer one request of a client of the proxy.

    Args:
        client: The client.
        request: The head of its request.
        base: The origin that it is for, ``scheme://host:port``; its target has the rest.
        sender: Sends it.

    Returns:
        True if the connection can serve another request.

    Raises:
        RefusedError: There is no answer, or it broke off.
        BadMessage: It is not a request that can be sent.
    """
    outgoing = outgoing_of(request, base)
    if any(name == b"expect" for name, _ in request.headers):
        client.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _body(client, request)
    answer = await sender.send(outgoing, body)
    assert isinstance(answer, RecordedAnswer | PlayedAnswer)
    try:
        await _write(client, request.method, answer)
    except OSError:
        await answer.finish()
        return False
    finally:
        answer.close()
    return True


def outgoing_of(request: Request, base: str) -> Outgoing:
    """Return the request that a client of the proxy wants to be sent.

    Raises:
        BadMessage: It is not one that can be sent.
    """
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers]
    try:
        return Outgoing.parse(request.method, base + request.target, headers)
    except InvalidRequest as problem:
        raise BadMessage(str(problem)) from None


async def _body(client: Peer, request: Request) -> bytes:
    body = bytearray()
    if request.body is not None:
        async for block in request.body.blocks(client.reader, lambda line: None):
            body += block
            if len(body) > LARGEST_BODY:
                raise RefusedError(f"recording: a body of more than {LARGEST_BODY >> 20} MiB cannot be recorded")
    return bytes(body)


async def _write(client: Peer, method: str, answer: RecordedAnswer | PlayedAnswer) -> None:
    with_body = method != "HEAD" and answer.status not in _NO_BODY
    phrase = _PHRASES.get(answer.status, "")
    framing = [("Transfer-Encoding", "chunked")] if with_body else []
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in (*answer.headers, *framing))]
    client.writer.write("\r\n".join((*lines, "", "")).encode("latin-1", "replace"))
    while block := await answer.read():
        client.writer.write(b"%x\r\n%b\r\n" % (len(block), block))
        await client.writer.drain()
    if with_body:
        client.writer.write(b"0\r\n\r\n")
    await client.writer.drain()
