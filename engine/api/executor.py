"""An executor that works until its event loop ends, also while the interpreter shuts the others down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Work = tuple[Future[Any], Callable[[], Any]]


class LateExecutor(ThreadPoolExecutor):
    """The executor of an engine's event loop, with daemon threads.

    Those of the standard library take no work once the main thread has ended, although other threads may still use an
    engine, and an engine needs threads to close. It is one of them by type, because asyncio accepts no other.

    >>> executor = LateExecutor(2)
    >>> executor.submit(pow, 2, 5).result()
    32
    >>> executor.shutdown()
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self._guard = threading.Lock()
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in one of the threads."""
        future: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise RuntimeError("the event loop of this engine has ended")
            self._work.put((future, partial(fn, *args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._workers) < self._most:
                worker = threading.Thread(target=self._serve, name=f"webtasks-{len(self._workers)}", daemon=True)
                self._workers.append(worker)
                worker.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work, and end the threads when what there is has been done."""
        with self._guard:
            first, self._closed = not self._closed, True
            for _ in self._workers if first else ():
                self._work.put(None)
        if wait:
            for worker in self._workers:
                worker.join()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001  it is raised where the result is awaited
                    future.set_exception(error)
            del work, future, call
            self._idle.release()
