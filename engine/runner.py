"""One task from start to end: replay, triage, repair or explore, promote, commit. The only policy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.adoption import Adoption
from engine.agent.promotion import writes
from engine.agent.tools import describe_output
from engine.attempts import AttemptLog, Note
from engine.bundles import Bundle, BundleStore, Revision
from engine.bundles.objects import need_git
from engine.confirmation import ask, excusable, excused_by_page
from engine.continuation import Continuation
from engine.contract import Breach, History, Observed, always_there, check, rows, widen
from engine.coverage import covers
from engine.development import Development, Work
from engine.errors import ModelError
from engine.execution import Execution, Executor
from engine.models.purse import Purse
from engine.outcome import Failed, FailedBehindGate, model_failure, outcome_failure
from engine.records import Records
from engine.redaction import Redactor
from engine.requests import trusted_origin
from engine.schema import OutputSchema, nullable
from engine.task import TaskRequest
from engine.threads import to_its_end
from engine.trace import Trace
from engine.triage import Cause, site_cause
from sandbox import Session


@dataclass
class Success:
    """What a good run gives: the output, the revision that gave it, and what became of the bundle.

    Args:
        revision: None where a first run was ``continued``: nothing is saved.
        continued: The output was read off the page of a run that failed behind an irreversible action.
    """

    output: Any
    revision: Revision | None
    used: bool
    created: bool = False
    updated: bool = False
    continued: bool = False


@dataclass
class Runner:
    """Runs one task; its key's lock and a slot are already held.

    Args:
        request: What is asked.
        store: Bundles.
        records: Tasks, journal, statistics.
        executor: Runs automations in workers.
        purse: Pays the model; None with ``ai="never"``.
        redactor: Hides secrets.
        trace: Events.
        schema: What the output must be, if the request says.
        settle: Called when nothing may cut the run short any more: before it commits.
    """

    request: TaskRequest
    store: BundleStore
    records: Records
    executor: Executor
    purse: Purse | None
    redactor: Redactor
    trace: Trace
    schema: OutputSchema | None
    settle: Callable[[], None]
    log: AttemptLog = field(init=False)
    warnings: list[str] = field(default_factory=list)
    bundle: Bundle | None = None
    kept_files: Path | None = None
    full_page: str = ""

    def __post_init__(self) -> None:
        self.log = AttemptLog(self.purse, self.trace)

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
        await to_its_end(self.store.recover, key)
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
        history = await asyncio.to_thread(
            self.records.statistics.history, _committed(bundle).id, self._shown(self.request.parameters)
        )
        other = self.request.other_parameters or await self._good_parameters(bundle)
        async with self.log.attempt("adopt") as note:
            promoted, revision = await Adoption(
                request=self.request,
                base=bundle,
                other_parameters=other,
                history=history,
                store=self.store,
                executor=self.executor,
                redactor=self.redactor,
                trace=self.trace,
                settle=self.settle,
                warnings=self.warnings,
            ).run()
            note.revision = revision.id
        self.kept_files = promoted.execution.files
        await asyncio.to_thread(self.records.statistics.inherit, _committed(bundle).id, revision.id, trust=False)
        keep = promoted.effects == "read"
        await self._count_clean(revision, promoted.execution, keep=keep, other=promoted.other)
        return Success(promoted.execution.outcome.value, revision, used=True, updated=True)

    async def _replay(self, bundle: Bundle) -> Success:
        while True:
            try:
                return await self._replay_once(bundle)
            except Failed as failed:
                if not await self.executor.patience.another(failed.cause):
                    raise

    async def _replay_once(self, bundle: Bundle) -> Success:
        session: Session | None = None
        try:
            async with self.log.attempt("replay") as note:
                note.revision = _committed(bundle).id
                await self.trace.emit("replay.started", revision=note.revision)
                execution = await self._execute(bundle, self.request.parameters, keep_open=True)
                session = execution.outcome.session
                problems, breaches = await self._judge(bundle, execution)
                if not problems and rows(execution.outcome.value) != 0 and self._wall(bundle, execution) is None:
                    return await self._good(bundle, execution, session, breaches)
                if problems:
                    await self._tell(execution, problems, breaches)
                    if session is not None and execution.outcome.ok:
                        await self.executor.look_at(session)
                self._triage(bundle, execution, problems, note)
            if not problems:
                if not (problems := await self._doubt_nothing(bundle, execution)):
                    return await self._good(bundle, execution, session, breaches)
            elif works := await self._excuse(bundle, execution):
                return await self._blame_parameters(bundle, execution, problems, breaches)
            elif works is None and await self._confirmed(bundle, execution, problems, breaches):
                return await self._admit(bundle, execution, problems)
            if await self._pinned():
                raise Failed(outcome_failure(problems, execution, reason="pinned", breaches=breaches))
            if self.purse is None:
                raise Failed(outcome_failure(problems, execution, reason="drift", breaches=breaches))
            return await self._develop("repair", bundle, session, _trouble(problems, execution))
        except FailedBehindGate as failed:
            return await self._continue(failed, bundle)
        finally:
            if session is not None:
                await session.close()

    async def _execute(self, bundle: Bundle, parameters: Mapping[str, Any], **how: Any) -> Execution:
        return await self.executor.run(
            bundle.automation,
            parameters,
            resources=bundle.resources,
            once=bundle.meta.effects != "read",
            affinity=f"{self.store.root}:{bundle.meta.reuse_key}:{_committed(bundle).id}",
            secret=bool(self.request.secrets),
            known_hosts=bundle.meta.allowed_hosts,
            **how,
        )

    async def _judge(self, bundle: Bundle, execution: Execution) -> tuple[list[str], list[Breach]]:
        """Good means: it ran, the output fits the schema, the contract holds."""
        if execution.model_error is not None:
            raise Failed(model_failure(execution.model_error))
        outcome = execution.outcome
        if outcome.error is not None:
            return [f"{outcome.error.type}: {outcome.error.message}"], []
        # In a thread: a large output takes seconds, in which other tasks go on.
        return await asyncio.to_thread(self._faults, bundle, execution)

    def _faults(self, bundle: Bundle, execution: Execution) -> tuple[list[str], list[Breach]]:
        schema = self._schema(bundle)
        problems = [f"output {e}" for e in schema.errors(execution.outcome.value)] if schema else []
        run = execution.observed(self._shown(execution.parameters))
        history = self.records.statistics.history(_committed(bundle).id, run.parameters)
        found = check(bundle.contract, run, history)
        binding = [b for b in found if b.severity != "advisory"]
        if binding and not problems and excused_by_page(binding, run, bundle.contract):
            binding = []
        return problems + [str(b) for b in binding], found

    async def _good(self, bundle: Bundle, execution: Execution, session: Session | None, told: list[Breach]) -> Success:
        if session is not None:
            session.release()
        revision = _committed(bundle)
        for breach in told:
            why = "" if breach.severity == "advisory" else ", for the page bears it out"
            self.warnings.append(f"the result was accepted{why}; still, {breach}")
        if execution.unknown_hosts:
            hosts = ", ".join(execution.unknown_hosts)
            self.warnings.append(f"hosts that this automation is not known to need were not reached: {hosts}")
        await self._count_clean(revision, execution, keep=bundle.meta.effects == "read")
        self.kept_files = execution.files
        return Success(execution.outcome.value, revision, used=True)

    def _triage(self, bundle: Bundle, execution: Execution, problems: list[str], note: Note) -> None:
        """Ends the run where code is not to blame, or where something irreversible forbids another try."""
        cause = self._wall(bundle, execution, good=not problems)
        if cause is None and not problems:
            return
        note.reason = cause.reason if cause is not None else "drift"
        if execution.passed_gate:
            found = problems or ([cause.message] if cause is not None else [])
            raise FailedBehindGate(found, execution, bundle.automation)
        if cause is not None and not self._moved(execution, cause):
            raise self._stopped(bundle, execution, cause)

    def _moved(self, execution: Execution, cause: Cause) -> bool:
        """Whether the site may have moved to another host: a repair may widen what is reached."""
        unknown = cause.reason == "host-not-allowed" and bool(execution.unknown_hosts)
        return unknown and self.executor.reach.learns and self.purse is not None

    def _stopped(self, bundle: Bundle, execution: Execution, cause: Cause) -> Failed:
        """The end, or another try where the cause passes; but what may have been sent is not sent again."""
        sent = bundle.meta.effects != "read" and execution.outcome.evidence.state_changing
        repeatable = not sent and not execution.gates and not writes(execution.outcome.evidence)
        return Failed(replace(cause, transient=cause.transient and repeatable))

    def _wall(self, bundle: Bundle, execution: Execution, *, good: bool = True) -> Cause | None:
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

    async def _excuse(self, bundle: Bundle, execution: Execution) -> bool | None:
        """Whether other parameters show that the code works, where these gave no result before that this one departs
        from: then it is not the parameters that are new."""
        if execution.outcome.ok:
            asked = self._shown(self.request.parameters)
            history = await asyncio.to_thread(self.records.statistics.history, _committed(bundle).id, asked)
            if history.same is not None:
                return None
        return await self._works_otherwise(bundle)

    async def _works_otherwise(self, bundle: Bundle) -> bool | None:
        """Whether read-only code still works with others that gave rows before; None where none are known."""
        good = await self._good_parameters(bundle)
        if good is None or bundle.meta.effects != "read":
            return None
        secrets = {n: v for n, v in self.request.parameters.items() if n in self.request.secrets}
        async with self.log.attempt("check") as note:
            await self.trace.emit("check.started", parameters=good)
            execution = await self._execute(bundle, good | secrets, mode="rehearsal")
            if execution.rehearsed:
                return True
            self.full_page = execution.outcome.evidence.text
            works = not (await self._judge(bundle, execution))[0] and rows(execution.outcome.value) != 0
            if (cause := self._wall(bundle, execution, good=works)) is not None and not self._moved(execution, cause):
                raise self._stopped(bundle, execution, cause)  # it says nothing of the code, nor of the parameters
            note.reason = None if works else "drift"
        return works

    async def _good_parameters(self, bundle: Bundle) -> dict[str, Any] | None:
        """Parameters, other than the request's, that gave rows before."""
        _, sets = await asyncio.to_thread(self.records.statistics.clean_runs, _committed(bundle).id)
        return next((good for good in sets if good != self._open(self.request.parameters)), None)

    async def _doubt_nothing(self, bundle: Bundle, execution: Execution) -> list[str]:
        """An empty result, though the page bears it out, is believed only while other parameters still give rows."""
        if bundle.meta.effects != "read":
            return []
        works = await self._works_otherwise(bundle)
        if works is False:
            return ["$: no rows, and none any more for parameters that gave rows before"]
        if works and (message := always_there(execution.outcome.evidence.messages, self.full_page)):
            return [f"$: no rows, and {message!r}, by which the page was said to tell so, is there on full pages, too"]
        _, sets = await asyncio.to_thread(self.records.statistics.clean_runs, _committed(bundle).id)
        if sets and works is None:
            self.warnings.append("there are no rows, where the same parameters gave rows before; the page says so, too")
        return []

    async def _blame_parameters(
        self, bundle: Bundle, execution: Execution, problems: list[str], breaches: list[Breach]
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

    async def _confirmed(
        self, bundle: Bundle, execution: Execution, problems: list[str], breaches: list[Breach]
    ) -> bool:
        """Whether the model takes a suspect result for data of a new kind; what is structural it is not asked about."""
        binding = [b for b in breaches if b.severity != "advisory"]
        if self.purse is None or len(problems) > len(binding) or not excusable(binding) or await self._pinned():
            return False
        sample = await asyncio.to_thread(self.records.statistics.sample, _committed(bundle).id)
        async with self.log.attempt("confirm") as note:
            try:
                verdict, why = await ask(
                    self.purse, self.redactor, self.trace, task=self.request.task, parameters=self.request.parameters,
                    breaches=breaches, run=execution.observed(self._open(self.request.parameters)), sample=sample,
                )  # fmt: skip
            except ModelError as error:
                raise Failed(model_failure(error)) from error
            note.reason = None if verdict == "legitimate" else f"drift: {why}"
        return verdict == "legitimate"

    async def _tell(self, execution: Execution, problems: list[str], breaches: list[Breach]) -> None:
        evidence = execution.outcome.evidence
        await self.trace.emit(
            "replay.failed", problems=problems, breaches=[b.to_json() for b in breaches], url=evidence.url,
            title=evidence.title,
        )  # fmt: skip

    async def _admit(self, bundle: Bundle, execution: Execution, problems: list[str]) -> Success:
        """Widens what good results look like by this one, and commits that alone."""
        found = "; ".join(problems)
        self.warnings.append(f"taken for data of a kind not met before, and admitted from now on: {found}")
        wider = replace(bundle, contract=widen(bundle.contract, execution.observed()), revision=None)
        self.settle()
        revision = await to_its_end(
            self.store.commit,
            self.request.reuse_key,
            wider,
            subject="Widen: data of a kind not met before",
            body=self.redactor.text(found),
            trailers={"Task-Id": self.executor.task_id, "Reason": "widen"},
        )
        await self.trace.emit("commit", revision=revision.id, subject=revision.subject)
        old = _committed(bundle).id
        await asyncio.to_thread(self.records.statistics.inherit, old, revision.id, trust=True)
        await self._count_clean(revision, execution, keep=bundle.meta.effects == "read")
        self.kept_files = execution.files
        return Success(execution.outcome.value, revision, used=True, updated=True)

    async def _develop(
        self, kind: Work, bundle: Bundle | None, session: Session | None = None, trouble: str = ""
    ) -> Success:
        """Hands the task to the model, where there is one and the bundle may be changed."""
        key = self.request.reuse_key
        if self.purse is None:
            what = trouble or f"nothing is saved under the reuse key {key!r}; name the key of a saved automation"
            reason = "not-covered" if bundle is not None else "nothing-saved"
            raise Failed(Cause(reason, f'{what}, and with ai="never" nothing can be written', "rejected"))
        if bundle is not None and await self._pinned():
            raise Failed(Cause("pinned", f"{trouble}; the bundle is pinned and is not changed; unpin it to allow that"))
        need_git()
        sample, known, history = "", None, History()
        if bundle is not None and kind == "repair":
            asked = self._shown(self.request.parameters)
            history = await asyncio.to_thread(self.records.statistics.history, _committed(bundle).id, asked)
        if bundle is not None:
            sample = await asyncio.to_thread(self.records.statistics.sample, _committed(bundle).id)
            known = await self._good_parameters(bundle)
        development = Development(
            request=self.request,
            kind=kind,
            base=bundle,
            trouble=trouble,
            sample=sample,
            known_parameters=known,
            schema=self._schema(bundle if kind == "repair" else None),
            store=self.store,
            executor=self.executor,
            purse=self.purse,
            redactor=self.redactor,
            trace=self.trace,
            settle=self.settle,
            history=history,
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
        self.kept_files = promoted.execution.files
        if kind == "repair" and bundle is not None:
            await asyncio.to_thread(self.records.statistics.inherit, _committed(bundle).id, revision.id, trust=False)
        keep = promoted.effects == "read"
        await self._count_clean(revision, promoted.execution, keep=keep, other=promoted.other)
        return Success(
            promoted.execution.outcome.value, revision, used=bundle is not None, created=bundle is None, updated=True
        )

    async def _continue(self, failed: FailedBehindGate, bundle: Bundle | None) -> Success:
        """Nothing is run again; with a model at hand, it may read the result off the page that is still open."""
        if self.purse is None or failed.execution.outcome.session is None:
            raise failed
        sample = ""
        if bundle is not None:
            sample = await asyncio.to_thread(self.records.statistics.sample, _committed(bundle).id)
        async with self.log.attempt("continue"):
            output = await Continuation(
                request=self.request,
                schema=self._schema(bundle),
                sample=sample,
                store=self.store,
                executor=self.executor,
                purse=self.purse,
                redactor=self.redactor,
                trace=self.trace,
                settle=self.settle,
                warnings=self.warnings,
            ).run(failed, bundle)
        self.kept_files = failed.execution.files
        return Success(output, bundle.revision if bundle else None, used=bundle is not None, continued=True)

    async def _pinned(self) -> bool:
        return await asyncio.to_thread(self.store.pinned, self.request.reuse_key) is not None

    def _schema(self, bundle: Bundle | None) -> OutputSchema | None:
        if self.schema is not None or bundle is None or bundle.meta.output_schema is None:
            return self.schema
        return OutputSchema(bundle.meta.output_schema)

    async def _count_clean(
        self, revision: Revision, execution: Execution, *, keep: bool, other: Execution | None = None
    ) -> None:
        """Counts a good run; parameters that gave rows, secrets left out, are what is replayed when in doubt."""
        known = self._open(self.request.parameters)
        # Not what ordered something, and no secret within another parameter: they are run again, and written down.
        keep = keep and not (execution.gates or writes(execution.outcome.evidence))
        keep = keep and self.redactor.data(known) == known
        asked = json.dumps(self.redactor.parameters(self.request.parameters), ensure_ascii=False)
        sample = f"{asked} gave {self.redactor.text(describe_output(execution.outcome.value))}"
        empty = rows(execution.outcome.value) == 0
        good = [known] * (not empty) + ([self._open(other.parameters)] if other is not None else []) if keep else []
        runs = [self._kept(one) for one in (other, execution) if one is not None]
        args = revision.id, good, None if empty else sample, runs
        await asyncio.to_thread(self.records.statistics.clean_run, *args)

    def _kept(self, execution: Execution) -> Observed:
        """What a run gave, as it may be kept."""
        run = execution.observed(self._shown(execution.parameters))
        return replace(run, output=self.redactor.data(run.output))

    def _shown(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._open(self.redactor.parameters(parameters))

    def _open(self, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
        return {n: v for n, v in (parameters or {}).items() if n not in self.request.secrets}


def _committed(bundle: Bundle) -> Revision:
    assert bundle.revision is not None, "a bundle that the store loaded has its revision"
    return bundle.revision


def _trouble(problems: list[str], execution: Execution) -> str:
    error = execution.outcome.error
    lines = ["; ".join(problems), error.traceback if error else "", "The page is as that run left it."]
    if execution.unknown_hosts:
        hosts = ", ".join(execution.unknown_hosts)
        lines.append(f"That run was kept from hosts it had not needed before: {hosts}. From now on they are reached.")
    return "\n".join(line for line in lines if line)
