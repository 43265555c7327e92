"""Closing a sandbox at any time ends everything."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Egress, Host, PoolOptions, Sandbox, SandboxError, SandboxLimits
from sandbox.browser import find_browser
from sandbox.isolation.command import worker_command
from tests.support.processes import children, families, none_left, opened

Family = Callable[[], set[int]]
WAITS = "async def run(page, parameters, task):\n    task.log('begun')\n    while True: pass"


@pytest.fixture
def family() -> Family:
    """The processes that the test started and that still run; the session's warm sandbox has some, too."""
    before = children()
    return lambda: families(but=before)


class Listening(Host):
    """Knows when the automation has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def log(self, message: str) -> None:
        self.begun.set()


def _groups(leaders: Collection[int]) -> list[str]:
    """Processes of these process groups, wherever they hang in the tree by now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) in leaders and fields[0] != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.002, 0.004, 0.008, 0.05, 0.3, 1.5])
async def test_closing_ends_spare_workers(seconds: float, family: Family) -> None:
    sandbox = Sandbox()
    await sandbox.warm()
    await asyncio.sleep(seconds)
    leaders = family()
    started = time.perf_counter()
    await sandbox.close()
    assert time.perf_counter() - started < 20
    assert await none_left(lambda: [*family(), *_groups(leaders)]) == []


async def test_canceling_a_run_ends_its_worker(family: Family) -> None:
    async with Sandbox(pool=PoolOptions(spare=0)) as sandbox:
        host = Listening()
        running = asyncio.ensure_future(sandbox.run(Automation(WAITS), {}, host=host))
        await host.begun.wait()
        assert family()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not await none_left(family)


@pytest.mark.usefixtures("warm_at_rest")
async def test_closing_releases_all_descriptors() -> None:
    async def once() -> None:
        async with Sandbox(pool=PoolOptions(spare=0)) as sandbox:
            await sandbox.run(
                Automation("async def run(page, parameters, task): pass"),
                {},
                start_url=None,
                egress=Egress(),
                host=Host(),
            )

    await once()  # what the first needs stays
    before = opened()
    await once()
    assert not await none_left(lambda: opened() - before)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.2])
async def test_closing_ends_a_starting_worker(seconds: float, family: Family) -> None:
    sandbox = Sandbox(pool=PoolOptions(spare=0))
    running = asyncio.ensure_future(sandbox.run(Automation(WAITS), {}))
    await asyncio.sleep(seconds)
    await sandbox.close()
    assert not await none_left(family)
    with pytest.raises(SandboxError):
        await running


@pytest.mark.parametrize("what", ["session", "sandbox"])
@pytest.mark.usefixtures("warm_at_rest")
async def test_canceled_closing_goes_on(what: str, family: Family) -> None:
    before: set[str] = set()
    for _ in range(2):  # what the first needs stays
        before = opened()
        async with Sandbox(pool=PoolOptions(spare=0)) as sandbox:
            session = await sandbox.open_session({})
            closing = asyncio.ensure_future((session if what == "session" else sandbox).close())
            await asyncio.sleep(0.001)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
        assert not await none_left(family)
    assert not await none_left(lambda: opened() - before)


@pytest.mark.parametrize("mechanism", ["landlock", "none"])
def test_program_killed_during_a_start_leaves_no_directory(mechanism: Any, tmp_path: Path) -> None:
    """The directory is made by the worker, who removes it when nobody is there any more."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, open(os.pidfd_open(os.getpid()), "rb") as host:
        command = worker_command(
            mechanism, find_browser(), SandboxLimits(), control=theirs.fileno(), host=host.fileno(), info=-1,
            chromium_sandbox=False, scratch=str(tmp_path / "scratch"),
        )  # fmt: skip
        assert list(tmp_path.iterdir()) == []
        subprocess.run(
            command.arguments, env=command.environment, pass_fds=command.descriptors, timeout=30, check=False,
            start_new_session=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
