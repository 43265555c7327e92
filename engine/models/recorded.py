"""Recording and replay of a model's replies, for tests and demos without a key, costs or a network.

A recording is a file of JSON lines. The first is its header::

    {"format": 1, "model": "claude-haiku-5-5", "recorded_at": "2026-11-23T21:00:00+00:00", "about": "directory",
     "placeholders": ["site"]}

Each further line is an answer::

    {"purpose": "agent", "content": [{"type": "tool_use", …}], "stop_reason": "tool_use",
     "usage": {"input_tokens": 812, …}, "cost_usd": 0.00031, "seconds": 4.2}

``content`` has the blocks as the API returned them, without thinking, and with ``{{name}}`` in place of values that
differ from run to run. ``key``, in answers to ``ask`` and ``confirm``, is a hash of the question and its schema.
``unfit`` marks an answer that did not fit its request when it was recorded either: models err, and the run continued.

Prompts are not recorded, so that they may be reworded.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest, RecordingMismatch
from engine.models.base import Model, ModelReply, ModelRequest, Usage
from engine.models.messages_api import prompt_bytes
from engine.models.passing import PassingModel
from engine.models.prices import resolve_model
from engine.models.recording_check import misfits
from engine.models.recording_placeholders import Placeholders

_FORMAT = 1
_THINKING = ("thinking", "redacted_thinking")


@dataclass(frozen=True)
class RecordedAnswer:
    """An answer as it is recorded: one line of a recording. The fields are described above."""

    purpose: str
    content: list[dict[str, Any]]
    stop_reason: str
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    seconds: float = 0.0
    key: str | None = None
    unfit: bool = False

    @classmethod
    def of(cls, request: ModelRequest, reply: ModelReply, placeholders: Placeholders) -> RecordedAnswer:
        """Return what is recorded of a reply: without thinking, and with placeholders."""
        content = [dict(block) for block in reply.content if block.get("type") not in _THINKING]
        return cls(
            purpose=request.purpose,
            content=placeholders.hide(content),
            stop_reason=reply.stop_reason,
            usage={name: tokens for name, tokens in asdict(reply.usage).items() if tokens},
            cost_usd=round(reply.cost_usd, 9),
            seconds=round(reply.seconds, 3),
            key=None if request.purpose == "agent" else _key(request, placeholders),
            unfit=bool(misfits(content, request)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it without what is empty."""
        return {k: v for k, v in asdict(self).items() if v or k == "content"}


class RecordingModel(PassingModel):
    """A model that passes requests to another one, and writes the answers to a new recording.

    Args:
        inner: The other model.
        path: The recording, which must not exist; it is created with the first answer.
        substitutions: Values that are recorded by name: origins of sites, secret values. See `RecordedModel`.
        about: The subject of the recording, for messages: the site's name.
        timeout: Seconds for each request, in place of its own; for a person who answers by hand.

    Raises:
        InvalidRequest: The recording exists, or a substitution has no usable name.
    """

    def __init__(
        self,
        inner: Model,
        path: str | os.PathLike[str],
        *,
        substitutions: Mapping[str, str],
        about: str = "",
        timeout: float | None = None,
    ) -> None:
        super().__init__(inner)
        self._path = Path(path)
        self._placeholders = Placeholders(substitutions)
        self._about = about
        self._timeout = timeout
        self._writing = threading.Lock()
        if self._path.exists():
            raise InvalidRequest(f"the recording {self._path} exists; remove it, or name another", field="path")

    async def query(self, request: ModelRequest) -> ModelReply:
        """Pass the request on, and record the answer before it is used; errors are not recorded."""
        reply = await self._inner.query(request if self._timeout is None else replace(request, timeout=self._timeout))
        answer = RecordedAnswer.of(request, reply, self._placeholders)
        await asyncio.to_thread(self._append, json.dumps(answer.to_json(), ensure_ascii=False))
        return reply

    def _append(self, line: str) -> None:
        with self._writing:
            new = not self._path.exists()
            with self._path.open("a", encoding="utf-8", errors="surrogatepass") as file:
                if new:
                    file.write(json.dumps(self._header(), ensure_ascii=False) + "\n")
                file.write(line + "\n")

    def _header(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "model": self.name,
            "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "about": self._about,
            "placeholders": list(self._placeholders.names),
        }


