"""A study that was run: its trials, as rows, data frames, reports and exports."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from engine.errors import EngineError
from engine.reports.writer import write_report
from engine.studies import measures
from engine.studies.comparison import Compared, compare_arms, compare_studies
from engine.studies.folder import StudyFolder
from engine.studies.places import ThisMachine, TrialPlace
from engine.studies.record import KeptTrial
from engine.studies.runner import OnTrial, run_study
from engine.studies.spec import StudySpec
from engine.studies.trial import OpenEngine

ExportFormat = Literal["jsonl", "parquet", "inspect", "schema"]
COLUMNS = (
    "trial", "number", "task", "model", "options", "repeat", "seed", "run", "phase", "replay", "variant", "verdict",
    "reason", "says", "usd", "seconds", "model_calls", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "revision", "began",
)  # fmt: skip
"""The columns of a study's rows, each row a run."""


class Study:
    """The results of a study, as its directory holds them.

    Args:
        directory: The directory that the study was run in.

    Raises:
        EngineError: There is no study in it.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).absolute()
        self._folder = StudyFolder(self.directory)
        self.plan = self._folder.plan

    def __repr__(self) -> str:
        return f"<Study {self.name}: {len(self.trials)} of {self.planned} trials, {self.usd:.4f} dollars>"

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.plan["study"]["name"])

    @cached_property
    def trials(self) -> tuple[KeptTrial, ...]:
        """The trials that ended, in the study's order."""
        return tuple(self._folder.ended())

    @property
    def planned(self) -> int:
        """The number of trials of the whole study."""
        study = self.plan["study"]
        arms = len(study["tasks"]) * len(study["models"]) * len(study["options"])
        return arms * int(study["repeats"])

    @property
    def complete(self) -> bool:
        """True where every trial ended; else its dollars did not suffice, or it was cut off."""
        return len(self.trials) == self.planned

    @property
    def lost(self) -> int:
        """The number of attempts at trials that were cut off."""
        return self._folder.lost

    @property
    def usd(self) -> float:
        """Dollars of the study, those of attempts that were cut off included."""
        return sum(trial.end.usd for trial in self.trials if trial.end) + self._folder.lost_usd()

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each run, under the names of ``COLUMNS``."""
        return [row for trial in self.trials for row in _rows(trial)]

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

    def table(self) -> list[dict[str, Any]]:
        """Return the rates of each model and set of options, in all and under each variant, with their intervals.

        Raises:
            EngineError: The extra ``study`` is not installed.
        """
        return measures.table(self.rows())

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one HTML file that loads nothing from elsewhere.

        Returns:
            The file's absolute path.

        Raises:
            EngineError: It cannot be written, or the extra ``study`` is not installed.
        """
        from engine.studies.report import study_report  # it needs packages that rows do not

        return write_report(study_report(self), path)

    def compare(self, other: Study) -> list[Compared]:
        """Compare this study with another one, on what both have: the same tasks, models, options and repeats."""
        return compare_studies(self.name, other.name, self.rows(), other.rows())

    def write_comparison(self, other: Study, path: str | os.PathLike[str]) -> Path:
        """Write the comparison with another study: one HTML file, as ``report`` does."""
        from engine.studies.report import comparison_report  # it needs packages that rows do not

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
        from engine.studies.exports import export  # it needs packages that rows do not

        return export(self, form, Path(path))

    def compare_models(self) -> list[Compared]:
        """Compare each two models, or sets of options, on the same tasks, repeats and variants."""
        return compare_arms(self.rows())


def _rows(kept: KeptTrial) -> list[dict[str, Any]]:
    trial = kept.trial
    return [
        dict(
            zip(
                COLUMNS,
                (
                    trial.id, trial.number, trial.task, trial.model, trial.options, trial.repeat, trial.seed,
                    run.number, run.phase, run.repeat if run.phase == "replay" else None, run.variant, run.verdict,
                    run.reason, run.says, run.usd, run.seconds, run.model_calls, run.tokens.get("input", 0),
                    run.tokens.get("output", 0), run.tokens.get("cache_read", 0), run.tokens.get("cache_write", 0),
                    run.revision, run.began,
                ),
                strict=True,
            )
        )
        for run in kept.runs
    ]  # fmt: skip


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
    return Study(folder.root)
