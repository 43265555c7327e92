"""What a user asks for and what comes back: requests, results, limits. The names of the wire contract are aliases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.alias_generators import to_camel

from engine.errors import TaskFailed

AiMode = Literal["auto", "never"]
ErrorCode = Literal[
    "workspace-rate-limited", "unauthenticated", "no-ai-credits-left", "timeout", "rejected", "internal-error"
]
Effect = Literal["none", "performed", "continued", "unknown"]
IfInterrupted = Literal["fail", "rerun"]
Status = Literal["pending", "started", "completed", "canceled"]
Trust = Literal["candidate", "trusted"]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def to_wire(self) -> dict[str, Any]:
        """This value as JSON-able data under the names of the wire contract."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Limits(BaseModel):
    """Caps of one run; the first that is reached ends it.

    Args:
        budget_usd: Most dollars spent on the model.
        timeout: Most seconds of wall time, from the task's start; waiting in the line does not count.
        turns: Most requests of the agent.
        tokens: Most tokens of all prompts and answers together.
        candidates: Most candidates that the gate refuses before the agent has to stop.
        action_timeout: Most seconds that an automation waits for an element, and a third of those for a page, unless it
            says otherwise.
        retries: Most further tries while a site is away for a moment: no connection, status 502 to 504, or 429 with
            Retry-After. None where a write may have been sent.
        downloads: Most files that one run may save.
        download_mb: Most megabytes of all files of one run.
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


class TaskRequest(_Wire):
    """One task, checked and complete. Made by the engine from the arguments of ``run``.

    Args:
        if_interrupted: What becomes of it when the process that ran it died: ``fail``, or ``rerun`` by a living engine,
            as long as nothing irreversible was let through.
        idempotency_key: A second start with the same one gives the task of the first.
        trust_start_url: Whether the start URL, the request's or the bundle's, may lead to a private address.
        adopt: Put the edits in the bundle's directory through the gate, and commit them.
        other_parameters: What they are tried with a second time; None for those of an earlier good run.
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
    limits: Limits = Limits()
    if_interrupted: IfInterrupted = "fail"
    idempotency_key: str | None = None
    trust_start_url: bool = True
    adopt: bool = False
    other_parameters: Mapping[str, Any] | None = None


class ComputeCost(_Wire):
    """Browser time."""

    unit: Literal["hours"] = "hours"
    amount: float = 0.0


class Cost(_Wire):
    """What a task cost: dollars for the model, hours of browser time."""

    ai_usd: float = 0.0
    compute: ComputeCost = ComputeCost()


class Reuse(_Wire):
    """The saved automation that took part.

    Args:
        key: The reuse key.
        used: Whether saved code existed and took part.
        created: Whether this run made the first revision.
        updated: Whether this run saved a new revision.
        revision_id: The git commit that gave the result, or HEAD where the run failed.
        revision_timestamp: When that commit was made.
        trust: ``candidate`` until the revision has had five clean runs, the one it was saved on included; then
            ``trusted``.
    """

    key: str
    used: bool
    created: bool
    updated: bool
    revision_id: str
    revision_timestamp: datetime
    trust: Trust = "candidate"

    def to_wire(self) -> dict[str, Any]:
        """Both spellings of the revision, since the two public clients differ."""
        data = super().to_wire()
        return data | {
            "revision_id": data["revisionId"],
            "revision_timestamp": data["revisionTimestamp"],
        }


