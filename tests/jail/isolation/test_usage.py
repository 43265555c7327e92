"""Measurement of a worker whose code tries to evade it."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Host, Outcome, PoolOptions, Sandbox, SandboxLimitExceeded, SandboxLimits, WorkerDied
from sandbox.isolation import scratch
from tests.support.jails import JAILS

WAITS = """
import asyncio
async def run(page, parameters, task):
    task.log("begun")
    await asyncio.sleep(60)
"""


DESCRIPTORS = """
import os, time
async def run(page, parameters, task):
    for _ in range(40):
        if os.fork() == 0:
            for _ in range(4000):
                os.dup(0)
            time.sleep(60)
    await page.wait_for_timeout(60_000)
"""
SHARING = """
import mmap, os, time
async def run(page, parameters, task):
    shared = mmap.mmap(-1, 64 << 20)
    for _ in range(20):
        if os.fork() == 0:
            shared[:: mmap.PAGESIZE]
            time.sleep(60)
    await page.wait_for_timeout(parameters["seconds"] * 1000)
"""


class Listening(Host):
    """Knows when the automation has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def log(self, message: str) -> None:
        self.begun.set()


@pytest.mark.parametrize(("jail", "kind"), [("bubblewrap", "page"), ("landlock", "web")])
async def test_unmeasurable_worker_is_ended(jail: Any, kind: str) -> None:
    """Here because this program may open no more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    host, waits = Listening(), Automation(WAITS.replace("(page,", f"({kind},"))
    async with Sandbox(isolation=jail, pool=PoolOptions(spare=0)) as sandbox:
        running = asyncio.ensure_future(sandbox.run(waits, {}, host=host, limits=SandboxLimits(wall_seconds=60)))
        await host.begun.wait()
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await asyncio.wait({running})
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with pytest.raises(WorkerDied, match=r"use of resources cannot be measured: .*Too many open files"):
            await running


@pytest.mark.parametrize("by_link", [False, True])
def test_directory_swapped_during_measurement_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_link: bool
) -> None:
    top = tmp_path / "top"
    for name in ("a", "b", "c"):
        (top / name).mkdir(parents=True)
        (top / name / "file").write_bytes(bytes(1 << 20))
    look = os.stat

    def look_and_swap(path: Any, **options: Any) -> os.stat_result:
        state = look(path, **options)
        if path == "b":
            (top / "b").rename(tmp_path / "away")
            (top / "b").symlink_to("/") if by_link else (top / "b").touch()
        return state

    monkeypatch.setattr(os, "stat", look_and_swap)
    assert scratch.Directory(str(top)).measure([], 100).megabytes == pytest.approx(2, abs=0.1)


async def run(jail: Any, code: str, limits: SandboxLimits, **parameters: Any) -> Outcome:
    async with Sandbox(isolation=jail, pool=PoolOptions(spare=0)) as sandbox:
        return await sandbox.run(Automation(code), parameters, limits=limits)


async def test_too_many_descriptors_count_as_infinite_files() -> None:
    """Each may be an unlinked file, and checking takes the time of this program."""
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run("landlock", DESCRIPTORS, SandboxLimits())
    assert caught.value.limit == "scratch_files"


@pytest.mark.parametrize("jail", JAILS)
async def test_shared_memory_counts_once_while_measuring_is_quick(jail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.isolation.usage._SHARE_SECONDS", 60)
    assert (await run(jail, SHARING, SandboxLimits(memory_mb=1200), seconds=2)).ok
    monkeypatch.setattr("sandbox.isolation.usage._SHARE_SECONDS", 0)
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run(jail, SHARING, SandboxLimits(memory_mb=1200), seconds=60)
    assert caught.value.limit == "memory_mb"


def test_counting_stops_at_the_limit_of_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).touch()
    looks: list[Any] = []
    look = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **options: looks.append(path) or look(path, **options))
    assert scratch.Directory(str(tmp_path)).measure([], 10).files == 11
    assert len(looks) < 20
