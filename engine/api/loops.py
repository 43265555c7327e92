"""Event loops in threads of their own, shared by the blocking engines of this process that may share one."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from engine.api.executor import LateExecutor

_LAST_TASKS_SECONDS = 5.0
_THREADS_OF_LOOP = 32  # for blocking calls
_EXIT_SECONDS = 20.0  # that an engine may take to close when the interpreter ends


class LoopThread:
    """An event loop in a thread of its own, which ends when the last of its users has given it back."""

    def __init__(self, key: Hashable) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(LateExecutor(_THREADS_OF_LOOP))
        self.users = 0
        self._key = key
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="webtasks-engine", daemon=True)
        self._thread.start()

    @classmethod
    def borrow(cls, *key: Hashable) -> LoopThread:
        """Return the loop of this key, in this process."""
        _prepare()
        with _LOCK:
            thread = _THREADS.get(key)
            if thread is None:
                thread = _THREADS[key] = cls(key)
            thread.users += 1
            return thread

    def give_back(self) -> None:
        """Give the loop back. Its last user ends it, and waits for that unless in the loop's own thread."""
        with _LOCK:
            self.users -= 1
            if self.users:
                return
            _THREADS.pop(self._key, None)
        self.loop.call_soon_threadsafe(self.loop.stop)
        if not self.is_current():
            self._thread.join()

    def is_current(self) -> bool:
        """Return True in the loop's own thread."""
        return threading.current_thread() is self._thread

    def submit(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine on the loop without waiting for it. For finalizers, which run in any thread."""

        def start() -> None:
            task = self.loop.create_task(work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self.loop.call_soon_threadsafe(start)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.loop.run_forever()
            if others := asyncio.all_tasks(self.loop):
                self.loop.run_until_complete(asyncio.wait(others, timeout=_LAST_TASKS_SECONDS))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
        finally:
            self.loop.close()


_LOCK = threading.Lock()
_THREADS: dict[Hashable, LoopThread] = {}
_CLOSERS: dict[int, Callable[[float], None]] = {}
_prepared = False


def close_at_exit(closer: Callable[[float], None]) -> Callable[[], None]:
    """Have a function called before the interpreter shuts its executors down; an engine could not close later.

    Args:
        closer: Called with the most seconds that it may take.

    Returns:
        Takes that back.
    """
    number = id(closer)
    _CLOSERS[number] = closer
    return lambda: _CLOSERS.pop(number, None) and None


def _prepare() -> None:
    """Prepare for the interpreter's end, and for forks, once an engine needs it."""
    global _prepared
    if not _prepared:
        _prepared = True
        os.register_at_fork(after_in_child=_forget)
        # After the program's own executors have done their work, which may use an engine, and before atexit, which is
        # too late for asyncio. The standard library's executors are registered there, too; the first comes last.
        threading._register_atexit(_at_exit)  # type: ignore[attr-defined]  # private, and the only hook
        hooks = threading._threading_atexits  # type: ignore[attr-defined]  # private, too
        hooks.insert(0, hooks.pop())


def _at_exit() -> None:
    """Close the engines when no thread of the program uses them any more."""
    for thread in threading.enumerate():
        # The interpreter waits for these anyway, and they could not use an engine that is closed.
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()
    for closer in list(_CLOSERS.values()):
        closer(_EXIT_SECONDS)
    for loop_thread in list(_THREADS.values()):  # an engine that was dropped is being closed there
        loop_thread.join(_EXIT_SECONDS)


def _forget() -> None:
    """Begin anew in a forked process: the loops are its parent's."""
    global _LOCK
    _LOCK = threading.Lock()
    _THREADS.clear()
    _CLOSERS.clear()
