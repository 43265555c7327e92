"""Users' blocking callbacks, called in a thread of their own, so that they stop no event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import weakref
from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from typing import Any

_Call = tuple[tuple[Any, ...], asyncio.Future[Any]]


def in_thread(callback: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    """Return an async callback that calls a blocking one in a thread, which is always the same.

    An async callback is called, too; it is awaited on the event loop.
    """
    if inspect.iscoroutinefunction(callback) or not callable(callback):  # what is no function is refused later
        return callback
    return _Threaded(callback)


class _Threaded:
    """A blocking callback with its thread.

    The thread is no executor's, which the interpreter would wait for at its end, however long the callback takes.
    """

    def __init__(self, callback: Callable[..., Any]) -> None:
        self._callback = callback
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def __call__(self, *arguments: Any) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=_serve, args=(self._callback, self._calls), name="webtasks-callback", daemon=True
            )
            self._thread.start()
            weakref.finalize(self, self._calls.put, None).atexit = False
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.put((arguments, answered))
        answer = await answered
        if inspect.isawaitable(answer):
            await answer


def _serve(callback: Callable[..., Any], calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        arguments, answered = call
        try:
            answer, error = callback(*arguments), None
        except BaseException as raised:  # noqa: BLE001  it is raised where the call is awaited
            answer, error = None, _as_error(raised)
        if not _answer(answered, answer, error):
            return


def _as_error(raised: BaseException) -> Exception:
    """Return the exception in a form that ends no event loop, as SystemExit does, and that a future takes."""
    if isinstance(raised, Exception) and not isinstance(raised, StopIteration):
        return raised
    return RuntimeError(f"the callback raised {type(raised).__name__}: {raised}")


def _answer(answered: asyncio.Future[Any], answer: Any, error: Exception | None) -> bool:
    """Hand the answer to the event loop; False where that is closed."""

    def set_answer() -> None:
        if answered.done():  # the call was canceled
            return
        if error is not None:
            answered.set_exception(error)
        else:
            answered.set_result(answer)

    try:
        answered.get_loop().call_soon_threadsafe(set_answer)
    except RuntimeError:
        return False
    return True
