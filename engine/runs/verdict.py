"""Whether a replay was good; and if not, whose fault that is: the site's, the parameters', or the code's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from engine.bundles import Bundle
from engine.bundles.bundle import committed
from engine.contract import Breach, always_there, check, rows
from engine.diagnosis.failures import Failed, FailedBehindGate, model_failure
from engine.diagnosis.triage import site_cause
from engine.errors import ModelError
from engine.execution.effects import writes
from engine.execution.execution import AutomationRun
from engine.execution.executor import Executor
from engine.models.budget import ModelBudget
from engine.runs.attempts import AttemptLog, Note
from engine.runs.confirm import ask, excusable, excused_by_page
from engine.runs.good_runs import GoodRuns
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.schema import OutputSchema
from engine.task.wire import TaskRequest

Replay = Callable[..., Awaitable[AutomationRun]]


@dataclass
class Judgment:
    """Judges the replays of one task.

    Args:
        request: The task.
        clean: What good runs gave.
        executor: What the runs were made with.
        replay: Runs a bundle once more, with other parameters.
        log: The attempts of the task.
        events: Events.
        budget: Pays for a question; None with ``ai="never"``.
        schema: What the output must be, if the request says.
        warnings: Takes what a user should know of a result that is accepted.
    """

    request: TaskRequest
    clean: GoodRuns
    executor: Executor
    replay: Replay
    log: AttemptLog
    events: EventLog
    budget: ModelBudget | None
    schema: OutputSchema | None
    warnings: list[str] = field(default_factory=list)
    _full_page: str = ""

    async def faults(self, bundle: Bundle, execution: AutomationRun) -> tuple[list[str], list[Breach]]:
        """What speaks against it, and how it departs from the contract: good means that it ran, the output fits the
        schema, and the contract holds."""
        if execution.model_error is not None:
            raise Failed(model_failure(execution.model_error))
        outcome = execution.outcome
        if outcome.error is not None:
            return [f"{outcome.error.type}: {outcome.error.message}"], []
        # In a thread: a large output takes seconds, in which other tasks go on.
        return await asyncio.to_thread(self._faults, bundle, execution)

    def _faults(self, bundle: Bundle, execution: AutomationRun) -> tuple[list[str], list[Breach]]:
        schema = self.schema_of(bundle)
        problems = [f"output {e}" for e in schema.errors(execution.outcome.value)] if schema else []
        run = execution.observed(self.clean.shown(execution.parameters))
        history = self.clean.run_history.history(committed(bundle).id, run.parameters)
        found = check(bundle.contract, run, history)
        binding = [b for b in found if b.severity != "advisory"]
        if binding and not problems and excused_by_page(binding, run, bundle.contract):
            binding = []
        return problems + [str(b) for b in binding], found

    def triage(self, bundle: Bundle, execution: AutomationRun, problems: list[str], note: Note) -> None:
        """Ends the task where code is not to blame, or where something irreversible forbids another try."""
        cause = self.wall(bundle, execution, good=not problems)
        if cause is None and not problems:
            return
        note.reason = cause.reason if cause is not None else "drift"
        if execution.passed_gate:
            found = problems or ([cause.message] if cause is not None else [])
            raise FailedBehindGate(found, execution, bundle.automation)
        if cause is not None and not self._moved(execution, cause):
            raise self._stopped(bundle, execution, cause)

    def wall(self, bundle: Bundle, execution: AutomationRun, *, good: bool = True) -> Cause | None:
        """What stood in the way, if that is where the run ended: a good result of such a page is none."""
        error = execution.outcome.error
        if error is not None and error.kind == "crash":
            return Cause("browser-crashed", f"the browser crashed while the automation ran: {error.message}")
        return site_cause(
            error,
            execution.outcome.evidence,
            start_url=self.executor.start_url,
            login_expected=bool(bundle.contract.get("page", {}).get("login")),
            good=good,
        )

    def _moved(self, execution: AutomationRun, cause: Cause) -> bool:
        """Whether the site may have moved to another host: a repair may widen what is reached."""
        unknown = cause.reason == "host-not-allowed" and bool(execution.unknown_hosts)
        return unknown and self.executor.network.learns and self.budget is not None

    def _stopped(self, bundle: Bundle, execution: AutomationRun, cause: Cause) -> Failed:
        """The end, or another try where the cause passes; but what may have been sent is not sent again."""
        sent = bundle.meta.effects != "read" and execution.outcome.evidence.state_changing
        repeatable = not sent and not execution.gates and not writes(execution.outcome.evidence)
        return Failed(replace(cause, transient=cause.transient and repeatable))

    async def excuse(self, bundle: Bundle, execution: AutomationRun) -> bool | None:
        """Whether other parameters show that the code works, where these gave no result before that this one departs
        from: then it is not the parameters that are new."""
        if execution.outcome.ok and (await self.clean.history(bundle)).same is not None:
            return None
        return await self._works_otherwise(bundle)

    async def _works_otherwise(self, bundle: Bundle) -> bool | None:
        """Whether read-only code still works with others that gave rows before; None where none are known."""
        good = await self.clean.other_parameters(bundle)
        if good is None or bundle.meta.effects != "read":
            return None
        secrets = {n: v for n, v in self.request.parameters.items() if n in self.request.secrets}
        async with self.log.attempt("check") as note:
            await self.events.emit("check.started", parameters=good)
            execution = await self.replay(bundle, good | secrets, mode="rehearsal")
            if execution.rehearsed:
                return True
            self._full_page = execution.outcome.evidence.text
            works = not (await self.faults(bundle, execution))[0] and rows(execution.outcome.value) != 0
            if (cause := self.wall(bundle, execution, good=works)) is not None and not self._moved(execution, cause):
                raise self._stopped(bundle, execution, cause)  # it says nothing of the code, nor of the parameters
            note.reason = None if works else "drift"
        return works

    async def confirm_empty(self, bundle: Bundle, execution: AutomationRun) -> list[str]:
        """An empty result, though the page bears it out, is believed only while other parameters still give rows."""
        if bundle.meta.effects != "read":
            return []
        works = await self._works_otherwise(bundle)
        if works is False:
            return ["$: no rows, and none any more for parameters that gave rows before"]
        if works and (message := always_there(execution.outcome.evidence.messages, self._full_page)):
            return [f"$: no rows, and {message!r}, by which the page was said to tell so, is there on full pages, too"]
        if works is None and await self.clean.parameters(bundle):
            self.warnings.append("there are no rows, where the same parameters gave rows before; the page says so, too")
        return []

    async def confirmed(
        self, bundle: Bundle, execution: AutomationRun, problems: list[str], breaches: list[Breach]
    ) -> bool:
        """Whether the model takes a suspect result for data of a new kind; what is structural it is not asked about."""
        binding = [b for b in breaches if b.severity != "advisory"]
        if self.budget is None or len(problems) > len(binding) or not excusable(binding):
            return False
        asked = self.clean.without_secrets(self.request.parameters)
        sample = await self.clean.sample(bundle)
        async with self.log.attempt("confirm") as note:
            try:
                verdict, why = await ask(
                    self.budget, self.clean.redactor, self.events, task=self.request.task,
                    parameters=self.request.parameters, breaches=breaches, run=execution.observed(asked), sample=sample,
                )  # fmt: skip
            except ModelError as error:
                raise Failed(model_failure(error)) from error
            note.reason = None if verdict == "legitimate" else f"drift: {why}"
        return verdict == "legitimate"

    def schema_of(self, bundle: Bundle | None) -> OutputSchema | None:
        """The schema that the request names, else the bundle's."""
        if self.schema is not None or bundle is None or bundle.meta.output_schema is None:
            return self.schema
        return OutputSchema(bundle.meta.output_schema)
