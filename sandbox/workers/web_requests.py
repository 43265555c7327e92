"""The messages of ``web``: requests that the worker wants to be sent, and their answers, both in parts where large."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.egress.dialer import Dialer
from sandbox.egress.policy import RefusedError
from sandbox.egress.sender import Connections, InvalidRequest, Outgoing
from sandbox.egress.taped import AnyAnswer, sender_of
from sandbox.egress.turns import HostTurns
from sandbox.errors import SandboxLimitExceeded
from sandbox.limits import SandboxLimits
from sandbox.protocol import Message, ProtocolError, checked_rows, checked_text, checked_whole, text_field
from sandbox.workers.refusals import Refusal
from sandbox.workers.web_traffic import WebTraffic

PART_BYTES = 512 << 10
"""Bytes of a body in one message."""
_MOST_OPEN = 16  # answers that are not read to their end
_MOST_UPLOADS = 4
_LARGEST_UPLOAD = 64 << 20  # it is kept in this program's memory
_MOST_HEADERS = 400
_LONGEST_TEXT = 1 << 17


class WebRequests:
    """The requests of one job.

    Args:
        dialer: What the job may reach.
        limits: Its limits.
        traffic: Judges and records each request.
        turns: Says when each is sent.
        connections: Those that its worker has kept.
    """

    def __init__(
        self,
        dialer: Dialer,
        limits: SandboxLimits,
        traffic: WebTraffic,
        turns: HostTurns,
        connections: Connections | None = None,
    ) -> None:
        self.traffic = traffic
        self._turns = turns
        self._sender = sender_of(dialer, connections)
        self._limits = limits
        self._bytes = 0
        self._count = 0
        self._open: dict[int, AnyAnswer] = {}
        self._uploads: dict[int, bytearray] = {}

    async def handle(self, message: Message) -> Any:
        """Do what a message asks for, and return what the worker gets.

        Raises:
            Refusal: The request was not sent, or got no answer.
            ProtocolError: The message is not what a worker sends.
            SandboxLimitExceeded: The job has sent and received as much as it may.
        """
        match message["t"]:
            case "http":
                return await self._send(message)
            case "http_upload":
                return self._begin_upload()
            case "http_part":
                return self._take_part(message)
            case "http_read":
                return await self._read(message)
        return self._close(message)

    def close(self) -> None:
        """Send nothing more, and drop all connections on which an answer is under way."""
        for answer in self._open.values():
            answer.close()
        self._open.clear()
        self._uploads.clear()
        self._sender.close()

    async def _send(self, message: Message) -> dict[str, Any]:
        body = self._body(message)
        headers = [
            (checked_text(name, _LONGEST_TEXT), checked_text(value, _LONGEST_TEXT))
            for name, value in checked_rows(message.get("headers"), 2, _MOST_HEADERS)
        ]
        try:
            request = Outgoing.parse(text_field(message, "method", 100), text_field(message, "url"), headers)
        except InvalidRequest as problem:
            raise Refusal("WebRefused", f"policy: not sent: {problem}") from None
        self._count_bytes(len(body) + len(request.url))
        async with self._turns.take(request.authority):
            return await self._answered(request, body)

    async def _answered(self, request: Outgoing, body: bytes) -> dict[str, Any]:
        """Send a request; return its answer with the first part of its body."""
        self.traffic.admit(request.method, request.url, request.headers, body)
        try:
            answer = await self._sender.send(request, body)
        except RefusedError as refusal:
            self.traffic.note_failure(str(refusal))
            raise Refusal("WebRefused", str(refusal)) from None
        try:
            self._count_bytes(sum(len(name) + len(value) for name, value in answer.headers))
            with_login = any(name.lower() == "authorization" for name, _ in request.headers)
            self.traffic.note_answer(request.url, answer.status, answer.headers, with_login=with_login)
            part, ended = await self._part(answer)
        except BaseException:  # cancelation, too, closes the answer
            answer.close()
            raise
        return {"status": answer.status, "headers": answer.headers, "body": part, "more": self._keep(answer, ended)}

    def _body(self, message: Message) -> bytes:
        if message.get("upload") is None:
            return _decoded(message, "body")
        upload = self._uploads.pop(checked_whole(message["upload"]), None)
        if upload is None:
            raise ProtocolError("no such upload")
        return bytes(upload)

    def _keep(self, answer: AnyAnswer, ended: bool) -> int:
        """Keep an answer whose body goes on; return its number, or 0."""
        if ended:
            return 0
        if len(self._open) >= _MOST_OPEN:
            answer.close()
            raise Refusal("WebRefused", f"policy: {_MOST_OPEN} answers are not read to their end")
        self._count += 1
        self._open[self._count] = answer
        return self._count

    async def _read(self, message: Message) -> dict[str, Any]:
        number = checked_whole(message.get("stream"))
        answer = self._open.get(number)
        if answer is None:
            raise Refusal("WebRefused", "closed: this answer is not open any more")
        part, ended = await self._part(answer)
        if ended:
            self._open.pop(number, None)
        return {"body": part, "ended": ended}

    async def _part(self, answer: AnyAnswer) -> tuple[str, bool]:
        """Return the next part of a body, and True if it was the last."""
        part, ended = bytearray(), False
        try:
            while len(part) < PART_BYTES and not ended:
                block = await answer.read()
                ended = not block
                part += block
                self._count_bytes(len(block))
        except RefusedError as refusal:
            raise Refusal("WebRefused", str(refusal)) from None
        return base64.b64encode(part).decode(), ended

    def _close(self, message: Message) -> None:
        answer = self._open.pop(checked_whole(message.get("stream")), None)
        if answer is not None:
            answer.close()

    def _begin_upload(self) -> int:
        if len(self._uploads) >= _MOST_UPLOADS:
            raise Refusal("WebRefused", f"policy: {_MOST_UPLOADS} uploads at one time")
        self._count += 1
        self._uploads[self._count] = bytearray()
        return self._count

    def _take_part(self, message: Message) -> None:
        upload = self._uploads.get(checked_whole(message.get("upload")))
        if upload is None:
            raise ProtocolError("no such upload")
        upload += _decoded(message, "data")
        if sum(map(len, self._uploads.values())) > _LARGEST_UPLOAD:
            raise Refusal("WebRefused", f"policy: a body of more than {_LARGEST_UPLOAD >> 20} MiB")

    def _count_bytes(self, number: int) -> None:
        self._bytes += number
        if self._bytes > self._limits.web_bytes:
            raise SandboxLimitExceeded("web_bytes", self._limits.web_bytes)


def _decoded(message: Message, name: str) -> bytes:
    text = text_field(message, name) if message.get(name) is not None else ""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        raise ProtocolError(f"{name!r} of {message['t']!r} is not base64") from None