class PlayedModel:
    """A model that answers what was recorded, and raises where that does not fit.

    Steps of an agent are answered in the order in which they were recorded, questions by their content. An answer fits
    if the tools that it calls are offered, its inputs fit their schemas, and every ref that it uses was shown.

    Args:
        name: The ID of the recorded model.
        answers: The answers, in their order.
        placeholders: The values for what they hold by name.
        mismatch: Makes the error of an answer that does not fit, of what is wrong and of the steps that were played.
        pace: Share of the recorded time that an answer takes: 0 for at once, 1 for as slow as it was.
    """

    def __init__(
        self,
        name: str,
        answers: Sequence[RecordedAnswer],
        placeholders: Placeholders,
        mismatch: Callable[[str, int], RecordingMismatch],
        pace: float = 0.0,
    ) -> None:
        self._name = name
        self._placeholders = placeholders
        self._error = mismatch
        self._pace = pace
        self._steps = [answer for answer in answers if answer.purpose == "agent"]
        self._played = 0
        self._questions: dict[tuple[str, str | None], list[RecordedAnswer]] = {}
        for answer in answers:
            if answer.purpose != "agent":
                self._questions.setdefault((answer.purpose, answer.key), []).append(answer)
        self._asked: dict[tuple[str, str | None], int] = {}
        self._price = resolve_model(name, own_endpoint=True)

    @property
    def name(self) -> str:
        """The ID of the recorded model."""
        return self._name

    @property
    def remaining(self) -> int:
        """The number of answers that were not given yet."""
        unasked = sum(max(len(found) - self._asked.get(key, 0), 0) for key, found in self._questions.items())
        return len(self._steps) - self._played + unasked

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the recorded model's bound, so that budgets hold as they did."""
        return self._price.worst_cost(prompt_bytes(request), request.max_tokens)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Return the recorded answer, with the usage, cost and time of its recording.

        Raises:
            RecordingMismatch: There is none, or it does not fit.
        """
        answer = self._next_step(request) if request.purpose == "agent" else self._same_question(request)
        if self._pace > 0:
            await asyncio.sleep(min(answer.seconds * self._pace, request.timeout))
        return ModelReply(
            content=tuple(self._placeholders.fill(answer.content)),
            stop_reason=answer.stop_reason,
            usage=Usage(**answer.usage),
            cost_usd=answer.cost_usd,
            model=self.name,
            seconds=answer.seconds,
            recorded=True,
        )

    async def close(self) -> None:
        """Do nothing; no connection is open."""

    def _next_step(self, request: ModelRequest) -> RecordedAnswer:
        if self._played == len(self._steps):
            raise self._mismatch(f"its {self._played} steps are played, and this run asks for one more")
        answer = self._steps[self._played]
        self._check(answer, f"step {self._played + 1} of {len(self._steps)}", request)
        self._played += 1
        return answer

    def _same_question(self, request: ModelRequest) -> RecordedAnswer:
        """Return the answer to this question; a question that was recorded twice gets its answers in order."""
        key = (request.purpose, _key(request, self._placeholders))
        if key not in self._questions:
            raise self._mismatch(
                f"this run has a question ({request.purpose}) that was not asked when it was recorded:"
                f" {_last_text(request)[:200]!r}"
            )
        found = self._questions[key]
        number = self._asked.get(key, 0)
        answer = found[min(number, len(found) - 1)]
        self._check(answer, f"the answer to {request.purpose} {key[1]}", request)
        self._asked[key] = number + 1
        return answer

    def _check(self, answer: RecordedAnswer, which: str, request: ModelRequest) -> None:
        problems = [] if answer.unfit else misfits(self._placeholders.fill(answer.content), request)
        if problems:
            raise self._mismatch(f"{which} does not fit: {'; '.join(problems)}")

    def _mismatch(self, what: str) -> RecordingMismatch:
        return self._error(what, self._played)


class RecordedModel(PlayedModel):
    """A model that answers from a recording; see `PlayedModel`.

    Args:
        path: The recording.
        substitutions: Values for its placeholders, by name: ``{"site": "http://127.0.0.1:8001"}``.
        pace: Share of the recorded time that an answer takes: 0 for at once, 1 for as slow as it was.

    Raises:
        InvalidRequest: There is no such recording, or a value for a placeholder is missing.
        RecordingMismatch: The recording has another format.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, substitutions: Mapping[str, str] | None = None, pace: float = 0.0
    ) -> None:
        path = Path(path)
        header, answers = _load(path)
        given, names = substitutions or {}, header.get("placeholders", [])
        if missing := [name for name in names if name not in given]:
            raise InvalidRequest(f"{path} needs substitutions for {', '.join(missing)}", field="substitutions")
        about, model = header.get("about"), header["model"]
        super().__init__(
            model,
            answers,
            Placeholders({name: given[name] for name in names}),
            lambda what, step: _mismatch(path, what, model=model, about=about, step=step),
            pace,
        )


def _load(path: Path) -> tuple[dict[str, Any], list[RecordedAnswer]]:
    """Return the header of a recording, and its answers."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogatepass").split("\n")
    except OSError as error:
        raise InvalidRequest(f"the recording {path} cannot be read: {error.strerror}", field="path") from error
    try:
        header, *answers = (json.loads(line) for line in lines if line.strip())
        if header["format"] != _FORMAT:
            raise _mismatch(path, f"its format is {header['format']!r}, this version reads {_FORMAT}")
        return {**header, "model": str(header["model"])}, [RecordedAnswer(**answer) for answer in answers]
    except (ValueError, TypeError, KeyError) as error:
        raise _mismatch(path, f"a line of it is not as it was written ({error})") from error


def _mismatch(path: Path, what: str, *, about: str | None = None, **details: Any) -> RecordingMismatch:
    again = f"record it again (in the repository: make record SITE={about or '…'})"
    return RecordingMismatch(f"the recording {path}: {what}; {again}", recording=str(path), **details)


def _key(request: ModelRequest, placeholders: Placeholders) -> str:
    """Return a hash of a question without its system prompt."""
    asked = placeholders.hide([list(request.messages), request.output_schema])
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=dict).encode()).hexdigest()[:16]


def _last_text(request: ModelRequest) -> str:
    content = request.messages[-1]["content"]
    return content if isinstance(content, str) else " ".join(str(block.get("text", "")) for block in content)
