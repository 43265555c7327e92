"""What a worker's processes use, read from /proc."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.isolation.scratch import GONE, Directory, Kept, Mounted

_TICK = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1024
_ASKING_SECONDS = 0.2
_MUCH_TO_ASK = 64 << 10  # KiB of tables: the kernel goes through all of them
_MUCH_SHARED = 32 << 10  # KiB of shared memory, from which on it is worth asking how many processes share it


@dataclass(frozen=True)
class ResourceUsage:
    """Of all processes together: processor seconds, MiB of memory of their own (what they share counts once), how many
    there are, and the MiB and number of files in the scratch directory."""

    cpu_seconds: float
    memory_mb: float
    processes: int
    scratch_mb: float = 0.0
    files: float = 0


class Meter:
    """Measures a worker.

    Args:
        pid: Its first process.
        jailed: It is the first of a pid namespace with a /proc of its own, which lists its processes and no
            others. Else its descendants are looked for.
        scratch: Its scratch directory, where that is one of this machine.
    """

    def __init__(self, pid: int, *, jailed: bool, scratch: str | None = None) -> None:
        self._pid = pid
        self._directory: int | None = None
        self._scratch: Mounted | Directory | None = Directory(scratch) if scratch is not None else None
        if jailed:
            self._directory = os.open(f"/proc/{pid}/root/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._scratch = Mounted(pid)

    @property
    def proc(self) -> str:
        """The /proc that describes its processes."""
        return f"/proc/self/fd/{self._directory}" if self._directory is not None else "/proc"

    def pids(self) -> list[int]:
        """Its processes."""
        return all_pids(self.proc) if self._directory is not None else list(descendants(self._pid))

    def read(self, most_files: int) -> ResourceUsage:
        """Measure now. Processes that end meanwhile are left out.

        How long this takes is for the worker to decide, so there are bounds; what lies beyond counts as too much.

        Args:
            most_files: In the scratch directory; when there are more, it is of no interest how many.

        Raises:
            OSError: It cannot be told what they use.
        """
        cpu = memory = 0.0
        measured = []
        asking_until = time.thread_time() + _ASKING_SECONDS
        for pid in self.pids():
            try:
                fields = process_stat(f"{self.proc}/{pid}")
                memory += _memory(f"{self.proc}/{pid}", asking_until)
            except (*GONE, IndexError):
                continue
            cpu += sum(map(int, fields[11:15])) / _TICK  # its own time and that of children that ended
            measured.append(pid)
        kept = self._scratch.measure(measured, most_files) if self._scratch is not None else Kept(0.0, 0)
        return ResourceUsage(cpu, memory, len(measured), kept.megabytes, kept.files)

    def close(self) -> None:
        """Let go of the worker's /proc and scratch."""
        if self._scratch is not None:
            self._scratch.close()
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None


def descendants(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in all_pids("/proc"):
        try:
            parent = int(process_stat(f"/proc/{entry}")[1])
        except (*GONE, IndexError):
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


def process_stat(directory: str) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything: state first, then the parent."""
    with open(f"{directory}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  a path in /proc, many times a second
        return file.read().rpartition(")")[2].split()


def names_in(directory: int | str | os.PathLike[str]) -> set[str]:
    """The names in a directory, or in the one that a descriptor stands for."""
    return set(os.listdir(directory))  # noqa: PTH208  pathlib takes no descriptors


def _memory(directory: str, asking_until: float) -> float:
    """MiB that a process has for itself, the kernel's tables of its memory included, and its part of what it shares."""
    own, tables, shared = _kibibytes(f"{directory}/status", "RssAnon:", "VmPTE:", "RssShmem:")
    if shared > _MUCH_SHARED and tables < _MUCH_TO_ASK and time.thread_time() < asking_until:
        with contextlib.suppress(*GONE):  # Chromium hides some of its processes: then all counts
            (shared,) = _kibibytes(f"{directory}/smaps_rollup", "Pss_Shmem:")
    return (own + tables + shared) / _KIB_PER_MIB


def _kibibytes(path: str, *names: str) -> list[int]:
    found = dict.fromkeys(names, 0)
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  as above
        for line in file:
            name = line.partition("\t")[0] if "\t" in line else line.partition(" ")[0]
            if name in found:
                found[name] = int(line.split()[1])
    return list(found.values())
