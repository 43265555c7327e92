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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest, RecordingMismatch
from engine.models.base import Model, ModelReply, ModelRequest, Usage
from engine.models.messages_api import prompt_bytes
from engine.models.prices import resolve_model
from engine.models.recording_check import misfits
from engine.models.recording_placeholders import Placeholders

_FORMAT = 1
_THINKING = ("thinking", "redacted_thinking")


@dataclass(frozen=True)
class _Answer:
    """One line of a recording."""

    purpose: str
    content: list[dict[str, Any]]
    stop_reason: str
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float = 0.0
    seconds: float = 0.0
    key: str | None = None
    unfit: bool = False

    def to_line(self) -> str:
        return json.dumps({k: v for k, v in asdict(self).items() if v or k == "content"}, ensure_ascii=False)


class RecordingModel:
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
        self._inner = inner
        self._path = Path(path)
        self._placeholders = Placeholders(substitutions)
        self._about = about
        self._timeout = timeout
        self._writing = threading.Lock()
        if self._path.exists():
            raise InvalidRequest(f"the recording {self._path} exists; remove it, or name another", field="path")

    @property
    def name(self) -> str:
        """The ID of the inner model."""
        return self._inner.name

    def worst_cost(self, request: ModelRequest) -> float:
        """Return the inner model's bound."""
        return self._inner.worst_cost(request)

    async def query(self, request: ModelRequest) -> ModelReply:
        """Pass the request on, and record the answer before it is used; errors are not recorded."""
        reply = await self._inner.query(request if self._timeout is None else replace(request, timeout=self._timeout))
        content = [dict(block) for block in reply.content if block.get("type") not in _THINKING]
        answer = _Answer(
            purpose=request.purpose,
            content=self._placeholders.hide(content),
            stop_reason=reply.stop_reason,
            usage={name: tokens for name, tokens in asdict(reply.usage).items() if tokens},
            cost_usd=round(reply.cost_usd, 9),
            seconds=round(reply.seconds, 3),
            key=None if request.purpose == "agent" else _key(request, self._placeholders),
            unfit=bool(misfits(content, request)),
        )
        await asyncio.to_thread(self._append, answer.to_line())
        return reply

    async def close(self) -> None:
        """Close the inner model."""
        await self._inner.close()

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


class RecordedModel:
    """A model that answers from a recording, and raises where the recording does not fit.

    Steps of an agent are answered in the order in which they were recorded, questions by their content. An answer fits
    if the tools that it calls are offered, its inputs fit their schemas, and every ref that it uses was shown.

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
        self._path = Path(path)
        self._pace = pace
        self._header, answers = _load(self._path)
        given, names = substitutions or {}, self._header.get("placeholders", [])
        if missing := [name for name in names if name not in given]:
            raise InvalidRequest(f"{self._path} needs substitutions for {', '.join(missing)}", field="substitutions")
        self._placeholders = Placeholders({name: given[name] for name in names})
        self._steps = [answer for answer in answers if answer.purpose == "agent"]
        self._played = 0
        self._questions: dict[tuple[str, str | None], list[_Answer]] = {}
        for answer in answers:
            if answer.purpose != "agent":
                self._questions.setdefault((answer.purpose, answer.key), []).append(answer)
        self._asked: dict[tuple[str, str | None], int] = {}
        self._price = resolve_model(self.name, own_endpoint=True)

    @property
    def name(self) -> str:
        """The ID of the recorded model."""
        return str(self._header["model"])

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

    def _next_step(self, request: ModelRequest) -> _Answer:
        if self._played == len(self._steps):
            raise self._mismatch(f"its {self._played} steps are played, and this run asks for one more")
        answer = self._steps[self._played]
        self._check(answer, f"step {self._played + 1} of {len(self._steps)}", request)
        self._played += 1
        return answer

    def _same_question(self, request: ModelRequest) -> _Answer:
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

    def _check(self, answer: _Answer, which: str, request: ModelRequest) -> None:
        problems = [] if answer.unfit else misfits(self._placeholders.fill(answer.content), request)
        if problems:
            raise self._mismatch(f"{which} does not fit: {'; '.join(problems)}")

    def _mismatch(self, what: str) -> RecordingMismatch:
        return _mismatch(self._path, what, model=self.name, about=self._header.get("about"), step=self._played)


def _load(path: Path) -> tuple[dict[str, Any], list[_Answer]]:
    """Return the header of a recording, and its answers."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogatepass").split("\n")
    except OSError as error:
        raise InvalidRequest(f"the recording {path} cannot be read: {error.strerror}", field="path") from error
    try:
        header, *answers = (json.loads(line) for line in lines if line.strip())
        if header["format"] != _FORMAT:
            raise _mismatch(path, f"its format is {header['format']!r}, this version reads {_FORMAT}")
        return {**header, "model": str(header["model"])}, [_Answer(**answer) for answer in answers]
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
