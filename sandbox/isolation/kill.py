"""Signals that end processes and all their descendants."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

from sandbox.isolation.usage import descendants


def end_all(process: subprocess.Popen[Any]) -> None:
    """Kill a process that leads a session, and all its descendants. Call this before the process is reaped.

    The descendants include bubblewrap's child, which waits forever for a bubblewrap that was killed during its start.
    """
    try:
        for pid in list(descendants(process.pid)):
            _kill(pid)
    finally:
        kill_group(process.pid)


def kill_group(pid: int) -> None:
    """Kill a process and the members of its process group. Call this before it is reaped: its number may be reused."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def terminate(pid: int) -> None:
    """Ask a process to end, if it is still there."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def kill_handle(handle: int) -> None:
    """Kill the process behind a process descriptor, if it is still there."""
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
