"""The process that ``webtasks pool start`` leaves behind: one engine, whose browsers stay warm between commands.

A call is one line of JSON on its socket; the answer is lines: ``{"event": …}`` while a task runs, and at its end
``{"task": …}`` or ``{"error": …}``. Who hangs up before that cancels the task. What this engine is not made for it
declines, and the command runs it itself. It ends when nothing was asked of it for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
from typing import Any

from engine import AsyncEngine, Event
from engine.bundles.lock import try_lock
from engine.cli.pool import endpoint
from engine.cli.settings import Settings
from engine.errors import EngineError

_LONGEST_CALL = 64 << 20  # bytes
_LOOK_SECONDS = 0.5


def main() -> None:
    """Runs the process; it answers with a line on standard output, ``{"pool": …}`` or ``{"error": …}``."""
    if os.fork():
        os._exit(0)  # nobody has to wait for the other, and no terminal can become its own
    order = json.loads(sys.stdin.buffer.read())
    asyncio.run(_serve(Settings.from_json(order["settings"]), order["idle"]))


async def _serve(settings: Settings, idle: float) -> None:
    engine = settings.engine()
    lock = try_lock(engine.root / "pool.lock")
    if lock is None:
        _answer({"error": "a pool runs here already; `webtasks pool stop` ends it"})
        return
    with lock:
        try:
            listening = endpoint.listen(engine.root)
        except (OSError, EngineError) as error:
            _answer({"error": f"cannot listen in {engine.root}: {error}"})
            return
        resident = PoolServer(settings, engine, idle)
        try:
            async with engine:
                await resident.serve(listening)
        finally:
            endpoint.close(engine.root)


def _answer(answer: dict[str, Any]) -> None:
    """Answers, and holds nothing of whoever started this any more."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(answer).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.close(nothing)
    os.chdir("/")


class PoolServer:
    """Answers calls, one task for each connection.

    Args:
        settings: What its engine was made with.
        engine: Runs the tasks.
        idle: Seconds without a call after which it ends.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, idle: float) -> None:
        self._identity = endpoint.identity(settings)
        self._engine = engine
        self._idle = idle
        self._began = self._asked = time.monotonic()
        self._runs = self._running = 0
        self._calls: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()

    async def serve(self, listening: socket.socket) -> None:
        """Answers until it is told to stop, or nothing is asked."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        await self._engine.warm()
        server = await asyncio.start_unix_server(self._take, sock=listening, limit=_LONGEST_CALL)
        async with server:
            _answer({"pool": self._state()})
            while not self._stopping.is_set():
                if self._calls:
                    self._asked = time.monotonic()
                if time.monotonic() - self._asked >= self._idle:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._stopping.wait()
            server.close()
            if self._calls:  # what runs may end
                await asyncio.wait(self._calls)

    def _state(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - self._began, 1),
            "runs": self._runs,
            "running": self._running,
            "idle": self._idle,
        }

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        assert call is not None
        self._calls.add(call)
        try:
            if _is_mine(writer):
                await self._call(reader, writer)
        except (OSError, ValueError):  # hung up, or spoke nonsense
            pass
        finally:
            self._calls.discard(call)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = json.loads(await reader.readline())
        if call["do"] == "state":
            _write(writer, {"pool": self._state()})
        elif call["do"] == "stop":
            self._stopping.set()
            _write(writer, {"pool": self._state()})
        elif self._stopping.is_set():
            _write(writer, {"declined": "it is about to end"})
        elif (other := endpoint.difference(self._identity, call["identity"])) is not None:
            _write(writer, {"declined": other})
        else:
            await self._run(call["request"], reader, writer)
        await writer.drain()

    async def _run(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._runs += 1
        self._running += 1
        try:
            await self._run_it(request, reader, writer)
        finally:
            self._running -= 1

    async def _run_it(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        def tell(event: Event) -> None:
            _write(writer, {"event": event.to_json()})

        running = asyncio.ensure_future(self._engine.run(**request, on_event=tell, poll=0.5))
        hung_up = asyncio.ensure_future(reader.read())
        await asyncio.wait({running, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
        hung_up.cancel()
        try:
            task = await running
        except asyncio.CancelledError:
            return
        except EngineError as error:
            told = {"type": type(error).__name__, "message": error.message, "details": error.details}
            _write(writer, {"error": told})
            return
        _write(writer, {"task": json.loads(task.model_dump_json())})


def _is_mine(writer: asyncio.StreamWriter) -> bool:
    """Whether the caller is this process's own user; the socket's mode says so already, where systems heed it."""
    connection = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())


def _write(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message, default=str).encode() + b"\n")


if __name__ == "__main__":
    main()
