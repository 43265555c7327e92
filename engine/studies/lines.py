"""The lines of a trial's record: JSON Lines, each with a ``type``; `schema` describes them as JSON Schema."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

FORMAT = 1
Phase = Literal["first", "replay", "changed", "repair"]
Verdict = Literal["right", "failed", "silently wrong", "not applied"]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrialLine(_Line):
    """The first line: which trial it is.

    Args:
        format: Version of this format.
        attempt: From 1; the attempts before it were cut off.
        usd: Most dollars, reserved before it began.
    """

    type: Literal["trial"] = "trial"
    format: int = FORMAT
    study: str
    id: str
    number: int
    task: str
    model: str
    options: str
    repeat: int
    seed: int
    attempt: int
    usd: float
    at: datetime


class PromptLine(_Line):
    """A system prompt with its tools, which requests name by its hash; it is written before the first of them."""

    type: Literal["prompt"] = "prompt"
    sha256: str
    system: str
    tools: list[dict[str, Any]]


class RequestLine(_Line):
    """A request to the model.

    Args:
        number: From 1, over the whole trial.
        run: Number of the run in which it was made, from 1.
        prompt: Hash of its system prompt and tools.
        same: The messages begin with this many of the request before; only the others stand here.
        messages: The other messages, whole, in the form of the Messages API. A picture in them is a file of the study:
            ``{"type": "file", "media_type": …, "file": "pictures/…"}`` is its source.
        worst_usd: The most that it could cost.
    """

    type: Literal["request"] = "request"
    number: int
    run: int
    at: datetime
    purpose: str
    prompt: str
    same: int
    messages: list[dict[str, Any]]
    max_tokens: int
    output_schema: dict[str, Any] | None = None
    worst_usd: float


class AnswerLine(_Line):
    """The model's answer to a request, or the error in its place.

    Args:
        number: That of the request.
        content: The blocks as the API returned them.
        usage: Tokens: ``input_tokens``, ``output_tokens``, ``cache_read_tokens``, ``cache_write_tokens``.
        usd: Its price; of an answer that was lost and may be billed, the most that it could cost.
        error: Class and message of the error.
    """

    type: Literal["answer"] = "answer"
    number: int
    at: datetime
    content: list[dict[str, Any]] = Field(default_factory=list)
    stop_reason: str | None = None
    usage: dict[str, int] = Field(default_factory=dict)
    usd: float = 0.0
    model: str | None = None
    seconds: float = 0.0
    error: str | None = None


class PictureLine(_Line):
    """A picture of the page, as the engine keeps them.

    Args:
        run: Number of the run.
        turn: The number of answers of the agent before it, in this run.
        file: Its file, in the study's directory.
    """

    type: Literal["picture"] = "picture"
    run: int
    turn: int
    file: str


class RunLine(_Line):
    """The end of one run of the engine.

    Args:
        number: From 1.
        phase: ``first`` run on a fresh key, ``replay`` on the unchanged site, replay on the ``changed`` site, or
            ``repair`` there.
        repeat: Which replay it is, from 1; else 1.
        variant: The site's change, in the phases ``changed`` and ``repair``.
        verdict: ``right``; ``failed``, which says that something is wrong; ``silently wrong``, success with an output
            that is not the truth; or ``not applied``, where a mutation found nothing to change.
        says: The fault of the output, or the error's message.
        reason: The error's fine-grained cause.
        output: The output of a success.
        revision: The revision that ran or was saved.
        code: The automation, where this run saved it.
        attempts: Attempts within the run, as ``engine.attempts`` tells them.
    """

    type: Literal["run"] = "run"
    number: int
    phase: Phase
    repeat: int = 1
    variant: str | None = None
    verdict: Verdict
    says: str = ""
    reason: str | None = None
    task_id: str
    began: datetime
    seconds: float
    usd: float
    model_calls: int
    tokens: dict[str, int]
    output: Any = None
    revision: str | None = None
    code: str | None = None
    attempts: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class EndLine(_Line):
    """The last line: the trial ended, and its record is whole.

    Args:
        usd: Dollars of the trial in all.
    """

    type: Literal["end"] = "end"
    at: datetime
    usd: float
    seconds: float


Line = Annotated[
    TrialLine | PromptLine | RequestLine | AnswerLine | PictureLine | RunLine | EndLine, Field(discriminator="type")
]
LINE: TypeAdapter[Line] = TypeAdapter(Line)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a line.

    >>> sorted(schema()["discriminator"]["mapping"])
    ['answer', 'end', 'picture', 'prompt', 'request', 'run', 'trial']
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **LINE.json_schema()}
