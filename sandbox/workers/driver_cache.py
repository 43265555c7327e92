"""A cache of the driver's code as compiled by Node, which saves a quarter of the time that the driver takes to start.

It is created once for each driver, in a jail in which nothing else runs, and workers see it read-only: automations
cannot reach each other through it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

from sandbox.browser import Browser
from sandbox.errors import SandboxError
from sandbox.inside.driver import OPTIONS
from sandbox.isolation.command import JAIL_PACKAGES, jail_command
from sandbox.isolation.kill import end_all
from sandbox.limits import SandboxLimits

logger = logging.getLogger(__name__)

_PREFIX, _TEMPORARY_PREFIX = "driver-", "making-"
_DRIVER = f"{JAIL_PACKAGES}/playwright/driver"
_MAX_AGE_SECONDS = 90 * 86_400
_MAKE_SECONDS = 30.0
_POLL_SECONDS = 0.05


def cache_directory(cache: Path) -> Path | None:
    """Return the directory in a cache for the code of this driver; None if there is no driver."""
    spec = importlib.util.find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    try:
        driver = (Path(spec.origin).parent / "driver" / "node").stat()
    except OSError:
        return None
    options = zlib.crc32(" ".join(OPTIONS).encode())  # code compiled under other options is not taken
    return cache / f"{_PREFIX}{driver.st_mtime_ns:x}-{driver.st_size:x}-{options:x}"


def found(cache: Path | None) -> Path | None:
    """Return the directory with the code of this driver, if a cache has it."""
    path = cache_directory(cache) if cache is not None else None
    return path if path is not None and path.is_dir() else None


def make(cache: Path, browser: Browser, stop: threading.Event) -> bool:
    """Compile the driver's code, unless the cache has it already.

    Args:
        cache: The cache, created when needed.
        browser: A Chromium; the jail needs one.
        stop: Ends this early, without a trace.

    Returns:
        True if the cache has the code.
    """
    wanted = cache_directory(cache)
    if wanted is None or wanted.is_dir():
        return wanted is not None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _remove_older(cache, _PREFIX, _MAX_AGE_SECONDS)  # of drivers that were replaced
        _remove_older(cache, _TEMPORARY_PREFIX, 2 * _MAKE_SECONDS)  # of programs that were killed
        with tempfile.TemporaryDirectory(dir=cache, prefix=_TEMPORARY_PREFIX) as folder:
            made = Path(folder, "compiled")
            made.mkdir()
            if not _compile(browser, made, stop):
                return False
            if not wanted.is_dir():  # else another process was faster
                made.rename(wanted)
    except (OSError, SandboxError) as error:
        logger.info("the driver's compiled code cannot be cached: %s", error)
    return wanted.is_dir()


def _remove_older(cache: Path, prefix: str, seconds: float) -> None:
    for directory in cache.glob(f"{prefix}*"):
        if time.time() - directory.stat().st_mtime > seconds:
            shutil.rmtree(directory, ignore_errors=True)


def _compile(browser: Browser, directory: Path, stop: threading.Event) -> bool:
    """Run the driver from start to end: it then writes its compiled code."""
    driver = [f"{_DRIVER}/node", *OPTIONS, f"{_DRIVER}/package/cli.js", "run-driver"]
    jail = jail_command(browser, SandboxLimits(), driver, compiled=directory, compiling=True)
    try:
        process = subprocess.Popen(
            jail.arguments,
            env=jail.environment,
            pass_fds=jail.descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        for descriptor in jail.descriptors:
            os.close(descriptor)
    with process:
        until = time.monotonic() + _MAKE_SECONDS
        while not stop.is_set() and time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SECONDS) == 0 and any(directory.iterdir())
        end_all(process)
    return False
