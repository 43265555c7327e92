"""StudyRuns, the part of AsyncEngine that runs studies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.api.saved_automations import SavedAutomations

if TYPE_CHECKING:
    from engine.studies import Study, StudySpec, TrialPlace
    from engine.studies.runner import OnTrial
    from engine.studies.trial import OpenEngine

# A trial has a store, a model and a workspace of its own.
_OF_THIS_ENGINE = frozenset({"store", "workspace", "model", "progress", "take_over", "bundles", "record", "replay"})


class StudyRuns(SavedAutomations):
    """Methods that run studies."""

    async def study(
        self,
        study: str | Path | Mapping[str, Any],
        *,
        directory: str | Path | None = None,
        on_progress: OnTrial | None = None,
        place: TrialPlace | None = None,
    ) -> Study:
        """Run a study: a data set of tasks, done by several models many times, on sites that change.

        It goes on where it was cut off: a trial that has ended is never run again. Every request and answer of the
        models is kept in its directory. See the documentation of studies for the file.

        Args:
            study: Its TOML file, or a mapping of the same names.
            directory: Where it is kept; default: ``studies/NAME`` in the workspace's directory.
            on_progress: Called after each trial with the number of those that ended, that of all, and the trial.
            place: Runs the trials; default: this process.

        Raises:
            InvalidRequest: The study is malformed, or another one is in the directory.
            EngineError: A trial could not be measured, or another process runs the study.

        >>> import asyncio
        >>> from engine import AsyncEngine
        >>> case = {"id": "one", "task": "List the entries", "start_url": "http://127.0.0.1:9/", "truth": []}
        >>> async def main():
        ...     async with AsyncEngine(store="my-store") as engine:
        ...         return await engine.study({"name": "tiny", "tasks": [case], "models": ["haiku"], "usd": 0.1})
        >>> asyncio.run(main())  # its first trial could cost more than all of the study
        <Study tiny: 0 of 1 trials, 0.0000 dollars>
        """
        from engine.studies import conduct  # not at the top: few programs need it

        self._check_usable()

        def kept_in(spec: StudySpec) -> Path:
            return Path(directory) if directory is not None else self._options.root / "studies" / spec.name

        given = {name: value for name, value in self._options.given.items() if name not in _OF_THIS_ENGINE}
        open_engine = cast("OpenEngine", type(self))  # AsyncEngine, which has all of it
        work = conduct(
            study, directory=kept_in, open_engine=open_engine, engine=given, place=place, on_progress=on_progress
        )
        return await self._tracked(work, None)
