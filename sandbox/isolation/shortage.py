"""Shortages of this machine or of the program that embeds the sandbox: open files, processes, address space.

They look like anything else from inside, such as a site that does not answer. So they are looked for where they can be
known: before a worker starts, at the proxy's own sockets, and in the words of the system.
"""

from __future__ import annotations

import errno
import os
import resource

from sandbox.errors import SandboxError, SandboxLimitExceeded, SandboxUnavailable
from sandbox.limits import SandboxLimits

PREFIX = "shortage: "
"""The beginning of the reason of a connection that `EgressProxy` dropped because this program is short of something."""

WORKER_FILES = 4096
"""Files that each process of a worker may have open."""

_NO_PROCESS = ("BlockingIOError", "OSError")
_GIB = 1 << 30
_FILES = 256  # a browser with twenty pages needs up to 200
_FREE_FILES = 64  # of a trial beside the exploration, with their connections
_TASKS = 200
_ADDRESS_SPACE = 256 * _GIB  # which Chromium reserves and does not use
_DATA = 1 * _GIB
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_HARD_LIMITS = (
    (resource.RLIMIT_NOFILE, _FILES, 1, "open files", "ulimit -Hn"),
    (resource.RLIMIT_AS, _ADDRESS_SPACE, 1 << 20, "MiB of address space", "ulimit -Hv"),
    (resource.RLIMIT_DATA, _DATA, 1 << 20, "MiB of data", "ulimit -Hd"),
)


def require_resources() -> None:
    """Refuse to start or to use a worker with a browser with less than it needs.

    Raises:
        SandboxUnavailable: A limit of this program is too low; the message has the number.
    """
    ordinary = ((resource.RLIMIT_NPROC, _TASKS, 1, "processes and threads", "ulimit -Hu"),) if os.geteuid() else ()
    for kind, least, unit, what, command in (*_HARD_LIMITS, *ordinary):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY and hard < least:
            raise SandboxUnavailable(
                f"this program is limited to {hard // unit} {what} (`{command}`), and a worker's browser needs"
                f" {least // unit}",
                "Raise the hard limit in the shell, the service's unit (Limit…=) or the container (--ulimit) that"
                " starts it.",
            )
    require_files()


def require_files() -> None:
    """Refuse a run for which this program has too few files left.

    Raises:
        SandboxUnavailable: The message has the number.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    used = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  before each run
    if most != resource.RLIM_INFINITY and most - used < _FREE_FILES:
        raise SandboxUnavailable(
            f"this program has {used} of {most} files open (`ulimit -n`), and a run needs {_FREE_FILES} more",
            "Close some, or raise the limit.",
        )


def reason(error: OSError) -> str | None:
    """Return the reason to record for an operation of this program that failed; None if that was no shortage."""
    if error.errno not in _SHORT:
        return None
    if error.errno == errno.EMFILE:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"{PREFIX}this program has opened {most} files, which is its limit (`ulimit -n`)"
    return f"{PREFIX}{os.strerror(error.errno).lower()} on this machine"


def in_worker(kind: str, message: str, limits: SandboxLimits) -> SandboxError | None:
    """Return the failure of the sandbox that an error of an automation is about; None if it is the automation's own.

    Args:
        kind: The name of the error's class.
        message: Its message.
        limits: The limits of the run.
    """
    if "No space left on device" in message or "File too large" in message:  # of all files, or of one
        return SandboxLimitExceeded("scratch_mb", limits.scratch_mb)
    if "Too many open files" in message or "EMFILE" in message or "ERR_INSUFFICIENT_RESOURCES" in message:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return SandboxUnavailable(
            f"a process of the worker has {min(most, WORKER_FILES)} files open, which is its limit",
            "The automation leaves files or connections open, or the hard limit (`ulimit -Hn`) is too low.",
        )
    if "can't start new thread" in message or (kind in _NO_PROCESS and "temporarily unavailable" in message):
        return SandboxLimitExceeded("processes", limits.processes)
    if kind == "MemoryError" or "Cannot allocate memory" in message:
        return SandboxLimitExceeded("memory_mb", limits.memory_mb)
    return None
