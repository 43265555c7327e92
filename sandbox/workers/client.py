"""The host's side of a worker: one job after another, the calls into it, and its limits."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.egress.options import Egress
from sandbox.errors import SandboxLimitExceeded, WorkerDied
from sandbox.host import Host
from sandbox.isolation.residue import ResidueCheck
from sandbox.isolation.usage import Meter, ResourceUsage
from sandbox.limits import SandboxLimits
from sandbox.protocol import CHUNK_BYTES, Channel, Message, ProtocolError, RemoteError
from sandbox.results import Automation
from sandbox.workers.job import Job
from sandbox.workers.web_rules import WebRules

if TYPE_CHECKING:
    from sandbox.egress.dialer import Dialer
    from sandbox.egress.sender import Connections
    from sandbox.workers.web_traffic import WebTraffic

_START_SECONDS = 60.0
_RENEW_SECONDS = 20.0
_SETTLE_SECONDS = 5.0  # enough on a busy machine; only a run that left something waits so long
_SAMPLE_SECONDS = 0.2
_SAMPLE_SHARE = 0.2  # of this program's time; hostile code can make a sample slow
_IDLE_SAMPLE_SECONDS = 2.0
_MAX_FAILED_SAMPLES = 5  # in a row
_IDLE_CPU_SHARE = 0.5
_IDLE_OUTPUT_BYTES = 1 << 20
_EVIDENCE_BYTES = 8 << 20


class Process(Protocol):
    """The processes of a worker."""

    control: socket.socket

    @property
    def meter(self) -> Meter:
        """The measurement of their use."""

    @property
    def output_tail(self) -> str:
        """The end of its standard output and error."""

    def kill(self) -> None:
        """Kill all of them, without waiting."""

    async def wait_gone(self) -> None:
        """Wait until none is left, and clean up."""

    def residue_check(self) -> ResidueCheck:
        """Record what they hold now, as the baseline for what a run leaves."""


class WorkerClient(ABC):
    """A worker: blank until `bind` gives it a job, and again after `renew`.

    Args:
        limits: The limits that it is started with.

    Attributes:
        limits: The limits of its job; before the first, those it was started with.
        runs: Number of jobs it was bound to.
        images: Its pages load pictures and fonts.
        dialer: Its network access, a new one for each job; set by `_open`.
        ended: Done when the worker has ended.
    """

    dialer: Dialer
    _process: Process
    _what_starts = "worker"

    def __init__(self, limits: SandboxLimits) -> None:
        self.limits = limits
        self.started_with = limits
        self.runs = 0
        self.images = True
        self.memory_mb = 0.0
        self.peak = ResourceUsage(0.0, 0.0, 0)
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._reason: BaseException | None = None
        self._channel: Channel | None = None
        self._residue: ResidueCheck | None = None
        self._job: Job | None = None
        self._connections: Connections | None = None
        self._idle_output = 0
        self._cpu_before = 0.0
        self._failed_samples = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watching: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """True until it ends."""
        return self._reason is None

    @property
    def logs(self) -> tuple[str, ...]:
        """The lines that its job logged."""
        return tuple(self._job.logs) if self._job is not None else ()

    @property
    def traffic(self) -> WebTraffic:
        """The requests of its job by ``web``."""
        assert self._job is not None
        return self._job.web.traffic

    async def _open(self) -> None:
        """Open the channel to the process that was started."""
        longest = 2 * self.limits.output_bytes + _EVIDENCE_BYTES
        reader, writer = await asyncio.open_connection(sock=self._process.control, limit=longest)
        self._channel = Channel(reader, writer, self._handle, hostile=True)
        await self._open_network()
        self._start_task(self._serve_channel())

    @abstractmethod
    async def _open_network(self) -> None:
        """Set a new `dialer`, without the connections and records of the last; it refuses everything until `bind`."""

    def _take_word(self, message: Message) -> bool:
        """Take a message that is about the worker itself; return False where it is about a job."""
        return False

    async def bind(
        self,
        host: Host,
        egress: Egress,
        limits: SandboxLimits,
        automation: Automation | None,
        rules: WebRules = WebRules(),  # noqa: B008  frozen
        trace_bytes: int = 0,
    ) -> None:
        """Bind the worker to a job."""
        from sandbox.egress.sender import Connections
        from sandbox.workers.web_requests import WebRequests  # with TLS, which `import sandbox` need not wait for
        from sandbox.workers.web_traffic import WebTraffic

        assert self._channel is not None
        self.limits = limits
        self.runs += 1
        self.dialer.bind(egress)
        self._cpu_before = self._process.meter.read(limits.scratch_files).cpu_seconds
        self.peak = ResourceUsage(0.0, 0.0, 0)
        self._connections = self._connections or Connections()
        self._connections.begin(egress)
        web = WebRequests(self.dialer, limits, WebTraffic(rules), rules.turns, self._connections)
        self._job = Job(host, limits, self._channel, self.end, web, trace_bytes)
        self._watch_with(self._watch())
        for name, data in (automation.resources if automation else {}).items():
            for start in range(0, max(1, len(data)), CHUNK_BYTES):
                chunk = base64.b64encode(data[start : start + CHUNK_BYTES]).decode()
                self._channel.send("resource", name=name, data=chunk)

    async def record_baseline(self) -> None:
        """Record what the jail holds, once the browser is up and before the first run."""
        await self._until_ready()
        if self._residue is None:
            self._residue = self._process.residue_check()

    async def renew(self) -> tuple[str, ...]:
        """Make the worker blank again after a run.

        Returns:
            The residue of the run. If there is any, the worker must not be used again.

        Raises:
            SandboxError: The worker ended.
        """
        assert self._channel is not None
        if self._residue is None or self._job is None:
            return ("no baseline",)
        if self._job.waiting:
            return ("open requests",)
        await asyncio.gather(*self._job.close(), return_exceptions=True)
        self._job = None
        self.dialer.close()
        await self._open_network()
        self._idle_output = 0
        answer = await self._request("renew", _RENEW_SECONDS)
        if not isinstance(answer, list):
            raise self._protocol_violation("a list of residue was expected")
        left = await self._residue.settled(0.0 if answer else _SETTLE_SECONDS)
        usage = self.measure()
        self.memory_mb = usage.memory_mb
        self._watch_with(self._watch_idle(usage))
        return (*(str(item)[:200] for item in answer), *left)

    async def call(self, kind: str, wall_seconds: float, **fields: Any) -> Any:
        """Call the worker, on behalf of its job.

        Raises:
            SandboxLimitExceeded: A limit was exceeded; the worker was ended.
            WorkerDied: The worker ended otherwise.
            Exception: An exception of a callback of the host; the worker was ended.
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
                what = f"the {self._what_starts} did not start within {_START_SECONDS:g} s"
                self.end(WorkerDied(what, self._process.output_tail))
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
            self.end(WorkerDied(f"the worker failed: {error.kind}: {error}", self._process.output_tail))
            assert self._reason is not None
            raise self._reason from None
        except ConnectionError:
            await self.ended
            assert self._reason is not None
            raise self._reason from None

    def measure(self) -> ResourceUsage:
        """Measure what the job has used so far, and update ``peak``, which is returned if measuring fails."""
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
        """Return the processor time of all its jobs together, as it was last measured."""
        return self._cpu_before + self.peak.cpu_seconds

    def end(self, reason: BaseException) -> None:
        """End the worker at once; waiting calls raise ``reason``. Only the first call has an effect."""
        if self._reason is not None:
            return
        self._reason = reason
        self._process.kill()
        if hasattr(self, "dialer"):
            self.dialer.close()
        if not self.ended.done():
            self.ended.set_result(None)
        if not self.ready.done():
            self.ready.set_exception(reason)
            self.ready.exception()  # retrieved, as possibly nobody waits for it
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        if self._job is not None:
            self._job.close()
        if self._connections is not None:
            self._connections.drop()

    async def close(self) -> None:
        """End the worker, and wait until none of its processes is left."""
        self.end(WorkerDied("the worker was closed"))
        tasks: list[asyncio.Task[Any]] = [*self._tasks, *(self._job.close() if self._job is not None else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._channel is not None:
            self._channel.close()
        if self._residue is not None:
            self._residue.close()
        await self._process.wait_gone()

    def _protocol_violation(self, problem: object) -> WorkerDied:
        died = WorkerDied(f"worker protocol violation: {problem}", self._process.output_tail)
        self.end(died)
        return died

    def _start_task(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve_channel(self) -> None:
        assert self._channel is not None
        try:
            await self._channel.serve()
        except (ProtocolError, KeyError, TypeError) as error:
            self._protocol_violation(error)
        else:
            self._process.kill()  # the rest of its processes
            await asyncio.sleep(0.05)  # the end of its output may still be in the pipe
            self.end(WorkerDied("the worker ended", self._process.output_tail))

    def _watch_with(self, work: Any) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._watching = self._start_task(work)

    def _sample(self) -> ResourceUsage | None:
        """Measure what the job has used so far; None if that failed. After several failures the worker is ended."""
        try:
            usage = self._measure()
        except OSError as error:
            self._failed_samples += 1
            if self._failed_samples >= _MAX_FAILED_SAMPLES:
                self.end(WorkerDied(f"the worker's use of resources cannot be measured: {error}"))
            return None
        self._failed_samples = 0
        return usage

    async def _watch(self) -> None:
        pause = _SAMPLE_SECONDS  # most runs of a worker without a browser end before the first sample
        while self.usable:
            await asyncio.sleep(pause)
            began = time.thread_time()
            usage = self._sample()
            if usage is not None and (limit := self._exceeded(usage)) is not None:
                self.end(SandboxLimitExceeded(limit, getattr(self.limits, limit)))
                return
            pause = max(_SAMPLE_SECONDS, (time.thread_time() - began) / _SAMPLE_SHARE)

    def _exceeded(self, usage: ResourceUsage) -> str | None:
        """Return the name of a limit that was exceeded."""
        used = {
            "cpu_seconds": usage.cpu_seconds,
            "processes": usage.processes,  # before memory, as each process takes some
            "memory_mb": usage.memory_mb,
            "scratch_mb": usage.scratch_mb,
            "scratch_files": usage.files,
        }
        return next((name for name, value in used.items() if value > getattr(self.limits, name)), None)

    async def _watch_idle(self, before: ResourceUsage) -> None:
        """End the worker if it is busy though it has no job."""
        while self.usable:
            await asyncio.sleep(_IDLE_SAMPLE_SECONDS)
            usage = self._sample() or before
            if usage.cpu_seconds - before.cpu_seconds > _IDLE_CPU_SHARE * _IDLE_SAMPLE_SECONDS:
                self.end(WorkerDied("the worker was busy without a job"))
            elif usage.memory_mb > self.limits.memory_mb:
                self.end(SandboxLimitExceeded("memory_mb", self.limits.memory_mb))
            before = usage

    def _count_output(self, size: int) -> None:
        if self._job is not None:
            self._job.count_output(size)
            return
        self._idle_output += size
        if self._idle_output > _IDLE_OUTPUT_BYTES:
            self._protocol_violation("output without a job")

    def _handle(self, message: Message) -> None:
        if self._take_word(message):
            return
        if self._job is None:
            raise ProtocolError(f"{message['t']!r} without a job")
        self._job.handle(message)
