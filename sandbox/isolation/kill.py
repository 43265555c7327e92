"""End process groups and everything below them."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

from sandbox.isolation.usage import descendants


def end_all(process: subprocess.Popen[Any]) -> None:
    """Kill a process with a session of its own, and all that descends from it, before it is waited for.

    Of bubblewrap that includes the child, which waits for it for ever if it is killed while it starts.
    """
    try:
        for pid in list(descendants(process.pid)):
            _kill(pid)
    finally:
        _kill_group(process.pid)


def _kill_group(pid: int) -> None:
    """The process and its children that have not left its group; before it is reaped, so that the number is its own."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _kill_handle(handle: int) -> None:
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
