"""The processes of workers without a browser: forked by a zygote, or started by themselves."""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxUnavailable, WorkerDied
from sandbox.isolation.command import process_limits, worker_command, zygote_command
from sandbox.isolation.kill import kill_handle
from sandbox.isolation.mechanism import Mechanism
from sandbox.isolation.residue import ResidueCheck
from sandbox.isolation.usage import SingleMeter
from sandbox.limits import SandboxLimits
from sandbox.workers.process import JailProcess, Output, receive_hello

_GONE_SECONDS = 10.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MOST_FORKS = 1_000  # which all share one layout of their address space
_MOST_GROWTH = 32 << 20  # bytes, which each fork would have, too


class Zygote(JailProcess):
    """The zygote, in its jail. When it ends, all workers that it forked end.

    Args:
        most_forks: The number of forks after which it is to be replaced.

    Attributes:
        workers: Those that it forked and that have not ended; whoever has it fork one adds it.
    """

    _control_kind = socket.SOCK_SEQPACKET

    def __init__(self, most_forks: int = _MOST_FORKS) -> None:
        super().__init__("bubblewrap", lambda size: None)
        self.workers: set[object] = set()
        self._most_forks = most_forks
        self._forks = 0
        self._first_bytes = 0

    @property
    def usable(self) -> bool:
        """True until it ends.

        Its sockets are closed first, and some time before it has ended, which waits for the end of its workers.
        """
        if self._gone.is_set() or self.control.fileno() < 0:
            return False
        end = select.poll()
        end.register(self.control, 0)  # its end is told of in any case
        return not end.poll(0)

    async def start(self) -> None:
        """Start it.

        Raises:
            SandboxUnavailable: The jail could not be set up.
        """
        await self._start(_without_scratch, lambda: None)
        self._first_bytes = self._own_bytes()

    @property
    def worn(self) -> bool:
        """True where another should take its place: it has forked many, or has grown."""
        return self._forks >= self._most_forks or self._own_bytes() - self._first_bytes > _MOST_GROWTH

    def _own_bytes(self) -> int:
        """Return the size of its memory that no file backs; 0 where that cannot be read."""
        try:
            resident, shared = Path(f"/proc/{self._root_pid}/statm").read_text(encoding="ascii").split()[1:3]
        except (OSError, ValueError):
            return 0
        return (int(resident) - int(shared)) * _PAGE

    def fork(self, limits: SandboxLimits, control: int, output: int) -> None:
        """Have a worker forked.

        Args:
            limits: Its limits.
            control: The worker's end of its control socket.
            output: The descriptor that it writes its output to.

        Raises:
            OSError: The zygote has ended.
        """
        request = json.dumps(process_limits(limits, alone=True)).encode()
        self._forks += 1
        socket.send_fds(self.control, [request], [control, output])


def _without_scratch(*, control: int, host: int, info: int, scratch: str | None) -> Any:
    return zygote_command(control=control, host=host, info=info)


class ForkedProcess:
    """A worker that a zygote forks: one process in namespaces of its own.

    Args:
        zygote: Forks it.
        on_output: Takes the number of bytes of each output.

    Attributes:
        control: The host's end of the control socket.
        meter: The measurement of the process.
    """

    control: socket.socket
    meter: SingleMeter

    def __init__(self, zygote: Zygote, on_output: Callable[[int], None]) -> None:
        self._zygote = zygote
        self._output = Output(on_output)
        self._handle: int | None = None
        self._scratch: int | None = None
        self._gone = asyncio.Event()

    @property
    def output_tail(self) -> str:
        """The end of its standard output and error."""
        return self._output.tail

    async def start(self, limits: SandboxLimits) -> None:
        """Have it forked, and wait until it is confined.

        Raises:
            SandboxUnavailable: It could not be confined.
            OSError: The zygote has ended.
        """
        self.control, theirs = socket.socketpair()
        self.control.setblocking(False)
        try:
            with theirs:
                output = self._output.open()
                try:
                    self._zygote.fork(limits, theirs.fileno(), output)
                finally:
                    os.close(output)
            _, descriptors = await receive_hello(self.control, 2, lambda: self.output_tail)
            if len(descriptors) != 2:
                for descriptor in descriptors:
                    os.close(descriptor)
                self._output.read()
                raise SandboxUnavailable(f"a zygote's worker could not be confined: {self.output_tail}")
            self._handle, self._scratch = descriptors
            asyncio.get_running_loop().add_reader(self._handle, self._on_end)
            self.meter = SingleMeter(_pid_of(self._handle), os.dup(self._scratch))
        except BaseException:  # cancelation, too, leaves no process behind
            self.kill()
            await self.wait_gone()
            raise

    def _on_end(self) -> None:
        assert self._handle is not None
        asyncio.get_running_loop().remove_reader(self._handle)
        self._output.read()
        self._gone.set()

    def residue_check(self) -> ResidueCheck:
        """Record what it holds now, as the baseline for what a run leaves."""
        return ResidueCheck(self.meter.pids, self.meter.proc, {"/scratch": f"/proc/self/fd/{self._scratch}"})

    def kill(self) -> None:
        """Kill it, without waiting; `wait_gone` waits."""
        if self._handle is not None:
            kill_handle(self._handle)

    async def wait_gone(self) -> None:
        """Wait until it has ended, and clean up.

        Raises:
            TimeoutError: It has not; all else was cleaned up.
        """
        try:
            if self._handle is not None:
                await asyncio.wait_for(self._gone.wait(), _GONE_SECONDS)
        finally:
            if self._handle is not None:
                asyncio.get_running_loop().remove_reader(self._handle)
            for descriptor in (self._handle, self._scratch):
                if descriptor is not None:
                    os.close(descriptor)
            self._handle = self._scratch = None
            self._output.close()
            self.control.close()
            if hasattr(self, "meter"):
                self.meter.close()


class ColdProcess(JailProcess):
    """A worker without a browser in a jail of its own, for where no zygote can be."""

    def __init__(self, mechanism: Mechanism, on_output: Callable[[int], None]) -> None:
        super().__init__(mechanism, on_output)

    async def start(self, limits: SandboxLimits) -> None:
        """Start it, and wait until it is confined.

        Raises:
            SandboxUnavailable: The jail could not be set up.
        """
        await self._start(partial(worker_command, self._mechanism, None, limits), lambda: None)


def _pid_of(handle: int) -> int:
    """Return the number of a process, as this program sees it.

    Raises:
        WorkerDied: It has ended.
    """
    with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:  # noqa: PTH123  before each run
        pid = next((int(line.split()[1]) for line in file if line.startswith("Pid:")), -1)
    if pid <= 0:
        raise WorkerDied("the worker ended before it was ready")
    return pid
