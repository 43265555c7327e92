"""The context of one run: the request and the parts that serve it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.aio import NamedLocks
from engine.bundles import BundleStore, Revision
from engine.execution.executor import Executor
from engine.execution.network import NetworkAccess
from engine.execution.services import TaskServices
from engine.models.budget import ModelBudget
from engine.runs.attempts import AttemptLog
from engine.runs.good_runs import GoodRuns
from engine.storage.tasks import TaskRecords
from engine.task.events import EventLog
from engine.task.redaction import Redactor
from engine.task.schema import OutputSchema
from engine.task.wire import TaskRequest
from sandbox import Sandbox
from sandbox.kinds import AutomationKind


@dataclass(frozen=True, kw_only=True)
class RunEnvironment:
    """The parts of a workspace that all its runs use.

    Args:
        root: The workspace's directory.
        sandbox: Runs automations.
        store: The saved bundles.
        records: Tasks, journal, spending and run history.
        network: Hosts that runs may reach.
        compiles: Have the model rewrite what needs no browser, unasked.
        keep_pictures: Keep pictures of the pages that a model works on, and of failures.
        changing: The locks, by key, of whoever reads a bundle to run it, or changes it.
        browsers: Lets ``max_tasks`` runs have a browser at once, also those of which the scheduler expected none.
    """

    root: Path
    sandbox: Sandbox
    store: BundleStore
    records: TaskRecords
    network: NetworkAccess
    changing: NamedLocks
    browsers: asyncio.Semaphore
    keep_pictures: bool = True
    compiles: bool = False


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """One run's request and the parts that serve it; replay, gate, authoring and commit all work on this.

    Args:
        request: The request.
        services: Records, events, redactor and budget of the task.
        store: The workspace's bundles.
        executor: Runs automations.
        schema: The schema that outputs are held against: the request's, which may be a pydantic class, or, in a replay
            and a repair, the bundle's; None where it is to be inferred.
        settle: Called when nothing may cut the run short any more, before it commits.
        attempts: The attempts of the task, measured.
        good_runs: The good runs of the automation, this one included once it is recorded.
        text_inputs: Parameters that the task's text gave, which new code may read.
        compiles: Have the model rewrite what needs no browser, unasked.
        warnings: Collects what the user should know beside the result.
        changing: Held while the bundle is read to be run, and while it may change: several replays may share a key.
        browsers: Held by a run that has a browser.
    """

    request: TaskRequest
    services: TaskServices
    store: BundleStore
    executor: Executor
    schema: OutputSchema | None
    settle: Callable[[], None]
    attempts: AttemptLog
    good_runs: GoodRuns
    warnings: list[str]
    changing: asyncio.Lock
    browsers: asyncio.Semaphore
    text_inputs: frozenset[str] = frozenset()
    compiles: bool = False

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.services.task_id

    @property
    def budget(self) -> ModelBudget | None:
        """The model's budget; None with ``ai="never"``."""
        return self.services.budget

    @property
    def redactor(self) -> Redactor:
        """The redactor of the task's secrets."""
        return self.services.redactor

    @property
    def events(self) -> EventLog:
        """The task's events."""
        return self.services.events

    async def is_pinned(self) -> bool:
        """Return True where the user forbade changes to the bundle."""
        return await asyncio.to_thread(self.store.pinned, self.request.reuse_key) is not None


def without_model(context: RunContext) -> RunContext:
    """Return the same context in which no model is asked about a result."""
    return replace(context, services=replace(context.services, budget=None))


@dataclass(frozen=True)
class Success:
    """The result of a good run: the output, the revision that gave it, and the change to the bundle.

    Args:
        revision: None where a first run was ``continued``: nothing is saved.
        used: True where saved code existed and took part.
        files: The directory of the files that the result names.
        already_done: True where the site showed that the action was done before, and nothing was done.
        kind: The kind of the revision's automation.
        continued: True where the output was read off the page of a run that failed behind an irreversible action.
    """

    output: Any
    revision: Revision | None
    used: bool
    files: Path
    created: bool = False
    updated: bool = False
    continued: bool = False
    already_done: bool = False
    kind: AutomationKind = "page"
