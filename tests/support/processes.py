"""Processes that this program has started and files that it has opened, watched until they are gone.

A test looks again until it is so: the session's warm sandbox lives in the same program, in a thread of its own. Its
browsers start and end processes, and it opens files to measure them, at any moment.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

import psutil

from sandbox.isolation.usage import descendants


def children() -> set[int]:
    """Return the numbers of this program's children."""
    return {child.pid for child in psutil.Process().children()}


def families(but: Collection[int]) -> set[int]:
    """Return this program's children but for these, and all that descends from those."""
    return {pid for child in children() - set(but) for pid in descendants(child)}


def opened() -> set[str]:
    """Return the numbers of this program's open descriptors, that of this look included."""
    return set(os.listdir("/proc/self/fd"))


async def none_left(look: Callable[[], Collection[Any]], seconds: float = 60.0) -> Collection[Any]:
    """Look again until nothing is found or the time is over; return what was found last."""
    until = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    return found


def outliving(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still there when the time is over; what nobody has waited for yet has ended, too.

    Found by looking: psutil's own wait trips over a process that ends in the same instant.
    """
    until, left = time.monotonic() + seconds, list(processes)
    while (left := [each for each in left if _runs(each)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
