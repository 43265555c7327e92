"""The adapter protocol: a system under test, and the forms in which the bench asks it and is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from engine.testing.heal.sites import SITES


@dataclass(frozen=True)
class Task:
    """One run that is asked of a system.

    Args:
        site: The fixture site's name.
        text: The task, in plain words.
        start_url: The page to start on; its host stays the same for all runs of a system on a site.
        parameters: Inputs of the run.
        other_parameters: Other inputs, for systems that prove or train what they learn.
        output_schema: JSON Schema of the output; a file is given as an object with its hash as ``sha256``.
        secrets: Parameters whose values are secret.
        folder: A directory of the system's own, empty before it learns, kept until it is closed.
        seconds: Time after which the bench gives up the run; also a guide for timeouts of the system's own.
        recording: Recorded answers of a model for this run, in the form of `engine.models.recorded`; only for what
            they were recorded for: the first run, and the repair after the redesign.
    """

    site: str
    text: str
    start_url: str
    parameters: Mapping[str, Any]
    other_parameters: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    secrets: tuple[str, ...]
    folder: Path
    seconds: float
    recording: Path | None = None


@dataclass(frozen=True)
class Answer:
    """The outcome of one run, as the system tells it.

    Args:
        output: The output; compared with the right one where ``error`` is empty.
        error: The reason of a failure, in a word or a few; empty where the system says that it succeeded.
        says: The failure in full.
        repaired: True if the system noticed that something was wrong, and this is the output of what it changed.
        model: The model that it could ask in this run; empty if none.
        model_calls: Calls of the model in this run.
        dollars: Their price.
    """

    output: Any = None
    error: str = ""
    says: str = ""
    repaired: bool = False
    model: str = ""
    model_calls: int = 0
    dollars: float = 0.0


class System:
    """A system under test on one site. Derive from it to add your own; only `run` must be written.

    The bench makes a new one, without arguments, for each site and seed, and calls `learn` once, then `run` for each
    change of the site. An exception in either counts as a failure of the run, with its class as the reason.

    Attributes:
        name: Its name in reports.
        version: The version of the product that is measured.
        about: The way in which it is used, in a sentence.
        sites: The fixture sites whose tasks it can do.
    """

    name: ClassVar[str]
    version: str = ""
    about: str = ""
    sites: tuple[str, ...] = tuple(SITES)

    async def learn(self, task: Task) -> Answer:
        """Do the task for the first time, on the unchanged site, and keep what later runs need."""
        return await self.run(task)

    async def run(self, task: Task) -> Answer:
        """Do the task again, on the site as it is now."""
        raise NotImplementedError

    async def run_unchecked(self, task: Task) -> Answer | None:
        """Do a failed run again without checks of the output; None if no such check made it fail.

        A failure is a false alarm where this gives the right output.
        """
        return None

    async def restore(self) -> None:
        """Forget what was learned since `learn`, so that no change bears on the next.

        Called after each run that may have taught something: whose output was not right at once, or whose data were
        others.
        """

    async def close(self) -> None:
        """End what the system started."""


def recorded(model: str) -> str:
    """Return the name under which recorded answers of a model stand in reports."""
    return f"{model}, recorded"
