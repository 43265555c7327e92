"""The locks of reuse keys and engines: locks of the operating system, which a dead process never holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from engine.errors import BundleLocked, StoreError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5  # seconds


class Lock:
    """A held lock, until :meth:`release`, which any thread may call, and more than once."""

    def __init__(self, held: BaseFileLock) -> None:
        self._held = held

    def release(self) -> None:
        """Release the lock."""
        self._held.release(force=True)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, events: TracebackType | None
    ) -> None:
        self.release()


def try_lock(path: Path) -> Lock | None:
    """Take a lock if it is free; return None where it is not.

    Args:
        path: The lock file; made where missing and never deleted, since two runs may have it open.

    Raises:
        StoreError: The file cannot be made, or its file system has no locks.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not thread-local: the thread that takes a lock is seldom the one that releases it. Never a soft lock:
        # a process that dies would leave it behind.
        lock = FileLock(path, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError as error:
        raise StoreError(
            f"cannot lock {path}: {error}; the store needs a writable directory on a file system with locks"
        ) from error
    return Lock(lock)


@contextmanager
def wait_for_lock(path: Path, key: str, timeout: float, on_wait: Callable[[], None] | None) -> Iterator[Lock]:
    """Hold the lock inside the block, after waiting at most ``timeout`` seconds; call ``on_wait`` once if it waits.

    Raises:
        BundleLocked: The wait ran out.
    """
    start = time.monotonic()
    lock, pause = try_lock(path), _FIRST_POLL
    if lock is None and on_wait is not None:
        on_wait()
    while lock is None:
        waited = time.monotonic() - start
        if waited >= timeout:
            raise BundleLocked(
                f"another run still holds the reuse key {key!r} after {waited:.1f} s; retry when it has ended, or with"
                " a longer timeout",
                key=key,
                waited=waited,
            )
        time.sleep(min(pause, timeout - waited))
        pause = min(pause * 1.5, _LONGEST_POLL)
        lock = try_lock(path)
    with lock:
        yield lock
