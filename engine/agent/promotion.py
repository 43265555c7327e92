"""The gate: what a candidate must show, by its source and by running in a fresh worker, before it may be committed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.agent import static
from engine.contract import Breach, Observed, check, learn, rows
from engine.errors import ModelOverBudget, ModelRejected
from engine.execution import Execution, Executor
from engine.schema import OutputSchema, infer
from engine.trace import Trace
from sandbox import Evidence, SandboxLimitExceeded, WorkerDied

_LOGIN_PATH = re.compile(r"log[-_]?in|sign[-_]?in|session|auth|token|sso", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """Code that the model proposes, with what it says about it."""

    code: str
    notes: str = ""
    summary: str = ""
    other_parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Trial:
    """One run of a candidate in a fresh worker.

    Args:
        execution: None where the source alone was refused.
        problems: Why it is not good; empty for a good trial.
    """

    code: str
    parameters: Mapping[str, Any]
    execution: Execution | None
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems


@dataclass(frozen=True)
class Promoted:
    """A candidate that passed: the execution whose output the user gets, and what was learnt."""

    candidate: Candidate
    execution: Execution
    contract: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    schema_inferred: bool
    effects: str
    other_parameters: Mapping[str, Any] | None
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A candidate that did not pass. ``final``: something irreversible has happened, so nothing may be run again."""

    reasons: tuple[str, ...]
    execution: Execution | None = None
    final: bool = False


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
        wrote: Whether exploring sent a state-changing request.
        start_url_given: Whether the request or the bundle names a start URL; else the model may.
    """

    executor: Executor
    parameters: Mapping[str, Any]
    secrets: frozenset[str]
    schema: OutputSchema | None
    contract: Mapping[str, Any] | None
    known_parameters: Mapping[str, Any] | None
    resources: Mapping[str, bytes]
    trace: Trace
    wrote: bool = False
    start_url_given: bool = True
    _last: Trial | None = None
    _hosts: set[str] = field(default_factory=set)  # of the other runs that prove it

    async def try_out(self, code: str, parameters: Mapping[str, Any] | None = None) -> Trial:
        """Checks the source, then runs it in a fresh worker up to the first irreversible action."""
        chosen = dict(self.parameters) | dict(parameters or {})
        problems = static.findings(code, self.parameters, self.secrets)
        if problems:
            return Trial(code, chosen, None, tuple(problems))
        await self.trace.emit("candidate.started", other_parameters=parameters is not None)
        try:
            execution = await self.executor.run(code, chosen, resources=self.resources, mode="rehearsal")
        except (SandboxLimitExceeded, WorkerDied) as error:
            # Code that uses too much can use less.
            return Trial(code, chosen, None, (f"the sandbox ended it: {error}",))
        trial = Trial(code, chosen, execution, await self._problems(execution))
        await self.trace.emit(
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
        effects = "write" if self.wrote or writes(first.outcome.evidence) else "read"
        runs = [first.observed()]
        other_parameters: Mapping[str, Any] | None = None
        if effects == "read" and self._variable:
            other = await self._other_run(candidate, first)
            if isinstance(other, Refused):
                return other
            assert other.execution is not None, "a good trial ran"
            runs.append(other.execution.observed())
            self._hosts |= set(other.execution.outcome.evidence.hosts)
            other_parameters = other.parameters
        return await asyncio.to_thread(self._promoted, candidate, first, runs, effects, other_parameters)

    @property
    def _variable(self) -> bool:
        return any(name not in self.secrets for name in self.parameters)

    async def _other_run(self, candidate: Candidate, first: Execution) -> Trial | Refused:
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

    async def _run_with(self, candidate: Candidate, first: Execution, other: dict[str, Any]) -> Trial | Refused:
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
        if trial.execution.outcome.value == first.outcome.value:
            return Refused((
                f"with {json.dumps(changed, ensure_ascii=False)} the output is the same as with the task's own"
                " parameters; either the code ignores them, or propose values for which it must differ",
            ), trial.execution)  # fmt: skip
        return trial

    async def _promote_irreversible(self, candidate: Candidate) -> Promoted | Refused:
        """All checks and the rehearsal are behind us: this is the single real run."""
        await self.trace.emit("candidate.real_run")
        execution = await self.executor.run(
            candidate.code, self.parameters, resources=self.resources, mode="real", once=True
        )
        problems = await self._problems(execution)
        if problems:
            return Refused(problems, execution, final=execution.passed_gate)
        return await asyncio.to_thread(self._promoted, candidate, execution, [execution.observed()], "write", None)

    async def _problems(self, execution: Execution) -> tuple[str, ...]:
        unanswered = execution.model_error
        if unanswered is not None:
            # Code can ask less, but it cannot mend a key, an account or an endpoint.
            if not (isinstance(unanswered, (ModelOverBudget, ModelRejected)) or execution.passed_gate):
                raise unanswered
            return (f"task.ask was not answered: {unanswered.message}",)
        # In a thread: a large output takes seconds, in which other tasks go on.
        return tuple(await asyncio.to_thread(self._faults, execution))

    def _faults(self, execution: Execution) -> list[str]:
        outcome = execution.outcome
        if execution.rehearsed:
            return []
        if outcome.error is not None:
            where = f" (line {outcome.error.line})" if outcome.error.line else ""
            return [f"it failed{where}: {outcome.error.type}: {outcome.error.message}"]
        problems = [f"output {e}" for e in self.schema.errors(outcome.value)] if self.schema else []
        if self.schema is None and outcome.value is None:
            problems.append("it returned None")
        problems += [str(b) for b in self.breaches(execution.observed())]
        problems += [
            f"task.empty({selector!r}) was told of an element that is not visible"
            for selector, visible in outcome.evidence.empty
            if not visible
        ]
        return problems

    def breaches(self, observed: Observed) -> list[Breach]:
        """How the output departs from what good outputs of this bundle were; a repair may not change that."""
        if self.contract is None:
            return []
        return check({"output": self.contract.get("output", {})}, observed)

    def _promoted(
        self,
        candidate: Candidate,
        first: Execution,
        runs: list[Observed],
        effects: str,
        other_parameters: Mapping[str, Any] | None,
    ) -> Promoted:
        contract = learn(runs)
        if self.contract is not None:
            contract = {**contract, "output": self.contract.get("output", {})}
        values = [run.output for run in runs]
        return Promoted(
            candidate=candidate,
            execution=first,
            contract=contract,
            output_schema=self.schema.json_schema if self.schema else infer(values),
            schema_inferred=self.schema is None,
            effects=effects,
            other_parameters=other_parameters,
            hosts=tuple(sorted({*first.outcome.evidence.hosts, *self._hosts})),
        )


def writes(evidence: Evidence) -> bool:
    """Whether a run sent a state-changing request outside a login."""
    sent = [url for _, url in evidence.state_changing]
    if evidence.password_filled:
        others = [url for url in sent if not _LOGIN_PATH.search(url)]
        # Where no address looks like a login's, the first request after a password is taken for it.
        sent = others if len(others) < len(sent) else sent[1:]
    return bool(sent)
