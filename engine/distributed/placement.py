"""The processes that run keys: one for each key at most, each with a slot of some node; idle ones make room."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.storage.task_queue import Slots

_UNLIMITED = 1_000_000
IDLE_SECONDS = 60.0  # for which a process that runs nothing keeps its browser warm


class RunnerHandle(Protocol):
    """A process that runs the tasks of one key, wherever it is."""

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of ``KeyRunner`` there.

        Raises:
            RunnerLost: The process has ended, or cannot be reached.
        """

    def kill(self) -> None:
        """End the process, with the browser in it."""


class RunnerLost(Exception):
    """A process that ended, or its node, before its answer came."""


Start = Callable[[str, str | None], RunnerHandle]
"""Starts, or finds, the one process of a key; near its last node, where that is given."""


@dataclass(frozen=True)
class ClusterSlots(Slots):
    """The tasks that may run at once: as many as the cluster has slots, within a cap.

    Args:
        count: Returns the slots of the nodes that live.
    """

    count: Callable[[], int] = lambda: _UNLIMITED

    @classmethod
    def of(cls, most: int | None, count: Callable[[], int]) -> ClusterSlots:
        """Return the slots of a cluster with at most so many tasks at once; None for no cap."""
        cap = _UNLIMITED if most is None else most
        return cls(cap, cap, count)

    def left(self, running: Mapping[int, int]) -> list[int]:
        """Return how many more may run; what has no browser takes a slot like the rest."""
        left = max(0, min(self.tasks, self.count()) - sum(running.values()))
        return [left, left]


@dataclass
class _Known:
    handle: RunnerHandle
    busy: bool = True
    used: int = 0


class Placement:
    """The processes of all keys. Its methods are called on one event loop.

    Args:
        start: Starts or finds one.
        count: Returns the slots of the nodes that live.
    """

    def __init__(self, start: Start, count: Callable[[], int], idle_seconds: float = IDLE_SECONDS) -> None:
        self._start = start
        self._count = count
        self._idle_seconds = idle_seconds
        self._known: dict[str, _Known] = {}
        self._nodes: dict[str, str] = {}
        self._starting = 0
        self._order = itertools.count()

    async def take(self, key: str) -> RunnerHandle:
        """Return the process of a key, for one run: its own, which is warm, or a new one near where it was last."""
        known = self._known.get(key)
        if known is None:
            # Ended first: a slot that an idle one holds would be waited for without end.
            idle = sorted((one.used, other) for other, one in self._known.items() if not one.busy)
            for _, other in idle[: max(0, len(self._known) + self._starting + 1 - self._count())]:
                self.forget(other)
            self._starting += 1
            try:
                handle = await asyncio.to_thread(self._start, key, self._nodes.get(key))
            finally:
                self._starting -= 1
            known = self._known[key] = _Known(handle)
        known.busy, known.used = True, next(self._order)
        return known.handle

    def give_back(self, key: str, node: str) -> None:
        """Note the end of a run, and its node; a process that then runs nothing for long is ended."""
        self._nodes[key] = node
        if (known := self._known.get(key)) is not None:
            known.busy = False
            asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle, key, known, known.used)

    def _end_idle(self, key: str, known: _Known, used: int) -> None:
        if self._known.get(key) is known and not known.busy and known.used == used:
            self.forget(key)

    def forget(self, key: str) -> None:
        """End the process of a key, if it has not ended by itself."""
        if (known := self._known.pop(key, None)) is not None:
            known.handle.kill()

    def close(self) -> None:
        """End all processes."""
        for key in list(self._known):
            self.forget(key)
