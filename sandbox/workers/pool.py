"""The pool of workers: blank ones, started in advance, and those that wait for the next run of their affinity."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import SandboxError, WorkerDied
from sandbox.limits import SandboxLimits
from sandbox.workers.client import WorkerClient

logger = logging.getLogger(__name__)

Start = Callable[[SandboxLimits], Coroutine[Any, Any, WorkerClient]]
"""Starts a worker with these limits."""

_MIB = 1 << 20
_REFILL_AFTER_SECONDS = 0.5  # a program that ends after one run does not start a worker in vain


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """The number of workers that wait for a run, and their lifetime.

    Args:
        spare: Number of blank workers to keep ready. They are started in the background, one after another, the first
            after the first run has ended.
        kept: Number of used workers to keep for the next run of the same affinity. 0: no worker is used twice.
        web_kept: The same for workers without a browser, which need about 10 MiB each.
        memory_mb: MiB of private memory of all waiting workers together, about 200 each. Above it, the one that has
            waited longest is ended. None: a quarter of the machine's memory.
        idle_seconds: Seconds after which a waiting worker is ended; a blank one, when nothing has run for so long.
        runs: Number of runs after which a worker is ended.

    Raises:
        ValueError: A number is negative.

    >>> PoolOptions(kept=0).spare
    1
    """

    spare: int = 1
    kept: int = 10
    web_kept: int = 50
    memory_mb: int | None = None
    idle_seconds: float = 120.0
    runs: int = 100

    def __post_init__(self) -> None:
        for name in ("spare", "kept", "web_kept", "memory_mb", "idle_seconds", "runs"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"PoolOptions: {name} must be 0 or more, not {value!r}")

    @property
    def memory_ceiling_mb(self) -> float:
        """``memory_mb``, or its default on this machine."""
        if self.memory_mb is not None:
            return self.memory_mb
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _MIB / 4


@dataclass(eq=False)
class _Waiting:
    """A used worker that waits for the next run of its affinity, or is being renewed."""

    client: WorkerClient
    affinity: str
    renewing: asyncio.Task[bool] = field(init=False)
    timer: asyncio.TimerHandle | None = None


class Pool:
    """The workers of a sandbox, which are taken for a run and given back.

    Args:
        start: Starts a worker with these limits.
        options: Numbers and lifetimes.
        limits: The limits of spare workers.
    """

    def __init__(
        self,
        start: Start,
        options: PoolOptions,
        limits: SandboxLimits,
    ) -> None:
        self._start = start
        self._options = options
        self._limits = limits
        self._spares: list[WorkerClient] = []
        self._waiting: list[_Waiting] = []
        self._all: set[WorkerClient] = set()
        self._starting: set[asyncio.Task[WorkerClient]] = set()
        self._ending: dict[WorkerClient, asyncio.Task[None]] = {}
        self._refilling: asyncio.Task[None] | None = None
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def take(self, limits: SandboxLimits, affinity: str | None) -> WorkerClient:
        """Return a worker for a run: one of the same affinity, or else a blank one."""
        self._restart_idle_timer()
        if affinity is not None:
            while (found := self._find(affinity, limits)) is not None:
                self._waiting.remove(found)
                if await self._renewed(found):
                    return found.client
                self.discard(found.client)
        for client in [each for each in self._spares if _fits(each, limits)]:
            self._spares.remove(client)
            if client.usable:
                return client
            self.discard(client)
        return await self._start_worker(limits)

    def give_back(self, client: WorkerClient, affinity: str) -> None:
        """Keep a worker after a successful run, for the next one of this affinity, and renew it in the background."""
        worn = client.runs >= self._options.runs or client.cpu_seconds() > client.started_with.cpu_seconds / 2
        if self._closed or worn or not self._options.kept or not client.usable:
            self.discard(client)
            return
        entry = _Waiting(client, affinity)
        entry.renewing = asyncio.ensure_future(self._renew(entry))
        self._add(entry)

    def has(self, affinity: str, limits: SandboxLimits) -> bool:
        """Return True where a worker of this affinity waits, or is being renewed."""
        return self._find(affinity, limits) is not None

    def prepare(self, affinity: str, limits: SandboxLimits, start: Start) -> None:
        """Start a worker in the background for the next run of an affinity, unless there is one.

        Args:
            start: Starts it, in place of the pool's own way.
        """
        there = affinity in self._preparing or any(each.affinity == affinity for each in self._waiting)
        if self._closed or there or not self._options.kept:
            return
        self._preparing[affinity] = task = asyncio.ensure_future(self._prepare(affinity, limits, start))
        task.add_done_callback(lambda _: self._preparing.pop(affinity))

    def discard(self, client: WorkerClient) -> asyncio.Task[None]:
        """End a worker in the background; `close` waits for it, too."""
        if client in self._ending:
            return self._ending[client]
        client.end(WorkerDied("the worker was closed"))
        task = self._ending[client] = asyncio.ensure_future(client.close())

        def done(finished: asyncio.Task[None]) -> None:
            del self._ending[client]
            self._all.discard(client)
            if not finished.cancelled() and finished.exception() is not None:
                logger.warning("a worker could not be cleaned up: %s", finished.exception())

        task.add_done_callback(done)
        return task

    def refill(self, *, after: float = _REFILL_AFTER_SECONDS) -> None:
        """Start the missing spare workers in the background, after some seconds."""
        busy = self._refilling is not None and not self._refilling.done()
        if not (self._closed or busy or len(self._spares) >= self._options.spare):
            self._refilling = asyncio.ensure_future(self._fill(after))

    async def close(self) -> None:
        """End all workers, busy or not, and wait until none of their processes is left."""
        self._closed = True
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        starting: list[asyncio.Task[Any]] = [*self._starting, *self._preparing.values()]
        if self._refilling is not None:
            starting.append(self._refilling)
        for each in starting:
            if not each.cancelling():  # a second cancellation would interrupt its cleanup
                each.cancel()
        await _wait_for(starting)
        self._spares.clear()
        waiting = [*self._waiting]
        for entry in waiting:
            self._drop(entry)
        for client in [*self._all]:
            self.discard(client)
        await _wait_for([*self._ending.values(), *(entry.renewing for entry in waiting)])

    def _find(self, affinity: str, limits: SandboxLimits) -> _Waiting | None:
        """Find the worker of this affinity that was used last; preferably one that is renewed already."""
        found = [each for each in self._waiting if each.affinity == affinity and _fits(each.client, limits)]
        return next((each for each in reversed(found) if each.renewing.done()), found[-1] if found else None)

    async def _renewed(self, entry: _Waiting) -> bool:
        if entry.timer is not None:
            entry.timer.cancel()
        try:
            return await asyncio.shield(entry.renewing) and entry.client.usable
        except asyncio.CancelledError:
            self.discard(entry.client)
            raise

    async def _renew(self, entry: _Waiting) -> bool:
        try:
            left = await entry.client.renew()
        except Exception as error:  # noqa: BLE001  after any error it must not be used again
            left = (str(error) or repr(error),)
        if left:
            logger.info("a worker is not used again, because its run left residue: %s", "; ".join(left))
            self._drop(entry)
            return False
        if entry in self._waiting:
            self._begin_waiting(entry)
        return True

    def _add(self, entry: _Waiting) -> None:
        self._waiting.append(entry)
        while len(self._waiting) > self._options.kept:
            self._drop(self._waiting[0])

    def _begin_waiting(self, entry: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        entry.timer = loop.call_later(self._options.idle_seconds, self._drop, entry)
        entry.client.ended.add_done_callback(lambda _: self._drop(entry) if entry in self._waiting else None)
        self._enforce_memory_ceiling()

    async def _prepare(self, affinity: str, limits: SandboxLimits, start: Start) -> None:
        try:
            client = await self._start_worker(limits, start)
        except (SandboxError, OSError) as error:
            logger.warning("no worker could be started ahead of need: %s", error)
            return
        await asyncio.wait({client.ready, client.ended}, return_when=asyncio.FIRST_COMPLETED)
        if self._closed or not client.usable:
            self.discard(client)
            return
        client.memory_mb = client.measure().memory_mb
        entry = _Waiting(client, affinity)
        entry.renewing = asyncio.ensure_future(asyncio.sleep(0, True))
        self._add(entry)
        self._begin_waiting(entry)

    def _drop(self, entry: _Waiting) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        if entry in self._waiting:
            self._waiting.remove(entry)
        self.discard(entry.client)

    def _enforce_memory_ceiling(self) -> None:
        while self._waiting and self._memory_mb() > self._options.memory_ceiling_mb:
            self._drop(self._waiting[0])

    def _memory_mb(self) -> float:
        return sum(client.memory_mb for client in (*self._spares, *(entry.client for entry in self._waiting)))

    def _restart_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = asyncio.get_running_loop().call_later(self._options.idle_seconds, self._end_spares)

    def _end_spares(self) -> None:
        """End the spare workers, when nothing has run for long."""
        if self._refilling is not None:
            self._refilling.cancel()
        for client in self._spares:
            self.discard(client)
        self._spares.clear()

    async def _start_worker(self, limits: SandboxLimits, start: Start | None = None) -> WorkerClient:
        """Start a worker; it is ended if this is canceled, or the pool closed, meanwhile."""
        if self._closed:
            raise _closed()
        starting = asyncio.create_task((start or self._start)(limits))
        self._starting.add(starting)
        starting.add_done_callback(self._on_started)
        try:
            client = await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise _closed() from None
            if not starting.cancel() and starting.exception() is None:
                self.discard(starting.result())
            raise
        if self._closed:
            self.discard(client)
            raise _closed()
        return client

    def _on_started(self, starting: asyncio.Task[WorkerClient]) -> None:
        self._starting.discard(starting)
        if not starting.cancelled() and starting.exception() is None:
            self._all.add(starting.result())

    async def _fill(self, after: float) -> None:
        await asyncio.sleep(after)
        self._restart_idle_timer()
        while len(self._spares) < self._options.spare:
            try:
                client = await self._start_worker(self._limits)
            except (SandboxError, OSError) as error:
                logger.warning("no spare worker could be started: %s", error)
                return
            self._spares.append(client)
            await asyncio.wait({client.ready, client.ended}, return_when=asyncio.FIRST_COMPLETED)
            if client not in self._spares or not client.usable:
                return
            client.memory_mb = client.measure().memory_mb
            self._enforce_memory_ceiling()
            if self._memory_mb() > self._options.memory_ceiling_mb:
                self._spares.remove(client)
                self.discard(client)
                return


async def _wait_for(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Wait for tasks; unlike `asyncio.gather`, do not cancel them when this is canceled."""
    if tasks:
        await asyncio.wait(tasks)


def _closed() -> SandboxError:
    return SandboxError("this Sandbox is closed; create a new one")


def _fits(client: WorkerClient, limits: SandboxLimits) -> bool:
    """Return True if the limits that are fixed at a worker's start equal these."""
    fixed = ("scratch_mb", "processes", "cpu_seconds", "output_bytes")
    return all(getattr(client.started_with, name) == getattr(limits, name) for name in fixed)
