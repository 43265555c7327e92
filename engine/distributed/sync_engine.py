"""DistributedEngine, the blocking face of AsyncDistributedEngine."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from engine.api.arguments import like
from engine.api.loops import LoopThread
from engine.api.many import OnProgress
from engine.api.options import RunOptions, TaskOptions
from engine.api.threads import in_thread
from engine.api.typed_tasks import Decorates, TypedTask, describe, named_options
from engine.api.unclosed import UnclosedEngine
from engine.distributed.arguments import (
    ClusterEngineArguments,
    ClusterMapArguments,
    ClusterRunArguments,
    TypedClusterMapArguments,
    TypedClusterRunArguments,
)
from engine.distributed.async_engine import AsyncDistributedEngine
from engine.errors import EngineError
from engine.task.wire import TaskResult

if TYPE_CHECKING:
    from engine.storage.spending import KeyCosts

S = TypeVar("S")
T = TypeVar("T")


class DistributedEngine:
    """The blocking interface of ``AsyncDistributedEngine``; its methods may be called from any thread.

    Close it, or use it as a context manager.

    Args:
        bundles: The git remote with the saved automations.
        options: As for ``AsyncDistributedEngine``.

    Raises:
        InvalidRequest: An argument is malformed.
    """

    @like(AsyncDistributedEngine)
    def __init__(self, *, bundles: str | Path, **options: Unpack[ClusterEngineArguments]) -> None:
        self._engine = AsyncDistributedEngine(bundles=bundles, **options)
        self._thread = LoopThread.borrow("webtasks-cluster", os.getpid(), id(self))
        self._closing = threading.Lock()
        self._closed = False
        self._unclosed = UnclosedEngine(self, self._engine.close, self._thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what ``run`` waits for, and leave the cluster; see ``AsyncDistributedEngine.close``.

        An engine that is not closed closes itself when nothing refers to it, and when the interpreter ends.
        """
        self._close(None)

    def _close(self, seconds: float | None) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._unclosed.release()
        try:
            asyncio.run_coroutine_threadsafe(self._engine.close(), self._thread.loop).result(seconds)
        finally:
            self._thread.give_back()

    @like(AsyncDistributedEngine.task)
    def task(self, text: str | None = None, *, key: str | None = None, **options: Unpack[TaskOptions]) -> Decorates:
        """Return a decorator that makes a web task of a function's signature; see ``AsyncEngine.task``."""
        given = named_options(key, options)
        return lambda function: TypedTask(self.run, describe(function, text, given))

    @like(AsyncDistributedEngine.start)
    def start(self, task: str | None = None, **arguments: Unpack[RunOptions]) -> str:
        """Put a task into the cluster's queue and return its id."""
        return self._wait(self._engine.start(task, **arguments))

    @overload
    def run(self, task: str | None = None, **arguments: Unpack[TypedClusterRunArguments[S]]) -> TaskResult[S]: ...
    @overload
    def run(self, task: str | None = None, **arguments: Unpack[ClusterRunArguments]) -> TaskResult[Any]: ...
    @like(AsyncDistributedEngine.run)
    def run(self, task: str | None = None, **arguments: Any) -> TaskResult[Any]:
        """Run one task to its end."""
        return self._wait(self._engine.run(task, **arguments))

    @overload
    def map(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_progress: OnProgress | None = None,
        **shared: Unpack[TypedClusterMapArguments[S]],
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    def map(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_progress: OnProgress | None = None,
        **shared: Unpack[ClusterMapArguments],
    ) -> Sequence[TaskResult]: ...
    @like(AsyncDistributedEngine.map)
    def map(
        self, requests: Sequence[Mapping[str, Any]], *, on_progress: OnProgress | None = None, **shared: Any
    ) -> Sequence[TaskResult]:
        """Run many requests, and return results in order."""
        progress = in_thread(on_progress) if on_progress is not None else None
        return self._wait(self._engine.map(requests, on_progress=progress, **shared))

    def result(self, task_id: str) -> TaskResult:
        """Return a task as it is now."""
        return self._wait(self._engine.result(task_id))

    @like(AsyncDistributedEngine.wait)
    def wait(self, task_ids: Iterable[str], *, timeout: float | None = None) -> Sequence[TaskResult]:
        """Return the results of tasks when all have ended."""
        return self._wait(self._engine.wait(task_ids, timeout=timeout))

    def cancel(self, task_id: str) -> TaskResult:
        """Cancel a task, and return its end."""
        return self._wait(self._engine.cancel(task_id))

    def costs(self, *, reuse_key: str | None = None) -> Sequence[KeyCosts]:
        """Return the costs of each automation, and its savings."""
        return self._wait(self._engine.costs(reuse_key=reuse_key))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise EngineError("the engine is closed; make a new one")
        future = asyncio.run_coroutine_threadsafe(work, self._thread.loop)
        try:
            return future.result()
        except BaseException:  # Ctrl-C, too, ends the wait here; the run must not go on by itself
            future.cancel()
            raise
