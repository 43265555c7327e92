"""One trial from start to end: the first run, replays, and each variant with its replay and repair."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from engine.aio import to_thread_uncancellable
from engine.errors import EngineError
from engine.execution import pictures
from engine.models.base import Model
from engine.models.choice import model_at
from engine.studies.judging import Judge
from engine.studies.kept_model import KeptModel
from engine.studies.lines import EndLine, Phase, PictureLine, RunLine, TrialLine, Verdict
from engine.studies.plan import TrialJob
from engine.studies.record import TrialRecord, now
from engine.studies.references import resolve
from engine.studies.site import StudySite, open_site
from engine.studies.spec import Variant
from engine.task.events import Follower
from engine.task.wire import Limits, TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleStore

_NO_MEASUREMENT = frozenset({"model-key", "credit", "sandbox-unavailable", "store", "engine-fault"})
"""Reasons of failures that say nothing about the task or the model: the study stops, and can be resumed."""


class StudyEngine(Protocol):
    """The part of ``AsyncEngine`` that a trial needs."""

    root: Path

    @property
    def bundles(self) -> BundleStore:
        """The saved automations."""

    async def run(self, task: str | None = None, **arguments: Any) -> TaskResult:
        """Run one task to its end."""

    async def warm(self) -> None:
        """Start a browser ahead of the first run."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


OpenEngine = Callable[..., StudyEngine]
"""Makes an engine of the arguments of ``AsyncEngine``: the class itself, where nothing else is needed."""


async def run_trial(job: TrialJob, folder: Path, store: Path, open_engine: OpenEngine) -> None:
    """Run a trial to its end, and leave its record and pictures in a directory.

    Args:
        job: The trial.
        folder: The directory, which exists, and has no record yet.
        store: The store of its workspaces, which may be that of other trials, too; nothing of this one stays in it.
        open_engine: ``AsyncEngine``.

    Raises:
        InvalidRequest: The study names something that there is not, or an argument is malformed.
        EngineError: A run failed for a reason that says nothing about the task or the model.
    """
    case = job.trial.case
    # Made before anything is spent: what is misspelled fails here.
    judge = Judge(case, job.home)
    async with AsyncExitStack() as stack:
        record = stack.enter_context(TrialRecord(folder, case.redactor))
        serving = open_site(case, job.variants, job.home)
        site = serving.__enter__()
        stack.push_async_callback(to_thread_uncancellable, serving.__exit__, None, None, None)  # it waits for threads
        model = _model(job)
        if not isinstance(job.trial.model.make, Model):  # else it is the caller's, who closes it
            stack.push_async_callback(model.close)
        workspaces = _Workspaces(job, store, open_engine, KeptModel(model, record))
        stack.push_async_callback(to_thread_uncancellable, workspaces.remove)
        await _Course(job, record, site, judge, workspaces).run()


def _model(job: TrialJob) -> Model:
    choice, given = job.trial.model, job.engine
    if choice.make is None:
        return model_at(
            choice.name, base_url=given.get("base_url"), api_key=given.get("api_key"), window=given.get("window")
        )
    if isinstance(choice.make, Model):
        return choice.make
    make = resolve(choice.make, job.home, field="models") if isinstance(choice.make, str) else choice.make
    made: Model = make(job.trial)
    return made


@dataclass
class _Workspaces:
    """The workspaces of a trial: its own, and a copy of it for each variant."""

    job: TrialJob
    store: Path
    open_engine: OpenEngine
    model: Model

    def _name(self, variant: int) -> str:
        return f"t{self.job.trial.number}-{self.job.attempt}" + (f"-{variant}" if variant else "")

    def open(self, variant: int) -> StudyEngine:
        """Return an engine on a variant's workspace; 0 is the trial's own."""
        given = dict(self.job.engine)
        if isinstance(given.get("limits"), Mapping):
            given["limits"] = Limits(**given["limits"])
        return self.open_engine(
            **given, store=self.store, workspace=self._name(variant), model=self.model, take_over=False
        )

    def copy(self, variant: int) -> None:
        """Copy the trial's own workspace for a variant."""
        shutil.copytree(self.store / self._name(0), self.store / self._name(variant), symlinks=True)

    def remove(self) -> None:
        """Remove all of them."""
        for variant in range(len(self.job.variants) + 1):
            shutil.rmtree(self.store / self._name(variant), ignore_errors=True)


