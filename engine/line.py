"""The line of waiting tasks: one run of a key at a time, over threads and processes, and a number of slots."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator

from engine.bundles import BundleStore
from engine.bundles.locking import Lock
from engine.trace import Trace

_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5  # seconds between looks at another process's lock


class Line:
    """Where the tasks of one engine wait. Who waits for a key holds no slot.

    Args:
        slots: Most tasks that run at once.
    """

    def __init__(self, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        # Weak: a key that nobody waits for or runs leaves nothing behind, however many are minted.
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def place(self, store: BundleStore, key: str, trace: Trace) -> AsyncIterator[None]:
        """Waits for the key and for a slot, and holds both inside the block. A wait is told once."""
        turn = self._turns.setdefault(key, asyncio.Lock())
        told = turn.locked()
        if told:
            await trace.emit("task.waiting", key=key)
        async with turn:
            pause = _FIRST_POLL
            while (lock := await _try_lock(store, key)) is None:
                if not told:
                    told = True
                    await trace.emit("task.waiting", key=key)
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_POLL)
            try:
                async with self._slots:
                    yield
            finally:
                lock.release()


async def _try_lock(store: BundleStore, key: str) -> Lock | None:
    """Takes the key's lock if it is free; a lock that nobody waits for any more is given back."""
    taking = asyncio.ensure_future(asyncio.to_thread(store.try_lock, key))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        taking.add_done_callback(_give_back)
        raise


def _give_back(taking: asyncio.Future[Lock | None]) -> None:
    if not taking.cancelled() and taking.exception() is None and (lock := taking.result()) is not None:
        lock.release()
