"""The process of a worker: its start, its output, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from sandbox.browser import Browser
from sandbox.errors import SandboxUnavailable, WorkerDied
from sandbox.isolation.command import REMEDY, Command, worker_command
from sandbox.isolation.kill import end_all, kill_group, kill_handle, terminate
from sandbox.isolation.mechanism import Mechanism
from sandbox.isolation.residue import ResidueCheck
from sandbox.isolation.scratch import remove
from sandbox.isolation.usage import Meter
from sandbox.limits import SandboxLimits

_START_SECONDS = 30.0
_TAIL_BYTES = 4_000
_GONE_SECONDS = 10.0
_SUPERVISOR_SECONDS = 7.0  # the supervisor takes at most five


class Output:
    """The standard output and error of a process, of which the end is kept.

    Args:
        on_output: Takes the number of bytes of each part.
    """

    def __init__(self, on_output: Callable[[int], None]) -> None:
        self._on_output = on_output
        self._reading: int | None = None
        self._tail = b""

    @property
    def tail(self) -> str:
        """The end of what was written."""
        return self._tail.decode(errors="replace").strip()

    def open(self) -> int:
        """Return the descriptor to write to, which the caller closes; what is written there is read from now on."""
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        asyncio.get_running_loop().add_reader(self._reading, self.read)
        return writing

    def read(self) -> None:
        """Read what is there."""
        if self._reading is None:
            return
        try:
            data = os.read(self._reading, 65536)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        self._on_output(len(data))

    def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            os.close(self._reading)
            self._reading = None


class JailProcess:
    """One jail, from start to end.

    Attributes:
        control: The host's end of the control socket.
        meter: The measurement of its processes.
    """

    control: socket.socket
    meter: Meter
    _control_kind = socket.SOCK_STREAM

    def __init__(self, mechanism: Mechanism, on_output: Callable[[int], None]) -> None:
        self._mechanism = mechanism
        self._output = Output(on_output)
        self._popen: subprocess.Popen[bytes] | None = None
        self._handles: list[int] = []
        self._info: int | None = None
        self._root_pid = 0
        self._scratch: str | None = None
        self._gone = asyncio.Event()

    @property
    def output_tail(self) -> str:
        """The end of its standard output and error."""
        return self._output.tail

    async def _start(self, command_for: Callable[..., Command], meanwhile: Callable[[], None]) -> None:
        """Start the process, and wait until it has said that it is there.

        Args:
            command_for: Returns the command, given descriptors and the scratch directory by name.
            meanwhile: Called while the process starts.

        Raises:
            SandboxUnavailable: The jail could not be set up.
        """
        try:
            await self._launch(command_for, meanwhile)
        except BaseException:  # cancelation, too, leaves no process behind
            self.kill()
            await self.wait_gone()
            raise

    async def _launch(self, command_for: Callable[..., Command], meanwhile: Callable[[], None]) -> None:
        if self._mechanism != "bubblewrap":
            self._scratch = f"{tempfile.gettempdir()}/webtasks-{secrets.token_hex(16)}"
        with contextlib.ExitStack() as handed_down:
            self.control, theirs = socket.socketpair(socket.AF_UNIX, self._control_kind)
            handed_down.enter_context(theirs)
            self.control.setblocking(False)
            # A file, not a pipe: bubblewrap must not die in the middle of its start if this end is closed
            self._info = os.memfd_create("info")
            host = os.pidfd_open(os.getpid())
            handed_down.callback(os.close, host)
            output_theirs = self._output.open()
            handed_down.callback(os.close, output_theirs)
            command = command_for(control=theirs.fileno(), host=host, info=self._info, scratch=self._scratch)
            for descriptor in command.descriptors:
                if descriptor not in (theirs.fileno(), host, self._info):
                    handed_down.callback(os.close, descriptor)
            self._popen = subprocess.Popen(  # noqa: ASYNC220  asyncio's child watcher costs a thread per worker on 3.11
                command.arguments,
                env=command.environment,
                pass_fds=command.descriptors,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output_theirs,
                stderr=output_theirs,
                start_new_session=True,
                umask=0o022,
            )
        self._watch_for_end()
        meanwhile()
        await self._take_hello()
        if self._mechanism == "bubblewrap":
            self._root_pid = int(json.loads(os.pread(self._info, 4096, 0))["child-pid"])
            self._handles.append(os.pidfd_open(self._root_pid))
        self.meter = Meter(self._root_pid, jailed=self._mechanism == "bubblewrap", scratch=self._scratch)

    def _watch_for_end(self) -> None:
        assert self._popen is not None
        self._root_pid = self._popen.pid
        try:
            handle = os.pidfd_open(self._popen.pid)
        except OSError:  # its end could not be noticed
            end_all(self._popen)
            self._popen.wait()
            self._gone.set()
            raise
        self._handles.append(handle)
        asyncio.get_running_loop().add_reader(handle, self._reap, handle)

    async def _take_hello(self) -> None:
        data, descriptors = await receive_hello(self.control, 1, lambda: self.output_tail)
        if not data or not self._take(descriptors):
            await self._explain_failed_start()

    def _take(self, descriptors: list[int]) -> bool:
        """Take the descriptors that came with its first word; return False if those are not the right ones."""
        return not descriptors

    async def _explain_failed_start(self) -> NoReturn:
        self.kill()
        await self.wait_gone()
        if "bwrap:" in self.output_tail:
            raise SandboxUnavailable(f"bubblewrap could not set up the jail: {self.output_tail}", REMEDY)
        raise WorkerDied("the worker ended before it was ready", self.output_tail)

    def residue_check(self) -> ResidueCheck:
        """Record what the jail holds now, as the baseline for what a run leaves."""
        directories = {}
        if self._scratch is not None:
            directories["/scratch"] = f"{self._scratch}/scratch" if self._mechanism == "landlock" else self._scratch
        if self._mechanism == "bubblewrap":
            directories = {name: f"/proc/{self._root_pid}/root{name}" for name in ("/scratch", "/dev/shm")}  # noqa: S108  the jail's
        return ResidueCheck(self.meter.pids, self.meter.proc, directories)

    def kill(self) -> None:
        """Kill all processes of the jail, without waiting; `wait_gone` waits."""
        if self._popen is None or self._gone.is_set():
            return
        if self._mechanism == "landlock":
            terminate(self._popen.pid)  # the supervisor ends all its descendants, daemons too, and then itself
            return
        if self._mechanism == "none" or not hasattr(self, "meter"):
            end_all(self._popen)  # there is no pid namespace, or not yet
        # The last handle is the first process of the pid namespace: the kernel ends the others before it is reaped.
        # bubblewrap, its parent, reaps it and exits; if it were killed too, an init that does not reap would keep a
        # zombie.
        if self._handles:
            kill_handle(self._handles[-1])

    def _reap(self, handle: int) -> None:
        assert self._popen is not None
        asyncio.get_running_loop().remove_reader(handle)
        kill_group(self._popen.pid)
        kill_handle(self._handles[-1])  # bubblewrap's child has left the process group
        self._output.read()  # before its number is free, as too much output kills it
        self._popen.wait()
        self._output.close()
        for handle in self._handles:
            os.close(handle)
        self._handles.clear()
        self._gone.set()

    async def wait_gone(self) -> None:
        """Wait until none of its processes is left, and clean up.

        Raises:
            TimeoutError: Some processes are left; all else was cleaned up.
        """
        try:
            if self._popen is not None:
                await self._wait_for_end(self._popen)
        finally:
            self._close_descriptors()
            if self._scratch is not None:
                await asyncio.shield(asyncio.to_thread(remove, self._scratch))

    async def _wait_for_end(self, popen: subprocess.Popen[bytes]) -> None:
        try:
            await asyncio.wait_for(self._gone.wait(), _SUPERVISOR_SECONDS)
        except TimeoutError:  # the supervisor, or bubblewrap, was stopped, waits for what it will not see, or is slow
            end_all(popen)
        await asyncio.wait_for(self._gone.wait(), _GONE_SECONDS)

    def _close_descriptors(self) -> None:
        if self._info is not None:
            os.close(self._info)
            self._info = None
        self._output.close()
        for name in ("listener", "control", "meter"):
            if hasattr(self, name):
                getattr(self, name).close()


class WorkerProcess(JailProcess):
    """The jail of a worker with a browser.

    Attributes:
        listener: The worker's listening socket, for the proxy to serve.
    """

    listener: socket.socket

    def __init__(self, mechanism: Mechanism, on_output: Callable[[int], None], compiled: Path | None) -> None:
        super().__init__(mechanism, on_output)
        self._compiled = compiled

    async def start(
        self,
        browser: Browser,
        limits: SandboxLimits,
        *,
        chromium_sandbox: bool,
        images: bool = True,
        meanwhile: Callable[[], None],
    ) -> None:
        """Start the process and take its listener.

        Args:
            browser: Its Chromium.
            limits: Those that are fixed at the start.
            chromium_sandbox: Use Chromium's own sandbox, too.
            images: Load the pictures and fonts of pages.
            meanwhile: Called while the process starts.

        Raises:
            SandboxUnavailable: The jail could not be set up.
        """
        command_for = partial(
            worker_command,
            self._mechanism,
            browser,
            limits,
            chromium_sandbox=chromium_sandbox,
            images=images,
            compiled=self._compiled,
        )
        await self._start(command_for, meanwhile)

    def _take(self, descriptors: list[int]) -> bool:
        if not descriptors:
            return False
        self.listener = socket.socket(fileno=descriptors[0])
        return True


async def receive_hello(control: socket.socket, most: int, output_tail: Callable[[], str]) -> tuple[bytes, list[int]]:
    """Wait for the first word of a process, and return it with the descriptors that come with it.

    Raises:
        WorkerDied: None came in time.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(control, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), _START_SECONDS)
    except TimeoutError:
        raise WorkerDied(f"the worker did not start within {_START_SECONDS:g} s", output_tail()) from None
    finally:
        loop.remove_reader(control)
    data, descriptors, _, _ = socket.recv_fds(control, 1, most)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # recv_fds leaves them open to other children of this program
    return data, descriptors
