"""The bodies of the two route families: what a call may send, and what it is answered with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator
from pydantic.alias_generators import to_camel

from engine.task.wire import Attempt, Cost, Effect, FileResult, InlineResult, Reuse, StoredFile, TaskError, Tokens

_TITLE = 80  # characters


class Body(BaseModel):
    """Base of all: the wire's names, and no others."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=True, allow_inf_nan=False
    )


class StartBody(Body):
    """A task to be started.

    Args:
        task: What is to be done, in plain words.
        start_url: Where to begin: an http or https URL.
        parameters: Inputs that may change from run to run.
        output_schema: JSON Schema (draft 2020-12) of the result.
        model: Whom to ask; default: the server's.
        ai: ``never`` replays saved code or fails, at no cost.
        timeout: Seconds from the task's start to its end.
        budget_usd: Most dollars for the model.
        secrets: Parameters whose values no model and no record may see.
        allow_hosts: Origins with private addresses; only those that the server allows.
        if_interrupted: What becomes of the task when the server that runs it ends.
        idempotency_key: A second start with the same one gives the task of the first.
        proxy, auth, sink: Cannot be used yet.
    """

    task: str = Field(min_length=1)
    start_url: str | None = Field(default=None, json_schema_extra={"format": "uri"})
    parameters: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    model: str | None = Field(default=None, min_length=1)
    ai: Literal["auto", "never"] = "auto"
    timeout: float | None = Field(default=None, gt=0)
    budget_usd: float | None = Field(default=None, ge=0)
    secrets: list[str] = Field(default_factory=list)
    allow_hosts: list[str] = Field(default_factory=list)
    if_interrupted: Literal["fail", "rerun"] = "rerun"
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=1000)
    proxy: None = None
    auth: None = None
    sink: None = None

    @field_validator("proxy", "auth", "sink", mode="before")
    @classmethod
    def _not_yet(cls, value: object) -> object:
        if value is not None:
            raise ValueError("cannot be used here yet; leave it out")
        return value

    def asked(self) -> dict[str, Any]:
        """The arguments of ``AsyncEngine.start``."""
        return self.model_dump(exclude_none=True)


class WebTaskStart(StartBody):
    """A task to be started; ``reuseKey`` names its automation."""

    reuse_key: str | None = Field(default=None, min_length=1, max_length=1000)


class RunStart(StartBody):
    """A run to be started; ``skilletId`` names its automation. An unknown model stands for the server's default."""

    skillet_id: str | None = Field(default=None, min_length=1, max_length=1000)

    def asked(self) -> dict[str, Any]:
        """The arguments of ``AsyncEngine.start``."""
        asked = super().asked()
        return asked | ({"reuse_key": asked.pop("skillet_id")} if "skillet_id" in asked else {})


class RunUpdate(Body):
    """A run's new title."""

    title: str = Field(min_length=1, max_length=_TITLE)


class RecordBody(Body):
    """A login to be recorded."""

    id: str | None = None
    name: str | None = None
    proxy: str | None = None
    start_url: str | None = None
    finish_url: str | None = None


class Page(Body):
    """Which part of a list: ``limit`` items, after ``offset`` of them."""

    model_config = ConfigDict(strict=False)

    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, lt=1 << 31)


class SkilletPage(Body):
    """Which part of the saved automations; without ``limit`` all after the first ``offset``."""

    model_config = ConfigDict(strict=False)

    limit: int | None = Field(default=None, ge=1, lt=1 << 31)
    offset: int = Field(default=0, ge=0, lt=1 << 31)


class TaskPage(Page):
    """Which tasks."""

    status: Literal["pending", "started", "completed", "canceled"] | None = None
    reuse_key: str | None = Field(default=None, min_length=1, max_length=1000)


# Answers


class WebTaskStarted(Body):
    """The task is in the line."""

    web_task_id: str = Field(examples=["wt_8SkPYcTl3RIVCc0AwCxHb"])
    status: Literal["pending"]


class RunStartedAnswer(Body):
    """The run is in the line."""

    id: str
    status: Literal["pending"]


class _More(Body):
    """What the hosted product does not tell."""

    created_at: datetime
    cost: Cost | None = None
    reuse_key: str | None = None
    title: str | None = None
    queue_position: int | None = Field(default=None, ge=1, description="Its place in the line.")
    model_calls: int = 0
    tokens: Tokens | None = None
    attempts: list[Attempt] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    effect: Effect = "none"


class ReuseAnswer(Reuse):
    """The saved automation that took part; the revision in both spellings, since the public clients differ."""

    revision_id_snake: str = Field(alias="revision_id")
    revision_timestamp_snake: datetime = Field(alias="revision_timestamp")


class WebTask(_More):
    """A task of the first family."""

    web_task_id: str


class WebTaskPending(WebTask):
    """It waits."""

    status: Literal["pending"]


class WebTaskRunning(WebTask):
    """It runs."""

    status: Literal["started"]
    started_at: datetime


class WebTaskCompleted(WebTask):
    """It has ended, with a result or with an error."""

    status: Literal["completed"]
    outcome: Literal["success", "failed"]
    started_at: datetime | None
    completed_at: datetime
    cost: Cost
    reuse: ReuseAnswer | None = None
    result: Annotated[InlineResult | FileResult, Field(discriminator="type")] | None = None
    error: TaskError | None = None


class WebTaskCanceled(WebTask):
    """Somebody has ended it."""

    status: Literal["canceled"]
    started_at: datetime | None
    completed_at: datetime


class WebTaskAnswer(
    RootModel[
        Annotated[WebTaskPending | WebTaskRunning | WebTaskCompleted | WebTaskCanceled, Field(discriminator="status")]
    ]
):
    """A task as it is now."""


class SkilletAnswer(Body):
    """A saved automation and its newest revision."""

    id: str
    revision_id: str
    revision_timestamp: datetime


class RunSkillet(ReuseAnswer):
    """The saved automation that took part."""

    id: str


class Run(_More):
    """A run of the second family."""

    id: str


class RunPending(Run):
    """It waits."""

    status: Literal["pending"]


class RunRunning(Run):
    """It runs."""

    status: Literal["started"]
    started_at: datetime


class RunCompleted(Run):
    """It has ended.

    Args:
        result: The bare value. A list leaves out those of more than 64 KiB.
        result_file: The same as a file, where it is that large.
    """

    status: Literal["completed"]
    outcome: Literal["success", "failed"]
    started_at: datetime | None
    completed_at: datetime
    cost: Cost
    skillet: RunSkillet | None = None
    result: Any = None
    result_file: StoredFile | None = None
    error: TaskError | None = None


class RunCanceled(Run):
    """Somebody has ended it."""

    status: Literal["canceled"]
    started_at: datetime | None
    completed_at: datetime


class RunAnswer(
    RootModel[Annotated[RunPending | RunRunning | RunCompleted | RunCanceled, Field(discriminator="status")]]
):
    """A run as it is now."""


class EventAnswer(Body):
    """One event of a task.

    Args:
        id: Its number, from 1; ``Last-Event-ID`` names the last that was seen.
        event: What happened.
        data: The event as JSON.
        retry: Milliseconds to wait before coming back.
    """

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None


class Health(Body):
    """The server answers."""

    status: Literal["ok"]
    version: str
