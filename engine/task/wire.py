"""Requests, results and limits. The names of the wire contract are aliases of the attributes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Generic, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from typing_extensions import TypeVar

from engine.errors import EngineError, TaskFailed
from engine.task.browser_options import BrowserOptions
from engine.task.outputs import FileResult, InlineResult, WireModel
from sandbox.kinds import AutomationKind

AiMode = Literal["auto", "never", "insist"]
CompileMode = Literal["never", "auto"]
ErrorCode = Literal[
    "workspace-rate-limited", "unauthenticated", "no-ai-credits-left", "timeout", "rejected", "internal-error"
]
Effect = Literal["none", "performed", "already-done", "continued", "unknown"]
IfInterrupted = Literal["fail", "rerun"]
Status = Literal["pending", "started", "completed", "canceled"]
Trust = Literal["candidate", "trusted", "suspected"]
TrustMode = Literal["strict", "lenient"]
ProvenanceMode = Literal["auto", "full"]
OutputT = TypeVar("OutputT", default=Any)


class Limits(BaseModel):
    """Caps of one run, which ends at the first that is reached.

    Args:
        budget_usd: Most dollars spent on the model.
        timeout: Most seconds of wall time from the task's start; time in the queue does not count.
        turns: Most requests of the agent to the model.
        tokens: Most tokens of all prompts and replies together.
        candidates: Most candidates that the gate may refuse before the agent must stop.
        action_timeout: Most seconds that an automation waits for an element, and three times as many for a page, unless
            it sets its own.
        retries: Most retries while a site is briefly unavailable: no connection, a status from 500, or 429 with
            Retry-After. There are none where a write may have been sent.
        downloads: Most files that one run may save.
        download_mb: Most megabytes of all saved files of one run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget_usd: float = Field(default=0.5, ge=0)
    timeout: float = Field(default=600.0, gt=0)
    turns: int = Field(default=40, ge=1)
    tokens: int = Field(default=1_500_000, ge=1)
    candidates: int = Field(default=4, ge=1)
    action_timeout: float = Field(default=10.0, gt=0)
    retries: int = Field(default=2, ge=0)
    downloads: int = Field(default=200, ge=0)
    download_mb: int = Field(default=256, ge=0)


class TaskRequest(WireModel):
    """A validated task, made by the engine from the arguments of ``run``.

    Args:
        secrets: Names of secret parameters; also ``start_url`` and ``task`` where a URL there held a password.
        trust: ``strict``, or ``lenient`` to take a result for which the model would be asked, with a warning.
        provenance: ``full`` keeps what the run read, so that ``result.provenance`` can tell where each value stood;
            ``auto`` only of first runs, repairs and failures.
        trace: Keep Playwright's own trace of each run in a browser; there are no secrets then.
        if_interrupted: What happens when the process that ran it has died: ``fail``, or ``rerun`` by another engine,
            unless something irreversible was let through.
        idempotency_key: A second start with the same key returns the task of the first.
        http_login: User name and password of the start URL, which itself is kept without them. They are in no record.
        task: Its text; empty for that of the saved automation.
        browser: The user agent, locale and the like of the browser; those that are not set are the saved automation's.
        trust_start_url: The start URL, the request's or the bundle's, may have a private address.
        adopt: Run the edits in the bundle's directory through the gate, and commit them if they pass.
        compile: Have the automation rewritten without a browser, and commit that if it gives the same.
        other_parameters: The parameters of the second trial run; None for those of an earlier good run.
    """

    task: str
    start_url: str | None = None
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    reuse_key: str
    model: str | None = None
    ai: AiMode = "auto"
    secrets: frozenset[str] = frozenset()
    allow_hosts: tuple[str, ...] = ()
    browser: BrowserOptions = BrowserOptions()
    trust: TrustMode = "strict"
    provenance: ProvenanceMode = "auto"
    trace: bool = False
    limits: Limits = Limits()
    if_interrupted: IfInterrupted = "fail"
    idempotency_key: str | None = None
    trust_start_url: bool = True
    adopt: bool = False
    compile: bool = False
    other_parameters: Mapping[str, Any] | None = None
    http_login: tuple[str, str] | None = Field(default=None, exclude=True, repr=False)


