"""Measurement and removal of a worker's scratch directory.

A tmpfs has a fixed size, and reports its content itself. A plain directory, which the Landlock jail uses, is walked
through; unlinked files that are still open or mapped are found by the processes that hold them. Content that is too
deep, too well locked or too slow to count is taken for too much.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 512  # the unit of st_blocks on every file system
_MAX_DEPTH = 100
_MIB = 1 << 20
_REMOVAL_ROUNDS = 5
# Of one measurement: maps count 1 each, descriptors, which take longer, count 4
_SCAN_BUDGET, _DESCRIPTOR_COST = 200_000, 4
_MAPPED_EVERY = 5  # measurements: the maps of a browser are long
# Errors for a process that has ended, or that hides, as some of Chromium's do
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class ScratchUsage:
    """The MiB and the number of files in a scratch directory."""

    megabytes: float
    files: float


_TOO_MUCH = ScratchUsage(float("inf"), float("inf"))


class Mounted:
    """The directories of a jail that can be written to, each a tmpfs.

    Args:
        mounts: Their descriptors.
    """

    def __init__(self, mounts: Sequence[int]) -> None:
        self._mounts = list(mounts)

    @classmethod
    def of_jail(cls, pid: int) -> Mounted:
        """Return the scratch directory and the shared memory of a bubblewrap jail, by its first process."""
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        return cls([os.open(f"/proc/{pid}/root{path}", flags) for path in ("/scratch", "/dev/shm")])  # noqa: S108  the jail's own

    def measure(self, _pids: Sequence[int], _max_files: float) -> ScratchUsage:
        """Measure it."""
        states = [os.fstatvfs(mount) for mount in self._mounts]
        megabytes = max((state.f_blocks - state.f_bfree) * state.f_frsize / _MIB for state in states)
        return ScratchUsage(megabytes, sum(state.f_files - state.f_ffree for state in states))

    def close(self) -> None:
        """Close its descriptors."""
        while self._mounts:
            os.close(self._mounts.pop())


class Directory:
    """A scratch directory on a file system of this machine.

    Args:
        path: The directory.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._measurements = 0
        self._mapped: dict[tuple[int, int], int] = {}

    def measure(self, pids: Sequence[int], max_files: int) -> ScratchUsage:
        """Measure it.

        Args:
            pids: The processes that may hold unlinked files.
            max_files: The number of files at which counting stops.
        """
        seen: dict[tuple[int, int], int] = {}
        try:
            for number, state in enumerate(_walk(self._path, max_files + 1), start=1):
                seen[state.st_dev, state.st_ino] = state.st_blocks * _BLOCK_BYTES
                if number > max_files:
                    return ScratchUsage(sum(seen.values()) / _MIB, number)
        except (PermissionError, RecursionError):
            return _TOO_MUCH
        budget = _ScanBudget()
        try:
            if self._measurements % _MAPPED_EVERY == 0:
                self._mapped = _scan(_mapped, pids, budget)
            self._measurements += 1
            seen |= self._mapped | _scan(_unlinked, pids, budget)
        except _TooManyError:
            return ScratchUsage(sum(seen.values()) / _MIB, float("inf"))
        return ScratchUsage(sum(seen.values()) / _MIB, len(seen))

    def close(self) -> None:
        """Do nothing: no descriptor is held."""


class _TooManyError(Exception):
    """More descriptors or maps than one measurement may look at."""


class _ScanBudget:
    """The number of descriptors and maps that one measurement may look at."""

    def __init__(self) -> None:
        self._left = _SCAN_BUDGET

    def spend(self, number: int) -> None:
        """Take from the budget; raises `_TooManyError` if it is used up."""
        self._left -= number
        if self._left < 0:
            raise _TooManyError


def _walk(path: str, most: int) -> Iterator[os.stat_result]:
    """Yield the state of everything below a directory. By descriptors, as a path may be too long to open.

    Args:
        path: The directory.
        most: The number of entries to look at in each directory.

    Raises:
        PermissionError: A directory cannot be listed.
        RecursionError: It is too deep.
    """
    open_: list[tuple[int, list[str]]] = [_list(path, None, most)]
    try:
        while open_:
            here, names = open_[-1]
            if not names:
                os.close(here)
                open_.pop()
                continue
            name = names.pop()
            try:
                state = os.stat(name, dir_fd=here, follow_symlinks=False)
                yield state
                if stat.S_ISDIR(state.st_mode):
                    if len(open_) > _MAX_DEPTH:
                        raise RecursionError
                    open_.append(_list(name, here, most))
            except OSError as error:
                if error.errno not in _SWAPPED:
                    raise
    finally:
        for here, _ in open_:
            os.close(here)


def _list(name: str, parent: int | None, most: int) -> tuple[int, list[str]]:
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        return directory, _names(directory, most)
    except BaseException:  # an interrupt, too, leaves no descriptor open
        os.close(directory)
        raise


def _names(directory: int | str, most: int | None = None) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in itertools.islice(entries, most)]


def _scan(
    find: Callable[[int, _ScanBudget], Iterator[tuple[tuple[int, int], int]]], pids: Sequence[int], budget: _ScanBudget
) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(*GONE):
            found.update(find(pid, budget))
    return found


def _unlinked(pid: int, budget: _ScanBudget) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the unlinked regular files that a process has open."""
    for number in _names(f"/proc/{pid}/fd"):
        budget.spend(_DESCRIPTOR_COST)
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/fd/{number}").stat()
            if stat.S_ISREG(state.st_mode) and state.st_nlink == 0:
                yield (state.st_dev, state.st_ino), state.st_blocks * _BLOCK_BYTES


def _mapped(pid: int, budget: _ScanBudget) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the unlinked files that a process has mapped, with the size of the map."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123  many times a second
        for line in maps:
            budget.spend(1)
            if line.endswith(" (deleted)\n"):
                addresses, _, _, device, inode, *_ = line.split()
                start, end = (int(address, 16) for address in addresses.split("-"))
                major, minor = (int(part, 16) for part in device.split(":"))
                yield (os.makedev(major, minor), int(inode)), end - start


def remove(path: str) -> None:
    """Remove a directory, however deep and locked its content is.

    Every directory in it is first moved to the top level, so that depth does not matter.

    Raises:
        OSError: A process still writes to it.
    """
    with contextlib.suppress(FileNotFoundError):
        top = os.open(path, _DIRECTORY)
        try:
            for _ in range(_REMOVAL_ROUNDS):
                waiting = _empty(".", top)
                while waiting:
                    name = waiting.pop()
                    waiting += _empty(name, top)
                    with contextlib.suppress(OSError):  # a file was added meanwhile: the next round removes it
                        os.rmdir(name, dir_fd=top)
                if not _names(top):
                    break
        finally:
            os.close(top)
        Path(path).rmdir()


def _empty(name: str, top: int) -> list[str]:
    """Unlink a directory's files and move its directories to the top level; returns their names there."""
    moved = []
    here = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        for entry in _names(here):
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.stat(entry, dir_fd=here, follow_symlinks=False).st_mode):
                    os.unlink(entry, dir_fd=here)
                    continue
                os.chmod(entry, 0o700, dir_fd=here)  # it may have been made unreadable
                new = f"\n{secrets.token_hex(8)}"
                os.rename(entry, new, src_dir_fd=here, dst_dir_fd=top)
                moved.append(new)
    finally:
        os.close(here)
    return moved
