"""Writing and reading a trial's record, which is synced to disk line by line."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.errors import EngineError
from engine.models.base import ModelReply, ModelRequest
from engine.studies.lines import (
    LINE,
    AnswerLine,
    EndLine,
    Line,
    PictureLine,
    PromptLine,
    RequestLine,
    RunLine,
    TrialLine,
)
from engine.task.redaction import Redactor

RECORD = "record.jsonl"
PICTURES = "pictures"


class TrialRecord:
    """The record of a trial that runs. Secret values are replaced before anything is written.

    Args:
        folder: The directory of the trial; the record and its pictures are made in it.
        redactor: Knows the secrets of the task.
    """

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self._folder = folder
        self._redactor = redactor
        self._file = (folder / RECORD).open("ab")
        self._writing = threading.RLock()
        self._prompts: set[str] = set()
        self._last: dict[int, Sequence[Any]] = {}
        self._requests = 0
        self.run = 0
        self.usd = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, line: Line) -> None:
        """Write a line, and sync it to disk."""
        hidden = self._redactor.data(line.model_dump(mode="json"), numbers=False)
        text = json.dumps(hidden, ensure_ascii=False) + "\n"
        with self._writing:
            self._file.write(text.encode("utf-8", errors="backslashreplace"))
            self._file.flush()
            os.fsync(self._file.fileno())

    def request(self, request: ModelRequest, worst_usd: float) -> int:
        """Write a request before it is sent, and return its number."""
        with self._writing:
            self._requests += 1
            messages = [self._by_reference(dict(message)) for message in request.messages]
            same = _common(self._last.get(self.run, ()), messages)
            self._last = {self.run: messages}
            self.add(
                RequestLine(
                    number=self._requests, run=self.run, at=now(), purpose=request.purpose,
                    prompt=self._prompt(request), same=same, messages=messages[same:], max_tokens=request.max_tokens,
                    output_schema=None if request.output_schema is None else dict(request.output_schema),
                    worst_usd=worst_usd,
                )
            )  # fmt: skip
            return self._requests

    def answer(self, number: int, reply: ModelReply) -> None:
        """Write the answer to a request."""
        with self._writing:
            self.usd += reply.cost_usd
            self.add(
                AnswerLine(
                    number=number, at=now(), content=[dict(block) for block in reply.content],
                    stop_reason=reply.stop_reason, usage=dict(reply.usage.__dict__), usd=reply.cost_usd,
                    model=reply.model, seconds=reply.seconds,
                )
            )  # fmt: skip

    def no_answer(self, number: int, error: BaseException, usd: float) -> None:
        """Write that a request has no answer.

        Args:
            usd: The most that may be billed all the same.
        """
        with self._writing:
            self.usd += usd
            self.add(AnswerLine(number=number, at=now(), usd=usd, error=f"{type(error).__name__}: {error}"))

    def picture(self, image: bytes, extension: str) -> str:
        """Keep a picture, once however often it is there, and return the name of its file."""
        name = f"{hashlib.sha256(image).hexdigest()}.{extension}"
        file = self._folder / PICTURES / name
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(image)
        return f"{PICTURES}/{name}"

    def _prompt(self, request: ModelRequest) -> str:
        tools = [dict(tool) for tool in request.tools]
        text = json.dumps([request.system, tools], sort_keys=True, default=dict)
        digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
        if digest not in self._prompts:
            self._prompts.add(digest)
            self.add(PromptLine(sha256=digest, system=request.system, tools=tools))
        return digest

    def _by_reference(self, value: Any) -> Any:
        """Return a message with files in place of the pictures in it."""
        if isinstance(value, Mapping):
            if value.get("type") == "base64" and isinstance(value.get("data"), str):
                return self._kept(value)
            return {name: self._by_reference(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._by_reference(inner) for inner in value]
        return value

    def _kept(self, source: Mapping[str, Any]) -> dict[str, Any]:
        media_type = str(source.get("media_type", ""))
        try:
            data = base64.b64decode(source["data"], validate=True)
        except binascii.Error:
            return dict(source)
        file = self.picture(data, media_type.rpartition("/")[2] or "bin")
        return {"type": "file", "media_type": media_type, "file": file}


def now() -> datetime:
    """Return the time of a line."""
    return datetime.now(UTC)


def _common(before: Sequence[Any], messages: Sequence[Any]) -> int:
    same = 0
    for old, new in zip(before, messages, strict=False):
        if old != new:
            break
        same += 1
    return same


@dataclass(frozen=True)
class Exchange:
    """One request to the model, whole, and its answer; None for one that was cut off."""

    request: RequestLine
    prompt: PromptLine
    messages: tuple[dict[str, Any], ...]
    answer: AnswerLine | None


@dataclass(frozen=True)
class KeptTrial:
    """A trial as its record tells it.

    Args:
        trial: Which trial it is.
        runs: Its runs, in order.
        end: None if it was cut off.
        lines: All lines.
    """

    trial: TrialLine
    runs: tuple[RunLine, ...]
    end: EndLine | None
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, file: Path) -> KeptTrial:
        """Read a record. A line that a kill cut off is left out.

        Raises:
            EngineError: It cannot be read, or a line is not as it was written.
        """
        lines = list(read_lines(file))
        if not lines or not isinstance(lines[0], TrialLine):
            raise EngineError(f"the record {file} does not begin with its trial; remove it, and its trial runs again")
        end = lines[-1] if isinstance(lines[-1], EndLine) else None
        return cls(lines[0], tuple(line for line in lines if isinstance(line, RunLine)), end, tuple(lines))

    @property
    def pictures(self) -> tuple[PictureLine, ...]:
        """The pictures of pages, in order."""
        return tuple(line for line in self.lines if isinstance(line, PictureLine))

    @property
    def answers(self) -> tuple[AnswerLine, ...]:
        """The model's answers, in order."""
        return tuple(line for line in self.lines if isinstance(line, AnswerLine))

    def exchanges(self) -> Iterator[Exchange]:
        """Yield all requests to the model with their answers, each request whole."""
        prompts = {line.sha256: line for line in self.lines if isinstance(line, PromptLine)}
        answers = {line.number: line for line in self.answers}
        messages: list[dict[str, Any]] = []
        for line in self.lines:
            if isinstance(line, RequestLine):
                messages = [*messages[: line.same], *line.messages]
                yield Exchange(line, prompts[line.prompt], tuple(messages), answers.get(line.number))


def read_lines(file: Path) -> Iterator[Line]:
    """Yield the lines of a record; one that a kill cut off is left out.

    Raises:
        EngineError: It cannot be read, or a line is not as it was written.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise EngineError(f"the record {file} cannot be read: {error.strerror}") from error
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            yield LINE.validate_json(line)
        except ValueError as error:
            raise EngineError(f"the record {file}, line {number}, is not as it was written: {error}") from error


def spent(lines: Iterator[Line]) -> float:
    """Return the dollars of a record; a request that has no answer counts for the most that it could cost."""
    asked: dict[int, float] = {}
    for line in lines:
        if isinstance(line, RequestLine):
            asked[line.number] = line.worst_usd
        elif isinstance(line, AnswerLine):
            asked[line.number] = line.usd
    return sum(asked.values())
