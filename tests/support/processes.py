"""Waits for processes to end, by looking: psutil's own wait trips over one that ends in the same instant."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def outliving(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that are still there when the time is over; what nobody has waited for yet has ended, too."""
    until, left = time.monotonic() + seconds, list(processes)
    while (left := [each for each in left if _runs(each)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
