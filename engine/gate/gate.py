"""The gate: what a candidate must show, by its source and by running in a fresh worker, before it may be committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.contract import learn, rows
from engine.contract.witnesses import learn_witnesses
from engine.diagnosis.failures import Failed
from engine.errors import ModelError
from engine.execution.automation_run import AutomationRun
from engine.execution.executor import Executor
from engine.execution.host import GateKnowledge
from engine.gate import run_checks, static_checks
from engine.gate.borne_out import unborne
from engine.gate.by_requests import adapted
from engine.gate.hardcoded import unread_parameters
from engine.gate.lighter import may_do_without, unequal
from engine.gate.nothing_left import refuses_nothing, values_without_rows
from engine.gate.objections import Objections
from engine.gate.second_run import Proof, changed_values, judge, judge_made_up, needs_values
from engine.gate.slowed_run import SlowedRuns
from engine.gate.steady_runs import run_steadily
from engine.gate.trial_runs import TrialRuns
from engine.gate.verdicts import Candidate, Promoted, Refused, Requirements, Trial
from engine.task.schema import infer
from sandbox import SandboxLimitExceeded, WorkerDied
from sandbox.kinds import automation_kind

_TRIES_OF_WEB = 3  # that may fail, before code has to take a page


@dataclass
class Gate:
    """Tries candidates of one task and promotes the one that passes.

    Args:
        executor: Runs them.
        requirements: What they have to satisfy.

    Attributes:
        start_url_given: True where the request or the bundle names a start URL; else the model may.
        runs: Runs the candidates.
        slowed: Runs those once more, on slowed pages, of which no second run tells.
        wrote: True where exploring sent a state-changing request.
        seen: All that the model looked at and printed, in full.
        unneeded: Parameters that the site is said not to need, each with the reason.
        objections: What was objected to, and how the model answered.
        may_offer_web: The model may still be told, once, that code without a browser may do; not where its prompt does
            not describe that.
    """

    executor: Executor
    requirements: Requirements
    start_url_given: bool = field(init=False)
    runs: TrialRuns = field(init=False)
    slowed: SlowedRuns = field(init=False)
    wrote: bool = False
    seen: list[str] = field(default_factory=list)
    unneeded: dict[str, str] = field(default_factory=dict)
    objections: Objections = field(default_factory=Objections)
    may_offer_web: bool = True
    _last: Trial | None = None
    _left_nothing: dict[str, Refused | None] = field(default_factory=dict)  # by code
    _now: dict[str, None] = field(default_factory=dict)  # objections to the candidate that is promoted
    _failed_of_web: int = 0

    def __post_init__(self) -> None:
        self.start_url_given = self.executor.start_url is not None
        self.runs = TrialRuns(self.executor, self.requirements, self.start_url_given)
        self.slowed = SlowedRuns(self.runs)

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
        unneeded = required.unneeded | set(self.unneeded)
        excused = (required.given - required.secrets) | required.unread(code)
        held = {n: v for n, v in required.parameters.items() if n not in excused}
        kind = automation_kind(code)
        if kind == "web" and (required.needs_browser or self._failed_of_web >= _TRIES_OF_WEB):
            return Trial(code, chosen, None, ("this needs a browser: write run(page, parameters, task)",))
        if found := static_checks.findings(code, held, required.secrets, self.executor.start_url, unneeded):
            return Trial(code, chosen, None, tuple(found))
        said = {"reads_only": reads_only} if reads_only else {}
        await events.emit("candidate.started", other_parameters=parameters is not None, kind=kind, **said)
        try:
            run, passing = await self.runs.run(code, chosen, reads_only=reads_only)
        except (SandboxLimitExceeded, WorkerDied) as error:
            # Code that uses too much can use less.
            return Trial(code, chosen, None, (f"the sandbox ended it: {error}",))
        problems = await self._problems(run)
        if problems and kind == "web":
            self._failed_of_web += 1
            if self._failed_of_web > 1:  # the first may be a slip
                problems = (*problems, "where only a browser gives this, write run(page, parameters, task)")
        trial = Trial(code, chosen, run, (*problems, passing.message) if passing is not None else problems)
        await events.emit(
            "candidate.finished", good=trial.good, problems=list(trial.problems), seconds=run.outcome.seconds, kind=kind
        )
        if chosen == dict(required.parameters):
            self._last = trial
        return trial

    async def promote(self, candidate: Candidate) -> Promoted | Refused:
        """Hold the candidate against everything; the last good trial of the same code counts as its fresh run."""
        self._now.clear()
        trial = self._last
        if trial is None or trial.code != candidate.code or not trial.good:
            trial = await self.try_out(candidate.code)
        if trial.run is None or not trial.good:
            return Refused(trial.problems, trial.run)
        first = trial.run
        if first.rehearsed:
            return await self._promote_irreversible(candidate)
        if standing := self._standing(await asyncio.to_thread(self._advisories, trial), candidate):
            return Refused(standing, first)
        effects = "write" if self._writes(candidate.code, first) else "read"
        proven: Proof | Refused = Proof(None)
        if effects == "read" and self._variable(candidate.code):
            proven = await self._proof(candidate, first)
        if isinstance(proven, Refused):
            return proven
        if refused := await asyncio.to_thread(self._unborne, candidate, first, proven):
            return refused
        if effects == "read" and (nothing := await self._nothing_left(candidate, first, proven)):
            return nothing
        if effects == "read" and proven.run is None and self.requirements.contract is None:
            late = await self.slowed.finding(candidate.code, first)
            if standing := self._standing([late] if late is not None else [], candidate):
                return Refused(standing, first)
        candidate, first, proven = await self._lighter(candidate, first, proven, effects)
        return await asyncio.to_thread(self._promoted, candidate, first, proven, effects)

    async def _lighter(
        self, candidate: Candidate, first: AutomationRun, proven: Proof, effects: str
    ) -> tuple[Candidate, AutomationRun, Proof]:
        """Take the version without a browser, where there is one and both give the same with both sets of parameters.

        Where they do not, the one with a browser stays as it is, and nobody is asked again.
        """
        code = candidate.web or adapted(candidate.code)
        if not code or candidate.kind == "web":
            return candidate, first, proven
        runs: list[AutomationRun] = []
        self.runs.learn_own((first, proven.run))
        problem = None if effects == "read" else "the automation changes the site"
        if automation_kind(code) != "web":
            problem = "its run does not take (web, parameters, task)"
        for earlier in (first, proven.run):
            if problem is not None or earlier is None:
                continue
            try:
                trial = await self.try_out(code, earlier.parameters)
            except (Failed, ModelError) as error:  # the code with a page has passed, and must not be lost for this
                problem = str(error)
                continue
            problem = unequal(earlier, trial)
            if trial.run is not None:
                runs.append(trial.run)
        await self.executor.services.events.emit("candidate.lighter", taken=problem is None, problem=problem)
        if problem is not None:
            return candidate, first, proven
        return replace(candidate, code=code), runs[0], replace(proven, run=runs[1] if len(runs) > 1 else None)

    def _unborne(self, candidate: Candidate, first: AutomationRun, proven: Proof) -> Refused | None:
        """Hold the values of the proving runs against where they stood on what was read."""
        runs = [self.requirements.observed(run) for run in (first, proven.run) if run is not None]
        certain, doubtful = unborne(runs, candidate.code, self.requirements.words, self.requirements.parameters)
        if certain:
            return Refused(tuple(certain), first)
        standing = self._standing(doubtful, candidate) if self.requirements.contract is None else ()
        return Refused(standing, first) if standing else None

    async def _nothing_left(self, candidate: Candidate, first: AutomationRun, proven: Proof) -> Refused | None:
        """Hold against the candidate what a value that leaves nothing showed of code that filters by itself."""
        code = candidate.code
        if proven.run is None or self.requirements.contract is not None:
            return None
        if code not in self._left_nothing:
            self._left_nothing[code] = await self._leaving_nothing(code, first, proven.run)
        if (found := self._left_nothing[code]) is None:
            return None
        standing = self._standing(found.reasons, candidate)
        return Refused(standing, found.run) if standing else None

    async def _leaving_nothing(self, code: str, first: AutomationRun, other: AutomationRun) -> Refused | None:
        """Run the code with a value that leaves nothing."""
        required = self.requirements
        if not (tried := list(values_without_rows(first, other, required))):
            return None
        contract = await asyncio.to_thread(learn, [required.observed(first), required.observed(other)])
        for values in tried:
            trial = await self.try_out(code, values)
            if found := refuses_nothing(trial, values, contract):
                return Refused((found,), trial.run)
            if trial.run is not None and not rows(trial.run.outcome.value):
                return None
        return None

    def _writes(self, code: str, run: AutomationRun) -> bool:
        """Return True where the automation changes something on the site, though this run may have come to no change.

        Where the site shows the effect of an earlier run, code ends before its irreversible action.
        """
        known = self.requirements.writes or self.wrote or bool(run.already_done)
        return known or static_checks.names_irreversible(code) or self.runs.writes(run.outcome.evidence)

    async def _proof(self, candidate: Candidate, first: AutomationRun) -> Proof | Refused:
        """Run with other parameters: what the code then gives, or does, must show that it uses them.

        Parameters that are known to have worked are better than those that the model proposes; but the site may know
        them no longer.
        """
        required = self.requirements
        if known := self._changed(candidate.code, required.known_parameters or {}):
            found = await self._run_with(candidate, first, known)
            if isinstance(found, Proof):
                return found
        other = candidate.other_parameters or {}
        unknown, changed = sorted(set(other) - set(required.parameters)), self._changed(candidate.code, other)
        if changed and not unknown:
            return await self._run_with(candidate, first, changed)
        if candidate.no_other_values and not unknown:
            return Proof(None, one_example=True)
        return Refused((needs_values(sorted(self._variable(candidate.code)), unknown),))

    async def _run_with(
        self, candidate: Candidate, first: AutomationRun, changed: Mapping[str, Any]
    ) -> Proof | Refused:
        trial = await self.try_out(candidate.code, changed)
        found = await asyncio.to_thread(judge, first, trial, changed, self.requirements, tuple(self.seen))
        if found.problems:
            proof = judge_made_up(first, trial, changed) if candidate.no_other_values else None
            return proof or Refused(found.problems, trial.run)
        if standing := self._standing(found.advisories, candidate):
            return Refused(standing, trial.run)
        return Proof(trial.run)

    def _variable(self, code: str) -> set[str]:
        """Return the parameters that may take another value: no secrets, and the code reads them."""
        required = self.requirements
        return set(required.parameters) - required.secrets - required.given - required.unread(code) - self._unread(code)

    def _unread(self, code: str) -> set[str]:
        """Return the parameters that the site is said not to need and that the code does not read."""
        said = self.requirements.unneeded | set(self.unneeded)
        return set(said & unread_parameters(code, self.requirements.parameters))

    def _changed(self, code: str, other: Mapping[str, Any]) -> dict[str, Any]:
        variable = self._variable(code)
        return {k: v for k, v in changed_values(self.requirements, other).items() if k in variable}

    async def _promote_irreversible(self, candidate: Candidate) -> Promoted | Refused:
        """Make the single real run; all checks and the rehearsal are behind it."""
        await self.executor.services.events.emit("candidate.real_run")
        required = self.requirements
        run, _ = await run_steadily(
            self.executor, required, candidate.code, required.parameters, start_url_given=self.start_url_given,
            mode="real", once=True, keep_open=True, known=self._before_gates(),
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
        return await asyncio.to_thread(self._promoted, candidate, run, Proof(None), "write")

    async def _problems(self, run: AutomationRun) -> tuple[str, ...]:
        return await run_checks.problems(run, self.requirements, start_url=self.executor.start_url, seen=self.seen)

    def advisories(self, trial: Trial) -> tuple[str, ...]:
        """Return what the model is to look at once more in a good trial, and has given no reason for."""
        return self.objections.unanswered(self._advisories(trial))

    def _advisories(self, trial: Trial) -> list[str]:
        run = trial.run
        if run is None or not trial.good or run.rehearsed or trial.parameters != self.requirements.parameters:
            return []
        found = run_checks.advisories(run, self.requirements, code=trial.code, seen=self.seen)
        if (trace := self.runs.lasting.get(trial.code)) is not None:
            found.append(run_checks.lasting(trace))
        return found

    def notes(self, trial: Trial) -> tuple[str, ...]:
        """Return what the model is shown of a good trial beside that, and need not answer."""
        if trial.run is None or not trial.good or trial.run.rehearsed:
            return ()
        found = run_checks.notes(trial.run, self.requirements)
        offered = self.may_offer_web and not self.requirements.needs_browser and adapted(trial.code) is None
        if offered and not self._writes(trial.code, trial.run):
            lighter = may_do_without(trial.code, trial.run)
            found += [lighter] if lighter is not None else []
            self.may_offer_web = lighter is None
        return tuple(found)

    def _standing(self, objections: Iterable[str], candidate: Candidate) -> tuple[str, ...]:
        """Return the objections to the candidate that it gives no reason for."""
        objections = list(objections)
        self._now.update(dict.fromkeys(objections))
        return self.objections.standing(objections, candidate.why_right)

    def promoted(self, candidate: Candidate, runs: Sequence[AutomationRun]) -> Promoted:
        """Return code that only reads as promoted by runs that were compared with those of the code before it; blocks.

        Args:
            runs: With the task's own parameters, then with others.
        """
        return self._promoted(candidate, runs[0], Proof(runs[1] if len(runs) > 1 else None), "read")

    def _promoted(self, candidate: Candidate, first: AutomationRun, proof: Proof, effects: str) -> Promoted:
        required, other = self.requirements, proof.run
        runs = [run for run in (first, other) if run is not None]
        observed = [required.observed(run) for run in runs]
        contract = learn(observed, required.task)
        if required.contract is not None:
            contract = {**contract, "output": required.contract.get("output", {})}
        before = (required.contract or {}).get("gates")
        if gates := learn_witnesses(first.shown, observed[0].parameters, before):
            contract["gates"] = gates
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
            one_example=proof.one_example,
            warnings=tuple(self._warnings(candidate, proof)),
            answered={o: why for o, why in self.objections.answered.items() if o in self._now},
        )

    def _before_gates(self) -> GateKnowledge | None:
        """Return what pages showed before the irreversible actions of the code that a repair replaces."""
        required, gates = self.requirements, (self.requirements.contract or {}).get("gates")
        if not gates:
            return None
        return GateKnowledge(gates, required.without_secrets(required.parameters), moved=True)

    def _warnings(self, candidate: Candidate, proof: Proof) -> Iterator[str]:
        unread = self._unread(candidate.code)
        for name, why in ((name, why) for name, why in self.unneeded.items() if name in unread):
            yield f"the parameter {name!r} is not used, for the site is said not to need it: {why}"
        if proof.one_example:
            yield (
                "the automation was tried with these parameters alone, since no others are known"
                f" ({candidate.no_other_values}); the next run with others is to confirm it"
            )