class ComputeCost(WireModel):
    """Browser time."""

    unit: Literal["hours"] = "hours"
    amount: float = 0.0


class Cost(WireModel):
    """The cost of a task: dollars for the model, hours of browser time."""

    ai_usd: float = 0.0
    compute: ComputeCost = ComputeCost()


class Reuse(WireModel):
    """The saved automation that a task used or made.

    Args:
        key: The reuse key.
        used: Saved code existed and was used.
        created: This run saved the first revision.
        updated: This run saved a new revision.
        revision_id: The git commit that gave the result, or HEAD if the run failed.
        revision_timestamp: When that commit was made.
        kind: ``page`` where its automation has a browser, ``web`` where it has none.
        trust: ``candidate`` until the revision has had five clean runs, the one it was saved on included; then
            ``trusted``. ``suspected`` from a result that was refused on, until the same parameters give a good one.
    """

    key: str
    used: bool
    created: bool
    updated: bool
    revision_id: str
    revision_timestamp: datetime
    kind: AutomationKind = "page"
    trust: Trust = "candidate"


class TaskError(WireModel):
    """The error of a failed task.

    Args:
        code: One of the six codes of the wire contract.
        message: What happened and what to do next.
        details: ``reason`` is the fine-grained cause; further keys depend on it.
    """

    code: ErrorCode
    message: str
    details: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The fine-grained cause, such as ``site-unreachable`` or ``drift``."""
        return str(self.details.get("reason", self.code))


class Tokens(WireModel):
    """The tokens of all model calls of a task."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Attempt(WireModel):
    """One execution, or one session of the agent, within a task.

    Args:
        kind: ``replay`` of saved code, ``explore`` where nothing is saved, ``update`` to a changed request,
            ``repair`` after drift, ``adopt`` the user's edits, ``compile`` to code without a browser, ``confirm`` a
            suspect result, ``check`` with the last good parameters, ``continue`` by reading the result off the page of
            a run that failed behind an irreversible action.
        outcome: ``success`` or ``failed``.
        reason: The cause of its failure, or None.
        revision: The commit that ran or was made, if any.
        model: The model's ID, if one was asked.
    """

    kind: Literal["replay", "explore", "update", "repair", "confirm", "check", "continue", "adopt", "compile"]
    outcome: Literal["success", "failed"]
    reason: str | None = None
    revision: str | None = None
    model: str | None = None
    model_calls: int = 0
    tokens: Tokens = Tokens()
    usd: float = 0.0
    seconds: float = 0.0


