"""Events of a run: for a callback as they happen, and as JSON lines in a trace file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from engine.task.callbacks import CallbackQueue
from engine.task.redaction import Redactor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    Args:
        type: What happened, such as ``replay.started``, ``agent.step``, ``commit``, ``task.completed``.
        task_id: The task's ID.
        time: When it happened, with a time zone.
        data: JSON-serializable facts without secret values.
    """

    type: str
    task_id: str
    time: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON-serializable data."""
        return {"type": self.type, "taskId": self.task_id, "time": self.time.isoformat(), **self.data}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Event:
        """Return the event that ``to_json`` wrote."""
        facts = {name: value for name, value in data.items() if name not in ("type", "taskId", "time")}
        return cls(data["type"], data["taskId"], datetime.fromisoformat(data["time"]), facts)


OnEvent = Callable[[Event], Awaitable[None] | None]


END_EVENTS = ("task.completed", "task.canceled")
_QUEUED = 256  # events that wait for a listener


class Listener(CallbackQueue[Event]):
    """The events of a task for a user's ``on_event``, which is called outside the run.

    A slow one loses the oldest events about a run's progress, and is told their number by an event
    ``events.dropped``; ``task.…`` events are kept.

    Args:
        task_id: The task's id.
        on_event: The callback.
    """

    def __init__(self, task_id: str, on_event: OnEvent) -> None:
        super().__init__(f"on_event of task {task_id}", on_event)
        self._task_id = task_id
        self._dropped = 0

    def put(self, item: Event) -> None:
        """Queue an event."""
        if len(self._items) >= _QUEUED:
            progress = (n for n, queued in enumerate(self._items) if not queued.type.startswith("task."))
            if (oldest := next(progress, None)) is not None:
                del self._items[oldest]
                self._dropped += 1
        super().put(item)

    def _next(self) -> Event:
        if not self._dropped:
            return super()._next()
        note = {"count": self._dropped}
        self._dropped = 0
        return Event("events.dropped", self._task_id, datetime.now(UTC), note)


class EventLog:
    """The events of one task: redacted, written to a file, and passed to the listener."""

    def __init__(self, task_id: str, path: Path, redactor: Redactor, listener: Listener | None = None) -> None:
        self.task_id = task_id
        self.path = path
        self.listener = listener
        self._redactor = redactor
        self._file: IO[str] | None = None
        self._broken = False

    async def emit(self, what: str, **data: Any) -> None:
        """Record one event and queue it for the listener, which has begun with it when this returns if it is idle."""
        self.tell(self.write(what, **data))
        if self.listener is not None:
            await asyncio.sleep(0)

    def write(self, what: str, **data: Any) -> Event:
        """Record one event in the trace; the listener does not get it before ``tell``."""
        event = Event(what, self.task_id, datetime.now(UTC), self._redactor.fields(data))
        self._write(event)
        return event

    def tell(self, event: Event) -> None:
        """Queue a recorded event for the listener."""
        if self.listener is not None:
            self.listener.put(event)

    def _write(self, event: Event) -> None:
        if self._broken:
            return
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A lone surrogate becomes its escape, which is JSON, too.
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(json.dumps(event.to_json(), ensure_ascii=False, default=str) + "\n")
            self._file.flush()
        except OSError as error:
            # A full disk must not lose what a run has done.
            self._broken = True
            log.warning("the trace %s cannot be written; no further events are kept: %s", self.path, error)

    def taken(self, most: int) -> str | None:
        """Return the trace, to be kept elsewhere; None where there is none, or it is longer than ``most`` bytes."""
        try:
            if self._broken or self.path.stat().st_size > most:
                return None
            return self.path.read_text(encoding="utf-8")
        except OSError:
            return None

    def remove(self) -> None:
        """Close and remove the file: the trace is kept elsewhere."""
        self.close()
        with contextlib.suppress(OSError):  # it expires like other files
            self.path.unlink()

    def close(self) -> None:
        """Close the file; a further event opens it again."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a failed flush was logged when it was written
                self._file.close()
            self._file = None


class Follower:
    """A reader of a trace that is still being written, in this or another process.

    Args:
        path: The trace.
        kept: Returns the trace, where it is kept elsewhere once the task ended; None where it is not.
    """

    def __init__(self, path: Path, kept: Callable[[], str | None] | None = None) -> None:
        self._path = path
        self._kept = kept
        self._offset = 0

    def read(self) -> list[Event]:
        """Return the events since the last call; an incomplete line is left for the next."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            text = self._kept() if self._kept is not None else None
            data = text.encode("utf-8", "backslashreplace")[self._offset :] if text is not None else b""
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [Event.from_json(json.loads(line)) for line in whole.splitlines()]
