"""AsyncDistributedEngine: the engine's interface where tasks run on the nodes of a Ray cluster."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast, overload

from engine.api.arguments import check_names, pop_wait, takes
from engine.api.many import OnProgress, map_requests
from engine.api.options import EngineOptions, RunOptions, TaskOptions
from engine.api.typed_tasks import OF_EACH_CALL, AsyncTypedTask, DecoratesAsync, describe, named_options
from engine.bundles.git_remote import GitRemote
from engine.distributed.arguments import (
    ClusterMapArguments,
    ClusterRunArguments,
    TypedClusterMapArguments,
    TypedClusterRunArguments,
)
from engine.distributed.files import moved, write_files
from engine.distributed.orders import Settings, missing
from engine.errors import EngineError, InvalidRequest
from engine.execution.network import EgressOption
from engine.models.base import Model
from engine.task import ids
from engine.task.wire import CompileMode, Limits, TaskRequest, TaskResult
from sandbox.isolation.mechanism import Isolation

if TYPE_CHECKING:
    from engine.distributed.actors import Cluster
    from engine.storage.spending import KeyCosts
    from sandbox import PerHost

S = TypeVar("S")
T = TypeVar("T")

_SECRET_BYTES = 64 << 10  # a larger call would go through the object store, in files that others may read
_LOST_SECONDS = 60.0  # for which a head that died is waited for; Ray starts it again
_PAUSE = 0.5
_AT_ONCE = 5_000  # requests of `map`


class AsyncDistributedEngine:
    """An engine whose tasks run on a Ray cluster, with bundles from a git remote that all its nodes reach.

    Runs of one key never overlap; different keys run wherever a slot is free. A task whose node dies is run again on
    another one, unless it was let through to something irreversible. It needs the extra ``ray``.

    Args:
        address: Of the cluster: ``"auto"`` (default) for the one that this machine belongs to, ``"ray://host:10001"``
            from outside, ``"local"`` to start one of this machine alone.
        bundles: The git remote, such as ``ssh://host/bundles.git`` or the path of a bare repository on a shared disk.
        store: Directory on the cluster's head node for the queue, the records and the results; default ``.webtasks``
            below this process's directory.
        workspace: Name of a separate tree in the store.
        node_store: Directory on each node for its copies; default one below its directory for temporary files.
        fetched: Directory on this machine for the files of results, where it is not the head node.
        max_tasks: Most tasks that run at once; default as many as the cluster has slots.
        max_pending: Most tasks that wait.
        memory_mb: Memory that each task asks Ray for.
        model, base_url, window, isolation, browser, limits, usd_per_day, key_usd_per_day, per_host, compile, egress,
            proxy, trust_start_urls, allow_hosts, keep_pictures: As for ``AsyncEngine``. The model's key is taken from
            each node's environment; caps of dollars hold for the whole cluster, ``per_host`` for each process.

    Raises:
        InvalidRequest: An argument is malformed; ``details["field"]`` names it.
    """

    def __init__(
        self,
        *,
        bundles: str | Path,
        address: str = "auto",
        store: str | Path = ".webtasks",
        workspace: str = "default",
        node_store: str | Path | None = None,
        fetched: str | Path = ".webtasks/fetched",
        max_tasks: int | None = None,
        max_pending: int = 10_000,
        memory_mb: int = 512,
        model: str | Model = "haiku",
        base_url: str | None = None,
        window: int | None = None,
        isolation: Isolation = "auto",
        browser: str | None = None,
        limits: Limits | None = None,
        usd_per_day: float | None = None,
        key_usd_per_day: float | None = None,
        per_host: PerHost | int | None = None,
        compile: CompileMode = "never",  # noqa: A002  as the engine's
        egress: EgressOption = "learned",
        proxy: str | None = None,
        trust_start_urls: bool = True,
        allow_hosts: Collection[str] = (),
        keep_pictures: bool = True,
    ) -> None:
        options: dict[str, Any] = {
            "model": model, "base_url": base_url, "window": window, "isolation": isolation, "browser": browser,
            "limits": limits, "usd_per_day": usd_per_day, "key_usd_per_day": key_usd_per_day, "per_host": per_host,
            "compile": compile, "egress": egress, "proxy": proxy, "trust_start_urls": trust_start_urls,
            "allow_hosts": tuple(allow_hosts), "keep_pictures": keep_pictures, "workspace": workspace,
        }  # fmt: skip
        self._options = EngineOptions.parse(store=store, max_tasks=max_tasks, max_pending=max_pending, **options)
        GitRemote(bundles)  # refused here, not on the nodes
        if not isinstance(memory_mb, int) or memory_mb < 1:
            raise InvalidRequest(f"memory_mb must be a whole number from 1, not {memory_mb!r}", field="memory_mb")
        known = {name: value for name, value in options.items() if value is not None}
        self._settings = Settings(str(bundles), known, str(node_store) if node_store is not None else None)
        self._address = address
        self._arguments = str(self._options.root), max_tasks, max_pending, memory_mb
        self._fetched = Path(fetched).expanduser().absolute()
        self._cluster: Cluster | None = None
        self._same_machine = False
        self._opening = asyncio.Lock()
        self._closed = False
        self._waited: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancel the tasks that ``run`` waits for, and leave the cluster. May be called twice.

        Tasks of ``start`` go on. Where none is left, the processes of this store on the cluster end.
        """
        if self._closed or self._cluster is None:
            self._closed = True
            return
        for task_id in list(self._waited):
            await self._ask("cancel", task_id)
        await self._ask("close")
        self._closed = True
        await asyncio.to_thread(self._cluster.disconnect)

    # Running

    @takes(TaskOptions, without=OF_EACH_CALL)
    def task(
        self, text: str | None = None, *, key: str | None = None, **options: Unpack[TaskOptions]
    ) -> DecoratesAsync:
        """Return a decorator that makes a web task of a function's signature; see ``AsyncEngine.task``."""
        given = named_options(key, options)
        return lambda function: AsyncTypedTask(self.run, describe(function, text, given))

    @takes(RunOptions)
    async def start(self, task: str | None = None, **arguments: Unpack[RunOptions]) -> str:
        """Put a task into the cluster's queue and return its id; it belongs to the store, and outlives this process.

        A task with secret parameters outlives this process, but not the head node's: they are never stored.

        Args:
            task: The task in plain words; None replays the automation of ``reuse_key``.
            arguments: As for ``run``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
        """
        request, _ = await self._request("start", task, dict(arguments), RunOptions)
        return await self._submit(request)

    @overload
    async def run(self, task: str | None = None, **arguments: Unpack[TypedClusterRunArguments[S]]) -> TaskResult[S]: ...
    @overload
    async def run(self, task: str | None = None, **arguments: Unpack[ClusterRunArguments]) -> TaskResult[Any]: ...
    @takes(ClusterRunArguments)
    async def run(self, task: str | None = None, **arguments: Any) -> TaskResult[Any]:
        """Run one task to its end; see ``AsyncEngine.run`` for arguments and result.

        There is no ``on_event``. ``if_interrupted`` is ``"rerun"`` where it is not given: nodes come and go.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
            EngineError: The cluster cannot be reached, or has no slots.
            TimeoutError: ``wait_timeout`` ran out.
        """
        wait_timeout, _ = pop_wait(arguments)
        request, schema = await self._request("run", task, arguments, ClusterRunArguments)
        task_id = await self._submit(request)
        self._waited.add(task_id)
        try:
            async with asyncio.timeout(wait_timeout):
                result = await self._ended(task_id)
        except TimeoutError:
            told = f"task {task_id} goes on after {wait_timeout:g} s; result() returns its end"
            raise TimeoutError(told) from None
        except asyncio.CancelledError:
            await self._ask("cancel", task_id)
            raise
        finally:
            self._waited.discard(task_id)
        if result.result is not None and schema is not None:
            return result.with_output(schema.construct(result.output))
        return result

    @overload
    async def map(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_progress: OnProgress | None = None,
        **shared: Unpack[TypedClusterMapArguments[S]],
    ) -> Sequence[TaskResult[S]]: ...
    @overload
    async def map(
        self,
        requests: Sequence[Mapping[str, Any]],
        *,
        on_progress: OnProgress | None = None,
        **shared: Unpack[ClusterMapArguments],
    ) -> Sequence[TaskResult]: ...
    @takes(ClusterMapArguments)
    async def map(
        self, requests: Sequence[Mapping[str, Any]], *, on_progress: OnProgress | None = None, **shared: Any
    ) -> Sequence[TaskResult]:
        """Run many requests, as many at once as the cluster has slots; see ``AsyncEngine.map``."""
        at_once, known = min(_AT_ONCE, self._options.max_pending), ClusterMapArguments.__annotations__
        return await map_requests(self.run, requests, shared, known, at_once, on_progress)

    # Tasks

    async def result(self, task_id: str) -> TaskResult:
        """Return a task as it is now.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        return await self._here(await self._ask("result", task_id))

    async def wait(self, task_ids: Iterable[str], *, timeout: float | None = None) -> Sequence[TaskResult]:
        """Return the results of tasks, in the order of their ids, when all have ended.

        Raises:
            TaskNotFound: The workspace has no such task.
            TimeoutError: They have not all ended in time; they go on.
        """
        async with asyncio.timeout(timeout):
            return await asyncio.gather(*map(self._ended, task_ids))

    async def cancel(self, task_id: str) -> TaskResult:
        """Cancel a task, and return its end.

        Raises:
            TaskNotFound: The workspace has no such task.
        """
        found: TaskResult = await self._ask("cancel", task_id)
        return found

    async def costs(self, *, reuse_key: str | None = None) -> Sequence[KeyCosts]:
        """Return the costs of each automation, and its savings; see ``AsyncEngine.costs``."""
        found: Sequence[KeyCosts] = await self._ask("costs", reuse_key)
        return found

    # Parts

    async def _request(
        self, method: str, task: str | None, arguments: dict[str, Any], known: type
    ) -> tuple[TaskRequest, Any]:
        check_names(method, arguments, ("task", *known.__annotations__))
        given = {"if_interrupted": "rerun", **{name: each for name, each in arguments.items() if each is not None}}
        request, schema = await self._options.checked_request(task, cast(RunOptions, given))
        if request.secrets and (size := len(pickle.dumps(request))) > _SECRET_BYTES:
            raise InvalidRequest(
                f"a request with secrets has at most {_SECRET_BYTES >> 10} KiB, and this one {size >> 10}: a larger one"
                " would lie in the cluster's object store; pass the data in another way",
                field="parameters",
            )
        return request, schema

    async def _submit(self, request: TaskRequest) -> str:
        task_id: str = await self._ask("submit", ids.new_id("wt_"), request, self._settings)
        return task_id

    async def _ended(self, task_id: str) -> TaskResult:
        return await self._here(await self._ask("ended", task_id))

    async def _here(self, result: TaskResult) -> TaskResult:
        """Return the result with its files on this machine."""
        if self._same_machine or not result.final:
            return result
        cluster = await self._opened()
        root, files = await self._ask("files", result.web_task_id)
        if not files:
            return result
        read = {name: partial(cluster.get, file) for name, file in files.items()}
        await asyncio.to_thread(write_files, self._fetched, result.web_task_id, read)
        here = moved(result.model_dump(mode="json"), Path(root), self._fetched)
        return TaskResult.model_validate(here)

    async def _opened(self) -> Cluster:
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
        async with self._opening:
            if self._cluster is None:
                try:
                    from engine.distributed.actors import Cluster
                except ImportError as error:
                    raise missing(error) from error
                self._cluster = await asyncio.to_thread(Cluster, self._address, *self._arguments)
                lock_file = await self._ask_of(self._cluster, "open")
                self._same_machine = await asyncio.to_thread(Path(lock_file).exists)
                await self._ask_of(self._cluster, "configure", self._settings)
            return self._cluster

    async def _ask(self, method: str, *arguments: Any) -> Any:
        return await self._ask_of(await self._opened(), method, *arguments)

    async def _ask_of(self, cluster: Cluster, method: str, *arguments: Any) -> Any:
        """Ask the head; once more where it died meanwhile: it knows each task by its id."""
        from ray.exceptions import RayActorError

        deadline = asyncio.get_running_loop().time() + _LOST_SECONDS
        while True:
            try:
                ok, value = await cast(Awaitable[tuple[bool, Any]], cluster.ask(method, *arguments))
            except RayActorError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise EngineError(f"the head of the store on the cluster cannot be reached: {error}") from error
                await asyncio.sleep(_PAUSE)
                cluster.forget_head()
                continue
            if not ok:
                raise value
            return value
