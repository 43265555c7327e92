"""The gate: what a candidate must show, by its source and by running in a fresh worker, before it may be committed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.contract import Breach, History, Observed, PreviousOutput, borne_out, check, learn, rows
from engine.diagnosis.triage import site_cause
from engine.errors import ModelOverBudget, ModelRejected
from engine.execution.effects import writes
from engine.execution.execution import AutomationRun
from engine.execution.executor import Executor
from engine.gate import plausibility, static_checks
from engine.gate.hardcoded import scraped
from engine.gate.verdicts import Candidate, Promoted, Refused, Trial
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.schema import OutputSchema, infer
from sandbox import Evidence, SandboxLimitExceeded, ScriptError, WorkerDied


@dataclass
class Gate:
    """Tries candidates of one task and promotes the one that passes.

    Args:
        executor: Runs them.
        parameters: The task's parameters.
        secrets: Names of secret ones.
        schema: What the output must look like; None where it is to be inferred.
        contract: The output part of the bundle's contract, which a repair must satisfy unchanged; None for new code.
        known_parameters: Those of the last good run, secrets left out: the second run of a repair.
        resources: The bundle's resources.
        task: The task's text, which may state an order of the rows.
        history: What good runs of the code that is mended gave; empty for new code.
        wrote: Whether exploring sent a state-changing request.
        start_url_given: Whether the request or the bundle names a start URL; else the model may.
        seen: What the model looked at and printed, in full.
    """

    executor: Executor
    parameters: Mapping[str, Any]
    secrets: frozenset[str]
    schema: OutputSchema | None
    contract: Mapping[str, Any] | None
    known_parameters: Mapping[str, Any] | None
    resources: Mapping[str, bytes]
    events: EventLog
    task: str = ""
    history: History = field(default_factory=History)
    wrote: bool = False
    start_url_given: bool = True
    seen: list[str] = field(default_factory=list)
    _last: Trial | None = None
    _reported: set[str] = field(default_factory=set)
    _reads_only: set[str] = field(default_factory=set)  # code that is said to change nothing on the site
    _hosts: set[str] = field(default_factory=set)  # of the other runs that prove it

    async def try_out(
        self, code: str, parameters: Mapping[str, Any] | None = None, *, reads_only: str | None = None
    ) -> Trial:
        """Checks the source, then runs it in a fresh worker up to the first irreversible action.

        A candidate is run more than once. Where its source names no irreversible action, it ends before the first
        request that may change something on the site.

        Args:
            reads_only: Why what this very code sends changes nothing there.
        """
        if reads_only:
            self._reads_only.add(code)
        chosen = dict(self.parameters) | dict(parameters or {})
        problems = static_checks.findings(code, self.parameters, self.secrets, self.executor.start_url)
        if problems:
            return Trial(code, chosen, None, tuple(problems))
        said = {"reads_only": reads_only} if reads_only else {}
        await self.events.emit("candidate.started", other_parameters=parameters is not None, **said)
        try:
            execution = await self.executor.run(
                code, chosen, resources=self.resources, mode="rehearsal",
                hold_changes=code not in self._reads_only and not static_checks.names_irreversible(code),
            )  # fmt: skip
        except (SandboxLimitExceeded, WorkerDied) as error:
            # Code that uses too much can use less.
            return Trial(code, chosen, None, (f"the sandbox ended it: {error}",))
        trial = Trial(code, chosen, execution, await self._problems(execution))
        await self.events.emit(
            "candidate.finished",
            good=trial.good,
            problems=list(trial.problems),
            seconds=execution.outcome.seconds,
        )
        if chosen == dict(self.parameters):
            self._last = trial
        return trial

    async def promote(self, candidate: Candidate) -> Promoted | Refused:
        """Holds the candidate against everything; the last good trial of the same code counts as its fresh run."""
        trial = self._last
        if trial is None or trial.code != candidate.code or not trial.good:
            trial = await self.try_out(candidate.code)
        if trial.execution is None or not trial.good:
            return Refused(trial.problems, trial.execution)
        first = trial.execution
        if first.rehearsed:
            return await self._promote_irreversible(candidate)
        second_thoughts = await asyncio.to_thread(self._advisories, candidate, first)
        if second_thoughts:
            return Refused(tuple(second_thoughts), first)
        effects = "write" if self.wrote or writes(first.outcome.evidence) else "read"
        second: AutomationRun | None = None
        if effects == "read" and self._variable:
            other = await self._other_run(candidate, first)
            if isinstance(other, Refused):
                return other
            second = other.execution
            assert second is not None, "a good trial ran"
            self._hosts |= set(second.outcome.evidence.hosts)
        return await asyncio.to_thread(self._promoted, candidate, first, second, effects)

    @property
    def _variable(self) -> bool:
        return any(name not in self.secrets for name in self.parameters)

    async def _other_run(self, candidate: Candidate, first: AutomationRun) -> Trial | Refused:
        """With other parameters the output must differ, or the parameters are not used.

        Parameters that are known to have worked are better than those that the model proposes; but the site may know
        them no longer.
        """
        known = {n: v for n, v in (self.known_parameters or {}).items() if self.parameters.get(n) != v}
        if known:
            found = await self._run_with(candidate, first, known)
            if isinstance(found, Trial):
                return found
        return await self._run_with(candidate, first, dict(candidate.other_parameters or {}))

    async def _run_with(self, candidate: Candidate, first: AutomationRun, other: dict[str, Any]) -> Trial | Refused:
        unknown = sorted(set(other) - set(self.parameters))
        changed = {k: v for k, v in other.items() if k not in self.secrets and self.parameters.get(k) != v}
        if unknown or not changed:
            return Refused((
                f"finish needs other_parameters: other values that the site knows, for which the output differs, for"
                f" at least one of {sorted(set(self.parameters) - self.secrets)}"
                + (f"; unknown: {unknown}" if unknown else ""),
            ))  # fmt: skip
        trial = await self.try_out(candidate.code, changed)
        if trial.execution is None or not trial.good:
            reasons = [f"with other_parameters {json.dumps(changed, ensure_ascii=False)}: {p}" for p in trial.problems]
            return Refused(tuple(reasons), trial.execution)
        if rows(trial.execution.outcome.value) == 0 and rows(first.outcome.value):
            return Refused((
                f"with {json.dumps(changed, ensure_ascii=False)} there is nothing, which proves nothing: propose values"
                " for which the output has rows",
            ), trial.execution)  # fmt: skip
        unlike = plausibility.unlike(self._observed(first), self._observed(trial.execution))
        if unlike:
            shown = json.dumps(changed, ensure_ascii=False)
            return Refused(tuple(f"with other_parameters {shown}: {u}" for u in unlike), trial.execution)
        if trial.execution.outcome.value == first.outcome.value:
            return Refused((
                f"with {json.dumps(changed, ensure_ascii=False)} the output is the same as with the task's own"
                " parameters; either the code ignores them, or propose values for which it must differ",
            ), trial.execution)  # fmt: skip
        return trial

    async def _promote_irreversible(self, candidate: Candidate) -> Promoted | Refused:
        """All checks and the rehearsal are behind us: this is the single real run."""
        await self.events.emit("candidate.real_run")
        execution = await self.executor.run(
            candidate.code, self.parameters, resources=self.resources, mode="real", once=True, keep_open=True
        )
        left_open = execution.outcome.session
        try:
            problems = await self._problems(execution)
            if problems and execution.passed_gate:
                left_open = None  # it is read off that page what came of it
                return Refused(problems, execution, final=True)
        finally:
            if left_open is not None:
                await left_open.close()
        if problems:
            return Refused(problems, execution)
        return await asyncio.to_thread(self._promoted, candidate, execution, None, "write")

    async def _problems(self, execution: AutomationRun) -> tuple[str, ...]:
        unanswered = execution.model_error
        if unanswered is not None:
            # Code can ask less, but it cannot mend a key, an account or an endpoint.
            if not (isinstance(unanswered, (ModelOverBudget, ModelRejected)) or execution.passed_gate):
                raise unanswered
            return (f"task.ask was not answered: {unanswered.message}",)
        # In a thread: a large output takes seconds, in which other tasks go on.
        return tuple(await asyncio.to_thread(self._faults, execution))

    def _faults(self, execution: AutomationRun) -> list[str]:
        outcome = execution.outcome
        if execution.rehearsed:
            return []
        if outcome.error is not None:
            if outcome.error.kind == "held":
                return [_held(outcome.error)]
            where = f" (line {outcome.error.line})" if outcome.error.line else ""
            return [f"it failed{where}: {outcome.error.type}: {outcome.error.message}"]
        run = self._observed(execution)
        problems = [f"output {e}" for e in self.schema.errors(outcome.value)] if self.schema else []
        if self.schema is None and outcome.value is None:
            problems.append("it returned None")
        problems += [str(b) for b in self.breaches(run) if b.structural]
        problems += plausibility.doubts(run)
        problems += scraped(execution.code, outcome.value)
        if (wall := self._wall(outcome.evidence)) is not None:
            problems.append(f"what it read is not the site's content: {wall.message}")
        problems += [
            f"task.empty({selector!r}) was told of an element that is not visible, or that is more than a short message"
            for selector, visible in outcome.evidence.empty
            if not visible
        ]
        # What an action gives, a reference or a receipt, is new each time.
        past = None if execution.gates else self._past(run)
        return problems + (plausibility.contradictions(past, run, self.seen) if past is not None else [])

    def _wall(self, evidence: Evidence) -> Cause | None:
        logs_in = bool(self.secrets) or evidence.password_filled
        start_url = self.executor.start_url
        return site_cause(None, evidence, start_url=start_url, login_expected=logs_in, good=True)

    def breaches(self, observed: Observed) -> list[Breach]:
        """How the output departs from what good outputs of this bundle were; a repair may not change that."""
        if self.contract is None:
            return []
        same = self._past(observed)
        others = tuple(past for past in (self.history.same, *self.history.others) if past not in (None, same))
        history = replace(self.history, same=same, others=others)
        return check({"output": self.contract.get("output", {})}, observed, history)

    def _past(self, run: Observed) -> PreviousOutput | None:
        pasts = [past for past in (self.history.same, *self.history.others) if past is not None]
        return plausibility.same_parameters(pasts, run.parameters)

    def _advisories(self, candidate: Candidate, first: AutomationRun) -> list[str]:
        """What may be right all the same: each is told once, and a model that insists has looked at it."""
        run = self._observed(first)
        suspect = [str(b) for b in self.breaches(run) if b.severity == "statistical" and not borne_out(run, {})]
        thoughts = [plausibility.unseen(run.output, self.seen, candidate.code), plausibility.incomplete(run), *suspect]
        new = [thought for thought in thoughts if thought is not None and thought not in self._reported]
        self._reported.update(new)
        return [f"{thought} (if it is right as it is, finish again)" for thought in new]

    def _promoted(
        self, candidate: Candidate, first: AutomationRun, other: AutomationRun | None, effects: str
    ) -> Promoted:
        runs = [self._observed(run) for run in (first, other) if run is not None]
        contract = learn(runs, self.task)
        if self.contract is not None:
            contract = {**contract, "output": self.contract.get("output", {})}
        return Promoted(
            candidate=candidate,
            execution=first,
            contract=contract,
            output_schema=self.schema.json_schema if self.schema else infer([run.output for run in runs]),
            schema_inferred=self.schema is None,
            effects=effects,
            other=other,
            hosts=tuple(sorted({*first.outcome.evidence.hosts, *self._hosts})),
        )

    def _observed(self, execution: AutomationRun) -> Observed:
        return execution.observed({n: v for n, v in execution.parameters.items() if n not in self.secrets})


def _held(error: ScriptError) -> str:
    where = f"line {error.line} sends" if error.line else "it sends"
    return (
        f"{where} {error.message} outside task.irreversible; it was held back, and nothing was sent. If that submits,"
        " orders, posts, saves or deletes something, wrap just that action and the wait for its confirmation in"
        ' `async with task.irreversible("…"):`. If it changes nothing on the site, as a search does not, write the same'
        " code again and say why in reads_only"
    )
