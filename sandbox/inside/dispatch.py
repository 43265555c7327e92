"""The worker's end of the channel: each request of the host is answered by a task of its own."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.protocol import Channel, Message

_READ_LIMIT = 64 << 20


class Dispatcher:
    """The channel to the host, with the requests that are being answered.

    Attributes:
        answer: Answers a request; set it before `serve`.
        take_resource: Takes a part of a data file, which needs no answer; likewise.
    """

    answer: Callable[[Message], Awaitable[Any]]
    take_resource: Callable[[Message], None]

    def __init__(self, channel_to: Callable[[Callable[[Message], None]], Channel]) -> None:
        self.channel = channel_to(self._handle)
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, control: socket.socket) -> Dispatcher:
        """Open the channel on the control socket."""
        reader, writer = await asyncio.open_connection(sock=control, limit=_READ_LIMIT)
        return cls(lambda handle: Channel(reader, writer, handle))

    @property
    def busy(self) -> bool:
        """True while a request is being answered."""
        return bool(self._tasks)

    async def serve(self) -> None:
        """Serve the host until it closes the channel."""
        await self.channel.serve()

    def _handle(self, message: Message) -> None:
        if message["t"] == "resource":
            self.take_resource(message)
            return
        task = asyncio.ensure_future(self._reply(message))
        self._tasks.add(task)
        task.add_done_callback(self._answered)

    async def _reply(self, message: Message) -> None:
        try:
            self.channel.reply(message, await self.answer(message))
        except Exception as error:  # noqa: BLE001  the host decides what an error means
            self.channel.reply_error(message, type(error).__name__, str(error)[:2000])

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            os._exit(1)  # not even an error could be sent, and the host must not wait for an answer
