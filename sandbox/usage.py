"""What a worker's processes use, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20


@dataclass(frozen=True)
class Usage:
    """Of all processes together: processor seconds, MiB of private memory, and how many there are."""

    cpu_seconds: float
    memory_mb: float
    processes: int


class Meter:
    """Measures a worker.

    Args:
        pid: Its first process.
        jailed: It is the first of a pid namespace with a /proc of its own, which lists its processes and no
        others. Else its
            descendants are looked for.
    """

    def __init__(self, pid: int, *, jailed: bool) -> None:
        self._pid = pid
        self._directory: int | None = None
        if jailed:
            self._directory = os.open(f"/proc/{pid}/root/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def proc(self) -> str:
        """The /proc that describes its processes."""
        return f"/proc/self/fd/{self._directory}" if self._directory is not None else "/proc"

    def pids(self) -> list[int]:
        """Its processes."""
        return all_pids(self.proc) if self._directory is not None else list(descendants(self._pid))

    def read(self) -> Usage:
        """Measure now. Processes that end meanwhile are left out."""
        cpu = memory = 0.0
        count = 0
        for pid in self.pids():
            try:
                fields = process_stat(f"{self.proc}/{pid}")
                resident, shared = _words(f"{self.proc}/{pid}/statm")[1:3]
            except (OSError, IndexError):
                continue
            cpu += sum(map(int, fields[11:15])) / _TICK  # its own time and that of children that ended
            memory += max(0, int(resident) - int(shared)) * _PAGE / _MIB
            count += 1
        return Usage(cpu, memory, count)

    def close(self) -> None:
        """Let go of the worker's /proc."""
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None


def descendants(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in all_pids("/proc"):
        try:
            parent = int(process_stat(f"/proc/{entry}")[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(entry)
    waiting = [pid]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += children.get(found, [])


def all_pids(root: str) -> list[int]:
    """The processes that a /proc lists."""
    return [int(name) for name in os.listdir(root) if name.isdigit()]  # noqa: PTH208  many times a second


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waiting to be reaped."""
    try:
        return process_stat(f"/proc/{pid}")[0] not in "ZX"
    except OSError:
        return False


def process_stat(directory: str) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything: state first, then the parent."""
    with open(f"{directory}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  a path in /proc, many times a second
        return file.read().rpartition(")")[2].split()


def _words(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:  # noqa: PTH123  as above
        return file.read().split()


def names_in(directory: int | str | os.PathLike[str]) -> set[str]:
    """The names in a directory, or in the one that a descriptor stands for."""
    return set(os.listdir(directory))  # noqa: PTH208  pathlib takes no descriptors
