"""Engine, the blocking interface of AsyncEngine, on an event loop of its own."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from engine.api.arguments import (
    AdoptArguments,
    CompileArguments,
    EngineArguments,
    MapArguments,
    RunArguments,
    StartArguments,
    TypedMapArguments,
    TypedRunArguments,
    check_names,
    like,
)
from engine.api.async_engine import AsyncEngine, Requests
from engine.api.loops import LoopThread
from engine.api.many import OnProgress
from engine.api.options import TaskOptions
from engine.api.threads import in_thread
from engine.api.typed_tasks import Decorates, TypedTask, describe, named_options
from engine.api.unclosed import UnclosedEngine
from engine.errors import EngineError
from engine.task.events import Event
from engine.task.wire import Status, TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleStore, Revision
    from engine.storage.spending import KeyCosts
    from engine.studies import Study, TrialPlace
    from engine.studies.runner import OnTrial

S = TypeVar("S")
T = TypeVar("T")


class Engine:
    """The blocking interface of ``AsyncEngine``: for scripts, threads, notebooks and servers.

    Its methods are those of ``AsyncEngine``, without ``await``, and may be called from any thread. ``on_event`` and
    ``on_progress`` are called in threads of their own; where they are async, on the engine's. Close it, or use it as a
    context manager: it leaves no process behind. A forked process needs an engine of its own.

    Args:
        options: As for ``AsyncEngine``.

    Raises:
        InvalidRequest: An argument is malformed.

    >>> with Engine(store="my-store") as engine:
    ...     result = engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never")
    >>> result.outcome, result.error.code
    ('failed', 'rejected')
    """

    @like(AsyncEngine)
    def __init__(self, **options: Unpack[EngineArguments]) -> None:
        check_names("Engine", options, EngineArguments.__annotations__)
        self._engine = AsyncEngine(**options)
        self._thread = LoopThread.borrow(self._engine.root.parent, os.getpid())
        self._process = os.getpid()
        self._submitting = threading.Lock()  # closing waits for work that is being submitted, and admits none after
        self._closing = False
        self._ended = threading.Event()
        self._calls: set[asyncio.Task[Any]] = set()
        self._unclosed = UnclosedEngine(self, self._engine.close, self._thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what still runs, and end every process and the engine's thread. May be called twice.

        An engine that is not closed closes itself when nothing refers to it, and when the interpreter ends.

        Raises:
            EngineError: It was called from the engine's own thread, by an async ``on_event``.
        """
        if os.getpid() != self._process:
            return  # engine and workers belong to the process that this one was forked from
        if self._thread.is_current():
            raise EngineError("the engine was closed from its own async on_event; close it from another thread")
        self._close(None)

    def _close(self, seconds: float | None) -> None:
        with self._submitting:
            first, self._closing = not self._closing, True
        if not first:
            self._ended.wait(seconds)
            return
        self._unclosed.release()
        try:
            asyncio.run_coroutine_threadsafe(self._end(), self._thread.loop).result(seconds)
        finally:
            self._thread.give_back()
            self._ended.set()

    async def _end(self) -> None:
        await self._engine.close()
        if self._calls:
            await asyncio.wait(self._calls)

    @overload
    def run(self, task: str | None = None, **arguments: Unpack[TypedRunArguments[S]]) -> TaskResult[S]: ...
    @overload
    def run(self, task: str | None = None, **arguments: Unpack[RunArguments]) -> TaskResult[Any]: ...
    @like(AsyncEngine.run)
    def run(self, task: str | None = None, **arguments: Any) -> TaskResult[Any]:
        """Run one task to its end; see ``AsyncEngine.run`` for arguments, result and errors.

        >>> with Engine(store="my-store") as engine:
        ...     engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never").outcome
        'failed'
        """
        return self._wait(self._engine.run(task, **_called_in_thread(arguments)))

    @like(AsyncEngine.task)
    def task(self, text: str | None = None, *, key: str | None = None, **options: Unpack[TaskOptions]) -> Decorates:
        """Return a decorator that makes a web task of a function's signature; see ``AsyncEngine.task``.

        >>> engine = Engine(store="my-store")
        >>> @engine.task("List every business of the category", key="businesses", start_url="http://127.0.0.1:9/")
        ... def businesses(category: str) -> list[dict[str, str]]: ...
        >>> businesses
        <web task businesses(category: str) -> list[dict[str, str]]>
        >>> engine.close()
        """
        given = named_options(key, options)
        return lambda function: TypedTask(self.run, describe(function, text, given))

    @like(AsyncEngine.accept)
    def accept(self, reuse_key: str, task_id: str | None = None) -> Revision:
        """Accept a result that a person found right; see `AsyncEngine.accept`."""
        return self._wait(self._engine.accept(reuse_key, task_id))

    @like(AsyncEngine.adopt)
    def adopt(self, reuse_key: str, **arguments: Unpack[AdoptArguments]) -> TaskResult:
        """Commit edits made by hand, if they pass the gate; see ``AsyncEngine.adopt``."""
        return self._wait(self._engine.adopt(reuse_key, **_called_in_thread(arguments)))

    @like(AsyncEngine.compile)
    def compile(self, reuse_key: str, **arguments: Unpack[CompileArguments]) -> TaskResult:
        """Have an automation rewritten so that it needs no browser; see ``AsyncEngine.compile``."""
        return self._wait(self._engine.compile(reuse_key, **_called_in_thread(arguments)))

    @overload
    def repeat(
        self, task: str, *, repeats: int, **arguments: Unpack[TypedRunArguments[S]]
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    def repeat(self, task: str, *, repeats: int, **arguments: Unpack[RunArguments]) -> Sequence[TaskResult]: ...
    @like(AsyncEngine.repeat)
    def repeat(self, task: str, *, repeats: int, **arguments: Any) -> Sequence[TaskResult]:
        """Run a request several times on fresh keys; see ``AsyncEngine.repeat``."""
        return self._wait(self._engine.repeat(task, repeats=repeats, **_called_in_thread(arguments)))

    def warm(self) -> None:
        """Start a browser ahead of the first run, in the background."""
        self._wait(self._engine.warm())

    @like(AsyncEngine.start)
    def start(self, task: str | None = None, **arguments: Unpack[StartArguments]) -> str:
        """Put a task into the queue and return its id at once; see ``AsyncEngine.start``."""
        return self._wait(self._engine.start(task, **_called_in_thread(arguments)))

    def result(self, task_id: str) -> TaskResult:
        """Return a task as it is now; see ``AsyncEngine.result``."""
        return self._wait(self._engine.result(task_id))

    def wait(self, task_ids: Iterable[str], *, timeout: float | None = None, poll: float = 5.0) -> Sequence[TaskResult]:
        """Return the results of tasks when all have ended; see ``AsyncEngine.wait``."""
        return self._wait(self._engine.wait(task_ids, timeout=timeout, poll=poll))

    def as_completed(self, task_ids: Iterable[str], *, poll: float = 5.0) -> Iterator[TaskResult]:
        """Yield the results of tasks in the order in which they end; see ``AsyncEngine.as_completed``."""
        return self._iterate(self._engine.as_completed(task_ids, poll=poll))

    @overload
    def map(
        self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Unpack[TypedMapArguments[S]]
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    def map(
        self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Unpack[MapArguments]
    ) -> Sequence[TaskResult]: ...
    @like(AsyncEngine.map)
    def map(self, requests: Requests, *, on_progress: OnProgress | None = None, **shared: Any) -> Sequence[TaskResult]:
        """Run many requests; see ``AsyncEngine.map``."""
        progress = in_thread(on_progress) if on_progress is not None else None
        called = [_called_in_thread(request) for request in requests]
        return self._wait(self._engine.map(called, on_progress=progress, **_called_in_thread(shared)))

    def study(
        self,
        study: str | Path | Mapping[str, Any],
        *,
        directory: str | Path | None = None,
        on_progress: OnTrial | None = None,
        place: TrialPlace | None = None,
    ) -> Study:
        """Run a study, or what is left of it; see ``AsyncEngine.study``."""
        progress = in_thread(on_progress) if on_progress is not None else None
        return self._wait(self._engine.study(study, directory=directory, on_progress=progress, place=place))

    def cancel(self, task_id: str) -> TaskResult:
        """Cancel a task; see ``AsyncEngine.cancel``."""
        return self._wait(self._engine.cancel(task_id))

    def run_until_idle(self) -> None:
        """Return when there is nothing more to run here; see ``AsyncEngine.run_until_idle``."""
        self._wait(self._engine.run_until_idle())

    def orphaned(self) -> Sequence[str]:
        """Return the ids of pending tasks that no engine has; see ``AsyncEngine.orphaned``."""
        return self._wait(self._engine.orphaned())

    def run_out(self) -> None:
        """Do the same as ``run_until_idle``: the former name.

        Deprecated: it goes with the next release.
        """
        warnings.warn("run_out is deprecated; use run_until_idle", DeprecationWarning, stacklevel=2)
        self.run_until_idle()

    def unowned(self) -> Sequence[str]:
        """Do the same as ``orphaned``: the former name.

        Deprecated: it goes with the next release.
        """
        warnings.warn("unowned is deprecated; use orphaned", DeprecationWarning, stacklevel=2)
        return self.orphaned()

    def list(
        self, *, status: Status | None = None, reuse_key: str | None = None, limit: int = 50, offset: int = 0
    ) -> Sequence[TaskResult]:
        """Return tasks, the newest first; see ``AsyncEngine.list``."""
        return self._wait(self._engine.list(status=status, reuse_key=reuse_key, limit=limit, offset=offset))

    def set_title(self, task_id: str, title: str | None) -> TaskResult:
        """Set a task's title; see ``AsyncEngine.set_title``."""
        return self._wait(self._engine.set_title(task_id, title))

    def events(self, task_id: str, *, poll: float = 0.2) -> Iterator[Event]:
        """Yield the events of a task from its first to its last, as they happen; see ``AsyncEngine.events``."""
        return self._iterate(self._engine.events(task_id, poll=poll))

    def costs(self, *, reuse_key: str | None = None) -> Sequence[KeyCosts]:
        """Return the costs of each automation, and its savings; see ``AsyncEngine.costs``."""
        return self._wait(self._engine.costs(reuse_key=reuse_key))

    def figures(self) -> dict[str, Any]:
        """Return figures of the workspace for monitoring; see ``AsyncEngine.figures``."""
        return self._wait(self._engine.figures())

    def report(self, path: str | os.PathLike[str], *, reuse_key: str) -> Path:
        """Write a report of a reuse key; see ``AsyncEngine.report``."""
        return self._wait(self._engine.report(path, reuse_key=reuse_key))

    def attempts(self, *, reuse_key: str | None = None, task_id: str | None = None) -> Sequence[dict[str, Any]]:
        """Return every attempt, oldest first; see ``AsyncEngine.attempts``."""
        return self._wait(self._engine.attempts(reuse_key=reuse_key, task_id=task_id))

    @property
    def bundles(self) -> BundleStore:
        """The saved automations: history, diff, show, rollback, pin."""
        return self._engine.bundles

    def _iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        async def following() -> tuple[bool, T | None]:
            try:
                return True, await anext(items)
            except StopAsyncIteration:
                return False, None

        while True:
            more, item = self._wait(following())
            if not more:
                return
            yield item  # type: ignore[misc]  # None is an item only where T is

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            with self._submitting:
                self._check_usable()
                future: Future[T] = asyncio.run_coroutine_threadsafe(self._call(work), self._thread.loop)
        except EngineError:
            work.close()
            raise
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine was closed while this ran; the task was canceled") from None
        except BaseException:  # Ctrl-C, too, ends the wait here; the run must not go on by itself
            if not future.done():
                future.cancel()
            raise

    async def _call(self, work: Coroutine[Any, Any, T]) -> T:
        call = asyncio.current_task()
        assert call is not None
        self._calls.add(call)
        try:
            return await work
        finally:
            self._calls.discard(call)

    def _check_usable(self) -> None:
        if os.getpid() != self._process:
            raise EngineError("the engine belongs to the process that this one was forked from; make a new one")
        if self._closing:
            raise EngineError("the engine is closed; make a new one")
        if self._thread.is_current():
            raise EngineError("the engine was called from its own async on_event; use another thread, or AsyncEngine")


def _called_in_thread(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with an ``on_event`` that stops no event loop while it blocks."""
    on_event = arguments.get("on_event")
    return {**arguments, "on_event": in_thread(on_event)} if on_event is not None else dict(arguments)
