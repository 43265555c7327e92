"""Playwright's own traces of a task's runs: kept with the task's files, for ``playwright show-trace``."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from engine.task.events import EventLog

log = logging.getLogger(__name__)

DIRECTORY = "traces"
_MOST_BYTES = 32 << 20  # of one run
_MOST_BYTES_OF_TASK = 128 << 20


@dataclass
class Traces:
    """The traces of one task.

    Args:
        directory: The directory of the task's results; traces expire with them. None keeps none.
        events: Takes a ``trace`` event for each.
    """

    directory: Path | None
    events: EventLog
    _count: int = 0
    _bytes: int = 0

    @property
    def room(self) -> int:
        """Bytes that the trace of the next run may have; 0 where none is kept."""
        return 0 if self.directory is None else max(0, min(_MOST_BYTES, _MOST_BYTES_OF_TASK - self._bytes))

    def begin(self, kind: str) -> TraceFile:
        """Return the file for the trace of one more run.

        Args:
            kind: ``replay`` or ``trial``.
        """
        assert self.directory is not None
        self._count += 1
        return TraceFile(self, self.directory / DIRECTORY / f"{self._count:02}-{kind}.zip", kind)

    def count(self, size: int) -> None:
        """Count bytes that were written."""
        self._bytes += size


def traces_of(root: Path, task_id: str) -> list[Path]:
    """Return the traces that are kept of a task, in the order of its runs.

    Args:
        root: The workspace's directory.
    """
    return sorted((root / "results" / task_id / DIRECTORY).glob("*.zip"))


@dataclass
class TraceFile:
    """The trace of one run, which comes in parts."""

    traces: Traces
    path: Path
    kind: str
    _size: int = 0

    async def take(self, data: bytes) -> None:
        """Write a part; the empty one completes the file."""
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            log.warning("the trace %s could not be kept: %s", self.path, error)  # the run is what it is without
            return
        if not data:
            await self.traces.events.emit("trace", name=self.path.name, kind=self.kind, bytes=self._size)

    def _write(self, data: bytes) -> None:
        partial = self.path.with_name(f"{self.path.name}.partial")
        if not data:
            partial.replace(self.path)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab") as file:
            file.write(data)
        self._size += len(data)
        self.traces.count(len(data))
