"""Provenance of values: where each value of an output stood on what the automation read.

A signature is learnt from good runs and merged like a profile: `learn_signature`, `widen_signature`. It has labels,
headings and wordings in which values and parameters are placeholders, and no values. `check_signature` tells what of a
later run stands elsewhere, `first_run_findings` what of a first run is not borne out, `explain` and
`origins_by_path` where values stood.
"""

from engine.contract.provenance.departures import check_signature
from engine.contract.provenance.findings import Finding, Origin
from engine.contract.provenance.first_runs import first_run_findings
from engine.contract.provenance.nothing import lists_nothing, names_what_was_asked
from engine.contract.provenance.origins import explain, origins_by_path, place_of
from engine.contract.provenance.signature import learn_signature, merge_signatures, signature_of, widen_signature

__all__ = [
    "Finding",
    "Origin",
    "check_signature",
    "explain",
    "first_run_findings",
    "learn_signature",
    "lists_nothing",
    "merge_signatures",
    "names_what_was_asked",
    "origins_by_path",
    "place_of",
    "signature_of",
    "widen_signature",
]
