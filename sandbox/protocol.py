"""The protocol between host and worker: JSON lines over a socket, both ways, limited in size and checked in shape.

Never pickle: a worker counts as hostile from the moment it runs an automation. A message is one object whose ``t`` is
its kind. A request has an ``id``; its reply is ``{"t": "reply", "id": …}`` with ``value``, or with ``error`` and
``message``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeGuard

MAX_DEPTH = 100
MAX_LINE = 1 << 20  # bytes of a message to the host that carries no result
NOTICE_COST = 64  # bytes that a notice costs beside its text: a flood of empty ones is a flood, too
CHUNK_BYTES = 256 << 10  # of a file, in each message
_KIND = 50  # characters
_MOST = (1 << 53) - 1  # JSON parsers agree on whole numbers up to here

Message = dict[str, Any]
Handler = Callable[[Message], Awaitable[Any]]

_LONG_LINE = 2 * MAX_LINE  # a character may take six bytes
_REPLY, _ASK = b'{"t":"reply",', b'{"t":"ask",'  # as `Channel.send` writes them: only these two may be long
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{,]', re.DOTALL)
_MOST_TOKENS, _MOST_TOKENS_OF_A_REPLY = 10_000, 100_000

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class ProtocolError(ValueError):
    """A line that is no message, or a message of the wrong shape."""


class FloodError(BaseException):
    """An automation whose output passes its limit.

    Not an `Exception`, so that the flood does not go on behind an ``except Exception``.
    """


class RemoteError(Exception):
    """An error with which the other side answered a request; ``kind`` is the name of its class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _refuse_constant(name: str) -> Any:
    raise ProtocolError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ProtocolError(f"{text} is out of range")
    return number


def check_depth(value: Any, limit: int = MAX_DEPTH) -> None:
    """Check, without recursion, that a value is nested at most ``limit`` levels deep.

    Raises:
        ProtocolError: It is nested deeper.
    """
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list, tuple))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return
    raise ProtocolError(f"nested deeper than {limit} levels")


def parse_json(data: bytes) -> Any:
    """Parse JSON strictly: UTF-8, no NaN or infinity, no lone surrogates, at most `MAX_DEPTH` levels.

    Raises:
        ProtocolError: It is anything else.
    """
    try:
        value = json.loads(data.decode(), parse_constant=_refuse_constant, parse_float=_finite)
        check_depth(value)
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ProtocolError("nested too deep") from None
    except ProtocolError:
        raise
    except ValueError as error:
        raise ProtocolError(f"not JSON: {error}") from None
    return value


