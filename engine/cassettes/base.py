"""The base of a cassette in use, and of the tape that each task gets of it."""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.cassettes.options import CassetteOptions
from engine.models.base import Model
from sandbox.egress.tape import Tape


class TaskTape(Tape, Protocol):
    """The tape of one task: its part of a cassette."""

    def check(self) -> None:
        """Raise if the task cannot go on.

        Raises:
            CassetteMismatch: An exchange was not recorded.
            InvalidRequest: The cassette is broken, or has no room left.
        """


class Cassette(ABC):
    """A cassette that an engine has open."""

    def __init__(self, path: Path, options: CassetteOptions) -> None:
        self.path = path
        self.options = options
        self._using = threading.Lock()  # sandboxes may have a loop of their own

    @abstractmethod
    def tape(self, secrets: Mapping[str, str]) -> TaskTape:
        """Return the tape of a task.

        Args:
            secrets: Each secret value of the task, and the name of its parameter.
        """

    @abstractmethod
    def model(self, model: Model, tape: TaskTape, mark: str) -> Model:
        """Return the model of a task.

        Args:
            model: The one that the engine would ask.
            tape: The task's.
            mark: See `task_mark`.
        """

    @abstractmethod
    def close(self) -> None:
        """End its use."""


def task_mark(task: str, start_url: str | None, parameters: Mapping[str, Any]) -> str:
    """Return what tells a task from others in a cassette, so that each gets its own answers of the model.

    Args:
        parameters: Without secrets.
    """
    return hashlib.sha256(json.dumps([task, start_url, parameters], sort_keys=True).encode()).hexdigest()[:16]
