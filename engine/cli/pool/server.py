"""The process that ``webtasks pool start`` starts: one engine, whose browsers stay warm between commands.

A call is one line of JSON on its socket. A task that it takes is answered with ``{"taken": true}``, and begins at the
caller's word; then comes a line ``{"event": …}`` for each event, and ``{"task": …}`` or ``{"error": …}`` at its end. A
caller that closes the connection before that cancels the task. A call that means an engine with other settings gets
``{"declined": …}``, and the command runs the task itself. The process ends after some time without a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from typing import Any

from engine import AsyncEngine, Event
from engine.bundles.lock import try_lock
from engine.cli.detached import detach, receive_order, send_answer
from engine.cli.errors import error_to_json
from engine.cli.pool import endpoint, handover
from engine.cli.pool.commands import fork_command_server
from engine.cli.settings import Settings
from engine.errors import EngineError

_MAX_CALL = 64 << 20  # bytes
_POLL_SECONDS = 0.5


def main() -> None:
    """Run the process; its answer to the order is ``{"pool": …}`` or ``{"error": …}``."""
    order = receive_order()
    with fork_command_server() as commands:  # while this process has one thread, and neither locks nor connections
        asyncio.run(_serve(Settings.from_json(order["settings"]), order["idle"], commands))


async def _serve(settings: Settings, idle: float, commands: socket.socket) -> None:
    engine = settings.engine()
    lock = try_lock(engine.root / "pool.lock")
    if lock is None:
        send_answer({"error": "a pool is running here already; `webtasks pool stop` stops it"})
        return
    with lock:
        try:
            listening = endpoint.listen(engine.root)
            with endpoint.listen(engine.root, handover.COMMANDS_SOCKET) as handed_over:
                socket.send_fds(commands, [b"\n"], [handed_over.fileno()])
        except (OSError, EngineError) as error:
            send_answer({"error": f"cannot listen in {engine.root}: {error}"})
            return
        server = PoolServer(settings, engine, idle)
        try:
            async with engine:
                await server.serve(listening)
        finally:
            endpoint.close(engine.root)


class PoolServer:
    """A server on the pool's socket, with one task for each connection.

    Args:
        settings: The settings that the engine was made with.
        engine: Runs the tasks.
        idle: Seconds without a call after which the server ends.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, idle: float) -> None:
        self._identity = endpoint.identity(settings)
        self._engine = engine
        self._idle = idle
        self._started_at = self._last_call_at = time.monotonic()
        self._runs = self._running = 0
        self._calls: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()

    async def serve(self, listening: socket.socket) -> None:
        """Answer calls until one asks to stop, a signal arrives, or the idle time is over."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        await self._engine.warm()
        server = await asyncio.start_unix_server(self._on_connection, sock=listening, limit=_MAX_CALL)
        async with server:
            send_answer({"pool": self._state()})
            detach()
            while not self._stopping.is_set():
                if self._calls:
                    self._last_call_at = time.monotonic()
                if time.monotonic() - self._last_call_at >= self._idle:
                    break
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._stopping.wait()
            server.close()
            if self._calls:  # running tasks may end
                await asyncio.wait(self._calls)

    def _state(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - self._started_at, 1),
            "runs": self._runs,
            "running": self._running,
            "idle": self._idle,
        }

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio calls this in a task"
        self._calls.add(task)
        try:
            if handover.is_same_user(writer.get_extra_info("socket")):
                await self._answer(reader, writer)
        except (OSError, ValueError):  # the caller closed the connection, or the call is malformed
            pass
        finally:
            self._calls.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = json.loads(await reader.readline())
        if call["do"] == "state":
            _write(writer, {"pool": self._state()})
        elif call["do"] == "stop":
            self._stopping.set()
            _write(writer, {"pool": self._state()})
        elif self._stopping.is_set():
            _write(writer, {"declined": "it is stopping"})
        elif (other := endpoint.difference(self._identity, call["identity"])) is not None:
            _write(writer, {"declined": other})
        else:
            _write(writer, {"taken": True})
            if await reader.readline() == endpoint.BEGIN:
                await self._run_counted(call["request"], reader, writer)
        await writer.drain()

    async def _run_counted(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._runs += 1
        self._running += 1
        try:
            await self._run(request, reader, writer)
        finally:
            self._running -= 1

    async def _run(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send_event(event: Event) -> None:
            _write(writer, {"event": event.to_json()})

        running = asyncio.ensure_future(self._engine.run(**request, on_event=send_event, poll=0.5))
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
            _write(writer, {"error": error_to_json(error)})
            return
        _write(writer, {"task": json.loads(task.model_dump_json())})


def _write(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message, default=str).encode() + b"\n")


if __name__ == "__main__":
    main()
