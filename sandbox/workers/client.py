"""The host's side of a worker: calls into it, one job after another, and the limits."""

from __future__ import annotations

import asyncio
import base64
import importlib
import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.browser import Browser
from sandbox.egress.options import Egress
from sandbox.errors import SandboxLimitExceeded, SandboxUnavailable, WorkerDied
from sandbox.host import Host
from sandbox.isolation.mechanism import Mechanism
from sandbox.isolation.residue import Census
from sandbox.isolation.usage import ResourceUsage
from sandbox.limits import SandboxLimits
from sandbox.protocol import CHUNK_BYTES, Channel, Message, ProtocolError, RemoteError, text_field
from sandbox.results import Automation
from sandbox.workers.job import Job
from sandbox.workers.process import WorkerProcess

if TYPE_CHECKING:
    from sandbox.egress.proxy import EgressProxy

_START_SECONDS = 60.0
_RENEW_SECONDS = 20.0
_SETTLE_SECONDS = 5.0  # on a busy machine; only what stays takes so long
_SAMPLE_SECONDS = 0.2
_SAMPLE_SHARE = 0.2  # of this program's time; hostile code can make a sample long
_IDLE_SAMPLE_SECONDS = 2.0
_MOST_FAILED_SAMPLES = 5  # in a row
_IDLE_CPU_SHARE = 0.5
_IDLE_OUTPUT_BYTES = 1 << 20
_ROOM_FOR_EVIDENCE = 8 << 20


