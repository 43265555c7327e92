"""The events of a run as they happen: progress for a person, JSON lines for a file."""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from engine.task.redaction import Redactor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    Args:
        type: What happened, such as ``replay.started``, ``agent.step``, ``commit``, ``task.completed``.
        task_id: The task.
        time: When, with a zone.
        data: Facts, JSON-able, without secret values.
    """

    type: str
    task_id: str
    time: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The event as JSON-able data."""
        return {"type": self.type, "taskId": self.task_id, "time": self.time.isoformat(), **self.data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Event:
        """The event that ``to_json`` wrote."""
        facts = {name: value for name, value in data.items() if name not in ("type", "taskId", "time")}
        return cls(data["type"], data["taskId"], datetime.fromisoformat(data["time"]), facts)


OnEvent = Callable[[Event], Awaitable[None] | None]


class EventLog:
    """Takes the events of one task, hides secrets, writes them to a file and hands them to the user's callback."""

    def __init__(self, task_id: str, path: Path, redactor: Redactor, on_event: OnEvent | None = None) -> None:
        self.task_id = task_id
        self.path = path
        self._redactor = redactor
        self._on_event = on_event
        self._file: IO[str] | None = None
        self._broken = False

    async def emit(self, what: str, **data: Any) -> None:
        """Records one event. A callback that raises is logged and does not disturb the run."""
        event = Event(what, self.task_id, datetime.now(UTC), self._redactor.data(data))
        self._write(event)
        if self._on_event is None:
            return
        try:
            answer = self._on_event(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            log.warning("on_event raised for %s of task %s; the run goes on", what, self.task_id, exc_info=True)

    def _write(self, event: Event) -> None:
        if self._broken:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A half of a surrogate pair becomes its escape, which is JSON as well.
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(json.dumps(event.to_json(), ensure_ascii=False, default=str) + "\n")
            self._file.flush()
        except OSError as error:
            # What a run has done must not be lost because a disk is full.
            self._broken = True
            log.warning("the trace %s cannot be written, and is given up: %s", self.path, error)

    def close(self) -> None:
        """Closes the file; further events open it again."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be flushed was told when it was written
                self._file.close()
            self._file = None


class Follower:
    """Reads a trace while it is written, from any process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[Event]:
        """The events that came since the last time; a line that is not whole yet is left for the next."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [Event.from_json(json.loads(line)) for line in whole.splitlines()]
