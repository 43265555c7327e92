"""The locks of reuse keys that one engine holds: for one run, or for several replays that share a key."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from engine.bundles import BundleStore
from engine.storage.task_queue import HeldLock


@dataclass
class _Shared:
    lock: HeldLock
    holders: int = 0


class KeyLocks:
    """Takes the locks of keys; its methods may be called from any thread.

    Args:
        bundles: Whose locks they are.
    """

    def __init__(self, bundles: BundleStore) -> None:
        self._bundles = bundles
        self._shared: dict[str, _Shared] = {}
        self._changing = threading.Lock()

    @property
    def shared(self) -> frozenset[str]:
        """The keys whose locks are held to be shared."""
        with self._changing:
            return frozenset(self._shared)

    def take(self, key: str, shared: bool) -> HeldLock | None:
        """Take the lock of a key, which further calls with ``shared`` then share; None where another has it."""
        if not shared:
            return self._bundles.try_lock(key)
        with self._changing:
            held = self._shared.get(key)
            if held is None:
                lock = self._bundles.try_lock(key)
                if lock is None:
                    return None
                held = self._shared[key] = _Shared(lock)
            held.holders += 1
            return _Share(self, key)

    def give_back(self, key: str) -> None:
        """Release one share; the last one releases the lock."""
        with self._changing:
            held = self._shared[key]
            held.holders -= 1
            if held.holders == 0:
                del self._shared[key]
                held.lock.release()


class _Share:
    """A share of a held lock."""

    def __init__(self, locks: KeyLocks, key: str) -> None:
        self._locks: KeyLocks | None = locks
        self._key = key

    def release(self) -> None:
        """Release the share; a second call does nothing."""
        locks, self._locks = self._locks, None
        if locks is not None:
            locks.give_back(self._key)
