"""The models of the two route families' request and response bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator
from pydantic.alias_generators import to_camel

from engine.server.descriptions import describe
from engine.task.outputs import FileResult, InlineResult, StoredFile
from engine.task.wire import Attempt, Cost, Effect, Reuse, TaskError, Tokens

_TITLE = 80  # characters


class Body(BaseModel):
    """Base of all bodies; the fields have the wire's names, and no others are allowed."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra=describe,
    )


class Viewport(Body):
    """The size of the page in CSS pixels."""

    width: int = Field(ge=1, le=10_000)
    height: int = Field(ge=1, le=10_000)


class BrowserBody(Body):
    """The browser that the site meets; saved with the automation.

    Args:
        user_agent: The user agent, for sites that refuse the browser's own.
        locale: Language tag such as ``de-DE``.
        timezone: Name in the time zone database, such as ``Europe/Berlin``.
        viewport: The size of the page; default 1280 by 720.
        headers: Further headers. One that names parameters ("Bearer {token}") is sent to the start URL's own origin
            alone; others go to every host, and hold no secrets.
    """

    user_agent: str | None = Field(default=None, min_length=1, max_length=1000)
    locale: str | None = Field(default=None, min_length=2, max_length=100)
    timezone: str | None = Field(default=None, min_length=1, max_length=100)
    viewport: Viewport | None = None
    headers: dict[str, str] | None = None


class StartBody(Body):
    """A request to start a task.

    Args:
        task: The task, in plain words; may be left out for a saved automation.
        start_url: Page to start on: an http or https URL.
        parameters: Inputs that may change from run to run.
        output_schema: JSON Schema (draft 2020-12) of the result.
        model: The model to use; default: the server's.
        ai: ``never`` replays saved code or fails, at no cost.
        timeout: Seconds from the task's start to its end.
        budget_usd: Maximum cost of the model, in dollars.
        secrets: Parameters whose values appear in no prompt and no record.
        allow_hosts: Origins with private addresses that the task may reach, among those that the server allows.
        browser: User agent, locale, time zone, viewport and headers of the browser.
        trust: ``lenient`` returns a result that departs from earlier ones in words or in numbers with a warning, where
            ``strict`` asks the model.
        provenance: ``full`` keeps what the run read, so that the place of each value can be asked for.
        trace: Keep Playwright's own trace of each run, on the server, beside the report; not with secrets.
        if_interrupted: If the server that runs the task ends, ``fail`` the task, or ``rerun`` it.
        idempotency_key: If a task was started with the same key, that task is returned.
        proxy, auth, sink: Not supported yet.
    """

    task: str | None = Field(default=None, min_length=1)
    start_url: str | None = Field(default=None, json_schema_extra={"format": "uri"})
    parameters: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    model: str | None = Field(default=None, min_length=1)
    ai: Literal["auto", "never", "insist"] = "auto"
    timeout: float | None = Field(default=None, gt=0)
    budget_usd: float | None = Field(default=None, ge=0)
    secrets: list[str] = Field(default_factory=list)
    allow_hosts: list[str] = Field(default_factory=list)
    browser: BrowserBody | None = None
    trust: Literal["strict", "lenient"] = "strict"
    provenance: Literal["auto", "full"] = "auto"
    trace: bool = False
    if_interrupted: Literal["fail", "rerun"] = "rerun"
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=1000)
    proxy: None = None
    auth: None = None
    sink: None = None

    @field_validator("proxy", "auth", "sink", mode="before")
    @classmethod
    def _not_yet(cls, value: object) -> object:
        if value is not None:
            raise ValueError("is not supported yet; leave it out")
        return value

    def engine_arguments(self) -> dict[str, Any]:
        """Return the arguments of ``AsyncEngine.start``."""
        return self.model_dump(exclude_none=True)


class WebTaskStart(StartBody):
    """A request to start a task; ``reuseKey`` is the key of its automation."""

    reuse_key: str | None = Field(default=None, min_length=1, max_length=1000)


class RunStart(StartBody):
    """A request to start a run; ``skilletId`` is the key of its automation.

    If the model is unknown, the server's default is used.
    """

    skillet_id: str | None = Field(default=None, min_length=1, max_length=1000)

    def engine_arguments(self) -> dict[str, Any]:
        """Return the arguments of ``AsyncEngine.start``."""
        arguments = super().engine_arguments()
        return arguments | ({"reuse_key": arguments.pop("skillet_id")} if "skillet_id" in arguments else {})


class RunUpdate(Body):
    """A run's new title."""

    title: str = Field(min_length=1, max_length=_TITLE)


class RecordBody(Body):
    """A request to record a login."""

    id: str | None = None
    name: str | None = None
    proxy: str | None = None
    start_url: str | None = None
    finish_url: str | None = None


