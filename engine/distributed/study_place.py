"""Trials of a study on the nodes of a Ray cluster: one Ray task each."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.distributed.files import write_below
from engine.distributed.orders import missing
from engine.errors import EngineError
from engine.studies.plan import TrialJob
from engine.studies.record import RECORD
from engine.studies.trial import OpenEngine, run_trial


class RayPlace:
    """Runs trials on the slots of a cluster.

    A trial keeps nothing on its node: record and pictures come back through the object store. What a trial spent whose
    node died is not known: the study counts all that was reserved for it, and tries it again.

    Args:
        address: Of the cluster, such as ``ray://host:10001``.
        open_engine: Makes an engine: ``AsyncEngine``.

    Raises:
        EngineError: The cluster cannot be reached, or no node of it has a slot.
    """

    local = False

    def __init__(self, address: str, open_engine: OpenEngine) -> None:
        try:
            from engine.distributed.actors import connected, slots
        except ImportError as error:
            raise missing(error) from error

        self._disconnect = connected(address)
        self.at_once = slots()
        self._open_engine = open_engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._disconnect)

    async def run(self, job: TrialJob, folder: Path) -> None:
        """Run a trial on some node, and bring its record here.

        Raises:
            TrialLost: Its node died.
            EngineError: As ``run_trial`` does.
        """
        from engine.distributed.actors import run_on_a_slot

        files, error = await run_on_a_slot(_trial, job, self._open_engine)
        await asyncio.to_thread(write_below, folder, files)
        if error is not None:
            raise error


def _trial(job: TrialJob, open_engine: OpenEngine) -> tuple[dict[str, bytes], EngineError | None]:
    """Run a trial in a directory of its own; return the files that it leaves, and why it could not be measured."""
    with tempfile.TemporaryDirectory(prefix="webtasks-trial-") as name:
        folder = Path(name, "trial")
        folder.mkdir()
        error = None
        try:
            asyncio.run(run_trial(job, folder, Path(name, "store"), open_engine))
        except EngineError as raised:
            error = raised
            (folder / RECORD).touch()  # where it is empty, nothing was spent
        files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name == RECORD)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}, error