class TaskResult(WireModel, Generic[OutputT]):
    """The state of a task, which is final after ``run``.

    ``status`` is ``completed`` (then ``outcome`` is ``success`` or ``failed``), ``canceled`` or, before the task has
    ended, ``pending`` or ``started``. A failed task is a result, not an exception; reading its ``output`` raises. A
    ``pending`` task has a ``queue_position``, counted from 1. ``effect`` says what became of irreversible actions:
    ``none`` was let through, they were ``performed``, the site shows that they were done before (``already-done``), the
    result was read off the page after a failure behind one (``continued``), or whether they took effect is ``unknown``.

    For a type checker, the ``output`` of a ``TaskResult[T]`` is a ``T``: ``run`` with a class as ``output_schema``
    returns one. A bare ``TaskResult`` is a ``TaskResult[Any]``.

    >>> from engine import TaskResult
    >>> wire = {"webTaskId": "wt_1", "status": "pending", "createdAt": "2026-11-23T10:00:00Z"}
    >>> result = TaskResult.model_validate(wire)
    >>> result.status
    'pending'
    """

    web_task_id: str
    status: Status
    outcome: Literal["success", "failed"] | None = None
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cost: Cost = Cost()
    reuse: Reuse | None = None
    result: Annotated[InlineResult | FileResult, Field(discriminator="type")] | None = None
    error: TaskError | None = None
    reuse_key: str | None = None
    title: str | None = None
    queue_position: int | None = None
    model_calls: int = 0
    tokens: Tokens = Tokens()
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[str, ...] = ()
    effect: Effect = "none"

    _output: Any = PrivateAttr(default=None)
    _reads: Callable[[str], Sequence[Any]] | None = PrivateAttr(default=None)
    _report: Callable[[str | os.PathLike[str]], Path] | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """Return True where fields and output are equal; how the store is asked for more is no part of a result."""
        if not isinstance(other, TaskResult):
            return NotImplemented
        return self.__dict__ == other.__dict__ and self._output == other._output

    @property
    def final(self) -> bool:
        """True if the task has ended, so that this result no longer changes."""
        return self.status in ("completed", "canceled")

    @property
    def ok(self) -> bool:
        """True if the task completed with success."""
        return self.outcome == "success"

    @property
    def output(self) -> OutputT:
        """The output: an instance of the pydantic class given as the schema, else plain JSON data.

        Raises:
            TaskFailed: The task has no output; the error says why.
        """
        if self.result is None:
            error = self.error
            if error is None:
                raise TaskFailed(f"task {self.web_task_id} is {self.status} and has no output", code="internal-error")
            raise TaskFailed(f"{error.code}: {error.message}", code=error.code, **error.details)
        output: OutputT = self._output if self._output is not None else self.result.data
        return output

    def __repr__(self) -> str:
        from engine.task.result_html import one_line  # not at the top: results are made where nothing shows them

        return f"<TaskResult {one_line(self)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return the result as a notebook shows it."""
        from engine.task.result_html import result_html

        return result_html(self)

    def provenance(self, path: str = "$") -> Sequence[Any]:
        """Return where a value of the output stood on what was read, as an ``engine.contract.Origin`` each.

        It is known of first runs, repairs, failures, and runs with ``provenance="full"``, for seven days.

        Args:
            path: Such as ``$.books[3].price``; of a list or an object, the first twenty of the values in it.

        Raises:
            InvalidRequest: The output has nothing at this path.
            EngineError: What was read was not kept, or it expired; or the result is not of a store on this machine.
        """
        if self._reads is None:
            raise EngineError(f"task {self.web_task_id}: ask the engine that has its store for the result")
        return self._reads(path)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write a report of the task: one HTML file that loads nothing from elsewhere.

        It shows the timeline, the output with the places where values stood, the model's steps, and what was committed.
        It needs the extra ``report``: ``pip install "webtasks-engine[report]"``.

        Args:
            path: The file; one that is there is replaced.

        Returns:
            The file's absolute path.

        Raises:
            EngineError: It cannot be written, packages are missing, or the result is not of a store on this machine.
        """
        if self._report is None:
            raise EngineError(f"task {self.web_task_id}: ask the engine that has its store for the result")
        return self._report(path)

    def with_store(
        self, reads: Callable[[str], Sequence[Any]], report: Callable[[str | os.PathLike[str]], Path]
    ) -> TaskResult[OutputT]:
        """Return a copy whose ``provenance`` and ``report`` ask the given functions."""
        copy = self.model_copy()
        copy._reads = reads
        copy._report = report
        return copy

    def with_output(self, output: Any) -> TaskResult[Any]:
        """Return a copy whose ``output`` is the given instance."""
        copy = self.model_copy()
        copy._output = output
        return copy

    def to_wire(self) -> dict[str, Any]:
        """Return the result under the names of the wire contract."""
        data = super().to_wire()
        if self.status in ("completed", "canceled"):
            data["startedAt"] = data.get("startedAt")
        if isinstance(self.result, InlineResult):
            data["result"]["data"] = data["result"].get("data")  # null is a valid result
        return data
