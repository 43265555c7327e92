"""A study that was run, or that is run now: its results, as data frames, reports and exports."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.aio import to_thread_uncancellable
from engine.errors import EngineError
from engine.reports.writer import write_report
from engine.studies.exports import ExportFormat, export
from engine.studies.folder import StudyFolder
from engine.studies.places import ThisMachine, TrialPlace
from engine.studies.report import comparison_report, study_report
from engine.studies.results import COLUMNS, StudyResults
from engine.studies.runner import OnTrial, run_study
from engine.studies.spec import StudySpec
from engine.studies.trial import OpenEngine


class Study(StudyResults):
    """The results of a study, and what can be made of them.

    Args:
        directory: The directory that the study was run in.

    Raises:
        EngineError: There is no study in it.
    """

    def frame(self) -> Any:
        """Return the rows as a data frame of pandas or, where that is not installed, of polars.

        Raises:
            EngineError: Neither is installed.
        """
        rows = self.rows()
        if importlib.util.find_spec("pandas") is not None:
            import pandas

            return pandas.DataFrame(rows, columns=list(COLUMNS))
        if importlib.util.find_spec("polars") is not None:
            import polars

            return polars.DataFrame(rows, schema=list(COLUMNS), infer_schema_length=None)
        raise EngineError("a data frame needs pandas or polars; install one: pip install pandas")

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one HTML file that loads nothing from elsewhere.

        Returns:
            The file's absolute path.

        Raises:
            EngineError: It cannot be written, or the extra ``study`` is not installed.
        """
        return write_report(study_report(self), path)

    def write_comparison(self, other: Study, path: str | os.PathLike[str]) -> Path:
        """Write the comparison with another study: one HTML file, as ``report`` does."""
        return write_report(comparison_report(self, other), path)

    def export(self, form: ExportFormat, path: str | os.PathLike[str]) -> list[Path]:
        """Export all that was kept: every request and answer of the models, whole, and every run.

        Args:
            form: ``jsonl``: the records of all trials in one file; ``parquet``: ``runs.parquet`` and
                ``exchanges.parquet`` in a directory (extra ``parquet``); ``inspect``: in a directory, a log of
                inspect-ai for each model and set of options (extra ``inspect``); ``schema``: the JSON Schema of a
                record's lines.
            path: The file or directory.

        Returns:
            The files, by their absolute paths.

        Raises:
            InvalidRequest: There is no such format.
            EngineError: A file cannot be written, or an extra is not installed.
        """
        return export(self, form, Path(path))


async def conduct(
    study: str | Path | Mapping[str, Any],
    *,
    directory: Callable[[StudySpec], Path],
    open_engine: OpenEngine,
    engine: Mapping[str, Any],
    place: TrialPlace | None = None,
    on_progress: OnTrial | None = None,
) -> Study:
    """Run a study, or what is left of it, and return it.

    Args:
        study: A TOML file, or a mapping of the same names.
        directory: Returns the directory of the study.
        open_engine: Makes an engine: ``AsyncEngine``.
        engine: Arguments of every engine.
        place: Runs the trials; default: this process.
        on_progress: Called after each trial.

    Raises:
        InvalidRequest: The study is malformed, or another one is in the directory.
        EngineError: A trial could not be measured, or another process runs the study.
    """
    spec = StudySpec.load(study)
    folder = StudyFolder(directory(spec))
    with folder.locked():
        here = place or ThisMachine(folder.work, open_engine, engine, spec.at_once)
        await run_study(spec, folder, here, engine, on_progress)
        await to_thread_uncancellable(folder.tidy)
    return Study(folder.root)
