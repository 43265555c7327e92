"""The gate: what a candidate must show, by its source and by running in a fresh worker, before it may be committed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.contract import Observed, learn, rows
from engine.execution.automation_run import AutomationRun
from engine.execution.executor import Executor
from engine.gate import plausibility, run_checks, static_checks
from engine.gate.steady_runs import run_steadily
from engine.gate.trial_runs import TrialRuns
from engine.gate.verdicts import Candidate, Promoted, Refused, Requirements, Trial
from engine.task.schema import infer
from sandbox import SandboxLimitExceeded, WorkerDied


@dataclass
class Gate:
    """Tries candidates of one task and promotes the one that passes.

    Args:
        executor: Runs them.
        requirements: What they have to satisfy.

    Attributes:
        start_url_given: True where the request or the bundle names a start URL; else the model may.
        runs: Runs the candidates.
        wrote: True where exploring sent a state-changing request.
        seen: All that the model looked at and printed, in full.
    """

    executor: Executor
    requirements: Requirements
    start_url_given: bool = field(init=False)
    runs: TrialRuns = field(init=False)
    wrote: bool = False
    seen: list[str] = field(default_factory=list)
    _last: Trial | None = None
    _reported: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.start_url_given = self.executor.start_url is not None
        self.runs = TrialRuns(self.executor, self.requirements, self.start_url_given)

    async def try_out(
        self, code: str, parameters: Mapping[str, Any] | None = None, *, reads_only: str | None = None
    ) -> Trial:
        """Check the source, then run it in a fresh worker up to the first irreversible action.

        A candidate is run more than once. Where its source names no irreversible action, it ends before the first
        request that may change something on the site.

        Args:
            reads_only: The reason why the requests of this very code change nothing there, or nothing that lasts.
        """
        required, events = self.requirements, self.executor.services.events
        chosen = {**required.parameters, **(parameters or {})}
        held = {n: v for n, v in required.parameters.items() if n not in required.given - required.secrets}
        if found := static_checks.findings(code, held, required.secrets, self.executor.start_url):
            return Trial(code, chosen, None, tuple(found))
        said = {"reads_only": reads_only} if reads_only else {}
        await events.emit("candidate.started", other_parameters=parameters is not None, **said)
        try:
            run, passing = await self.runs.run(code, chosen, reads_only=reads_only)
        except (SandboxLimitExceeded, WorkerDied) as error:
            # Code that uses too much can use less.
            return Trial(code, chosen, None, (f"the sandbox ended it: {error}",))
        problems = await self._problems(run)
        trial = Trial(code, chosen, run, (*problems, passing.message) if passing is not None else problems)
        await events.emit(
            "candidate.finished", good=trial.good, problems=list(trial.problems), seconds=run.outcome.seconds
        )
        if chosen == dict(required.parameters):
            self._last = trial
        return trial

    async def promote(self, candidate: Candidate) -> Promoted | Refused:
        """Hold the candidate against everything; the last good trial of the same code counts as its fresh run."""
        trial = self._last
        if trial is None or trial.code != candidate.code or not trial.good:
            trial = await self.try_out(candidate.code)
        if trial.run is None or not trial.good:
            return Refused(trial.problems, trial.run)
        first = trial.run
        if first.rehearsed:
            return await self._promote_irreversible(candidate)
        if advisories := await asyncio.to_thread(self._advisories, candidate, first):
            return Refused(tuple(advisories), first)
        effects = "write" if self._writes(candidate.code, first) else "read"
        second: AutomationRun | None = None
        if effects == "read" and self.requirements.variable:
            other = await self._other_run(candidate, first)
            if isinstance(other, Refused):
                return other
            second = other.run
        return await asyncio.to_thread(self._promoted, candidate, first, second, effects)

    def _writes(self, code: str, run: AutomationRun) -> bool:
        """Return True where the automation changes something on the site, though this run may have come to no change.

        Where the site shows the effect of an earlier run, code ends before its irreversible action.
        """
        known = self.requirements.writes or self.wrote or bool(run.already_done)
        return known or static_checks.names_irreversible(code) or self.runs.writes(run.outcome.evidence)

    async def _other_run(self, candidate: Candidate, first: AutomationRun) -> Trial | Refused:
        """Run with other parameters: the output must differ, or the parameters are not used.

        Parameters that are known to have worked are better than those that the model proposes; but the site may know
        them no longer.
        """
        required = self.requirements
        known = {n: v for n, v in (required.known_parameters or {}).items() if required.parameters.get(n) != v}
        if known:
            found = await self._run_with(candidate, first, known)
            if isinstance(found, Trial):
                return found
        return await self._run_with(candidate, first, dict(candidate.other_parameters or {}))

    async def _run_with(self, candidate: Candidate, first: AutomationRun, other: dict[str, Any]) -> Trial | Refused:
        required = self.requirements
        unknown = sorted(set(other) - set(required.parameters))
        changed = {k: v for k, v in other.items() if k not in required.secrets and required.parameters.get(k) != v}
        shown = json.dumps(changed, ensure_ascii=False)
        if unknown or not changed:
            return Refused((
                f"finish needs other_parameters: other values that the site knows, for which the output differs, for"
                f" at least one of {sorted(set(required.parameters) - required.secrets)}"
                + (f"; unknown: {unknown}" if unknown else ""),
            ))  # fmt: skip
        trial = await self.try_out(candidate.code, changed)
        if trial.run is None or not trial.good:
            return Refused(tuple(f"with other_parameters {shown}: {p}" for p in trial.problems), trial.run)
        if rows(trial.run.outcome.value) == 0 and rows(first.outcome.value):
            return Refused((
                f"with {shown} there is nothing, which proves nothing: propose values"
                " for which the output has rows",
            ), trial.run)  # fmt: skip
        if unlike := plausibility.unlike(self._observed(first), self._observed(trial.run)):
            return Refused(tuple(f"with other_parameters {shown}: {u}" for u in unlike), trial.run)
        if trial.run.outcome.value == first.outcome.value:
            return Refused((
                f"with {shown} the output is the same as with the task's own"
                " parameters; either the code ignores them, or propose values for which it must differ",
            ), trial.run)  # fmt: skip
        return trial

    async def _promote_irreversible(self, candidate: Candidate) -> Promoted | Refused:
        """Make the single real run; all checks and the rehearsal are behind it."""
        await self.executor.services.events.emit("candidate.real_run")
        required = self.requirements
        run, _ = await run_steadily(
            self.executor, required, candidate.code, required.parameters, start_url_given=self.start_url_given,
            mode="real", once=True, keep_open=True,
        )  # fmt: skip
        left_open = run.outcome.session
        try:
            found = await self._problems(run)
            if found and run.passed_gate:
                left_open = None  # the result of the action is read off that page
                return Refused(found, run, final=True)
        finally:
            if left_open is not None:
                await left_open.close()
        if found:
            return Refused(found, run)
        return await asyncio.to_thread(self._promoted, candidate, run, None, "write")

    async def _problems(self, run: AutomationRun) -> tuple[str, ...]:
        return await run_checks.problems(run, self.requirements, start_url=self.executor.start_url, seen=self.seen)

    def _advisories(self, candidate: Candidate, first: AutomationRun) -> list[str]:
        """Return advisories that were not reported before: a model that insists has looked at them."""
        found = run_checks.advisories(first, self.requirements, code=candidate.code, seen=self.seen)
        if (trace := self.runs.lasting.get(candidate.code)) is not None:
            found.append(run_checks.lasting(trace))
        new = [advisory for advisory in found if advisory not in self._reported]
        self._reported.update(new)
        return [f"{advisory} (if it is right as it is, finish again)" for advisory in new]

    def _promoted(
        self, candidate: Candidate, first: AutomationRun, other: AutomationRun | None, effects: str
    ) -> Promoted:
        required, runs = self.requirements, [run for run in (first, other) if run is not None]
        observed = [self._observed(run) for run in runs]
        contract = learn(observed, required.task)
        if required.contract is not None:
            contract = {**contract, "output": required.contract.get("output", {})}
        return Promoted(
            candidate=candidate,
            run=first,
            contract=contract,
            output_schema=required.schema.json_schema if required.schema else infer([run.output for run in observed]),
            schema_inferred=required.schema is None,
            effects=effects,
            other=other,
            hosts=tuple(sorted({host for run in runs for host in run.outcome.evidence.hosts})),
            harmless=self.runs.known_harmless(runs),
        )

    def _observed(self, run: AutomationRun) -> Observed:
        return run.observed(self.requirements.without_secrets(run.parameters))
