"""The trials of a study, in their order, each with its seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.studies.spec import Case, ModelChoice, Options, StudySpec, Variant


@dataclass(frozen=True)
class Trial:
    """One task, done by one model with one set of options, for the first time or again.

    Args:
        number: Its place in the study's order, from 1.
        repeat: From 1.
        seed: Its own seed, made of the study's and of what the trial is; independent of the order.
    """

    number: int
    case: Case
    model: ModelChoice
    options: Options
    repeat: int
    seed: int

    @property
    def id(self) -> str:
        """Its name, and that of its file."""
        parts = (self.case.id, self.model.name, self.options.name)
        return ".".join([f"{self.number:04}", *(re.sub(r"[^A-Za-z0-9_-]+", "-", part)[:40] for part in parts),
                         f"r{self.repeat}"])  # fmt: skip


@dataclass(frozen=True)
class TrialJob:
    """All that a place needs in order to run a trial; it can be pickled where the study's models can.

    Args:
        study: The study's name.
        attempt: Counted from 1; the attempts before it were cut off.
        variants: What happens to the site.
        replays: Number of replays on the unchanged site.
        repair: Have the model repair what fails under a variant.
        usd: Most dollars of the trial.
        usd_per_run: Most dollars of one run.
        timeout: Most seconds of one run.
        engine: Arguments of every engine of the trial, beside its store, workspace and model.
        home: The directory of the study's file, in which modules are looked for.
    """

    study: str
    trial: Trial
    attempt: int
    variants: tuple[Variant, ...]
    replays: int
    repair: bool
    usd: float
    usd_per_run: float
    timeout: float
    engine: Mapping[str, Any] = field(repr=False)
    home: Path

    @property
    def name(self) -> str:
        """The name of this attempt, which no other has."""
        return f"{self.trial.id}.{self.attempt}"


def trials(spec: StudySpec) -> tuple[Trial, ...]:
    """Return the trials in their order: all arms once, then all again, so that a study cut short is balanced."""
    arms = [
        (repeat, case, model, options)
        for repeat in range(1, spec.repeats + 1)
        for case in spec.tasks
        for options in spec.options
        for model in spec.models
    ]
    return tuple(
        Trial(number, case, model, options, repeat, _seed(spec.seed, case.id, model.name, options.name, repeat))
        for number, (repeat, case, model, options) in enumerate(arms, 1)
    )


def job(spec: StudySpec, trial: Trial, attempt: int, engine: Mapping[str, Any]) -> TrialJob:
    """Return what a place needs in order to run a trial of the study."""
    return TrialJob(
        spec.name, trial, attempt, spec.variants, spec.replays, spec.repair, spec.usd_per_trial, spec.usd_per_run,
        spec.timeout, {**engine, **trial.options.engine}, spec.home,
    )  # fmt: skip


def _seed(*parts: Any) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:4], "big")
