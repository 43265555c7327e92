"""One task from start to end: replay, triage, repair or explore, promote, commit. The only policy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, BundleStore, Revision
from engine.bundles.bundle import committed
from engine.bundles.git_objects import need_git
from engine.bundles.matching import covers
from engine.contract import Breach, History, rows, widen
from engine.diagnosis.failures import Failed, FailedBehindGate, outcome_failure
from engine.errors import StoreError
from engine.execution.execution import AutomationRun
from engine.execution.executor import Executor
from engine.gate.verdicts import Promoted
from engine.models.budget import ModelBudget
from engine.runs.adoption import Adoption
from engine.runs.attempts import AttemptLog
from engine.runs.authoring import Development, Work
from engine.runs.context import Success
from engine.runs.good_runs import GoodRuns
from engine.runs.readout import Continuation
from engine.runs.replay import _trouble
from engine.runs.verdict import Judgment
from engine.storage.tasks import TaskRecords
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.origins import trusted_origin
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema, nullable
from engine.task.wire import TaskRequest
from sandbox import Session


@dataclass
class Runner:
    """Runs one task; its key's lock and a slot are already held.

    Args:
        request: What is asked.
        store: Bundles.
        records: Tasks, journal, statistics.
        executor: Runs automations in workers.
        budget: Pays the model; None with ``ai="never"``.
        redactor: Hides secrets.
        events: Events.
        schema: What the output must be, if the request says.
        settle: Called when nothing may cut the run short any more: before it commits.
    """

    request: TaskRequest
    store: BundleStore
    records: TaskRecords
    executor: Executor
    budget: ModelBudget | None
    redactor: Redactor
    events: EventLog
    schema: OutputSchema | None
    settle: Callable[[], None]
    log: AttemptLog = field(init=False)
    clean: GoodRuns = field(init=False)
    judgment: Judgment = field(init=False)
    warnings: list[str] = field(default_factory=list)
    bundle: Bundle | None = None
    kept_files: Path | None = None

    def __post_init__(self) -> None:
        self.log = AttemptLog(self.budget, self.events)
        self.clean = GoodRuns(self.request, self.redactor, self.records.run_history)
        self.judgment = Judgment(
            request=self.request,
            clean=self.clean,
            executor=self.executor,
            replay=self._execute,
            log=self.log,
            events=self.events,
            budget=self.budget,
            schema=self.schema,
            warnings=self.warnings,
        )

    async def run(self) -> Success:
        """Replays, and lets the model work only on what code can mend.

        Raises:
            Failed: The task failed; it carries the wire's error, and shows the page where there is one.
        """
        try:
            return await self._run()
        except Failed as failed:
            raise Failed(await self.executor.illustrated(failed.cause)) from failed

    async def _run(self) -> Success:
        request, key = self.request, self.request.reuse_key
        await to_thread_uncancellable(self.store.recover, key)
        bundle = self.bundle = await asyncio.to_thread(self.store.load_active, key)
        if bundle is None:
            return await self._develop("explore", None)
        if request.start_url is None and bundle.meta.start_url is not None:
            # One that a model chose is reached like any other: its name may lead to a private address by now.
            named = () if bundle.meta.start_url_by_model else trusted_origin(request, bundle.meta.start_url)
            self.executor.begin_at(bundle.meta.start_url, allow=named)
        if request.adopt:
            return await self._adopt(bundle)
        if edited := await asyncio.to_thread(self.store.edited, key):
            self.warnings.append(
                f"the bundle has edits that are not committed ({', '.join(edited)}); the committed revision ran"
            )
        task = self.redactor.text(request.task)
        coverage = covers(bundle.meta, task, request.parameters, request.output_schema)
        if coverage.refusal is not None:
            raise Failed(coverage.refusal)
        if coverage.changed is not None:
            trouble = f"it was written for another request: {coverage.changed}"
            return await self._develop("update", bundle, trouble=trouble)
        return await self._replay(bundle)

    async def _adopt(self, bundle: Bundle) -> Success:
        """Commits what the user edited, if it passes the gate."""
        if await self._pinned():
            raise Failed(Cause("pinned", "the bundle is pinned and is not changed; unpin it to allow that"))
        history = await self.clean.history(bundle)
        other = self.request.other_parameters or await self.clean.other_parameters(bundle)
        async with self.log.attempt("adopt") as note:
            promoted, revision = await Adoption(
                request=self.request,
                base=bundle,
                other_parameters=other,
                history=history,
                store=self.store,
                executor=self.executor,
                redactor=self.redactor,
                events=self.events,
                settle=self.settle,
                warnings=self.warnings,
            ).run()
            note.revision = revision.id
        return await self._promoted(promoted, revision, bundle, inherits=True)

    async def _promoted(
        self, promoted: Promoted, revision: Revision, base: Bundle | None, *, inherits: bool
    ) -> Success:
        """The success of a new revision.

        Args:
            inherits: Whether it gives the same kind of output as its base.
        """
        self.kept_files = promoted.execution.files
        if base is not None and inherits:
            await self._kept(self.clean.inherit(base, revision, trust=False))
        keep = promoted.effects == "read"
        await self._kept(self.clean.count(revision, promoted.execution, keep=keep, other=promoted.other))
        created = base is None
        return Success(promoted.execution.outcome.value, revision, used=not created, created=created, updated=True)

    async def _replay(self, bundle: Bundle) -> Success:
        while True:
            try:
                return await self._replay_once(bundle)
            except Failed as failed:
                if not await self.executor.retry_policy.wait(failed.cause):
                    raise

    async def _replay_once(self, bundle: Bundle) -> Success:
        session: Session | None = None
        try:
            async with self.log.attempt("replay") as note:
                note.revision = committed(bundle).id
                await self.events.emit("replay.started", revision=note.revision)
                execution = await self._execute(bundle, self.request.parameters, keep_open=True)
                session = execution.outcome.session
                problems, breaches = await self.judgment.faults(bundle, execution)
                # What was done is done: nothing is run again, nor with other parameters, to doubt what it gave.
                believed = execution.passed_gate or rows(execution.outcome.value) != 0
                if not problems and believed and self.judgment.wall(bundle, execution) is None:
                    return await self._good(bundle, execution, session, breaches)
                if problems:
                    await self._tell(execution, problems, breaches)
                    if session is not None and execution.outcome.ok:
                        await self.executor.look_at(session)
                self.judgment.triage(bundle, execution, problems, note)
            if not problems:
                if not (problems := await self.judgment.confirm_empty(bundle, execution)):
                    return await self._good(bundle, execution, session, breaches)
            elif works := await self.judgment.excuse(bundle, execution):
                return await self._blame_parameters(bundle, execution, problems, breaches)
            elif (
                works is None
                and not await self._pinned()
                and await self.judgment.confirmed(bundle, execution, problems, breaches)
            ):
                return await self._admit(bundle, execution, problems)
            if await self._pinned():
                raise Failed(outcome_failure(problems, execution, reason="pinned", breaches=breaches))
            if self.budget is None:
                raise Failed(outcome_failure(problems, execution, reason="drift", breaches=breaches))
            return await self._develop("repair", bundle, session, _trouble(problems, execution))
        except FailedBehindGate as failed:
            return await self._continue(failed, bundle)
        finally:
            if session is not None:
                await session.close()

    async def _execute(self, bundle: Bundle, parameters: Mapping[str, Any], **how: Any) -> AutomationRun:
        return await self.executor.run(
            bundle.automation,
            parameters,
            resources=bundle.resources,
            once=bundle.meta.effects != "read",
            affinity=f"{self.store.root}:{bundle.meta.reuse_key}:{committed(bundle).id}",
            secret=bool(self.request.secrets),
            known_hosts=bundle.meta.allowed_hosts,
            **how,
        )

    async def _good(
        self, bundle: Bundle, execution: AutomationRun, session: Session | None, told: list[Breach]
    ) -> Success:
        if session is not None:
            session.release()
        revision = committed(bundle)
        for breach in told:
            why = "" if breach.severity == "advisory" else ", for the page bears it out"
            self.warnings.append(f"the result was accepted{why}; still, {breach}")
        if execution.unknown_hosts:
            hosts = ", ".join(execution.unknown_hosts)
            self.warnings.append(f"hosts that this automation is not known to need were not reached: {hosts}")
        await self._kept(self.clean.count(revision, execution, keep=bundle.meta.effects == "read"))
        self.kept_files = execution.files
        return Success(execution.outcome.value, revision, used=True)

    async def _blame_parameters(
        self, bundle: Bundle, execution: AutomationRun, problems: list[str], breaches: list[Breach]
    ) -> Success:
        """The code still works with other parameters: it is these, or their data are of a kind not met before."""
        if execution.outcome.error is None and all(
            b.kind == "field-empty" or b.severity != "structural" for b in breaches
        ):
            meta = bundle.meta
            if meta.schema_inferred and self.schema is None and meta.output_schema is not None:
                meta = meta.model_copy(update={"output_schema": nullable(meta.output_schema)})
            schema = self.schema or (OutputSchema(meta.output_schema) if meta.output_schema is not None else None)
            if (schema is None or not schema.errors(execution.outcome.value)) and not await self._pinned():
                return await self._admit(replace(bundle, meta=meta), execution, problems)
        raise Failed(
            Cause(
                "unknown-parameter",
                "the automation still works with parameters that gave rows before, so the site does not know these,"
                " or has for them what good runs never had: " + "; ".join(problems),
                details={"problems": problems},
            )
        )

    async def _tell(self, execution: AutomationRun, problems: list[str], breaches: list[Breach]) -> None:
        evidence = execution.outcome.evidence
        await self.events.emit(
            "replay.failed", problems=problems, breaches=[b.to_json() for b in breaches], url=evidence.url,
            title=evidence.title,
        )  # fmt: skip

    async def _admit(self, bundle: Bundle, execution: AutomationRun, problems: list[str]) -> Success:
        """Widens what good results look like by this one, and commits that alone."""
        found = "; ".join(problems)
        self.warnings.append(f"taken for data of a kind not met before, and admitted from now on: {found}")
        wider = replace(bundle, contract=widen(bundle.contract, execution.observed()), revision=None)
        self.settle()
        revision = await to_thread_uncancellable(
            self.store.commit,
            self.request.reuse_key,
            wider,
            subject="Widen: data of a kind not met before",
            body=self.redactor.text(found),
            trailers={"Task-Id": self.executor.task_id, "Reason": "widen"},
        )
        await self.events.emit("commit", revision=revision.id, subject=revision.subject)
        await self._kept(self.clean.inherit(bundle, revision, trust=True))
        await self._kept(self.clean.count(revision, execution, keep=bundle.meta.effects == "read"))
        self.kept_files = execution.files
        return Success(execution.outcome.value, revision, used=True, updated=True)

    async def _develop(
        self, kind: Work, bundle: Bundle | None, session: Session | None = None, trouble: str = ""
    ) -> Success:
        """Hands the task to the model, where there is one and the bundle may be changed."""
        key = self.request.reuse_key
        if self.budget is None:
            what = trouble or f"nothing is saved under the reuse key {key!r}; name the key of a saved automation"
            reason = "not-covered" if bundle is not None else "nothing-saved"
            raise Failed(Cause(reason, f'{what}, and with ai="never" nothing can be written', "rejected"))
        if bundle is not None and await self._pinned():
            raise Failed(Cause("pinned", f"{trouble}; the bundle is pinned and is not changed; unpin it to allow that"))
        need_git()
        development = Development(
            request=self.request,
            kind=kind,
            base=bundle,
            trouble=trouble,
            sample=await self.clean.sample(bundle),
            known_parameters=await self.clean.other_parameters(bundle) if bundle is not None else None,
            schema=self.judgment.schema_of(bundle if kind == "repair" else None),
            store=self.store,
            executor=self.executor,
            budget=self.budget,
            redactor=self.redactor,
            events=self.events,
            settle=self.settle,
            history=await self.clean.history(bundle) if bundle is not None and kind == "repair" else History(),
        )
        try:
            async with self.log.attempt(kind) as note:
                promoted, revision = await development.run(session)
                note.revision = revision.id
        except FailedBehindGate as failed:
            left_open = failed.execution.outcome.session
            try:
                return await self._continue(failed, bundle)
            finally:
                if left_open is not None:
                    await left_open.close()
        return await self._promoted(promoted, revision, bundle, inherits=kind == "repair")

    async def _continue(self, failed: FailedBehindGate, bundle: Bundle | None) -> Success:
        """Nothing is run again; with a model at hand, it may read the result off the page that is still open."""
        if self.budget is None or failed.execution.outcome.session is None:
            raise failed
        async with self.log.attempt("continue"):
            output = await Continuation(
                request=self.request,
                schema=self.judgment.schema_of(bundle),
                sample=await self.clean.sample(bundle),
                store=self.store,
                executor=self.executor,
                budget=self.budget,
                redactor=self.redactor,
                events=self.events,
                settle=self.settle,
                warnings=self.warnings,
            ).run(failed, bundle)
        self.kept_files = failed.execution.files
        return Success(output, bundle.revision if bundle else None, used=bundle is not None, continued=True)

    async def _kept(self, keeping: Awaitable[None]) -> None:
        """What is kept of a good run serves later ones: that it cannot be kept does not make this one fail."""
        try:
            await keeping
        except StoreError as error:
            self.warnings.append(f"what later runs are compared with could not be kept: {error}")

    async def _pinned(self) -> bool:
        return await asyncio.to_thread(self.store.pinned, self.request.reuse_key) is not None
