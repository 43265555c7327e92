"""The host's side of a worker: calls into it, its calls back, and the limits."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sandbox.browser import Browser
from sandbox.egress import Proxy
from sandbox.errors import AskRefused, SandboxError, SandboxLimitExceeded, SandboxUnavailable, WorkerDied
from sandbox.host import GateDecision, Host
from sandbox.jail import Mechanism
from sandbox.limits import Egress, Limits
from sandbox.process import WorkerProcess
from sandbox.protocol import (
    CHUNK_BYTES,
    NOTICE_COST,
    Channel,
    Message,
    ProtocolError,
    RemoteError,
    optional_text,
    text_field,
)
from sandbox.results import Automation
from sandbox.transfers import Transfers
from sandbox.usage import Usage

_START_SECONDS = 60.0
_SAMPLE_SECONDS = 0.2
_OPEN_REQUESTS = 64
_ROOM_FOR_EVIDENCE = 8 << 20


class WorkerClient:
    """A worker, blank until `bind` ties it to one job. It serves no other."""

    def __init__(self, mechanism: Mechanism, limits: Limits) -> None:
        self.limits = limits
        self.started_with = limits
        self.proxy = Proxy()
        self.logs: list[str] = []
        self.peak_memory_mb = 0.0
        self.chromium_sandbox: bool | None = None
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._reason: BaseException | None = None
        self._process = WorkerProcess(mechanism, self._count_output)
        self._channel: Channel | None = None
        self._host = Host()
        self._transfers = Transfers(self._host, limits)
        self._output = 0
        self._cpu_before = 0.0
        self._requests: set[asyncio.Task[None]] = set()
        self._notices: asyncio.Queue[Message] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def usable(self) -> bool:
        """Whether it still runs."""
        return self._reason is None

    async def start(self, browser: Browser, *, chromium_sandbox: bool) -> None:
        """Start it. Jobs may be given at once; they wait until the browser is up."""
        await self._process.start(browser, self.limits, chromium_sandbox=chromium_sandbox)
        longest = 2 * self.limits.output_bytes + _ROOM_FOR_EVIDENCE
        reader, writer = await asyncio.open_connection(sock=self._process.control, limit=longest)
        self._channel = Channel(reader, writer, self._handle)
        await self.proxy.serve(self._process.listener)
        self._tasks.append(asyncio.ensure_future(self._listen()))

    async def bind(self, host: Host, egress: Egress, limits: Limits, automation: Automation | None) -> None:
        """Tie the worker to its job."""
        assert self._channel is not None
        self.limits = limits
        self._host = host
        self._transfers = Transfers(host, limits)
        self.proxy.bind(egress)
        self._cpu_before = self._process.meter.read().cpu_seconds
        self._tasks += [asyncio.ensure_future(self._watch()), asyncio.ensure_future(self._pass_on_notices())]
        for name, data in (automation.resources if automation else {}).items():
            for start in range(0, max(1, len(data)), CHUNK_BYTES):
                chunk = base64.b64encode(data[start : start + CHUNK_BYTES]).decode()
                self._channel.send("resource", name=name, data=chunk)

    async def call(self, kind: str, wall_seconds: float, **fields: Any) -> Any:
        """Ask the worker to do something.

        Raises:
            SandboxLimitExceeded: A limit was passed; the worker was ended.
            WorkerDied: It ended otherwise.
            Exception: What a callback of the host raised; the worker was ended.
        """
        if self._reason is not None:
            raise self._reason
        assert self._channel is not None
        await asyncio.wait({self.ready, self._ended}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self.ready.done():
            self.end(WorkerDied(f"the browser did not start within {_START_SECONDS:g} s", self._process.last_words))
        if self._reason is not None:
            raise self._reason
        request = asyncio.ensure_future(self._channel.request(kind, **fields))
        try:
            done, _ = await asyncio.wait(
                {request, self._ended}, timeout=wall_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            request.cancel()
            self.end(WorkerDied("the call was canceled"))
            raise
        if not done:
            self.end(SandboxLimitExceeded("wall_seconds", wall_seconds))
        if self._reason is not None or request not in done:
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            assert self._reason is not None
            raise self._reason
        try:
            answer = request.result()
        except RemoteError as error:
            self.end(WorkerDied(f"the worker failed: {error.kind}: {error}", self._process.last_words))
            assert self._reason is not None
            raise self._reason from None
        except ConnectionError:
            await self._ended
            assert self._reason is not None
            raise self._reason from None
        delivered = asyncio.ensure_future(self._notices.join())
        await asyncio.wait({delivered, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        delivered.cancel()
        if self._reason is not None:
            raise self._reason
        return answer

    def measure(self) -> Usage:
        """What the job used so far."""
        try:
            usage = self._process.meter.read()
        except OSError:
            usage = Usage(self._cpu_before, 0.0, 0)
        self.peak_memory_mb = max(self.peak_memory_mb, usage.memory_mb)
        return replace(usage, cpu_seconds=usage.cpu_seconds - self._cpu_before)

    def end(self, reason: BaseException) -> None:
        """End the worker at once; calls that wait raise ``reason``. The first reason stays."""
        if self._reason is not None:
            return
        self._reason = reason
        self._process.kill()
        self.proxy.close()
        self._transfers.close()
        if not self._ended.done():
            self._ended.set_result(None)
        if not self.ready.done():
            self.ready.set_exception(reason)
            self.ready.exception()  # it may be that nobody waits for it
        current = asyncio.current_task()
        for task in (*self._tasks, *self._requests):
            if task is not current:
                task.cancel()

    async def close(self) -> None:
        """End the worker, and wait until nothing of it is left."""
        self.end(WorkerDied("the worker was closed"))
        for task in (*self._tasks, *self._requests):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._requests, return_exceptions=True)
        if self._channel is not None:
            self._channel.close()
        await self._process.wait_gone()

    async def _listen(self) -> None:
        assert self._channel is not None
        try:
            await self._channel.serve()
        except (ProtocolError, KeyError, TypeError) as error:
            self.end(WorkerDied(f"the worker spoke out of turn: {error}", self._process.last_words))
        else:
            self._process.kill()  # what is left of it
            await asyncio.sleep(0.05)  # its last words may still be in the pipe
            self.end(WorkerDied("the worker ended", self._process.last_words))

    async def _watch(self) -> None:
        while True:
            usage = self.measure()
            for name, value in (
                ("cpu_seconds", usage.cpu_seconds),
                ("memory_mb", usage.memory_mb),
                ("processes", usage.processes),
                ("scratch_mb", usage.scratch_mb),
                ("scratch_files", usage.files),
            ):
                limit = getattr(self.limits, name)
                if value > limit:
                    self.end(SandboxLimitExceeded(name, limit))
                    return
            await asyncio.sleep(_SAMPLE_SECONDS)

    def _count_output(self, size: int) -> None:
        self._output += size
        if self._output > self.limits.output_bytes:
            self.end(SandboxLimitExceeded("output_bytes", self.limits.output_bytes))

    def _handle(self, message: Message) -> None:
        kind = message["t"]
        if kind in ("log", "progress"):
            self._count_output(NOTICE_COST + len(str(message.get("message", ""))))
            if kind == "log":
                self.logs.append(text_field(message, "message"))
            self._notices.put_nowait(message)
        elif kind == "ready":
            self.chromium_sandbox = bool(message.get("chromium_sandbox"))
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind == "failed":
            problem = f"the browser did not start in the sandbox: {text_field(message, 'message')}"
            self.end(SandboxUnavailable(problem))
        elif kind == "limit" and message.get("limit") in ("pages", "output_bytes"):
            self.end(SandboxLimitExceeded(message["limit"], getattr(self.limits, message["limit"])))
        elif len(self._requests) < _OPEN_REQUESTS:
            task = asyncio.ensure_future(self._serve(message))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)
        else:
            raise ProtocolError("too many requests at one time")

    async def _pass_on_notices(self) -> None:
        while True:
            message = await self._notices.get()
            async with self._callback(message):
                if message["t"] == "log":
                    await self._host.log(message["message"])
                else:
                    done, total = message.get("done"), message.get("total")
                    if not isinstance(done, int) or not isinstance(total, int | None):
                        raise ProtocolError("progress is counted in whole numbers")
                    await self._host.progress(done, total)
            self._notices.task_done()

    async def _serve(self, message: Message) -> None:
        assert self._channel is not None
        async with self._callback(message):
            self._channel.reply(message, await self._answer(message))

    async def _answer(self, message: Message) -> Any:
        match message["t"]:
            case "gate":
                decision = await self._host.gate(text_field(message, "action"), optional_text(message, "key"))
                return GateDecision(decision).value
            case "gate_closed":
                error = optional_text(message, "error")
                await self._host.gate_closed(text_field(message, "action"), optional_text(message, "key"), error)
                return None
            case "ask":
                schema = message.get("schema")
                if not isinstance(schema, dict | None):
                    raise ProtocolError("a schema is an object")
                content = text_field(message, "content", self.limits.output_bytes)
                return await self._host.ask(text_field(message, "prompt"), content, schema)
            case "download":
                return self._transfers.begin(message)
            case "chunk":
                return await self._transfers.chunk(message)
            case "downloaded":
                return await self._transfers.end(message)
        raise ProtocolError(f"unknown message {message['t']!r}")

    @asynccontextmanager
    async def _callback(self, message: Message) -> AsyncIterator[None]:
        """Around a callback: refusals reach the automation, the worker's nonsense ends it, other errors reach
        our caller."""
        assert self._channel is not None
        try:
            yield
        except SandboxLimitExceeded as error:
            self.end(error)
        except (AskRefused, SandboxError) as error:
            kind = "AskRefused" if isinstance(error, AskRefused) else "SandboxError"
            self._channel.reply_error(message, kind, str(error))
        except ProtocolError as error:
            self.end(WorkerDied(f"the worker spoke out of turn: {error}"))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  it is raised again by `call`
            self.end(error)
