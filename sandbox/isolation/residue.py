"""The residue of a run, processes, threads and files, found from outside the jail, where its code has no influence."""

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


class ResidueCheck:
    """A comparison of a jail with its state before the first run, the baseline, which is recorded here.

    The browser's processes, which descend from the driver, may come and go.

    Args:
        pids: Lists the processes.
        proc: The /proc that describes them.
        directories: Directories that can be written to, by the names used in reports.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], proc: str, directories: Mapping[str, str]) -> None:
        self._pids = pids
        self._proc = proc
        # Held open, so that hostile code cannot replace one
        self._directories = {
            name: os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for name, path in directories.items()
        }
        self._baseline = self._processes()
        drivers = {pid for pid in self._baseline if self._program(pid).endswith("/node")}
        self._browser = self._offspring(self._baseline, drivers, self._baseline.keys() - drivers)
        self._steady = self._baseline.keys() - drivers - self._browser  # the driver's threads come and go, too
        self._files = {name: names_in(directory) for name, directory in self._directories.items()}

    def residue(self) -> tuple[str, ...]:
        """List what was added since the baseline, and which processes ended."""
        now = self._processes()
        same = {
            pid for pid, found in now.items() if pid in self._baseline and found.started == self._baseline[pid].started
        }
        new = now.keys() - same
        browsers = self._offspring(now, same & self._browser, new)
        found = [f"process {pid}" for pid in sorted(new - browsers)]
        found += [f"process {pid} has ended" for pid in sorted(self._baseline.keys() - same - self._browser)]
        found += [
            f"threads in process {pid}" for pid in self._steady & same if now[pid].threads > self._baseline[pid].threads
        ]
        if len(browsers | (same & self._browser)) > len(self._browser) + _MORE_BROWSER_PROCESSES:
            found.append("pages")
        for name, directory in self._directories.items():
            found += [f"file {name}/{entry}" for entry in sorted(names_in(directory) - self._files[name])]
        return tuple(found)

    async def settled(self, seconds: float) -> tuple[str, ...]:
        """List the residue that is still there after some seconds, in which processes may end."""
        deadline = time.monotonic() + seconds
        while (found := self.residue()) and time.monotonic() < deadline:  # noqa: ASYNC110  nothing to wait on
            await asyncio.sleep(_POLL_SECONDS)
        return found

    def close(self) -> None:
        """Close the directories."""
        for directory in self._directories.values():
            os.close(directory)
        self._directories = {}

    @staticmethod
    def _offspring(processes: Mapping[int, _Process], parents: Set[int], among: Set[int]) -> set[int]:
        """Return the descendants of these parents. Hostile code cannot make the browser adopt a process."""
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
                continue  # the process has ended
        return found

    def _program(self, pid: int) -> str:
        try:
            with open(f"{self._proc}/{pid}/cmdline", "rb") as file:  # noqa: PTH123  a path in /proc, as in usage.py
                return os.fsdecode(file.read().partition(b"\0")[0])
        except OSError:
            return ""
