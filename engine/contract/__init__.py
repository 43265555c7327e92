"""What good results of one automation look like: learnt from good runs, checked on every run, never by a model."""

from engine.contract.checks import CLEAN_RUNS_BEFORE_STATISTICS, check
from engine.contract.comparison import compact, digest, disagreements, match_rows
from engine.contract.learning import learn, widen
from engine.contract.model import Breach, History, Observed, PreviousOutput, Severity
from engine.contract.page import always_there, borne_out, empty_confirmed
from engine.contract.patterns import error_text
from engine.contract.profile import describe, main_rows, merge, repeated, rows

__all__ = [
    "CLEAN_RUNS_BEFORE_STATISTICS",
    "Breach",
    "History",
    "Observed",
    "PreviousOutput",
    "Severity",
    "always_there",
    "borne_out",
    "check",
    "compact",
    "describe",
    "digest",
    "disagreements",
    "empty_confirmed",
    "error_text",
    "learn",
    "main_rows",
    "match_rows",
    "merge",
    "repeated",
    "rows",
    "widen",
]
