"""Takes over what the user edited in a bundle's directory: no model, but the same gate as for a model's code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, BundleStore, Revision
from engine.bundles.matching import parameter_types
from engine.contract import History, widen
from engine.diagnosis.failures import Failed, outcome_failure
from engine.diagnosis.triage import site_cause
from engine.errors import BundleCorrupt
from engine.execution.executor import Executor
from engine.gate.gate import Gate
from engine.gate.verdicts import Candidate, Promoted, Refused
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import TaskRequest


@dataclass
class Adoption:
    """The user's edits on their way through the gate.

    Args:
        request: Names the key, and the parameters to prove the edit with.
        base: The bundle at HEAD.
        other_parameters: Others that gave rows before, for the second run of code that only reads; None where none are
            known.
        history: What good runs of the code before gave.
        settle: Called before the commit, which the task's time must not cut short.
        warnings: What the gate would ask a model about is told here: the user has decided.
    """

    request: TaskRequest
    base: Bundle
    other_parameters: Mapping[str, Any] | None
    history: History
    store: BundleStore
    executor: Executor
    redactor: Redactor
    events: EventLog
    settle: Callable[[], None]
    warnings: list[str]

    async def run(self) -> tuple[Promoted, Revision]:
        """Tries the edited code, and commits it.

        Raises:
            Failed: Nothing was committed, and why; the edits stay in the directory.
        """
        key = self.request.reuse_key
        edited = await asyncio.to_thread(self.store.edited, key)
        if not edited:
            raise Failed(Cause("nothing-edited", f"nothing is edited in {self.store.path(key)}", "rejected"))
        await self.events.emit("adopt.started", files=list(edited))
        try:
            seen = await asyncio.to_thread(self.store.read_working_tree, key)
        except BundleCorrupt as error:
            raise Failed(Cause("bundle", error.message)) from error
        if seen.meta.reuse_key != key:
            raise Failed(Cause("bundle", f"bundle.json names another key, {seen.meta.reuse_key!r}; restore {key!r}"))
        promoted = await self._prove(seen)
        return promoted, await self._commit(seen, promoted, edited)

    async def _prove(self, seen: Bundle) -> Promoted:
        gate = Gate(
            executor=self.executor,
            parameters=self.request.parameters,
            secrets=self.request.secrets,
            schema=OutputSchema(seen.meta.output_schema) if seen.meta.output_schema is not None else None,
            contract=seen.contract,
            known_parameters=self.other_parameters,
            resources=seen.resources,
            events=self.events,
            task=self.request.task,
            history=self.history,
            start_url_given=self.executor.start_url is not None,
        )
        trial = await gate.try_out(seen.automation, reads_only="it was edited by hand")
        if trial.execution is not None:
            gate.seen.append(json.dumps(trial.execution.outcome.value))  # who wrote it has seen the page
            self._triage(trial.execution.outcome)
        if not trial.good:
            raise self._refused(Refused(trial.problems, trial.execution))
        candidate = Candidate(seen.automation)
        found = await gate.promote(candidate)
        if isinstance(found, Refused) and not found.final:
            doubts = found.reasons
            found = await gate.promote(candidate)  # doubts are told once
            if isinstance(found, Promoted):
                self.warnings += doubts
        if isinstance(found, Refused):
            raise self._refused(found)
        return found

    def _triage(self, outcome: Any) -> None:
        """Where the site is to blame, the edit is not."""
        if outcome.error is None:
            return
        login = bool(self.base.contract.get("page", {}).get("login"))
        cause = site_cause(
            outcome.error, outcome.evidence, start_url=self.executor.start_url, login_expected=login, good=False
        )
        if cause is not None:
            raise Failed(cause)

    def _refused(self, refused: Refused) -> Failed:
        reasons = list(refused.reasons)
        if refused.final and refused.execution is not None:
            return Failed(outcome_failure(reasons, refused.execution, reason="failed-behind-gate"))
        message = f"the edit did not pass the gate, and stays uncommitted: {'; '.join(reasons)}"
        return Failed(Cause("edit-refused", message, details={"reasons": reasons}))

    async def _commit(self, seen: Bundle, promoted: Promoted, edited: tuple[str, ...]) -> Revision:
        old = seen.meta
        meta = old.model_copy(
            update={
                "parameters": parameter_types(self.request.parameters, self.request.secrets),
                "allowed_hosts": tuple(sorted({*old.allowed_hosts, *promoted.hosts})),
                "effects": "write" if "write" in (promoted.effects, old.effects) else "read",
            }
        )
        contract = self.redactor.data(widen(dict(promoted.contract), promoted.execution.observed()))
        subject = f"Adopt: {', '.join(edited)}"[:100]
        self.settle()
        await asyncio.sleep(0)  # a time that ran out just now ends the task here, before anything is saved
        revision = await to_thread_uncancellable(
            self.store.commit,
            self.request.reuse_key,
            replace(seen, meta=meta, contract=contract),
            subject=subject,
            trailers={"Task-Id": self.executor.task_id, "Reason": "adopt"},
            adopt=seen,
        )
        await self.events.emit("commit", revision=revision.id, subject=subject)
        return revision
