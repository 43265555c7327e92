"""The records of a cluster as a node sees them: each call is made where the one database is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from engine.storage.tasks import TaskRecords
from engine.task.wire import TaskResult

PARTS: Mapping[str, Callable[[TaskRecords], object]] = {
    "journal": lambda records: records.journal,
    "spending": lambda records: records.spending,
    "run_history": lambda records: records.run_history,
    "suspicions": lambda records: records.run_history.suspicions,
    "failed_repairs": lambda records: records.run_history.failed_repairs,
    "accounts": lambda records: records.run_history.accounts,
}
"""The parts of the records that a run on a node uses."""


class Ask(Protocol):
    """Calls a method of a part of the records where they are."""

    def __call__(self, part: str, method: str, *arguments: Any, **named: Any) -> Any:
        """Return what the method returns.

        Raises:
            StoreError: The records cannot be reached, or take nothing more from this execution.
            EngineError: As the method raises it.
        """


Ship = Callable[[Path, TaskResult, str | None], bool]
"""Sends a task's files and its end to the records; returns what ``TaskRecords.finish`` returns."""


class RemotePart:
    """A part of the records whose methods are called where the records are.

    Args:
        ask: Makes the call.
        name: Of the part, in ``PARTS``.
        parts: Parts of the part.
    """

    def __init__(self, ask: Ask, name: str, **parts: RemotePart) -> None:
        self._ask = ask
        self._name = name
        vars(self).update(parts)

    def __getattr__(self, method: str) -> Any:
        return partial(self._ask, self._name, method)


class RemoteRecords:
    """Stands for ``TaskRecords`` on a node.

    Args:
        ask: Calls a method of the records.
        ship: Sends a task's end.
        root: The workspace's directory on this node.
    """

    def __init__(self, ask: Ask, ship: Ship, root: Path) -> None:
        self.journal = RemotePart(ask, "journal")
        self.spending = RemotePart(ask, "spending")
        nested = {name: RemotePart(ask, name) for name in ("suspicions", "failed_repairs", "accounts")}
        self.run_history = RemotePart(ask, "run_history", **nested)
        self._ship = ship
        self._root = root

    def finish(self, result: TaskResult, trace: str | None = None) -> bool:
        """Record a task's end, once its files are where the records are; see ``TaskRecords.finish``."""
        return self._ship(self._root, result, trace)

    def close(self) -> None:
        """Do nothing: the records are others' to close."""

    def as_records(self) -> TaskRecords:
        """Return this under the type of what it stands for."""
        return cast(TaskRecords, self)
