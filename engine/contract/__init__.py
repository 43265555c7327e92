"""The contract of good results: learned from good runs, and checked on every run, without a model."""

from engine.contract.attachments import changed_files, content_fields
from engine.contract.checks import CLEAN_RUNS_BEFORE_STATISTICS, check
from engine.contract.comparison import disagreements
from engine.contract.learning import check_format, learn, widen, widen_output
from engine.contract.model import Breach, History, Observed, PreviousOutput, Severity
from engine.contract.nothing import nothing_there
from engine.contract.outputs import beside, compact, digest, match_rows
from engine.contract.page import (
    all_examined,
    count_confirmed,
    empty_confirmed,
    let_some_through,
    permanent_message,
    stated,
)
from engine.contract.patterns import error_text, finite, is_blank
from engine.contract.placeholders import ADDRESS, STANDS_IN
from engine.contract.profile import count_duplicates, describe, main_rows, merge, rows
from engine.contract.provenance import (
    Finding,
    Origin,
    check_signature,
    explain,
    first_run_findings,
    learn_signature,
    lists_nothing,
    merge_signatures,
    names_what_was_asked,
    origins_by_path,
    place_of,
    signature_of,
    widen_signature,
)

__all__ = [
    "ADDRESS",
    "CLEAN_RUNS_BEFORE_STATISTICS",
    "STANDS_IN",
    "Breach",
    "Finding",
    "History",
    "Observed",
    "Origin",
    "PreviousOutput",
    "Severity",
    "all_examined",
    "beside",
    "changed_files",
    "check",
    "check_format",
    "check_signature",
    "compact",
    "content_fields",
    "count_confirmed",
    "count_duplicates",
    "describe",
    "digest",
    "disagreements",
    "empty_confirmed",
    "error_text",
    "explain",
    "finite",
    "first_run_findings",
    "is_blank",
    "learn",
    "learn_signature",
    "let_some_through",
    "lists_nothing",
    "main_rows",
    "match_rows",
    "merge",
    "merge_signatures",
    "names_what_was_asked",
    "nothing_there",
    "origins_by_path",
    "permanent_message",
    "place_of",
    "rows",
    "signature_of",
    "stated",
    "widen",
    "widen_output",
    "widen_signature",
]
