"""How much a worker keeps in its scratch directory, and the end of that directory.

A tmpfs has a size, and says by itself what is in it. A plain directory, which the Landlock jail uses, is walked
through; files that have no name any more but are still open or mapped are found by their users. What lies so deep, or
so locked, that it cannot be counted is taken for too much, and so is what would take too long to be counted.
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

_BLOCK = 512  # bytes, in which stat counts whatever the file system does
_DEEPEST = 100
_MIB = 1 << 20
_REMOVALS = 5
# How much of what processes have open and mapped is looked at, of all together. A look at a descriptor takes longer.
_MOST_LOOKS, _DESCRIPTOR_LOOKS = 200_000, 4
_MAPPED_EVERY = 5  # measures: the maps of a browser are long
# Of a process: it ended meanwhile, or hides, as Chromium's do. Else nobody knows what it uses
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
_SWAPPED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Kept:
    """MiB and number of files."""

    megabytes: float
    files: float


_TOO_MUCH = Kept(float("inf"), float("inf"))


class Mounted:
    """The tmpfs of a bubblewrap jail: scratch, and shared memory.

    Args:
        pid: The jail's first process.
    """

    def __init__(self, pid: int) -> None:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        self._mounts = [os.open(f"/proc/{pid}/root{path}", flags) for path in ("/scratch", "/dev/shm")]  # noqa: S108  the jail's own

    def measure(self, _pids: Sequence[int], _most: float) -> Kept:
        """What is in it now."""
        states = [os.fstatvfs(mount) for mount in self._mounts]
        megabytes = max((state.f_blocks - state.f_bfree) * state.f_frsize / _MIB for state in states)
        return Kept(megabytes, sum(state.f_files - state.f_ffree for state in states))

    def close(self) -> None:
        """Let go of it."""
        while self._mounts:
            os.close(self._mounts.pop())


class Directory:
    """A directory of this machine.

    Args:
        path: The directory.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._measures = 0
        self._mapped: dict[tuple[int, int], int] = {}

    def measure(self, pids: Sequence[int], most: int) -> Kept:
        """What is in it now.

        Args:
            pids: The processes that may hold files without a name.
            most: Files that there may be; when there are more, no others are looked at.
        """
        seen: dict[tuple[int, int], int] = {}
        try:
            for number, state in enumerate(_walk(self._path, most + 1), start=1):
                seen[state.st_dev, state.st_ino] = state.st_blocks * _BLOCK
                if number > most:
                    return Kept(sum(seen.values()) / _MIB, number)
        except (PermissionError, RecursionError):
            return _TOO_MUCH
        looks = _Looks()
        try:
            if self._measures % _MAPPED_EVERY == 0:
                self._mapped = _each(_mapped, pids, looks)
            self._measures += 1
            seen |= self._mapped | _each(_nameless, pids, looks)
        except _TooManyError:
            return Kept(sum(seen.values()) / _MIB, float("inf"))
        return Kept(sum(seen.values()) / _MIB, len(seen))

    def close(self) -> None:
        """Nothing is held."""


class _TooManyError(Exception):
    """There is more to be looked at than there is time for."""


class _Looks:
    """Counts them."""

    def __init__(self) -> None:
        self._left = _MOST_LOOKS

    def spend(self, number: int) -> None:
        """Before something is looked at."""
        self._left -= number
        if self._left < 0:
            raise _TooManyError


def _walk(path: str, most: int) -> Iterator[os.stat_result]:
    """The state of all below a directory. By descriptors: a path can be made too long to be opened.

    Args:
        path: The directory.
        most: Of each directory, look at no more than these.

    Raises:
        PermissionError: A directory cannot be listed.
        RecursionError: It goes deeper than anybody needs.
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
                    if len(open_) > _DEEPEST:
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
    except BaseException:
        os.close(directory)
        raise


def _names(directory: int | str, most: int | None = None) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in itertools.islice(entries, most)]


def _each(
    find: Callable[[int, _Looks], Iterator[tuple[tuple[int, int], int]]], pids: Sequence[int], looks: _Looks
) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(*GONE):
            found.update(find(pid, looks))
    return found


def _nameless(pid: int, looks: _Looks) -> Iterator[tuple[tuple[int, int], int]]:
    """Regular files without a name that a process has open."""
    for number in _names(f"/proc/{pid}/fd"):
        looks.spend(_DESCRIPTOR_LOOKS)
        with contextlib.suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/fd/{number}").stat()
            if stat.S_ISREG(state.st_mode) and state.st_nlink == 0:
                yield (state.st_dev, state.st_ino), state.st_blocks * _BLOCK


def _mapped(pid: int, looks: _Looks) -> Iterator[tuple[tuple[int, int], int]]:
    """Files without a name that a process has mapped; the size is that of the map."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123  many times a second
        for line in maps:
            looks.spend(1)
            if line.endswith(" (deleted)\n"):
                addresses, _, _, device, inode, *_ = line.split()
                start, end = (int(address, 16) for address in addresses.split("-"))
                major, minor = (int(part, 16) for part in device.split(":"))
                yield (os.makedev(major, minor), int(inode)), end - start


def remove(path: str) -> None:
    """Remove a directory, however deep and locked its content is.

    Every directory in it is first moved to the top, so that nothing here depends on the depth.

    Raises:
        OSError: Something still writes into it.
    """
    with contextlib.suppress(FileNotFoundError):
        top = os.open(path, _DIRECTORY)
        try:
            for _ in range(_REMOVALS):
                waiting = _empty(".", top)
                while waiting:
                    name = waiting.pop()
                    waiting += _empty(name, top)
                    with contextlib.suppress(OSError):  # a file came meanwhile: the next round has it
                        os.rmdir(name, dir_fd=top)
                if not _names(top):
                    break
        finally:
            os.close(top)
        Path(path).rmdir()


def _empty(name: str, top: int) -> list[str]:
    """Unlink a directory's files, and move its directories to the top; their names there."""
    moved = []
    here = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        for entry in _names(here):
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.stat(entry, dir_fd=here, follow_symlinks=False).st_mode):
                    os.unlink(entry, dir_fd=here)
                    continue
                os.chmod(entry, 0o700, dir_fd=here)  # its owner may have made it so that nobody may list it
                new = f"\n{secrets.token_hex(8)}"
                os.rename(entry, new, src_dir_fd=here, dst_dir_fd=top)
                moved.append(new)
    finally:
        os.close(here)
    return moved
