"""What a run left behind, looked for from outside the jail, where the code that ran has no say: processes, threads,
files."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Set
from typing import NamedTuple

from sandbox.isolation.usage import names_in, process_stat

_MORE_BROWSER_PROCESSES = 2  # Chromium may keep a renderer ready, and starts a service when it first needs it
_POLL_SECONDS = 0.02


class _Process(NamedTuple):
    parent: int
    threads: int
    started: str


class Census:
    """Remembers what is there before the first run, and tells what is there beside it.

    The browser's processes, which are the driver's children and theirs, come and go.

    Args:
        pids: Lists the processes.
        proc: The /proc that describes them.
        directories: Directories in which files may be written, by the names that they are reported with.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], proc: str, directories: Mapping[str, str]) -> None:
        self._pids = pids
        self._proc = proc
        # Held open: hostile code cannot put another in its place
        self._directories = {
            name: os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for name, path in directories.items()
        }
        self._known = self._processes()
        drivers = {pid for pid in self._known if self._program(pid).endswith("/node")}
        self._family = self._offspring(self._known, drivers, self._known.keys() - drivers)
        self._steady = self._known.keys() - drivers - self._family  # the driver's threads come and go, too
        self._files = {name: names_in(directory) for name, directory in self._directories.items()}

    def strangers(self) -> tuple[str, ...]:
        """What was not there before, or is there no more."""
        now = self._processes()
        same = {pid for pid, found in now.items() if pid in self._known and found.started == self._known[pid].started}
        new = now.keys() - same
        browsers = self._offspring(now, same & self._family, new)
        found = [f"process {pid}" for pid in sorted(new - browsers)]
        found += [f"process {pid} has ended" for pid in sorted(self._known.keys() - same - self._family)]
        found += [
            f"threads in process {pid}" for pid in self._steady & same if now[pid].threads > self._known[pid].threads
        ]
        if len(browsers | (same & self._family)) > len(self._family) + _MORE_BROWSER_PROCESSES:
            found.append("pages")
        for name, directory in self._directories.items():
            found += [f"file {name}/{entry}" for entry in sorted(names_in(directory) - self._files[name])]
        return tuple(found)

    async def settled(self, seconds: float) -> tuple[str, ...]:
        """The same, after some time for what is on its way out."""
        deadline = time.monotonic() + seconds
        while (found := self.strangers()) and time.monotonic() < deadline:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(_POLL_SECONDS)
        return found

    def close(self) -> None:
        """Let go of the directories."""
        for directory in self._directories.values():
            os.close(directory)
        self._directories = {}

    @staticmethod
    def _offspring(processes: Mapping[int, _Process], parents: Set[int], among: Set[int]) -> set[int]:
        """Those that descend from these parents. Hostile code cannot make the browser adopt a process."""
        found: set[int] = set()
        while more := {pid for pid in among - found if processes[pid].parent in parents | found}:
            found |= more
        return found

    def _processes(self) -> dict[int, _Process]:
        found = {}
        for pid in self._pids():
            try:
                fields = process_stat(f"{self._proc}/{pid}")
                if fields[0] not in "ZX":
                    found[pid] = _Process(int(fields[1]), int(fields[17]), fields[19])
            except (OSError, IndexError):
                continue  # it ended meanwhile
        return found

    def _program(self, pid: int) -> str:
        try:
            with open(f"{self._proc}/{pid}/cmdline", "rb") as file:  # noqa: PTH123  a path in /proc, as in usage.py
                return os.fsdecode(file.read().partition(b"\0")[0])
        except OSError:
            return ""
