"""The cache of the driver's compiled code: created once, and read-only for workers."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from pathlib import Path

import pytest

from sandbox import Automation, Sandbox
from sandbox.browser import find_browser
from sandbox.workers import driver_cache

# What the driver, and not the automation, is told; and what the automation may do with it.
LOOKS = """
import contextlib, os, pathlib
async def run(page, parameters, task):
    told = []
    for process in filter(lambda each: each.name.isdigit(), pathlib.Path("/proc").iterdir()):
        with contextlib.suppress(OSError):  # the browser's processes come and go
            if b"run-driver" in (process / "cmdline").read_bytes():
                set_ = (process / "environ").read_bytes().decode().split("\\0")
                told += [each for each in set_ if "COMPILE" in each]
    files = [path for path in pathlib.Path("/compiled").rglob("*") if path.is_file()]
    refused = []
    for path in (*files, pathlib.Path("/compiled/new")):
        try:
            path.write_bytes(b"hostile")
        except OSError as error:
            refused.append(error.errno)
    return {"told": told, "files": len(files), "refused": refused, "mine": os.environ.get("NODE_COMPILE_CACHE")}
"""


async def test_cache_is_created_once_and_read_only_for_workers(tmp_path: Path) -> None:
    assert driver_cache.make(tmp_path, find_browser(), threading.Event())
    (made,) = tmp_path.iterdir()
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    async with Sandbox(isolation="bubblewrap", cache=tmp_path) as sandbox:
        outcome = await sandbox.run(Automation(LOOKS), {})
    assert outcome.ok, outcome.error
    assert outcome.value["told"] == ["NODE_COMPILE_CACHE=/compiled"]
    assert outcome.value["files"] > 1
    assert set(outcome.value["refused"]) == {errno.EROFS}, "a read-only file system"
    assert outcome.value["mine"] is None
    assert driver_cache.make(tmp_path, find_browser(), threading.Event())
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


async def test_long_running_program_fills_the_cache(tmp_path: Path) -> None:
    async with Sandbox(isolation="bubblewrap", cache=tmp_path / "cache") as sandbox:
        await sandbox.run(Automation("async def run(page, parameters, task): return 1"), {})
        until = time.monotonic() + 60
        while driver_cache.found(tmp_path / "cache") is None:
            assert time.monotonic() < until, "it was never made"
            await asyncio.sleep(0.1)


async def test_workers_start_without_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.sandbox._COMPILE_AFTER_SECONDS", 600.0)
    async with Sandbox(isolation="bubblewrap", cache=tmp_path / "cache") as sandbox:
        outcome = await sandbox.run(Automation("async def run(page, parameters, task): return 1"), {})
    assert outcome.value == 1
    assert not (tmp_path / "cache").exists(), "a program that ends at once makes nothing"


def test_remains_of_a_killed_program_are_removed(tmp_path: Path) -> None:
    left, going_on = tmp_path / "making-left", tmp_path / "making-now"
    for directory, age in ((left, 300), (going_on, 0)):
        directory.mkdir()
        os.utime(directory, times=(time.time() - age,) * 2)
    assert driver_cache.make(tmp_path, find_browser(), threading.Event())
    assert not left.exists()
    assert going_on.exists()


def test_stopped_compilation_leaves_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert not driver_cache.make(tmp_path, find_browser(), stop)
    assert list(tmp_path.iterdir()) == []