class Page(Body):
    """The part of a list to return: ``limit`` items, after the first ``offset``."""

    model_config = ConfigDict(strict=False)

    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, lt=1 << 31)


class SkilletPage(Body):
    """The part of the saved automations to return; without ``limit`` all after the first ``offset``."""

    model_config = ConfigDict(strict=False)

    limit: int | None = Field(default=None, ge=1, lt=1 << 31)
    offset: int = Field(default=0, ge=0, lt=1 << 31)


class ProvenanceQuery(Body):
    """The values to explain: a path into the output, such as ``$.books[3].price``."""

    model_config = ConfigDict(strict=False)

    path: str = Field(default="$", min_length=1, max_length=1000)


class TaskPage(Page):
    """The tasks to return."""

    status: Literal["pending", "started", "completed", "canceled"] | None = None
    reuse_key: str | None = Field(default=None, min_length=1, max_length=1000)


# Answers


class WebTaskStarted(Body):
    """A task that was queued."""

    web_task_id: str = Field(examples=["wt_8SkPYcTl3RIVCc0AwCxHb"])
    status: Literal["pending"]


class RunStartedAnswer(Body):
    """A run that was queued."""

    id: str
    status: Literal["pending"]


class _TaskFields(Body):
    """The fields of every task and run that the hosted product does not have."""

    created_at: datetime
    cost: Cost | None = None
    reuse_key: str | None = None
    title: str | None = None
    queue_position: int | None = Field(default=None, ge=1, description="Position in the queue.")
    model_calls: int = 0
    tokens: Tokens | None = None
    attempts: list[Attempt] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    effect: Effect = "none"


class ReuseAnswer(Reuse):
    """The saved automation that was used; its revision has both spellings, because the public clients differ."""

    revision_id_snake: str = Field(alias="revision_id")
    revision_timestamp_snake: datetime = Field(alias="revision_timestamp")


class WebTask(_TaskFields):
    """A task, in any state."""

    web_task_id: str


class WebTaskPending(WebTask):
    """A task in the queue."""

    status: Literal["pending"]


class WebTaskRunning(WebTask):
    """A running task."""

    status: Literal["started"]
    started_at: datetime


class WebTaskCompleted(WebTask):
    """A task that ended with a result or an error."""

    status: Literal["completed"]
    outcome: Literal["success", "failed"]
    started_at: datetime | None
    completed_at: datetime
    cost: Cost
    reuse: ReuseAnswer | None = None
    result: Annotated[InlineResult | FileResult, Field(discriminator="type")] | None = None
    error: TaskError | None = None


class WebTaskCanceled(WebTask):
    """A canceled task."""

    status: Literal["canceled"]
    started_at: datetime | None
    completed_at: datetime


class WebTaskAnswer(
    RootModel[
        Annotated[WebTaskPending | WebTaskRunning | WebTaskCompleted | WebTaskCanceled, Field(discriminator="status")]
    ]
):
    """A task in its current state."""


class SkilletAnswer(Body):
    """A saved automation and its newest revision."""

    id: str
    revision_id: str
    revision_timestamp: datetime


class RunSkillet(ReuseAnswer):
    """The saved automation that was used."""

    id: str


class Run(_TaskFields):
    """A run, in any state."""

    id: str


class RunPending(Run):
    """A run in the queue."""

    status: Literal["pending"]


class RunRunning(Run):
    """A run in progress."""

    status: Literal["started"]
    started_at: datetime


class RunCompleted(Run):
    """A run that ended with a result or an error.

    Args:
        result: The bare value. A list of runs omits values of more than 64 KiB.
        result_file: The value as a file, if it is that large.
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
    """A canceled run."""

    status: Literal["canceled"]
    started_at: datetime | None
    completed_at: datetime


class RunAnswer(
    RootModel[Annotated[RunPending | RunRunning | RunCompleted | RunCanceled, Field(discriminator="status")]]
):
    """A run in its current state."""


class OriginAnswer(Body):
    """A place where a value of the output stood on what was read.

    Args:
        value: The value in the output.
        url: URL of the page, JSON response or file.
        text: The text around the value.
        label: The name that the page gives to the place.
        headings: The headings above it, outermost first.
        region: The landmark that it stands in.
        struck: Struck through.
        hidden: Not visible.
        box: Left, top, width and height on the page in CSS pixels, if known.
    """

    value: Any = None
    url: str
    text: str
    label: str
    headings: list[str]
    region: str
    struck: bool
    hidden: bool
    box: list[int] | None = None


class EventAnswer(Body):
    """One event of a task.

    Args:
        id: Its number, from 1, for the header ``Last-Event-ID``.
        event: Its type.
        data: The event as JSON.
        retry: Milliseconds to wait before reconnecting.
    """

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None


class Health(Body):
    """The state of the server."""

    status: Literal["ok"]
    version: str
