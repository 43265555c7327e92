"""Places that trials run at: this machine, or any other that fulfils `TrialPlace`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from engine.errors import EngineError
from engine.studies.plan import TrialJob
from engine.studies.trial import OpenEngine, StudyEngine, run_trial


class TrialLost(EngineError):
    """A trial whose machine died. It is tried again, as a new attempt with dollars of its own."""


class TrialPlace(Protocol):
    """A place that trials run at. It is entered before the first trial, and left after the last.

    Attributes:
        at_once: Most trials that it runs at once.
        local: True where the record of a trial that is cut off is in its directory, so that what it cost is known; else
            all that was reserved for it counts as spent.
    """

    @property
    def at_once(self) -> int:
        """Most trials that it runs at once."""

    @property
    def local(self) -> bool:
        """True where the record of a trial that is cut off stays in its directory."""

    async def run(self, job: TrialJob, folder: Path) -> None:
        """Run a trial to its end, as `run_trial` does, and leave ``record.jsonl`` and ``pictures/`` in a directory.

        Raises:
            TrialLost: Its machine died. It must not be run again here: what it spent stays reserved, so that the
                study's dollars hold.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class ThisMachine:
    """Runs trials in this process, with one pool of browsers for all of them.

    Args:
        store: The store of their workspaces.
        open_engine: Makes an engine: ``AsyncEngine``.
        engine: The arguments of engines that keep the pool.
        at_once: Most trials at once.
    """

    local = True

    def __init__(self, store: Path, open_engine: OpenEngine, engine: Mapping[str, Any], at_once: int) -> None:
        self.at_once = at_once
        self._store = store
        self._open_engine = open_engine
        self._arguments = engine
        self._keeper: StudyEngine | None = None

    async def __aenter__(self) -> Self:
        # Engines on one store share their browsers, which end with the last engine: this one outlives those of trials.
        self._keeper = self._open_engine(
            **self._arguments, store=self._store, workspace="keeper", model="haiku", take_over=False
        )
        await self._keeper.warm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            await self._keeper.__aexit__(kind, error, traceback)

    async def run(self, job: TrialJob, folder: Path) -> None:
        """Run a trial to its end."""
        await run_trial(job, folder, self._store, self._open_engine)
