"""The resources that a worker's processes use, read from /proc."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.isolation.scratch import GONE, Directory, Mounted, ScratchUsage

_TICK = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1024
_STATUS_BYTES = 1 << 14  # ten times what there is
_OWN_MEMORY, _OWN_MEMORY_LINES = re.compile(rb"^(?:RssAnon|VmPTE|RssShmem):\s*(\d+) kB$", re.MULTILINE), 3
_SHARE_SECONDS = 0.2  # of processor time, for finding out how many processes share memory
_MAX_TABLES_KIB = 64 << 10  # with larger page tables that takes too long: the kernel walks all of them
_MIN_SHARED_KIB = 32 << 10  # with less shared memory it is not worth the time


@dataclass(frozen=True)
class ResourceUsage:
    """The resources that all processes of a worker use together.

    Attributes:
        cpu_seconds: Processor time.
        memory_mb: MiB of memory; shared memory counts once.
        processes: Number of processes.
        scratch_mb: MiB in the scratch directory.
        files: Number of files in it; infinite if there are too many to count.
    """

    cpu_seconds: float
    memory_mb: float
    processes: int
    scratch_mb: float = 0.0
    files: float = 0


class Meter:
    """The measurement of a worker.

    Args:
        pid: Its first process.
        jailed: The process is the first of a pid namespace, whose own /proc lists exactly its processes. Otherwise its
            descendants are looked for.
        scratch: Its scratch directory, if that is on a file system of this machine.
    """

    def __init__(self, pid: int, *, jailed: bool, scratch: str | None = None) -> None:
        self._pid = pid
        self._directory: int | None = None
        self._scratch: Mounted | Directory | None = Directory(scratch) if scratch is not None else None
        if jailed:
            self._directory = os.open(f"/proc/{pid}/root/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._scratch = Mounted.of_jail(pid)

    @property
    def proc(self) -> str:
        """The path of the /proc that describes its processes."""
        return f"/proc/self/fd/{self._directory}" if self._directory is not None else "/proc"

    def pids(self) -> list[int]:
        """List its processes."""
        return all_pids(self.proc) if self._directory is not None else list(descendants(self._pid))

    def read(self, max_files: int) -> ResourceUsage:
        """Measure. Processes that end meanwhile are left out.

        Hostile code can make this slow, so it is bounded; anything beyond the bounds counts as too much.

        Args:
            max_files: The number of files in the scratch directory at which counting stops.

        Raises:
            OSError: The use cannot be determined.
        """
        cpu = memory = 0.0
        measured = []
        share_until = time.thread_time() + _SHARE_SECONDS
        for pid in self.pids():
            try:
                fields = process_stat(f"{self.proc}/{pid}")
                memory += _memory(f"{self.proc}/{pid}", share_until)
            except (*GONE, IndexError):
                continue
            cpu += sum(map(int, fields[11:15])) / _TICK  # its own time and that of children that ended
            measured.append(pid)
        scratch = self._scratch.measure(measured, max_files) if self._scratch is not None else ScratchUsage(0.0, 0)
        return ResourceUsage(cpu, memory, len(measured), scratch.megabytes, scratch.files)

    def close(self) -> None:
        """Close the descriptors of the worker's /proc and scratch directory."""
        if self._scratch is not None:
            self._scratch.close()
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None


class SingleMeter(Meter):
    """The measurement of a worker that is one process and can start no other.

    Args:
        pid: That process.
        scratch: The descriptor of its scratch directory, a tmpfs.
    """

    def __init__(self, pid: int, scratch: int) -> None:
        super().__init__(pid, jailed=False)
        self._scratch = Mounted([scratch])
        self._files = [os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("stat", "status")]

    def pids(self) -> list[int]:
        """List its process."""
        return [self._pid]

    def read(self, max_files: int) -> ResourceUsage:
        """Measure, several times in each run of some milliseconds: from files that stay open."""
        assert self._scratch is not None
        scratch = self._scratch.measure((), max_files)
        try:
            stat, status = (os.pread(file, _STATUS_BYTES, 0) for file in self._files)
        except GONE:
            return ResourceUsage(0.0, 0.0, 0, scratch.megabytes, scratch.files)
        fields = stat.rpartition(b")")[2].split()
        memory = _OWN_MEMORY.findall(status)
        if len(memory) != _OWN_MEMORY_LINES and fields[0] not in (b"Z", b"X"):  # what has ended has no memory
            raise OSError("the kernel tells the memory of a worker in another way than expected")
        cpu = sum(map(int, fields[11:15])) / _TICK
        return ResourceUsage(cpu, sum(map(int, memory)) / _KIB_PER_MIB, 1, scratch.megabytes, scratch.files)

    def close(self) -> None:
        """Close the descriptors of the worker's files and scratch directory."""
        super().close()
        while self._files:
            os.close(self._files.pop())


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
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
    """List the processes of a /proc."""
    return [int(name) for name in os.listdir(root) if name.isdigit()]  # noqa: PTH208  many times a second


def process_stat(directory: str) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may hold any character: state, parent, and so on."""
    with open(f"{directory}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  a path in /proc, many times a second
        return file.read().rpartition(")")[2].split()


def names_in(directory: int | str | os.PathLike[str]) -> set[str]:
    """Return the names in a directory, which may be given by a descriptor."""
    return set(os.listdir(directory))  # noqa: PTH208  pathlib takes no descriptors


def _memory(directory: str, share_until: float) -> float:
    """Return the MiB of a process: private memory, page tables, and its share of shared memory."""
    own, tables, shared = _kibibytes(f"{directory}/status", "RssAnon:", "VmPTE:", "RssShmem:")
    if shared > _MIN_SHARED_KIB and tables < _MAX_TABLES_KIB and time.thread_time() < share_until:
        with contextlib.suppress(*GONE):  # Chromium hides some of its processes: their shared memory counts in full
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