def dump_json(value: Any) -> str:
    """Return the JSON text of a value. Lone surrogates, which pages may hold, become "?".

    Raises:
        ProtocolError: `parse_json` would refuse it.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ProtocolError("nested too deep, or it contains itself") from None
    except (TypeError, ValueError) as error:
        raise ProtocolError(str(error)) from None
    check_depth(value)
    return text.encode(errors="replace").decode()


def parse_message(line: bytes) -> Message:
    """Parse one line as a message."""
    message = parse_json(line)
    if not isinstance(message, dict) or not isinstance(message.get("t"), str) or len(message["t"]) > _KIND:
        raise ProtocolError("not a message: an object with its kind in 't' was expected")
    if not is_whole(message.get("id", 0)):
        raise ProtocolError("not a message: 'id' is no whole number")
    return message


def parse_hostile(line: bytes) -> Message:
    """Parse one line of a worker as a message, after checks that keep it from taking a multiple of its size in memory.

    Raises:
        ProtocolError: It is no message, is long and neither a reply nor a question, or has too many parts.
    """
    kind = "reply" if line.startswith(_REPLY) else "ask" if line.startswith(_ASK) else None
    if len(line) > _LONG_LINE and kind is None:
        raise ProtocolError("a long message that is neither a reply nor a question")
    most = _MOST_TOKENS_OF_A_REPLY if kind == "reply" else _MOST_TOKENS
    if next(itertools.islice(_TOKEN.finditer(line), most, None), None) is not None:
        raise ProtocolError("a message with too many parts")
    message = parse_message(line)
    if kind is not None and message["t"] != kind:
        raise ProtocolError("a message with two kinds")
    return message


def is_whole(value: Any) -> TypeGuard[int]:
    """Return True if a value is a whole number from 0 to 2**53 - 1; ``True`` is none."""
    return type(value) is int and 0 <= value <= _MOST


def checked_text(value: Any, most: int) -> str:
    """Return a string of a message, of at most ``most`` characters."""
    if not isinstance(value, str) or len(value) > most:
        raise ProtocolError(f"a text must be a string of at most {most} characters")
    return value


def checked_list(value: Any, most: int) -> list[Any]:
    """Return a list of a message, of at most ``most`` entries."""
    if not isinstance(value, list) or len(value) > most:
        raise ProtocolError(f"a list must have at most {most} entries")
    return value


def checked_rows(value: Any, size: int, most: int) -> list[list[Any]]:
    """Return a list of a message, of at most ``most`` lists of ``size`` each."""
    return [checked_row(row, size) for row in checked_list(value, most)]


def checked_row(value: Any, size: int) -> list[Any]:
    """Return a list of a message, of exactly ``size`` entries."""
    if not isinstance(value, list) or len(value) != size:
        raise ProtocolError(f"an entry must be a list of {size}")
    return value


def checked_whole(value: Any) -> int:
    """Return a whole number of a message; see `is_whole`."""
    if not is_whole(value):
        raise ProtocolError("a number must be a whole number from 0")
    return value


def text_field(message: Message, name: str, limit: int = MAX_LINE) -> str:
    """Return a string field of a message.

    Raises:
        ProtocolError: It is missing, no string, or longer than ``limit`` characters.
    """
    value = message.get(name)
    if not isinstance(value, str) or len(value) > limit:
        raise ProtocolError(f"field {name!r} of {message['t']!r} is no string of at most {limit} characters")
    return value


def optional_text(message: Message, name: str, limit: int = MAX_LINE) -> str | None:
    """Return a string field of a message, or None where it is missing or null."""
    return None if message.get(name) is None else text_field(message, name, limit)


class Channel:
    """A two-way channel of requests, replies and notices over one stream.

    Args:
        reader: Its ``limit`` is the length of the longest line that is accepted.
        writer: The other direction.
        handle: Called for each message that is no reply, in order of arrival; must not block.
        hostile: The other side is a worker: its messages are limited, and a reply to no request is an error.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Callable[[Message], None],
        *,
        hostile: bool = False,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._hostile = hostile
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._noticed = 0
        self._notice_limit = float("inf")

    def send(self, kind: str, **fields: Any) -> None:
        """Queue a message for sending, without waiting."""
        self._writer.write(dump_json({"t": kind, **fields}).encode() + b"\n")

    def allow_notices(self, size: int) -> None:
        """Let `notify` send this many bytes from now on."""
        self._noticed, self._notice_limit = 0, size

    def notify(self, kind: str, **fields: Any) -> None:
        """Send a notice, within the limit of `allow_notices`.

        The limit holds on this side because a loop that never yields would fill the memory before the host can act.

        Raises:
            FloodError: The limit is passed; the host is told once.
        """
        self._noticed += NOTICE_COST + len(str(fields.get("message", "")))
        if self._noticed > self._notice_limit:
            if self._notice_limit >= 0:
                self.send("limit", limit="output_bytes")
                self._notice_limit = -1
            raise FloodError("the automation logs more than its limit of output")
        self.send(kind, **fields)

    async def request(self, kind: str, **fields: Any) -> Any:
        """Send a request and wait for its reply.

        Raises:
            RemoteError: The other side answered with an error.
            ConnectionError: The channel closed first.
        """
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self.send(kind, id=number, **fields)
            await self._writer.drain()
            return await future
        finally:
            self._waiting.pop(number, None)

    def reply(self, message: Message, value: Any) -> None:
        """Answer a request with a value."""
        self.send("reply", id=message.get("id", 0), value=value)

    def reply_error(self, message: Message, kind: str, text: str) -> None:
        """Answer a request with an error."""
        self.send("reply", id=message.get("id", 0), error=kind, message=text)

    async def drain(self) -> None:
        """Wait until the other side has read most of what was sent, or is gone."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def serve(self) -> None:
        """Read and dispatch messages until the other side closes.

        Raises:
            ProtocolError: A line is no message or too long, or a worker replies to no request.
        """
        try:
            while True:
                try:
                    line = await self._reader.readuntil(b"\n")
                except asyncio.IncompleteReadError:
                    return
                except asyncio.LimitOverrunError:
                    raise ProtocolError("a message longer than the limit") from None
                except ConnectionError:
                    return
                self._dispatch(parse_hostile(line) if self._hostile else parse_message(line))
        finally:
            self.fail(ConnectionResetError("the other side closed the channel"))

    def _dispatch(self, message: Message) -> None:
        if message["t"] != "reply":
            self._handle(message)
            return
        future = self._waiting.get(message.get("id", 0))
        if future is None or future.done():
            if self._hostile:
                raise ProtocolError("a reply to no request")
            return
        if "error" in message:
            future.set_exception(RemoteError(text_field(message, "error"), text_field(message, "message")))
        else:
            future.set_result(message.get("value"))

    def fail(self, error: Exception) -> None:
        """Raise ``error`` from every request that still waits."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    def close(self) -> None:
        """Close the socket; the other side reads the end of the stream."""
        self._writer.close()
