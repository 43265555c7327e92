"""One task on its way through the runner and into a result."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from engine.aio import to_thread_uncancellable
from engine.bundles import BundleStore
from engine.contract import CLEAN_RUNS_BEFORE_STATISTICS
from engine.diagnosis.failures import Failed, after_gate, failure
from engine.errors import StoreError
from engine.execution.executor import Executor
from engine.execution.network import NetworkAccess
from engine.models.base import Model, Usage
from engine.models.budget import Account, ModelBudget
from engine.runs.context import Success
from engine.runs.results import redacted
from engine.runs.runner import Runner
from engine.scheduling.queued import RunControl, RunEnd
from engine.scheduling.states import StopReason
from engine.storage import result_files
from engine.storage.tasks import TaskRecords
from engine.task import origins
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import (
    ComputeCost,
    Cost,
    Effect,
    FileResult,
    InlineResult,
    Reuse,
    TaskError,
    TaskRequest,
    TaskResult,
    Tokens,
    Trust,
)
from sandbox import Sandbox, SandboxLimits

log = logging.getLogger(__name__)


@dataclass
class TaskRun:
    """Takes one task to its end and makes its result.

    Args:
        request: What is asked.
        task_id: Its id.
        root: The workspace's directory.
        sandbox: Where automations run.
        store: Bundles.
        records: Tasks, journal, statistics.
        model: Who is asked; None with ``ai="never"``.
        redactor: Hides secrets.
        events: Events.
        account: Keeps the caps of the day.
        schema: What the output must be, as the caller gave it: a pydantic class says more than its JSON Schema.
    """

    request: TaskRequest
    task_id: str
    root: Path
    sandbox: Sandbox
    store: BundleStore
    records: TaskRecords
    model: Model | None
    redactor: Redactor
    events: EventLog
    account: Account | None = None
    schema: OutputSchema | None = None
    network: NetworkAccess = NetworkAccess()  # noqa: RUF009  frozen
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _control: RunControl | None = None
    _entered: bool = False
    _started: datetime | None = None
    _began: float = 0.0
    _runner: Runner | None = None
    _limit: asyncio.Timeout | None = None
    _deadline: float = 0.0

    @property
    def kept_request(self) -> TaskRequest:
        """The request as the records may hold it: secrets by name only."""
        request, redactor = self.request, self.redactor
        return request.model_copy(
            update={
                "task": redactor.text(request.task),
                "start_url": redactor.text(request.start_url) if request.start_url is not None else None,
                "parameters": redactor.parameters(request.parameters),
                "output_schema": redactor.data(request.output_schema),
            }
        )

    async def entered(self) -> None:
        """Tells, once, that the task is in the line."""
        if self._entered:
            return
        self._entered = True
        kept = self.kept_request
        await self.events.emit("task.pending", task=kept.task, key=kept.reuse_key, parameters=kept.parameters)

    async def announce_waiting(self, position: int | None) -> None:
        """Report that the task has to wait: another run holds the key, or all slots are taken."""
        await self.events.emit("task.waiting", key=self.request.reuse_key, position=position)

    async def refused(self, result: TaskResult) -> None:
        """Tells that the line had no room."""
        await self._tell_end(result)
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
            effect, _ = self._effect()
            handed_over = control.stop_reason is StopReason.HANDED_OVER
            if handed_over and effect == "none" and self.request.if_interrupted == "rerun":
                self.records.queue.give_back([self.task_id])
                return RunEnd(None)
            with suppress(asyncio.CancelledError):  # closing cancels it once more
                await self.events.emit("task.canceled")
            return self._keep(self._result("canceled", effect=effect))
        finally:
            self.events.close()
        return await to_thread_uncancellable(self._keep, result)

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
            stored = result_files.keep(self.root, self.task_id, kept.output, datetime.now(UTC))
            kept = kept.model_copy(update={"result": stored})
        self.records.finish(kept)
        large = isinstance(kept.result, FileResult)
        return result.model_copy(update={"result": kept.result}).with_output(result.output) if large else result

    async def to_end(self) -> TaskResult:
        """Runs the task, and makes a result of whatever happens but a cancellation."""
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
            log.error("task %s: a fault of the engine\n%s", self.task_id, shown)
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
        files = self.root / "files" / self.task_id
        if files.is_dir():  # asked here: a first run need not wait for a thread
            await to_thread_uncancellable(shutil.rmtree, files, ignore_errors=True)
        await self.events.emit("task.started")
        limits = self.request.limits
        budget = None
        if self.model is not None:
            budget = ModelBudget(
                self.model, budget_usd=limits.budget_usd, tokens=limits.tokens, deadline=self._deadline,
                account=self.account,
            )  # fmt: skip
            await budget.open()
        executor = self._executor(budget)
        self._runner = Runner(
            self.request, self.store, self.records, executor, budget, self.redactor, self.events, self.schema,
            self._settle,
        )  # fmt: skip
        try:
            return await self._runner.run()
        finally:
            await executor.discard_files(keep=self._runner.kept_files)

    def _executor(self, budget: ModelBudget | None) -> Executor:
        limits, request = self.request.limits, self.request
        return Executor(
            sandbox=self.sandbox,
            task_id=self.task_id,
            start_url=request.start_url,
            egress=self.network.egress((*origins.trusted_origin(request, request.start_url), *request.allow_hosts)),
            network=self.network,
            limits=replace(
                SandboxLimits(),
                wall_seconds=max(1.0, self._deadline - time.monotonic()),
                action_seconds=limits.action_timeout,
                downloads=limits.downloads,
                download_bytes=limits.download_mb << 20,
            ),
            files=self.root / "files" / self.task_id,
            records=self.records,
            events=self.events,
            redactor=self.redactor,
            budget=budget,
            retries=limits.retries,
        )

    async def _finish(self, success: Success | None, cause: Cause | None) -> TaskResult:
        effect, actions = await asyncio.to_thread(self._effect)
        if success is not None and success.continued:
            effect = "continued"
        error = Failed(cause).to_error() if cause is not None else None
        if error is not None and effect != "none":
            error = after_gate(error, effect, actions)
        if error is not None:
            # Errors end up in logs; an exception's text may quote a parameter.
            details = self.redactor.data({**error.details}) | {"reason": error.reason}
            error = error.model_copy(update={"message": self.redactor.text(error.message), "details": details})
        result = self._result("completed", success, error, effect)
        await self._tell_end(result)
        return result

    async def _tell_end(self, result: TaskResult) -> None:
        await self.events.emit(
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
        """What is known at the end; a canceled task has cost its money and done its deeds, too."""
        runner, now = self._runner, datetime.now(UTC)
        budget = runner.budget if runner else None
        usage = budget.usage if budget else Usage()
        hours = (time.monotonic() - self._began) / 3600 if self._started else 0.0
        return TaskResult(
            web_task_id=self.task_id,
            status=status,
            outcome=None if status == "canceled" else "success" if success else "failed",
            created_at=self.created,
            started_at=self._started,
            completed_at=now,
            cost=Cost(ai_usd=budget.spent_usd if budget else 0.0, compute=ComputeCost(amount=hours)),
            reuse=self._reuse(success) if status == "completed" else None,
            result=InlineResult(data=success.output) if success else None,
            error=error,
            model_calls=budget.calls if budget else 0,
            tokens=Tokens(
                input=usage.input_tokens,
                output=usage.output_tokens,
                cache_read=usage.cache_read_tokens,
                cache_write=usage.cache_write_tokens,
            ),
            attempts=tuple(runner.log.attempts) if runner else (),
            warnings=tuple(runner.warnings) if runner else (),
            effect=effect,
            reuse_key=self.request.reuse_key,
        )

    def _effect(self) -> tuple[Effect, list[str]]:
        """What became of irreversible actions, and which were let through."""
        try:
            gates = self.records.journal.gates(self.task_id)
        except StoreError as error:
            log.warning("task %s: the journal of irreversible actions cannot be read: %s", self.task_id, error)
            return "unknown", []
        if not gates:
            return "none", []
        confirmed = all(state == "confirmed" for _, _, state in gates)
        return "performed" if confirmed else "unknown", [action for action, _, _ in gates]

    def _trust(self, revision: str) -> Trust:
        """A revision is trusted once its clean runs are enough for the statistical checks to bind."""
        try:
            clean, _ = self.records.run_history.clean_runs(revision)
        except StoreError as error:
            log.warning("task %s: the clean runs of its revision cannot be read: %s", self.task_id, error)
            return "candidate"
        return "trusted" if clean >= CLEAN_RUNS_BEFORE_STATISTICS else "candidate"

    def _reuse(self, success: Success | None) -> Reuse | None:
        """A run without a revision (rejected, or failed on a new key) leaves it out, as the wire wants."""
        if success is not None:
            if success.revision is None:
                return None
            used, created, updated, revision = (
                success.used,
                success.created,
                success.updated,
                success.revision,
            )
        elif self._runner is not None and self._runner.bundle is not None and self._runner.bundle.revision is not None:
            used, created, updated, revision = True, False, False, self._runner.bundle.revision
        else:
            return None
        return Reuse(
            key=self.request.reuse_key,
            used=used,
            created=created,
            updated=updated and not created,
            revision_id=revision.id,
            revision_timestamp=revision.timestamp,
            trust=self._trust(revision.id),
        )
