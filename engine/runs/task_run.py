"""Take one task through the runner and into a result."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
import traceback
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from engine.aio import to_thread_uncancellable
from engine.diagnosis.failures import failure
from engine.errors import StoreError
from engine.execution.executor import Executor
from engine.execution.pictures import Pictures
from engine.execution.services import TaskServices
from engine.execution.traces import Traces
from engine.models.base import Model
from engine.models.budget import Account, ModelBudget
from engine.reports import TaskReport
from engine.runs.attempts import AttemptLog
from engine.runs.context import RunContext, RunEnvironment, Success
from engine.runs.good_runs import GoodRuns
from engine.runs.results import Ending, make_error, make_result, redacted
from engine.runs.runner import Runner
from engine.scheduling.queued import RunControl, RunEnd
from engine.scheduling.states import StopReason
from engine.storage import result_files
from engine.storage.journal import EffectOnSite
from engine.storage.kept_reads import Reads
from engine.task.cause import Cause
from engine.task.events import Event, EventLog
from engine.task.kept_requests import kept_request
from engine.task.origins import trusted_origin
from engine.task.outputs import FileResult
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import Effect, TaskError, TaskRequest, TaskResult
from sandbox import SandboxLimits

log = logging.getLogger(__name__)

_MOST_KEPT_APART = 64 << 10  # bytes of a trace that is kept with the task's record


@dataclass
class TaskRun:
    """Takes one task to its end and makes its result.

    Args:
        request: The request.
        task_id: The task's id.
        environment: The workspace's parts.
        redactor: Hides secrets.
        events: Takes the task's events.
        model: The model that may be asked; None with ``ai="never"``.
        account: Keeps the caps of the day.
        schema: The output schema as the caller gave it: a pydantic class says more than its JSON Schema.
    """

    request: TaskRequest
    task_id: str
    environment: RunEnvironment
    redactor: Redactor
    events: EventLog
    model: Model | None = None
    account: Account | None = None
    schema: OutputSchema | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _control: RunControl | None = None
    _entered: bool = False
    _started: datetime | None = None
    _began: float = 0.0
    _context: RunContext | None = None
    _runner: Runner | None = None
    _limit: asyncio.Timeout | None = None
    _deadline: float = 0.0

    @property
    def _files(self) -> Path:
        return self.environment.root / "files" / self.task_id

    @property
    def kept_request(self) -> TaskRequest:
        """The request as the records may hold it, without secret values."""
        return kept_request(self.request, self.redactor)

    async def entered(self) -> None:
        """Report, once, that the task is in the queue."""
        if self._entered:
            return
        self._entered = True
        kept = self.kept_request
        await self.events.emit("task.pending", task=kept.task, key=kept.reuse_key, parameters=kept.parameters)

    async def announce_waiting(self, position: int | None) -> None:
        """Report that the task has to wait: another run holds the key, or all slots are taken."""
        await self.events.emit("task.waiting", key=self.request.reuse_key, position=position)

    async def refused(self, result: TaskResult) -> None:
        """Report that the queue was full."""
        self.events.tell(self._write_end(result))
        self.events.close()

    def release(self) -> None:
        """Close the trace: the task is not run, or not here."""
        self.events.close()

    async def run(self, control: RunControl) -> RunEnd:
        """Run the task to its end and record that; a canceled run has a result, too.

        Returns:
            The result; none where the run was stopped to be handed over and the task is back in the queue.
        """
        self._control = control
        try:
            await self.entered()
            result = await self.to_end()
        except asyncio.CancelledError:
            # Not in a thread: a second cancellation could interrupt that, and the record must not be lost.
            effect = self._effect().effect
            handed_over = control.stop_reason is StopReason.HANDED_OVER
            if handed_over and effect == "none" and self.request.if_interrupted == "rerun":
                self.environment.records.queue.requeue([self.task_id])
                return RunEnd(None)
            canceled = self.events.write("task.canceled")
            end = self._keep(self._result("canceled", effect=effect))
            self.events.tell(canceled)
            return end
        else:
            completed = self._write_end(result)
            try:
                return await to_thread_uncancellable(self._keep, result)
            finally:  # a listener may ask for the result at once
                self.events.tell(completed)
        finally:
            self.events.close()

    def _keep(self, result: TaskResult) -> RunEnd:
        """Record the result; one that cannot be recorded is a result all the same."""
        try:
            return RunEnd(self._record(result))
        except (StoreError, OSError) as error:
            log.warning("task %s ended and could not be recorded: %s", self.task_id, error)
            warning = f"the result could not be recorded: {error}"
            shown = result.model_copy(update={"warnings": (*result.warnings, warning)})
            return RunEnd(shown, record=partial(self._record, result))

    def _record(self, result: TaskResult) -> TaskResult:
        kept = redacted(result, self.redactor)
        if kept.result is not None:
            stored = result_files.keep(self.environment.root, self.task_id, kept.output, datetime.now(UTC))
            kept = kept.model_copy(update={"result": stored})
        # A replay says little, and thousands of files of a block each are more than the database grows by.
        trace = self.events.taken(_MOST_KEPT_APART) if kept.ok and not kept.model_calls else None
        if self.environment.records.finish(kept, trace) and trace is not None:
            self.events.remove()
        large = isinstance(kept.result, FileResult)
        return result.model_copy(update={"result": kept.result}).with_output(result.output) if large else result

    async def to_end(self) -> TaskResult:
        """Run the task, and make a result of whatever happens but a cancellation."""
        self._deadline = time.monotonic() + self.request.limits.timeout
        success: Success | None = None
        cause: Cause | None = None
        try:
            async with asyncio.timeout(self.request.limits.timeout) as self._limit:
                success = await self._go()
        except Exception as error:  # noqa: BLE001  whatever it is, the user gets a result that says so
            cause = await self._cause(error)
        if self._control is not None:
            self._control.settle()
        return await self._finish(success, cause)

    async def _cause(self, error: Exception) -> Cause:
        if isinstance(error, TimeoutError) and self._limit is not None and self._limit.expired():
            seconds = self.request.limits.timeout
            return Cause("time", f"the task did not end within {seconds:g} s; raise timeout", "timeout")
        cause = failure(error)
        if cause.reason == "engine-fault":
            shown = self.redactor.text("".join(traceback.format_exception(error)))
            log.error("task %s failed by a fault of the engine\n%s", self.task_id, shown)
            await self.events.emit("engine.fault", traceback=shown)
        return cause

    def _settle(self) -> None:
        """Declare the outcome settled: the bundle is about to change, so the task is neither stopped nor timed out."""
        if self._control is not None:
            self._control.settle()
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(None)

    async def _go(self) -> Success:
        self._started, self._began = datetime.now(UTC), time.monotonic()
        # A run that died may have left half a download, and a whole one would have to take another name.
        if self._files.is_dir():  # checked here: a first run need not wait for a thread
            await to_thread_uncancellable(shutil.rmtree, self._files, ignore_errors=True)
        await self.events.emit("task.started")
        context = self._context = await self._make_context()
        self._runner = Runner(context)
        success: Success | None = None
        try:
            success = await self._runner.run()
        finally:
            await context.executor.discard_files(keep=success.files if success is not None else None)
        return success

    async def _make_context(self) -> RunContext:
        request, environment, limits = self.request, self.environment, self.request.limits
        budget = None
        if self.model is not None:
            budget = ModelBudget(
                self.model, budget_usd=limits.budget_usd, tokens=limits.tokens, deadline=self._deadline,
                account=self.account,
            )  # fmt: skip
            await budget.open()
        warnings = list(self.schema.warnings) if self.schema is not None else []
        services = TaskServices(
            self.task_id, environment.records, self.events, self.redactor, self._pictures(), self._traces(), budget
        )
        return RunContext(
            request=request,
            services=services,
            store=environment.store,
            executor=self._executor(services),
            schema=self.schema,
            settle=self._settle,
            attempts=AttemptLog(budget, self.events),
            good_runs=GoodRuns(request, self.redactor, environment.records.run_history, warnings),
            warnings=warnings,
            changing=environment.changing[request.reuse_key],
            browsers=environment.browsers,
            compiles=environment.compiles,
        )

    def _executor(self, services: TaskServices) -> Executor:
        limits, request, environment = self.request.limits, self.request, self.environment
        return Executor(
            environment.sandbox,
            services,
            files=self._files,
            limits=replace(
                SandboxLimits(),
                wall_seconds=max(1.0, self._deadline - time.monotonic()),
                action_seconds=limits.action_timeout,
                downloads=limits.downloads,
                download_bytes=limits.download_mb << 20,
            ),
            network=environment.network,
            egress=environment.network.egress((*trusted_origin(request, request.start_url), *request.allow_hosts)),
            start_url=request.start_url,
            http_login=request.http_login,
            browser=request.browser,
            retries=limits.retries,
            boxes=request.provenance == "full",
        )

    async def _finish(self, success: Success | None, cause: Cause | None) -> TaskResult:
        on_site = await asyncio.to_thread(self._effect)
        effect: Effect = on_site.effect
        if success is not None and success.continued:
            effect = "continued"
        elif success is not None and success.already_done and effect == "none":
            effect = "already-done"
        error = make_error(cause, effect, list(on_site.actions), self.redactor) if cause is not None else None
        return self._result("completed", success, error, effect)

    def _write_end(self, result: TaskResult) -> Event:
        return self.events.write(
            "task.completed", outcome=result.outcome, usd=result.cost.ai_usd, model_calls=result.model_calls,
            error=result.error.to_wire() if result.error else None,
        )  # fmt: skip

    def _result(
        self,
        status: Literal["completed", "canceled"],
        success: Success | None = None,
        error: TaskError | None = None,
        effect: Effect = "none",
    ) -> TaskResult:
        bundle = self._runner.bundle if self._runner is not None else None
        made = make_result(
            Ending(
                task_id=self.task_id,
                reuse_key=self.request.reuse_key,
                status=status,
                created_at=self.created,
                started_at=self._started,
                completed_at=datetime.now(UTC),
                hours=(time.monotonic() - self._began) / 3600 if self._started else 0.0,
                records=self.environment.records,
                context=self._context,
                saved=bundle,
                success=success,
                error=error,
                effect=effect,
            )
        )
        root = self.environment.root
        return made.with_store(Reads(root, self.task_id), TaskReport(root, self.task_id))

    def _pictures(self) -> Pictures:
        directory = self.environment.root / "results" / self.task_id if self.environment.keep_pictures else None
        return Pictures(directory, self.redactor, self.events)

    def _traces(self) -> Traces:
        directory = self.environment.root / "results" / self.task_id if self.request.trace else None
        return Traces(directory, self.events)

    def _effect(self) -> EffectOnSite:
        """Return the effect of the task's irreversible actions; unknown where the journal cannot be read."""
        try:
            return self.environment.records.journal.effect(self.task_id)
        except StoreError as error:
            log.warning("task %s: the journal of irreversible actions cannot be read: %s", self.task_id, error)
            return EffectOnSite("unknown")
