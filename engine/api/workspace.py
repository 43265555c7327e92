"""The parts of one workspace, each made when first needed: records, scheduler, sandbox, models, and task runs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from engine.aio import NamedLocks, to_thread_uncancellable
from engine.api.live_line import both, live_line
from engine.api.options import EngineOptions
from engine.api.shared_sandbox import SharedSandbox
from engine.errors import EngineError
from engine.models.base import Model
from engine.models.choice import model_at
from engine.storage.spending import TaskAccount
from engine.task.events import EventLog, Listener, OnEvent
from engine.task.kept_requests import redactor_of
from engine.task.schema import OutputSchema, schema_in_force
from engine.task.wire import TaskRequest, TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.cassettes.base import Cassette
    from engine.runs.task_run import TaskRun
    from engine.scheduling.scheduler import Scheduler
    from engine.storage.tasks import TaskRecords
    from sandbox import Sandbox


class Workspace:
    """One tree of the store, and the engine's processes and connections on it.

    Args:
        options: The engine's.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._root = options.root
        self._scheduler: Scheduler | None = None
        self._models: dict[str, Model] = {}
        self._records: TaskRecords | None = None
        self._shared: SharedSandbox | None = None
        self._listeners: WeakValueDictionary[str, Listener] = WeakValueDictionary()
        self._live = live_line() if options.progress == "auto" else None
        self._closed = False
        self._opening = asyncio.Lock()
        self._changing = NamedLocks()
        self._browsers = asyncio.Semaphore(options.max_tasks)
        self._cassette = _cassette(options)

    @property
    def root(self) -> Path:
        """Its directory."""
        return self._root

    @property
    def bundles(self) -> BundleStore:
        """The saved automations."""
        from engine.bundles import BundleStore, RepositoryStore

        plain = self._options.bundles
        return BundleStore(self._root) if plain is None else RepositoryStore(self._root, plain)

    def model(self, name: str | None) -> Model:
        """Return the model of this name; None stands for the engine's default.

        Raises:
            InvalidRequest: There is no such model.
        """
        default = self._options.model
        if name is None and not isinstance(default, str):
            return default
        chosen = name or str(default)
        if chosen not in self._models:
            options = self._options
            self._models[chosen] = model_at(
                chosen, base_url=options.base_url, api_key=options.api_key, window=options.window
            )
        return self._models[chosen]

    def sandbox(self) -> Sandbox:
        """Return the sandbox that automations run in."""
        if self._shared is None:
            from sandbox import PoolOptions, Sandbox

            options, cache = self._options, self._root.parent / ".cache"
            pool, browser = options.pool or PoolOptions(), options.browser
            per_host = options.per_host
            key = (Sandbox, cache, options.isolation, browser and str(browser), pool, per_host)
            self._shared = SharedSandbox.borrow(
                key,
                lambda: Sandbox(
                    isolation=options.isolation, browser=browser, pool=pool, cache=cache, per_host=per_host
                ),
            )
        return self._shared.sandbox

    async def records(self) -> TaskRecords:
        """Return the records of tasks.

        Raises:
            EngineError: The engine is closed.
            StoreError: They cannot be opened.
        """
        async with self._opening:
            if self._records is None:
                self._check_open()
                from engine.storage.tasks import TaskRecords

                self._records = await to_thread_uncancellable(TaskRecords, self._root / "records.sqlite3")
            return self._records

    async def scheduler(self) -> Scheduler:
        """Return the scheduler, which may not be open yet.

        Raises:
            EngineError: The engine is closed.
            StoreError: The records cannot be opened.
        """
        records = await self.records()
        if self._scheduler is None:
            self._check_open()
            from engine.scheduling.scheduler import Scheduler
            from engine.storage.task_queue import Slots

            options = self._options
            self._scheduler = Scheduler(
                records,
                self._root,
                self.bundles,
                Slots(options.max_tasks, options.max_web_tasks),
                self._adopt,
                take_over=options.take_over,
            )
        return self._scheduler

    async def task_run(
        self,
        task_id: str,
        request: TaskRequest,
        schema: OutputSchema | None,
        model: Model | None,
        on_event: OnEvent | None = None,
    ) -> TaskRun:
        """Make a task ready to be run.

        Args:
            schema: The output schema as the caller gave it.
            model: The model to call; None where none may be.
        """
        from engine.runs.context import RunEnvironment
        from engine.runs.task_run import TaskRun

        records = await self.records()
        redactor = redactor_of(request)
        network = self._options.network
        if self._cassette is not None:
            tape = self._cassette.tape(redactor.named)
            network = replace(network, tape=tape)
            if model is not None:
                from engine.cassettes.base import task_mark

                mark = task_mark(request.task, request.start_url, redactor.parameters(request.parameters))
                model = self._cassette.model(model, tape, mark)
        listener = None
        on_event = both(self._live, on_event)
        if on_event is not None:
            self._listeners[task_id] = listener = Listener(task_id, on_event)
        return TaskRun(
            request,
            task_id,
            RunEnvironment(
                root=self._root,
                sandbox=self.sandbox(),
                store=self.bundles,
                records=records,
                network=network,
                keep_pictures=self._options.keep_pictures,
                compiles=self._options.compile == "auto",
                changing=self._changing,
                browsers=self._browsers,
            ),
            redactor,
            EventLog(task_id, self.trace_file(task_id), redactor, listener),
            model,
            TaskAccount(records.spending, task_id, request.reuse_key, self._options.daily_caps),
            schema,
        )

    async def _adopt(self, task_id: str, request: TaskRequest) -> TaskRun:
        """Make a task that another engine left ready; its model is this engine's where the request names none."""
        model = self.model(request.model) if request.ai != "never" else None
        schema = await asyncio.to_thread(schema_in_force, None, request.output_schema)
        return await self.task_run(task_id, request, schema, model)

    def with_store(self, task: TaskResult) -> TaskResult:
        """Return a task whose result tells where its values stood, and writes its report."""
        from engine.reports import TaskReport
        from engine.storage.kept_reads import Reads

        return task.with_store(Reads(self._root, task.web_task_id), TaskReport(self._root, task.web_task_id))

    def trace_file(self, task_id: str) -> Path:
        """Return the file that holds a task's events."""
        return self._root / "traces" / f"{task_id}.jsonl"

    async def events_delivered(self, *task_ids: str) -> None:
        """Wait until callbacks have taken the events of these tasks, unless they are stuck."""
        listeners = [self._listeners.get(task_id) for task_id in task_ids]
        await asyncio.gather(*(listener.delivered() for listener in listeners if listener is not None))

    async def close_scheduler(self) -> None:
        """Stop what runs; neither scheduler nor records are opened any more."""
        self._closed = True
        if self._scheduler is not None:
            await self._scheduler.close()

    async def close(self) -> None:
        """End every process and connection."""
        async with AsyncExitStack() as parts:  # each is ended, whatever becomes of the others
            if self._cassette is not None:
                parts.push_async_callback(to_thread_uncancellable, self._cassette.close)
            parts.push_async_callback(self._stop_listeners)
            parts.push_async_callback(self._close_records)
            for model in self._models.values():
                parts.push_async_callback(model.close)
            self._models.clear()
            if self._shared is not None:
                parts.push_async_callback(self._shared.give_back)
                self._shared = None

    async def _stop_listeners(self) -> None:
        await asyncio.gather(*(listener.stop() for listener in list(self._listeners.values())))

    async def _close_records(self) -> None:
        async with self._opening:
            if self._records is not None:
                await asyncio.to_thread(self._records.close)
                self._records = None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the engine is closed; make a new one")


def _cassette(options: EngineOptions) -> Cassette | None:
    if options.record is None and options.replay is None:
        return None  # and what a cassette needs is not imported
    from engine.cassettes.opening import open_cassette

    return open_cassette(options.record, options.replay, options.cassette)
