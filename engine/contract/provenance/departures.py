"""Departures of a run from the signature of good runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contract.model import Breach, History, Observed
from engine.contract.provenance import attached, reads, surroundings
from engine.contract.provenance import list_departures as lists
from engine.contract.provenance.field_departures import Case, check_fields
from engine.contract.provenance.reading import is_seen, read_once
from engine.contract.provenance.signature import FORMAT, merge_signatures
from engine.contract.provenance.units import words_of


def check_signature(
    signature: Mapping[str, Any], run: Observed, history: History | None = None, task: str = ""
) -> list[Breach]:
    """Return what of a run does not stand where it stood in good runs.

    Args:
        signature: As `learn_signature` returned it; empty where none is known.
        run: The run, with its maps.
        history: The clean runs of the same revision; what they showed is admitted, too.
        task: The task's text, if it is another than the one that the signature was learnt with.
    """
    history = history or History()
    known = merge_signatures([signature, history.provenance])
    if not known["runs"] or not is_seen(run) or signature.get("format", FORMAT) != FORMAT:
        return []
    reading = read_once(run, known["fields"])
    case = Case(known, reading, frozenset(known["about"]) | words_of(task))
    fields = list(check_fields(case))
    headed = any(breach.kind == "heading" for breach in fields)
    found = [
        *fields, *lists.check_lists(case), *lists.check_parameters(case), *lists.check_choices(case),
        *attached.check(known["files"], reading), *lists.check_forms(case), *lists.check_phrases(case),
        *lists.check_others(case, history),
        *reads.check(known["reads"], run, reading.lens),
        *surroundings.check(known, reading, about=case.about, headed=headed),
    ]  # fmt: skip
    return _each_once(found)


def _each_once(found: list[Breach]) -> list[Breach]:
    """Return the breaches without those that only tell of a further field that it departs in the same way."""
    kept: dict[tuple[str, str, str], Breach] = {}
    for breach in found:
        kept.setdefault((breach.kind, breach.expected, breach.got), breach)
    return list(kept.values())