@dataclass
class _Course:
    """The phases of a trial, one after another."""

    job: TrialJob
    record: TrialRecord
    site: StudySite
    judge: Judge
    workspaces: _Workspaces

    async def run(self) -> None:
        job, trial, began = self.job, self.job.trial, time.monotonic()
        self.record.add(
            TrialLine(
                study=job.study, id=trial.id, number=trial.number, task=trial.case.id, model=trial.model.name,
                options=trial.options.name, repeat=trial.repeat, seed=trial.seed, attempt=job.attempt, usd=job.usd,
                at=now(),
            )
        )  # fmt: skip
        if await self._on_the_unchanged_site():
            for number, variant in enumerate(job.variants, 1):
                await self._under(number, variant)
        self.record.add(EndLine(at=now(), usd=self.record.usd, seconds=time.monotonic() - began))

    async def _on_the_unchanged_site(self) -> bool:
        """Do the first run and the replays; return True where there is an automation to go on with."""
        self.site.change(None)
        async with self.workspaces.open(0) as engine:
            first = await self._one(engine, "first")
            if first != "right":
                return False  # nothing that follows could be judged
            for repeat in range(1, self.job.replays + 1):
                await self._one(engine, "replay", repeat)
        return True

    async def _under(self, number: int, variant: Variant) -> None:
        """Replay under a variant, and have what fails repaired, in a copy of the workspace."""
        await asyncio.to_thread(self.workspaces.copy, number)
        self.site.change(variant)
        async with self.workspaces.open(number) as engine:
            changed = await self._one(engine, "changed", variant=variant)
            if changed == "failed" and self.job.repair:
                self.site.change(variant)  # a mutation begins anew, too
                await self._one(engine, "repair", variant=variant)

    async def _one(self, engine: StudyEngine, phase: Phase, repeat: int = 1, variant: Variant | None = None) -> Verdict:
        job, case = self.job, self.job.trial.case
        self.record.run += 1
        before, began, started = self.record.usd, now(), time.monotonic()
        result = await engine.run(
            case.task,
            **{
                "timeout": job.timeout,
                **job.trial.options.run,
                "start_url": self.site.start_url,
                "parameters": case.parameters,
                "output_schema": case.output_schema,
                "secrets": case.secrets,
                "reuse_key": job.trial.id,
                "ai": "auto" if phase in ("first", "repair") else "never",
                "budget_usd": max(0.0, min(job.usd_per_run, job.usd - before)),
            },
        )
        if result.error is not None and result.error.reason in _NO_MEASUREMENT:
            raise EngineError(
                f"trial {job.trial.id} cannot be measured: {result.error.message}; mend that and run the study again:"
                " it goes on where it stopped", **result.error.details,
            )  # fmt: skip
        seconds = time.monotonic() - started
        verdict, says = self._verdict(result, phase, variant)
        await asyncio.to_thread(self._keep_pictures, engine.root, result.web_task_id)
        line = RunLine(
            number=self.record.run, phase=phase, repeat=repeat, variant=variant.name if variant else None,
            verdict=verdict, says=says, reason=result.error.reason if result.error else None,
            task_id=result.web_task_id, began=began, seconds=seconds, usd=self.record.usd - before,
            model_calls=result.model_calls, tokens=result.tokens.model_dump(),
            output=result.output if result.ok else None,
            revision=result.reuse.revision_id if result.reuse else None,
            code=await asyncio.to_thread(_code, engine, job.trial.id, result),
            attempts=[attempt.model_dump(mode="json") for attempt in result.attempts], warnings=list(result.warnings),
        )  # fmt: skip
        await asyncio.to_thread(self.record.add, line)
        return verdict

    def _verdict(self, result: TaskResult, phase: Phase, variant: Variant | None) -> tuple[Verdict, str]:
        if phase == "changed" and not self.site.was_changed:
            return "not applied", "the mutation found nothing to change"
        if not result.ok:
            return "failed", result.error.message if result.error else result.status
        fault = self.judge.fault(result.output, phase, variant.name if variant else None, self.site.truth())
        return ("silently wrong", fault) if fault else ("right", "")

    def _keep_pictures(self, root: Path, task_id: str) -> None:
        turn, directory = 0, root / "results" / task_id / pictures.DIRECTORY
        for event in Follower(root / "traces" / f"{task_id}.jsonl").read():
            turn += event.type == "agent.step"
            file = directory / str(event.data.get("name"))
            if event.type == "picture" and file.is_file():
                kept = self.record.picture(file.read_bytes(), file.suffix.removeprefix("."))
                self.record.add(PictureLine(run=self.record.run, turn=turn, file=kept))


def _code(engine: StudyEngine, key: str, result: TaskResult) -> str | None:
    """Return the automation that a run saved; None where it saved none."""
    if result.reuse is None or not (result.reuse.created or result.reuse.updated):
        return None
    bundle = engine.bundles.load(key)
    return bundle.automation if bundle is not None else None
