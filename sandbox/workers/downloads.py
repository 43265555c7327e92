"""Files that a worker sends: streams of chunks for the host's `download`."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError, SandboxLimitExceeded
from sandbox.host import Host
from sandbox.limits import SandboxLimits
from sandbox.protocol import Message, ProtocolError, is_whole, optional_text, text_field

_CHUNKS_AHEAD = 4


@dataclass
class _Download:
    chunks: asyncio.Queue[bytes | None]
    result: asyncio.Task[dict[str, Any]]


class Downloads:
    """The downloads of one job."""

    def __init__(self, host: Host, limits: SandboxLimits) -> None:
        self._host = host
        self._limits = limits
        self._open: dict[int, _Download] = {}
        self._count = 0
        self._bytes = 0

    def begin(self, message: Message) -> int:
        """Start a file, and return its number."""
        self._count += 1
        if self._count > self._limits.downloads:
            raise SandboxLimitExceeded("downloads", self._limits.downloads)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS_AHEAD)
        name, content_type = text_field(message, "name", 4096), text_field(message, "type", 4096)
        taking = self._host.download(name, content_type, optional_text(message, "url"), _chunks(queue))
        self._open[self._count] = _Download(queue, asyncio.ensure_future(taking))
        return self._count

    async def chunk(self, message: Message) -> None:
        """Take a chunk of a file."""
        data = from_base64(message, "data")
        self._bytes += len(data)
        if self._bytes > self._limits.download_bytes:
            raise SandboxLimitExceeded("download_bytes", self._limits.download_bytes)
        await self._put(self._find(message), data)

    async def end(self, message: Message) -> dict[str, Any]:
        """Complete a file, and return the host's description of it."""
        download = self._find(message)
        await self._put(download, None)
        if self._open.pop(message["stream"], None) is None:
            raise ProtocolError("a download ended twice")
        return await download.result

    def _find(self, message: Message) -> _Download:
        stream = message.get("stream")
        if not is_whole(stream) or stream not in self._open:
            raise ProtocolError("no such download")
        return self._open[stream]

    async def _put(self, download: _Download, data: bytes | None) -> None:
        putting = asyncio.ensure_future(download.chunks.put(data))
        await asyncio.wait({putting, download.result}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            await download.result  # raises what the host raised
            raise SandboxError("the host did not read the whole file")

    def close(self) -> None:
        """Cancel unfinished downloads."""
        for download in self._open.values():
            download.result.cancel()
        self._open.clear()


def from_base64(message: Message, name: str) -> bytes:
    """Return the bytes that a field of a message holds as base64.

    Raises:
        ProtocolError: It does not.
    """
    try:
        return base64.b64decode(text_field(message, name), validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        raise ProtocolError("a chunk is not base64") from None


async def _chunks(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (chunk := await queue.get()) is not None:
        yield chunk