class TaskError(_Wire):
    """Why a task failed.

    Args:
        code: One of the wire's six codes.
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


class InlineResult(_Wire):
    """A result that travels with the answer."""

    type: Literal["inline"] = "inline"
    data: Any


class StoredFile(_Wire):
    """A file that stands for a result.

    Args:
        url: Where it is: a ``file:`` URL here, a signed one from the HTTP server.
        content_type: ``application/json`` or ``text/csv``.
        size_bytes: Its size.
        expires_at: When it is swept.
    """

    url: str
    content_type: str
    size_bytes: int
    expires_at: datetime


class Preview(_Wire):
    """The beginning of a large result.

    Args:
        rows: How many rows it has; None where it is no list.
        sample: The first rows, or the first fields.
    """

    rows: int | None = None
    sample: Any = None


class FileResult(_Wire):
    """A result of more than 64 KiB of JSON.

    Args:
        file: The JSON.
        csv: The same as CSV, where it is a list of flat objects.
        preview: Its row count and first rows.
    """

    type: Literal["file"] = "file"
    file: StoredFile
    csv: StoredFile | None = None
    preview: Preview | None = None

    @property
    def data(self) -> Any:
        """The whole result, read from its file.

        Raises:
            TaskFailed: The file has expired; ``details["reason"]`` is ``expired``.
        """
        parts = urlsplit(self.file.url)
        if parts.scheme != "file":
            raise TaskFailed(f"the result is at {self.file.url}; fetch it from there", code="internal-error")
        try:
            return json.loads(Path(unquote(parts.path)).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TaskFailed(
                f"the result's file expired at {self.file.expires_at:%Y-%m-%d %H:%M} UTC; run the task again",
                code="internal-error", reason="expired",
            ) from None  # fmt: skip


class Tokens(_Wire):
    """Tokens of all model calls of a task."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Attempt(_Wire):
    """One execution or one piece of agent work within a task.

    Args:
        kind: ``replay`` of saved code, ``explore`` from nothing, ``update`` to a changed request, ``repair``,
            ``adopt`` of the user's edits, ``confirm`` a suspect result, ``check`` of the last good parameters,
            ``continue`` by reading the result off the page of a run that failed behind an irreversible action.
        outcome: ``success`` or ``failed``.
        reason: Why it failed, or None.
        revision: The commit that ran or was made, if any.
        model: The model's id where one was asked.
    """

    kind: Literal["replay", "explore", "update", "repair", "confirm", "check", "continue", "adopt"]
    outcome: Literal["success", "failed"]
    reason: str | None = None
    revision: str | None = None
    model: str | None = None
    model_calls: int = 0
    tokens: Tokens = Tokens()
    usd: float = 0.0
    seconds: float = 0.0


class TaskResult(_Wire):
    """The state of a task; after ``run`` it is final.

    ``status`` is ``completed`` (then ``outcome`` is ``success`` or ``failed``), ``canceled``, or, for a task that still
    runs, ``pending`` or ``started``. A failed task is a result, not an exception; reading ``output`` of one raises.
    A ``pending`` one knows its place in the line: ``queue_position``, from 1. ``effect`` says what became of
    irreversible actions: ``none`` was let through, they were ``performed``, the result was read off the page after a
    failure behind one (``continued``), or whether they took effect is ``unknown``.

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

    @property
    def final(self) -> bool:
        """Whether the task has ended: nothing of this result changes any more."""
        return self.status in ("completed", "canceled")

    @property
    def ok(self) -> bool:
        """Whether the task completed with success."""
        return self.outcome == "success"

    @property
    def output(self) -> Any:
        """The result: an instance of the pydantic class given as schema, else plain JSON data.

        Raises:
            TaskFailed: The task has no output; the error says why.
        """
        if self.result is None:
            error = self.error
            if error is None:
                raise TaskFailed(f"task {self.web_task_id} is {self.status} and has no output", code="internal-error")
            raise TaskFailed(f"{error.code}: {error.message}", code=error.code, **error.details)
        return self._output if self._output is not None else self.result.data

    def with_output(self, output: Any) -> TaskResult:
        """A copy whose ``output`` is the given instance."""
        copy = self.model_copy()
        copy._output = output
        return copy

    def to_wire(self) -> dict[str, Any]:
        """The result under the names of the wire contract."""
        data = super().to_wire()
        if self.reuse is not None:
            data["reuse"] = self.reuse.to_wire()
        if self.status in ("completed", "canceled"):
            data["startedAt"] = data.get("startedAt")
        if isinstance(self.result, InlineResult):
            data["result"]["data"] = data["result"].get("data")  # null is a result like any other
        return data
