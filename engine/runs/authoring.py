"""Lets the agent write or mend the automation of one task, and commits what passes the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn

from engine.agent.author_tools import AuthorTools
from engine.agent.loop import Agent
from engine.agent.page_tools import GivenUp
from engine.agent.prompts import assignment
from engine.aio import to_thread_uncancellable
from engine.bundles import Bundle, BundleMeta, BundleStore, Revision
from engine.bundles.matching import parameter_types
from engine.contract import History, check, widen
from engine.diagnosis.failures import Failed, FailedBehindGate, session_failure
from engine.diagnosis.page_kinds import speaks_of_login
from engine.diagnosis.triage import site_cause
from engine.errors import AgentStuck, ModelError
from engine.execution.executor import Executor
from engine.gate.gate import Gate
from engine.gate.verdicts import Promoted, Refused
from engine.models.budget import ModelBudget
from engine.observation.observer import Observer
from engine.task.cause import Cause
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema, same_schema
from engine.task.wire import TaskRequest
from sandbox import Session

Work = Literal["explore", "update", "repair"]
_REJECTED = frozenset({"not-a-web-task", "harmful", "impossible", "contradictory"})


@dataclass
class Development:
    """The model's part of a run, from the first look at the page to the commit.

    Args:
        request: What is asked.
        kind: ``explore`` from nothing, ``update`` to a changed request, ``repair`` after a failure.
        base: The saved bundle; None when exploring from nothing.
        trouble: Why the saved automation is not good enough.
        sample: What its last good run was asked and gave.
        known_parameters: The parameters of its last good run, secrets left out.
        settle: Called before the commit, which the task's time must not cut short.
        history: What good runs of the base gave, where it is repaired.
    """

    request: TaskRequest
    kind: Work
    base: Bundle | None
    trouble: str
    sample: str
    known_parameters: Mapping[str, Any] | None
    schema: OutputSchema | None
    store: BundleStore
    executor: Executor
    budget: ModelBudget
    redactor: Redactor
    events: EventLog
    settle: Callable[[], None]
    history: History = field(default_factory=History)

    async def run(self, session: Session | None) -> tuple[Promoted, Revision]:
        """Works until something is committed.

        Args:
            session: The worker whose replay failed, with its page still open; None to open the start URL anew.

        Raises:
            Failed: Nothing was committed, and why.
        """
        await self.events.emit(f"{self.kind}.started", trouble=self.trouble)
        owned: Session | None = None
        # Loading the model's library takes a second or two; the page opens meanwhile.
        warming = asyncio.create_task(self.budget.warm())
        try:
            self.budget.ready()
            if session is None:
                session = owned = await self._open()
            session.allow(self.executor.egress)
            promoted = await self._work(session)
            return promoted, await self._commit(promoted)
        except (ModelError, AgentStuck) as error:
            raise Failed(session_failure(error)) from error
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            if owned is not None:
                await owned.close()

    async def _open(self) -> Session:
        while True:
            try:
                return await self._open_once()
            except Failed as failed:
                if not await self.executor.retry_policy.wait(failed.cause):
                    raise

    async def _open_once(self) -> Session:
        """First runs are triaged too, before the first model call."""
        session = await self.executor.open_session(self.request.parameters)
        try:
            if (cause := await self._wall(session)) is not None:
                await self.executor.look_at(session)
                raise Failed(cause)
        except BaseException:
            await session.close()
            raise
        return session

    async def _wall(self, session: Session) -> Cause | None:
        request, opened = self.request, session.opened
        cause = site_cause(
            opened,
            await session.evidence(screenshot=opened is not None),
            start_url=self.executor.start_url,
            login_expected=bool(request.secrets) or speaks_of_login(request.task),
            first=True,
        )
        if cause is None and opened is not None:
            return Cause("site-unreachable", f"the start URL could not be opened: {opened.message}")
        return cause

    async def _work(self, session: Session) -> Promoted:
        base, limits = self.base, self.request.limits
        gate = Gate(
            executor=self.executor,
            parameters=self.request.parameters,
            secrets=self.request.secrets,
            schema=self.schema,
            contract=base.contract if base is not None and self.kind == "repair" else None,
            known_parameters=self.known_parameters,
            resources=base.resources if base is not None else {},
            events=self.events,
            task=self.request.task,
            history=self.history,
            start_url_given=self.executor.start_url is not None,
        )
        code = base.automation if base is not None else ""
        bench = AuthorTools(
            session=session,
            gate=gate,
            redactor=self.redactor,
            observer=Observer(),
            code=code,
            candidates=limits.candidates,
        )
        first = assignment(
            task=self.redactor.text(self.request.task),
            start_url=self.redactor.text(self.executor.start_url) if self.executor.start_url else None,
            parameters=self.redactor.parameters(self.request.parameters),
            output_schema=self.schema.json_schema if self.schema else None,
            look=await bench.first_look(),
            base_code=base.automation if base is not None else None,
            notes=base.notes if base is not None else "",
            trouble=self.redactor.text(self.trouble),
            sample=self.sample,
        )
        ended = await Agent(self.budget, bench, self.events, limits.turns).work(first)
        if not isinstance(ended, Promoted):
            self._fail(ended, bench.code)
        return ended

    def _fail(self, ended: Refused | GivenUp, written: str) -> NoReturn:
        if isinstance(ended, GivenUp):
            code: Literal["rejected", "internal-error"] = "rejected" if ended.reason in _REJECTED else "internal-error"
            raise Failed(Cause(ended.reason, ended.message, code))
        if ended.final and ended.execution is not None:
            raise FailedBehindGate(ended.reasons, ended.execution, written)
        raise Failed(
            Cause(
                "no-good-candidate",
                f"no automation passed the gate; the last was refused because {'; '.join(ended.reasons)}",
                details={"reasons": list(ended.reasons), "while": self.kind},
            )
        )

    async def _commit(self, promoted: Promoted) -> Revision:
        said = self.redactor.text(promoted.candidate.summary).strip().splitlines()
        task = self.redactor.text(self.request.task)
        subject = f"{self.kind.capitalize()}: {said[0] if said else task}"[:100]
        self.settle()
        await asyncio.sleep(0)  # a time that ran out just now ends the task here, before anything is saved
        revision = await to_thread_uncancellable(
            self.store.commit,
            self.request.reuse_key,
            self._bundle(promoted, task),
            subject=subject,
            body=task,
            trailers={
                "Task-Id": self.executor.task_id,
                "Model": self.budget.model.name,
                "Cost-Usd": f"{self.budget.spent_usd:.6f}",
                "Reason": self.kind,
            },
        )
        await self.events.emit("commit", revision=revision.id, subject=subject)
        return revision

    def _bundle(self, promoted: Promoted, task: str) -> Bundle:
        base, contract, code = self.base, dict(promoted.contract), promoted.candidate.code
        old = base.meta if base is not None else None
        if old is not None and self.kind == "repair":
            contract = widen(contract, promoted.execution.observed())
        start_url, by_model = self._start(old)
        meta = BundleMeta(
            reuse_key=self.request.reuse_key,
            tasks=self._tasks(promoted, task),
            parameters=parameter_types(self.request.parameters, self.request.secrets),
            **self._schemas(promoted, old),
            start_url=start_url,
            start_url_by_model=by_model,
            allowed_hosts=tuple(sorted({*(old.allowed_hosts if old is not None else ()), *promoted.hosts})),
            effects="write" if "write" in (promoted.effects, old.effects if old is not None else "") else "read",
            created_at=old.created_at if old is not None else datetime.now(UTC),
        )
        return Bundle(
            meta=meta,
            automation=code if code.endswith("\n") else code + "\n",
            contract=self.redactor.data(contract),
            notes=_lines(self.redactor.text(promoted.candidate.notes)) or (base.notes if base is not None else ""),
            resources=base.resources if base is not None else {},
            revision=None,
        )

    def _tasks(self, promoted: Promoted, task: str) -> tuple[str, ...]:
        """The task texts that are covered from now on: earlier ones only while the output has what it had for them."""
        if self.base is None:
            return (task,)
        known, old = self.base.meta.tasks, {"output": self.base.contract.get("output", {})}
        lost = any(b.structural for b in check(old, promoted.execution.observed()))
        if lost and self.kind == "update":
            return (task,)
        return known if task in known else (*known, task)

    def _schemas(self, promoted: Promoted, old: BundleMeta | None) -> dict[str, Any]:
        """The schema that is held from now on, and earlier ones that the output fits as well."""
        if old is None or old.output_schema is None:
            return {"output_schema": dict(promoted.output_schema), "schema_inferred": promoted.schema_inferred}
        if self.kind == "repair":
            kept = {"output_schema": old.output_schema, "schema_inferred": old.schema_inferred}
            return kept | {"other_schemas": old.other_schemas}
        held = () if old.schema_inferred else (old.output_schema, *old.other_schemas)
        output = promoted.execution.outcome.value
        fitting = tuple(s for s in held if not OutputSchema(s).errors(output))
        if self.schema is None and fitting:  # nobody asked for another
            return {"output_schema": fitting[0], "schema_inferred": False, "other_schemas": fitting[1:]}
        return {
            "output_schema": dict(promoted.output_schema),
            "schema_inferred": promoted.schema_inferred,
            "other_schemas": tuple(s for s in fitting if not same_schema(s, promoted.output_schema)),
        }

    def _start(self, old: BundleMeta | None) -> tuple[str | None, bool]:
        """The start URL to be saved, without one that holds a secret, and whether nobody vouches for it."""
        if old is not None and old.start_url is not None:
            return old.start_url, old.start_url_by_model
        url = self.executor.start_url
        if url is not None and self.redactor.text(url) != url:
            url = None
        vouched = self.request.start_url is not None and self.request.trust_start_url
        return url, url is not None and not vouched


def _lines(text: str) -> str:
    return f"{text.rstrip()}\n" if text.strip() else ""
