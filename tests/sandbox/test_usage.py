"""What a worker uses is measured whatever its code does; where that cannot be, the worker ends."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from sandbox import Automation, Host, Limits, PoolOptions, Sandbox, WorkerDied, scratch
from tests.sandbox.conformance.conftest import JAILS

WAITS = """
async def run(page, parameters, task):
    task.log("begun")
    await page.wait_for_timeout(60_000)
"""


class Listening(Host):
    """Knows when the automation has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def log(self, message: str) -> None:
        self.begun.set()


@pytest.mark.parametrize("jail", JAILS)
async def test_a_worker_that_cannot_be_measured_ends(jail: Any) -> None:
    """Here because this program may open no more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    host = Listening()
    async with Sandbox(isolation=jail, pool=PoolOptions(spare=0)) as sandbox:
        running = asyncio.ensure_future(sandbox.run(Automation(WAITS), {}, host=host, limits=Limits(wall_seconds=20)))
        await host.begun.wait()
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            await asyncio.wait({running})
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with pytest.raises(WorkerDied, match=r"what it uses cannot be measured: .*Too many open files"):
            await running


@pytest.mark.parametrize("by_link", [False, True])
def test_a_directory_that_is_swapped_while_it_is_looked_at_hides_nothing_else(
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
    assert scratch.Directory(str(top)).measure([]).megabytes == pytest.approx(2, abs=0.1)
