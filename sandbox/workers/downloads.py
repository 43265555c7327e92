"""Files that come out of a worker: streams of chunks, handed to the host's `download`."""

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
class _Transfer:
    chunks: asyncio.Queue[bytes | None]
    result: asyncio.Task[dict[str, Any]]


class Transfers:
    """The downloads of one job."""

    def __init__(self, host: Host, limits: SandboxLimits) -> None:
        self._host = host
        self._limits = limits
        self._open: dict[int, _Transfer] = {}
        self._count = 0
        self._bytes = 0

    def begin(self, message: Message) -> int:
        """A file starts; returns its number."""
        self._count += 1
        if self._count > self._limits.downloads:
            raise SandboxLimitExceeded("downloads", self._limits.downloads)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS_AHEAD)
        name, content_type = text_field(message, "name", 4096), text_field(message, "type", 4096)
        taking = self._host.download(name, content_type, optional_text(message, "url"), _chunks(queue))
        self._open[self._count] = _Transfer(queue, asyncio.ensure_future(taking))
        return self._count

    async def chunk(self, message: Message) -> None:
        """A part of a file."""
        text = text_field(message, "data")
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:  # of two kinds
            raise ProtocolError("a chunk is not base64") from None
        self._bytes += len(data)
        if self._bytes > self._limits.download_bytes:
            raise SandboxLimitExceeded("download_bytes", self._limits.download_bytes)
        await self._put(self._transfer(message), data)

    async def end(self, message: Message) -> dict[str, Any]:
        """A file is complete; returns the attachment."""
        transfer = self._transfer(message)
        await self._put(transfer, None)
        if self._open.pop(message["stream"], None) is None:
            raise ProtocolError("a download that ends twice")
        return await transfer.result

    def _transfer(self, message: Message) -> _Transfer:
        stream = message.get("stream")
        if not is_whole(stream) or stream not in self._open:
            raise ProtocolError("no such download")
        return self._open[stream]

    async def _put(self, transfer: _Transfer, data: bytes | None) -> None:
        putting = asyncio.ensure_future(transfer.chunks.put(data))
        await asyncio.wait({putting, transfer.result}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            await transfer.result  # raises what the host raised
            raise SandboxError("the host did not read the whole file")

    def close(self) -> None:
        """Cancel what is unfinished."""
        for transfer in self._open.values():
            transfer.result.cancel()
        self._open.clear()


async def _chunks(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (chunk := await queue.get()) is not None:
        yield chunk
