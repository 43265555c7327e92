"""The parts of one workspace, made when first needed: records, line, sandbox, models, and the jobs made of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.aio import to_thread_uncancellable
from engine.errors import EngineError
from engine.execution.network import NetworkAccess
from engine.models.base import Model
from engine.storage.spending import DailyCaps, TaskAccount
from engine.task.events import EventLog, OnEvent
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import Limits, TaskRequest

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.runs.task_run import TaskRun
    from engine.scheduling.scheduler import Scheduler
    from engine.storage.tasks import TaskRecords
    from sandbox import PoolOptions, Sandbox
    from sandbox.isolation.mechanism import Isolation


@dataclass
class Workspace:
    """One tree of the store and what runs on it. ``AsyncEngine`` says what the options mean."""

    root: Path
    default_model: str | Model
    base_url: str | None
    api_key: str | None
    isolation: Isolation
    browser: str | Path | None
    pool: PoolOptions | None
    limits: Limits
    max_tasks: int
    daily_caps: DailyCaps
    network: NetworkAccess
    take_over: bool = True
    _scheduler: Scheduler | None = None
    _models: dict[str, Model] = field(default_factory=dict)
    _records: TaskRecords | None = None
    _sandbox: Sandbox | None = None
    _closed: bool = False
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def bundles(self) -> BundleStore:
        """The saved automations."""
        from engine.bundles import BundleStore

        return BundleStore(self.root)

    def model(self, name: str | None) -> Model:
        """The model of a request, or the default.

        Raises:
            InvalidRequest: There is no such model.
        """
        if name is None and not isinstance(self.default_model, str):
            return self.default_model
        chosen = name or str(self.default_model)
        if chosen not in self._models:
            from engine.models.anthropic import AnthropicModel

            self._models[chosen] = AnthropicModel(chosen, base_url=self.base_url, api_key=self.api_key)
        return self._models[chosen]

    def sandbox(self) -> Sandbox:
        """Where automations run."""
        if self._sandbox is None:
            from sandbox import PoolOptions, Sandbox

            pool = self.pool or PoolOptions()
            cache = self.root.parent / ".cache"
            self._sandbox = Sandbox(isolation=self.isolation, browser=self.browser, pool=pool, cache=cache)
        return self._sandbox

    async def records(self) -> TaskRecords:
        """What survives the process."""
        async with self._opening:
            if self._records is None:
                self._check_open()
                from engine.storage.tasks import TaskRecords

                self._records = await to_thread_uncancellable(TaskRecords, self.root / "records.sqlite3")
            return self._records

    async def scheduler(self) -> Scheduler:
        """The scheduler, made at the first call."""
        records = await self.records()
        if self._scheduler is None:
            self._check_open()
            from engine.scheduling.scheduler import Scheduler

            self._scheduler = Scheduler(
                records, self.root, self.bundles, self.max_tasks, self._adopt, take_over=self.take_over
            )
        return self._scheduler

    async def job(
        self,
        task_id: str,
        request: TaskRequest,
        schema: OutputSchema | None,
        model: Model | None,
        on_event: OnEvent | None = None,
    ) -> TaskRun:
        """A task, ready to be run.

        Args:
            schema: As the caller gave it.
            model: Who is asked; None where nobody may be.
        """
        from engine.runs.context import RunEnvironment
        from engine.runs.task_run import TaskRun

        records = await self.records()
        redactor = Redactor(request.parameters, request.secrets)
        return TaskRun(
            request,
            task_id,
            RunEnvironment(
                root=self.root, sandbox=self.sandbox(), store=self.bundles, records=records, network=self.network
            ),
            redactor,
            EventLog(task_id, self.trace_file(task_id), redactor, on_event),
            model,
            TaskAccount(records.spending, task_id, request.reuse_key, self.daily_caps),
            schema,
        )

    async def _adopt(self, task_id: str, request: TaskRequest) -> TaskRun:
        """A task that another engine left: its model is this engine's where the request names none."""
        model = self.model(request.model) if request.ai == "auto" else None
        schema = None if request.output_schema is None else OutputSchema(request.output_schema)
        return await self.job(task_id, request, schema, model)

    def trace_file(self, task_id: str) -> Path:
        """Where a task's events are written."""
        return self.root / "traces" / f"{task_id}.jsonl"

    async def close_scheduler(self) -> None:
        """Ends what runs; no line and no records are opened any more."""
        self._closed = True
        if self._scheduler is not None:
            await self._scheduler.close()

    async def close(self) -> None:
        """Ends every process and connection."""
        async with AsyncExitStack() as parts:  # each is ended, whatever becomes of the others
            parts.push_async_callback(self._close_records)
            for model in self._models.values():
                parts.push_async_callback(model.close)
            self._models.clear()
            if self._sandbox is not None:
                parts.push_async_callback(self._sandbox.close)
                self._sandbox = None

    async def _close_records(self) -> None:
        async with self._opening:
            if self._records is not None:
                await asyncio.to_thread(self._records.close)
                self._records = None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the engine is closed; make a new one")
