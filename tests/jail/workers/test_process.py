"""Failures at the start and the end of a worker's process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox import SandboxError, SandboxLimits
from sandbox.browser import find_browser
from sandbox.workers.process import WorkerProcess
from tests.support.jails import JAILS
from tests.support.processes import children, families, none_left, opened


async def start(process: WorkerProcess) -> None:
    await process.start(find_browser(), SandboxLimits(), chromium_sandbox=False, meanwhile=lambda: None)


class Held:
    """The descriptors and the children that this program has now, and those that it has more later."""

    def __init__(self) -> None:
        self._opened, self._children = opened(), children()

    def more(self) -> list[Any]:
        return [*(opened() - self._opened), *families(but=self._children)]


async def test_children_of_the_program_do_not_inherit_the_listener() -> None:
    process = WorkerProcess("none", lambda size: None, None)
    await start(process)
    try:
        assert not process.listener.get_inheritable()
    finally:
        process.kill()
        await process.wait_gone()


@pytest.mark.usefixtures("warm_at_rest")
async def test_start_without_enough_descriptors_leaves_nothing() -> None:
    await start_and_end()  # what the first needs stays
    for room in range(16):
        await start_with_room_for(room)


async def start_with_room_for(room: int) -> None:
    before = Held()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, opened())) + 40, hard))
    filled = []
    with contextlib.suppress(OSError):
        while True:
            filled.append(os.dup(0))
    for _ in range(room):
        os.close(filled.pop())
    began = time.monotonic()
    try:
        with contextlib.suppress(OSError, SandboxError):
            await start_and_end()
    finally:
        for descriptor in filled:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert time.monotonic() - began < 25, room  # less than the start may take that it would otherwise wait for
    assert not await none_left(before.more), room


async def start_and_end() -> None:
    process = WorkerProcess("bubblewrap", lambda size: None, None)
    await start(process)
    process.kill()
    await process.wait_gone()


@pytest.mark.parametrize("mechanism", [*JAILS, "none"])
@pytest.mark.usefixtures("warm_at_rest")
async def test_worker_without_a_process_descriptor_is_ended(mechanism: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may take the last descriptor just then."""
    before, really_open = Held(), os.pidfd_open

    def open_(pid: int) -> int:
        if pid != os.getpid():
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return really_open(pid)

    monkeypatch.setattr(os, "pidfd_open", open_)
    with pytest.raises(OSError, match="Too many open files"):
        await start(WorkerProcess(mechanism, lambda size: None, None))
    assert not await none_left(before.more)


async def test_output_is_read_before_the_process_is_reaped() -> None:
    """For they can be too many, and then it is killed."""
    there: list[bool] = []
    process = WorkerProcess("none", lambda size: there.append(Path(f"/proc/{process._root_pid}").exists()), None)
    await start(process)
    assert process._output._reading is not None
    asyncio.get_running_loop().remove_reader(process._output._reading)  # its end is heard of first
    with open(f"/proc/{process._root_pid}/fd/2", "wb") as output:
        output.write(b"the tail")
    os.kill(process._root_pid, signal.SIGKILL)
    await process.wait_gone()
    assert process.output_tail == "the tail"
    assert there == [True]


@pytest.mark.parametrize("mechanism", ["none", *JAILS])
async def test_process_that_does_not_end_by_itself_is_killed(mechanism: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.workers.process._SUPERVISOR_SECONDS", 0.05)
    before = children()
    process = WorkerProcess(mechanism, lambda size: None, None)
    await start(process)
    await process.wait_gone()  # nobody has asked it to end
    assert not await none_left(lambda: families(but=before))
    assert process.control.fileno() == process.listener.fileno() == -1
    assert process._scratch is None or not Path(process._scratch).exists()


async def test_program_that_blocks_sigterm_ends_its_workers() -> None:
    """Block a signal in this thread; what it starts blocks it, too."""
    process = WorkerProcess("landlock", lambda size: None, None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        await start(process)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    process.kill()
    await asyncio.wait_for(process._gone.wait(), 30)
    await process.wait_gone()


async def test_stopped_supervisor_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile code can do that where the kernel lets signals out of the jail."""
    monkeypatch.setattr("sandbox.workers.process._SUPERVISOR_SECONDS", 0.2)
    before = children()
    process = WorkerProcess("landlock", lambda size: None, None)
    await start(process)
    os.kill(process._root_pid, signal.SIGSTOP)
    process.kill()
    await process.wait_gone()
    assert not await none_left(lambda: families(but=before))
    assert process._scratch is None or not Path(process._scratch).exists()
