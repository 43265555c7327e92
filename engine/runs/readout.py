"""A failure behind a passed gate: nothing is run again; the model may read the result off the page left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine.agent import readout_tools
from engine.agent.loop import Agent
from engine.agent.readout_tools import Readout, ReadoutTools
from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, BundleStore
from engine.diagnosis.failures import Failed, FailedBehindGate
from engine.errors import AgentStuck, EngineError, ModelError
from engine.execution.executor import Executor
from engine.models.budget import ModelBudget
from engine.observation.observer import Observer
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import TaskRequest
from sandbox import SandboxError, Session

_TURNS = 15


@dataclass
class Continuation:
    """The model's part of a run that failed after something irreversible.

    Args:
        request: What is asked.
        schema: What the output must look like, if anything says.
        sample: What the last good run was asked and gave.
        settle: Called before the note is committed, which the task's time must not cut short.
        warnings: Takes what the user should know beside the result.
    """

    request: TaskRequest
    schema: OutputSchema | None
    sample: str
    store: BundleStore
    executor: Executor
    budget: ModelBudget
    redactor: Redactor
    events: EventLog
    settle: Callable[[], None]
    warnings: list[str]

    async def run(self, failed: FailedBehindGate, base: Bundle | None) -> Any:
        """The output, as the site shows it; of the bundle no more than its notes changes.

        Args:
            failed: The failure, whose page is still open.
            base: The bundle that ran or was to be repaired; None in a first run, of which nothing is kept.

        Raises:
            Failed: The failure, where the site does not show that the action took effect, or nobody could look.
        """
        session = failed.execution.outcome.session
        assert session is not None, "the page was left open"
        await self.events.emit("continuation.started", actions=failed.actions, problems=list(failed.problems))
        try:
            self.budget.ready()
            await session.freeze()
            ended = await self._read(session, failed)
        except (ModelError, AgentStuck, SandboxError) as error:
            raise self._unfinished(failed, f"the page could not be read: {error}") from error
        if not isinstance(ended, Readout):
            raise self._unfinished(failed, ended.message)
        await self.events.emit("continuation.finished", note=ended.note)
        self.warnings.append(
            "the automation failed behind an irreversible action; the model read this result off the page, nothing was"
            " done again, and the automation is as it was"
        )
        if base is not None:
            await self._note_down(base, failed, ended.note)
        return ended.output

    async def _read(self, session: Session, failed: FailedBehindGate) -> Any:
        bench = ReadoutTools(session=session, redactor=self.redactor, observer=Observer(), schema=self.schema)
        error = failed.execution.outcome.error
        first = readout_tools.assignment(
            task=self.redactor.text(self.request.task),
            actions=failed.actions,
            parameters=self.redactor.parameters(self.request.parameters),
            output_schema=self.schema.json_schema if self.schema else None,
            code=failed.code,
            problems=[self.redactor.text(problem) for problem in failed.problems],
            traceback=self.redactor.text(error.traceback) if error is not None else "",
            sample=self.sample,
            look=await bench.first_look(),
        )
        turns = min(_TURNS, self.request.limits.turns)
        return await Agent(self.budget, bench, self.events, turns, readout_tools.SYSTEM, readout_tools.TOOLS).work(
            first
        )

    def _unfinished(self, failed: FailedBehindGate, found: str) -> Failed:
        cause = failed.cause
        message = f"{cause.message}; {found}"
        return Failed(replace(cause, message=message, details={**cause.details, "found": found}))

    async def _note_down(self, base: Bundle, failed: FailedBehindGate, note: str) -> None:
        """One line for the next repair: all that is committed."""
        key = self.request.reuse_key
        said = " ".join(self.redactor.text(note).split())[:500]
        line = f"- After {', '.join(map(repr, failed.actions))} the automation failed: {said}"
        if line in base.notes:
            return
        notes = self.redactor.text(f"{base.notes.rstrip()}\n{line}\n".lstrip())
        self.settle()
        try:
            if await to_thread_uncancellable(self.store.pinned, key) is not None:
                return
            assert base.revision is not None, "a bundle that the store loaded has its revision"
            revision = await to_thread_uncancellable(
                self.store.commit,
                key,
                replace(base, notes=notes, revision=None),
                subject="Note: it failed behind an irreversible action",
                body=said,
                trailers={
                    "Task-Id": self.executor.task_id,
                    "Model": self.budget.model.name,
                    "Cost-Usd": f"{self.budget.spent_usd:.6f}",
                    "Reason": "continued",
                },
            )
            inherit = self.executor.records.run_history.inherit
            await asyncio.to_thread(inherit, base.revision.id, revision.id, trust=True)
        except EngineError as error:
            # The deed is done and its result known: that must not be lost for a note.
            self.warnings.append(f"the note for the next repair could not be saved: {error.message}")
            return
        await self.events.emit("commit", revision=revision.id, subject=revision.subject)