class WorkerClient:
    """A worker: blank until `bind` ties it to a job, blank again after `renew`.

    Attributes:
        limits: Of its job; before the first, those it was started with.
        runs: How many jobs it was tied to.
        proxy: Its way out, new for each job; there is one as soon as it was started.
        ended: Done when it is over.
    """

    proxy: EgressProxy

    def __init__(self, mechanism: Mechanism, limits: SandboxLimits, compiled: Path | None = None) -> None:
        self.limits = limits
        self.started_with = limits
        self.runs = 0
        self.memory_mb = 0.0
        self.peak = ResourceUsage(0.0, 0.0, 0)
        self.chromium_sandbox: bool | None = None
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._reason: BaseException | None = None
        self._process = WorkerProcess(mechanism, self._count_output, compiled)
        self._channel: Channel | None = None
        self._census: Census | None = None
        self._job: Job | None = None
        self._idle_output = 0
        self._cpu_before = 0.0
        self._failed_samples = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether it still runs."""
        return self._reason is None

    @property
    def logs(self) -> tuple[str, ...]:
        """Lines that its job logged."""
        return tuple(self._job.logs) if self._job is not None else ()

    async def start(self, browser: Browser, *, chromium_sandbox: bool) -> None:
        """Start it. Jobs may be given at once; they wait until the browser is up."""
        await self._process.start(browser, self.limits, chromium_sandbox=chromium_sandbox, meanwhile=_import_the_proxy)
        longest = 2 * self.limits.output_bytes + _ROOM_FOR_EVIDENCE
        reader, writer = await asyncio.open_connection(sock=self._process.control, limit=longest)
        self._channel = Channel(reader, writer, self._handle, hostile=True)
        await self._open_proxy()
        self._begin(self._listen())

    async def bind(self, host: Host, egress: Egress, limits: SandboxLimits, automation: Automation | None) -> None:
        """Tie the worker to a job."""
        assert self._channel is not None
        self.limits = limits
        self.runs += 1
        self.proxy.bind(egress)
        self._cpu_before = self._process.meter.read(limits.scratch_files).cpu_seconds
        self.peak = ResourceUsage(0.0, 0.0, 0)
        self._job = Job(host, limits, self._channel, self.end)
        self._watch_with(self._watch())
        for name, data in (automation.resources if automation else {}).items():
            for start in range(0, max(1, len(data)), CHUNK_BYTES):
                chunk = base64.b64encode(data[start : start + CHUNK_BYTES]).decode()
                self._channel.send("resource", name=name, data=chunk)

    async def remember(self) -> None:
        """Once the browser is up, and before the first run: remember what the jail holds."""
        await self._until_ready()
        if self._census is None:
            self._census = self._process.census()

    async def renew(self) -> tuple[str, ...]:
        """Make it blank again after a run.

        Returns:
            What the run left behind. Where there is anything, the worker must not be used again.

        Raises:
            SandboxError: It ended.
        """
        assert self._channel is not None
        if self._census is None or self._job is None:
            return ("no baseline",)
        if self._job.waiting:
            return ("requests",)
        await asyncio.gather(*self._job.close(), return_exceptions=True)
        self._job = None
        self.proxy.close()
        await self._open_proxy()
        self._idle_output = 0
        answer = await self._request("renew", _RENEW_SECONDS)
        if not isinstance(answer, list):
            raise self._out_of_turn("a list of what is left was expected")
        left = await self._census.settled(0.0 if answer else _SETTLE_SECONDS)
        self.memory_mb = self.measure().memory_mb
        self._watch_with(self._watch_idle())
        return (*(str(item)[:200] for item in answer), *left)

    async def call(self, kind: str, wall_seconds: float, **fields: Any) -> Any:
        """Ask the worker to do something for its job.

        Raises:
            SandboxLimitExceeded: A limit was passed; the worker was ended.
            WorkerDied: It ended otherwise.
            Exception: What a callback of the host raised; the worker was ended.
        """
        await self._until_ready()
        answer = await self._request(kind, wall_seconds, **fields)
        assert self._job is not None
        delivered = asyncio.ensure_future(self._job.notices_delivered())
        await asyncio.wait({delivered, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        delivered.cancel()
        if self._reason is not None:
            raise self._reason
        return answer

    async def _until_ready(self) -> None:
        if self._reason is None and not self.ready.done():
            await asyncio.wait({self.ready, self.ended}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not self.ready.done():
                self.end(WorkerDied(f"the browser did not start within {_START_SECONDS:g} s", self._process.last_words))
        if self._reason is not None:
            raise self._reason

    async def _request(self, kind: str, wall_seconds: float, **fields: Any) -> Any:
        if self._reason is not None:
            raise self._reason
        assert self._channel is not None
        request = asyncio.ensure_future(self._channel.request(kind, **fields))
        try:
            done, _ = await asyncio.wait(
                {request, self.ended}, timeout=wall_seconds, return_when=asyncio.FIRST_COMPLETED
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
            return request.result()
        except RemoteError as error:
            self.end(WorkerDied(f"the worker failed: {error.kind}: {error}", self._process.last_words))
            assert self._reason is not None
            raise self._reason from None
        except ConnectionError:
            await self.ended
            assert self._reason is not None
            raise self._reason from None

    def measure(self) -> ResourceUsage:
        """What the job used so far; what it used most at one time is kept in ``peak``, and told where it cannot be
        measured any more."""
        try:
            return self._measure()
        except OSError:
            return self.peak

    def _measure(self) -> ResourceUsage:
        usage = self._process.meter.read(self.limits.scratch_files)
        used = replace(usage, cpu_seconds=usage.cpu_seconds - self._cpu_before)
        self.peak = ResourceUsage(
            max(self.peak.cpu_seconds, used.cpu_seconds),
            max(self.peak.memory_mb, used.memory_mb),
            max(self.peak.processes, used.processes),
            max(self.peak.scratch_mb, used.scratch_mb),
            max(self.peak.files, used.files),
        )
        return used

    def cpu_seconds(self) -> float:
        """Processor time of all its jobs together."""
        return self._cpu_before + self.measure().cpu_seconds

    def end(self, reason: BaseException) -> None:
        """End the worker at once; calls that wait raise ``reason``. The first reason stays."""
        if self._reason is not None:
            return
        self._reason = reason
        self._process.kill()
        if hasattr(self, "proxy"):
            self.proxy.close()
        if not self.ended.done():
            self.ended.set_result(None)
        if not self.ready.done():
            self.ready.set_exception(reason)
            self.ready.exception()  # it may be that nobody waits for it
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        if self._job is not None:
            self._job.close()

    async def close(self) -> None:
        """End the worker, and wait until nothing of it is left."""
        self.end(WorkerDied("the worker was closed"))
        tasks: list[asyncio.Task[Any]] = [*self._tasks, *(self._job.close() if self._job is not None else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._channel is not None:
            self._channel.close()
        if self._census is not None:
            self._census.close()
        await self._process.wait_gone()

    def _out_of_turn(self, problem: object) -> WorkerDied:
        died = WorkerDied(f"worker protocol violation: {problem}", self._process.last_words)
        self.end(died)
        return died

    def _begin(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open_proxy(self) -> None:
        """A proxy that refuses all until `bind`, with no connection and no memory of the last."""
        from sandbox.egress.proxy import EgressProxy

        self.proxy = EgressProxy()
        await self.proxy.serve(socket.socket(fileno=os.dup(self._process.listener.fileno())))
        if self._reason is not None:
            self.proxy.close()
            raise self._reason

    async def _listen(self) -> None:
        assert self._channel is not None
        try:
            await self._channel.serve()
        except (ProtocolError, KeyError, TypeError) as error:
            self._out_of_turn(error)
        else:
            self._process.kill()  # what is left of it
            await asyncio.sleep(0.05)  # its last words may still be in the pipe
            self.end(WorkerDied("the worker ended", self._process.last_words))

    def _watch_with(self, work: Any) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = self._begin(work)

    def _sample(self) -> ResourceUsage | None:
        """What the job used so far; None where that cannot be told now. If that stays so, the worker ends."""
        try:
            usage = self._measure()
        except OSError as error:
            self._failed_samples += 1
            if self._failed_samples >= _MOST_FAILED_SAMPLES:
                self.end(WorkerDied(f"what it uses cannot be measured: {error}"))
            return None
        self._failed_samples = 0
        return usage

    async def _watch(self) -> None:
        while self.usable:
            began = time.thread_time()
            usage = self._sample()
            if usage is not None and (limit := self._passed(usage)) is not None:
                self.end(SandboxLimitExceeded(limit, getattr(self.limits, limit)))
                return
            await asyncio.sleep(max(_SAMPLE_SECONDS, (time.thread_time() - began) / _SAMPLE_SHARE))

    def _passed(self, usage: ResourceUsage) -> str | None:
        """The name of a limit that was passed."""
        used = {
            "cpu_seconds": usage.cpu_seconds,
            "processes": usage.processes,  # before memory, of which each takes some
            "memory_mb": usage.memory_mb,
            "scratch_mb": usage.scratch_mb,
            "scratch_files": usage.files,
        }
        return next((name for name, value in used.items() if value > getattr(self.limits, name)), None)

    async def _watch_idle(self) -> None:
        """Ends a worker that is busy though it has nothing to do."""
        before = self.measure()
        while self.usable:
            await asyncio.sleep(_IDLE_SAMPLE_SECONDS)
            usage = self._sample() or before
            if usage.cpu_seconds - before.cpu_seconds > _IDLE_CPU_SHARE * _IDLE_SAMPLE_SECONDS:
                self.end(WorkerDied("it was busy without a job"))
            elif usage.memory_mb > self.limits.memory_mb:
                self.end(SandboxLimitExceeded("memory_mb", self.limits.memory_mb))
            before = usage

    def _count_output(self, size: int) -> None:
        if self._job is not None:
            self._job.count_output(size)
            return
        self._idle_output += size
        if self._idle_output > _IDLE_OUTPUT_BYTES:
            self._out_of_turn("it writes without a job")

    def _handle(self, message: Message) -> None:
        kind = message["t"]
        if kind == "ready" and not self.ready.done():
            self.chromium_sandbox = bool(message.get("chromium_sandbox"))
            self.ready.set_result(None)
        elif kind == "failed" and not self.ready.done():
            problem = f"the browser did not start in the sandbox: {text_field(message, 'message')}"
            self.end(SandboxUnavailable(problem))
        elif self._job is not None:
            self._job.handle(message)
        else:
            raise ProtocolError(f"{kind!r} without a job")


def _import_the_proxy() -> None:
    """It takes long; while the worker comes up there is time for that."""
    importlib.import_module("sandbox.egress.proxy")
