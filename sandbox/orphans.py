"""Ends jails whose program was killed in the milliseconds in which bubblewrap could not yet notice.

bubblewrap's inner process waits for the outer one before it asks the kernel to die with it. If both the program and
the outer process are killed just then, the inner one waits for ever: empty, but there. Each jail therefore names its
owner, and the next program that starts one ends those whose owner is gone.
"""

from __future__ import annotations

import os
import signal

from sandbox.usage import all_pids, process_stat

OWNER_VARIABLE = "WEBTASKS_OWNER"
"""In bubblewrap's own environment, which the jail does not get."""


def owner() -> str:
    """This process, so named that a later process with the same pid is another."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def sweep() -> list[int]:
    """Ends the jails of programs that are gone; their pids."""
    ended = []
    for pid in all_pids("/proc"):
        try:
            if _owner_gone(pid):
                os.kill(pid, signal.SIGKILL)
                ended.append(pid)
        except (OSError, ValueError, IndexError):
            continue  # it ended meanwhile, or is another user's
    return ended


def _owner_gone(pid: int) -> bool:
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  hundreds of small files
        if file.read().strip() != "bwrap":
            return False
    with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  as above
        named = dict(pair.partition(b"=")[::2] for pair in file.read().split(b"\0")).get(OWNER_VARIABLE.encode())
    if named is None:
        return False
    owning, started = named.decode("ascii").split(":")
    try:
        return _started(int(owning)) != started
    except FileNotFoundError:
        return True


def _started(pid: int) -> str:
    return process_stat(f"/proc/{pid}")[19]
