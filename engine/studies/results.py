"""The results of a study: its trials, as rows, rates and comparisons."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.studies import measures
from engine.studies.comparison import Compared, compare_arms, compare_studies
from engine.studies.folder import StudyFolder
from engine.studies.record import KeptTrial

COLUMNS = (
    "trial", "number", "task", "model", "options", "repeat", "seed", "run", "phase", "replay", "variant", "verdict",
    "reason", "says", "usd", "seconds", "model_calls", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "revision", "began",
)  # fmt: skip
"""The columns of a study's rows, each row a run."""


class StudyResults:
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
        return (
            f"<{type(self).__name__} {self.name}: {len(self.trials)} of {self.planned} trials, {self.usd:.4f} dollars>"
        )

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

    def table(self) -> list[dict[str, Any]]:
        """Return the rates of each model and set of options, in all and under each variant, with their intervals."""
        return measures.table(self.rows())

    def compare(self, other: StudyResults) -> list[Compared]:
        """Compare this study with another one, on what both have: the same tasks, models, options and repeats."""
        return compare_studies(self.name, other.name, self.rows(), other.rows())

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
