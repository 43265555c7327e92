"""Studies: a data set of tasks, done by several models many times, on sites that change, and kept whole."""

from engine.studies.judging import Judged
from engine.studies.lines import schema
from engine.studies.places import ThisMachine, TrialLost, TrialPlace
from engine.studies.plan import Trial, TrialJob
from engine.studies.record import Exchange, KeptTrial
from engine.studies.results import COLUMNS
from engine.studies.spec import Case, ModelChoice, Options, StudySpec, Variant
from engine.studies.study import Study, conduct
from engine.studies.trial import run_trial

__all__ = [
    "COLUMNS",
    "Case",
    "Exchange",
    "Judged",
    "KeptTrial",
    "ModelChoice",
    "Options",
    "Study",
    "StudySpec",
    "ThisMachine",
    "Trial",
    "TrialJob",
    "TrialLost",
    "TrialPlace",
    "Variant",
    "conduct",
    "run_trial",
    "schema",
]
