"""AsyncEngine and Engine: what a user calls. The line of waiting tasks is here; how a task runs is the runner's."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Collection, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from engine import requests
from engine.errors import EngineError, InvalidRequest
from engine.models.base import Model
from engine.redaction import Redactor
from engine.schema import OutputSchema
from engine.task import AiMode, Limits, TaskRequest, TaskResult
from engine.threads import to_its_end
from engine.trace import OnEvent, Trace

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.line import Line
    from engine.records import Records
    from sandbox import Sandbox

Isolation = Literal["auto", "bubblewrap", "none"]
Schema = Mapping[str, Any] | type | None
T = TypeVar("T")


class AsyncEngine:
    """Runs web tasks: replays the Python saved under a reuse key; a model writes or mends it where there is need.

    Args:
        store: Directory of everything the engine keeps; made at the first run.
        model: ``"haiku"`` (default), ``"sonnet"``, ``"opus"``, a model id, or a ``Model``. A request's own wins.
        workspace: Name of a separate tree in the store.
        base_url: Address of a Messages API other than the environment's ``ANTHROPIC_BASE_URL``.
        api_key: Key for it; default ``ANTHROPIC_API_KEY``.
        isolation: ``"auto"`` uses the jail or fails; ``"none"`` runs generated code unprotected.
        browser: Path of a Chromium; default: Playwright's own, else the system's.
        limits: Caps for every run; a request may change ``timeout`` and ``budget_usd``.
        max_tasks: Most tasks that run at once; further ones wait.
        spare_workers: Browsers kept ready for the next run, in the background.

    Raises:
        InvalidRequest: An argument is malformed.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncEngine(store="my-store") as engine:
    ...         result = await engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never")
    ...         return result.error.reason
    >>> asyncio.run(main())
    'nothing-saved'
    """

    def __init__(
        self,
        *,
        store: str | Path = ".webtasks",
        model: str | Model = "haiku",
        workspace: str = "default",
        base_url: str | None = None,
        api_key: str | None = None,
        isolation: Isolation = "auto",
        browser: str | Path | None = None,
        limits: Limits | None = None,
        max_tasks: int = 10,
        spare_workers: int = 1,
    ) -> None:
        if not isinstance(max_tasks, int) or max_tasks < 1:
            raise InvalidRequest(f"max_tasks must be a whole number from 1, not {max_tasks!r}", field="max_tasks")
        if isolation not in ("auto", "bubblewrap", "none"):
            raise InvalidRequest(f"isolation must be auto, bubblewrap or none, not {isolation!r}", field="isolation")
        if not workspace or not workspace.replace("-", "").replace("_", "").isalnum() or not workspace.isascii():
            raise InvalidRequest(f"workspace must be letters, digits, - and _, not {workspace!r}", field="workspace")
        self.root = Path(store).expanduser().absolute() / workspace
        self._default_model = model
        self._base_url, self._api_key = base_url, api_key
        self._isolation: Isolation = isolation
        self._browser, self._spare_workers = browser, spare_workers
        self._limits = limits or Limits()
        self._max_tasks = max_tasks
        self._line: Line | None = None
        self._models: dict[str, Model] = {}
        self._records: Records | None = None
        self._sandbox: Sandbox | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Cancels what still runs and ends every process; the engine is not used after."""
        if self._loop is not None and not self._closed:
            self._check_usable()
        self._closed = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        if self._sandbox is not None:
            await self._sandbox.close()
            self._sandbox = None
        for model in self._models.values():
            await model.close()
        self._models.clear()
        if self._records is not None:
            await asyncio.to_thread(self._records.close)
            self._records = None

    async def warm(self) -> None:
        """Starts a browser ahead of the first run, in the background."""
        self._check_usable()
        await self._get_sandbox().warm()

    # Running

    async def run(
        self,
        task: str,
        *,
        start_url: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        output_schema: Schema = None,
        reuse_key: str | None = None,
        model: str | None = None,
        ai: AiMode = "auto",
        timeout: float | None = None,
        budget_usd: float | None = None,
        secrets: Collection[str] = (),
        allow_hosts: Collection[str] = (),
        on_event: OnEvent | None = None,
    ) -> TaskResult:
        """Runs one task to its end.

        Args:
            task: What is to be done, in plain words.
            start_url: Where to begin; without one the model decides.
            parameters: Inputs that may change from run to run; JSON.
            output_schema: JSON Schema (draft 2020-12) or pydantic class of the result; inferred where there is none.
            reuse_key: Name of the saved automation; minted (``wtr_…``) where there is none.
            model: ``"haiku"``, ``"sonnet"``, ``"opus"`` or a model id; default: the engine's.
            ai: ``"never"`` replays or fails, at no cost.
            timeout: Seconds for everything; default 600.
            budget_usd: Most dollars for the model; default 0.50.
            secrets: Parameters whose values no model and no record may see; those called password, token and the
                like are secret anyway.
            allow_hosts: Origins with private addresses, beside the start URL's, that the run may reach.
            on_event: Called with each ``Event``, as it happens; may be async.

        Returns:
            The final result. A task that failed is a result too: see ``result.error``.

        Raises:
            InvalidRequest: An argument is malformed; nothing was stored.
        """
        schema = None if output_schema is None else OutputSchema(output_schema)
        request = requests.build(
            task,
            start_url=start_url,
            parameters=parameters,
            output_schema=schema,
            reuse_key=reuse_key,
            model=model,
            ai=ai,
            timeout=timeout,
            budget_usd=budget_usd,
            secrets=secrets,
            allow_hosts=allow_hosts,
            limits=self._limits,
        )
        chosen = self._model(model) if ai == "auto" else None
        self._check_usable()
        result = await self._tracked(self._run(request, schema, chosen, on_event))
        if result.result is not None and schema is not None:
            return result.with_output(schema.construct(result.result.data))
        return result

    async def repeat(self, task: str, *, repeats: int, **arguments: Any) -> list[TaskResult]:
        """Runs a request several times, each on a fresh key, one after another: for studies of how runs vary.

        Args:
            repeats: How often, from 1.
            arguments: As for ``run``; with a ``reuse_key`` the keys are ``KEY-1``, ``KEY-2`` …
        """
        if not isinstance(repeats, int) or repeats < 1:
            raise InvalidRequest(f"repeats must be a whole number from 1, not {repeats!r}", field="repeats")
        key = arguments.pop("reuse_key", None)
        keys = [f"{key}-{n}" if key else None for n in range(1, repeats + 1)]
        return [await self.run(task, reuse_key=k, **arguments) for k in keys]

    async def _tracked(self, work: Coroutine[Any, Any, T]) -> T:
        running = asyncio.ensure_future(work)
        self._running.add(running)
        try:
            return await running
        finally:
            self._running.discard(running)
            if not running.done():
                running.cancel()
                await asyncio.wait([running])

    async def _run(
        self, request: TaskRequest, schema: OutputSchema | None, model: Model | None, on_event: OnEvent | None
    ) -> TaskResult:
        from engine.line import Line
        from engine.running import TaskRun

        self._line = self._line or Line(self._max_tasks)
        task_id, store = requests.new_id("wt_"), self.bundles
        redactor = Redactor(request.parameters, request.secrets)
        trace = Trace(task_id, self.root / "traces" / f"{task_id}.jsonl", redactor, on_event)
        return await TaskRun(
            request,
            task_id,
            self.root,
            self._get_sandbox(),
            store,
            await self._get_records(),
            model,
            redactor,
            trace,
            self._line.place(store, request.reuse_key, trace),
            schema,
        ).recorded()

    # What the store knows

    @property
    def bundles(self) -> BundleStore:
        """The saved automations: history, diff, show, rollback, pin."""
        from engine.bundles import BundleStore

        return BundleStore(self.root)

    async def attempts(self, *, reuse_key: str | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Every attempt, oldest first: task, key, revision, outcome, reason, tokens, dollars, seconds, model."""
        self._check_usable()
        records = await self._get_records()
        return await asyncio.to_thread(records.attempts, reuse_key, task_id)

    # Parts, made when first needed

    def _check_usable(self) -> None:
        """Its browsers and connections live on one event loop; on another they would hang."""
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise EngineError("this AsyncEngine belongs to another event loop; make one for each, or use Engine")
        self._loop = loop

    def _model(self, name: str | None) -> Model:
        if name is None and not isinstance(self._default_model, str):
            return self._default_model
        chosen = name or str(self._default_model)
        if chosen not in self._models:
            from engine.models.anthropic import AnthropicModel

            self._models[chosen] = AnthropicModel(chosen, base_url=self._base_url, api_key=self._api_key)
        return self._models[chosen]

    def _get_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            from sandbox import Sandbox

            self._sandbox = Sandbox(isolation=self._isolation, browser=self._browser, spare_workers=self._spare_workers)
        return self._sandbox

    async def _get_records(self) -> Records:
        async with self._opening:
            if self._records is None:
                from engine.records import Records

                self._records = await to_its_end(Records, self.root / "records.sqlite3")
            return self._records


class Engine:
    """The blocking face of ``AsyncEngine``, on an event loop of its own: for scripts, threads, notebooks and servers.

    Takes the arguments of ``AsyncEngine``; its methods are the same, without ``await``. ``on_event`` is called on the
    engine's thread. Close it, or use it as a context manager: it leaves no process behind. A process that was forked
    off needs an engine of its own.

    >>> with Engine(store="my-store") as engine:
    ...     result = engine.run("List the entries", start_url="http://127.0.0.1:9/", ai="never")
    >>> result.outcome, result.error.code
    ('failed', 'rejected')
    """

    def __init__(self, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            self._engine = AsyncEngine(**options)
        except BaseException:
            self._loop.close()
            raise
        self._thread = threading.Thread(target=self._loop.run_forever, name="webtasks-engine", daemon=True)
        self._thread.start()
        self._process = os.getpid()
        self._door = threading.Lock()  # who hands in work before the closing is answered; who comes after is told
        self._closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what still runs, ends every process and the engine's thread. May be called twice."""
        if os.getpid() != self._process:
            return  # it is the other process's, and so are its workers
        if threading.current_thread() is self._thread:
            raise EngineError("the engine was closed from its own on_event; close it from another thread")
        with self._door:
            first, self._closing = not self._closing, True
        if not first:
            self._thread.join()
            return
        try:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _end(self) -> None:
        await self._engine.close()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        await self._loop.shutdown_default_executor()

    def run(self, task: str, **arguments: Any) -> TaskResult:
        """Runs one task to its end; see ``AsyncEngine.run`` for the arguments."""
        return self._wait(self._engine.run(task, **arguments))

    def repeat(self, task: str, *, repeats: int, **arguments: Any) -> list[TaskResult]:
        """Runs a request several times on fresh keys; see ``AsyncEngine.repeat``."""
        return self._wait(self._engine.repeat(task, repeats=repeats, **arguments))

    def warm(self) -> None:
        """Starts a browser ahead of the first run, in the background."""
        self._wait(self._engine.warm())

    def attempts(self, *, reuse_key: str | None = None, task_id: str | None = None) -> list[dict[str, Any]]:
        """Every attempt of every task; see ``AsyncEngine.attempts``."""
        return self._wait(self._engine.attempts(reuse_key=reuse_key, task_id=task_id))

    @property
    def bundles(self) -> BundleStore:
        """The saved automations: history, diff, show, rollback, pin."""
        return self._engine.bundles

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            with self._door:
                self._check_usable()
                future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        except EngineError:
            work.close()
            raise
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine was closed while this ran; the task was canceled") from None
        except BaseException:
            # Ctrl-C ends the wait here; the run must not go on by itself.
            if not future.done():
                future.cancel()
            raise

    def _check_usable(self) -> None:
        if os.getpid() != self._process:
            raise EngineError("the engine belongs to the process that this one was forked from; make a new one")
        if self._closing:
            raise EngineError("the engine is closed; make a new one")
        if threading.current_thread() is self._thread:
            raise EngineError("the engine was called from its own on_event; use another thread, or AsyncEngine")
