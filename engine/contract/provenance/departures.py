"""Departures of a run from the signature of good runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.contract.model import Breach, History, Observed
from engine.contract.provenance import attached, echoes, reads, surroundings
from engine.contract.provenance import list_departures as lists
from engine.contract.provenance.field_departures import Case, check_fields
from engine.contract.provenance.reading import is_seen, read_once
from engine.contract.provenance.signature import FORMAT, merge_signatures
from engine.contract.provenance.units import words_of

# Where one run, or two, showed it so, another value may show it otherwise: these are learnt by more examples.
_LEARNT_BY_MANY = frozenset({"parameter", "heading", "section", "folder"})
_MANY, _MANY_OF_WRITES = 2, 5  # runs; a result that is refused after a change is lost, and the change cannot be redone


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
    examples, changed = max(signature.get("runs", 0), history.clean_runs), _changed(run)
    if changed:
        found += echoes.check(known["echoes"], reading, by_chance=examples < _MANY)
    if examples < (_MANY_OF_WRITES if changed else _MANY):
        found = [replace(b, severity="advisory") if _is_of_few(b) else b for b in found]
    return _each_once(found)


def _is_of_few(breach: Breach) -> bool:
    """Return True for a departure that more examples may explain; another unit or currency is none."""
    return breach.kind in _LEARNT_BY_MANY or (breach.kind == "wording" and breach.severity == "doubtful")


def _changed(run: Observed) -> bool:
    """Return True where a run changed something on the site."""
    evidence = run.evidence
    return bool(set(evidence.state_changing) - set(evidence.logins) - set(evidence.background))


def _each_once(found: list[Breach]) -> list[Breach]:
    """Return the breaches without those that only tell of a further field that it departs in the same way."""
    kept: dict[tuple[str, str, str], Breach] = {}
    for breach in found:
        kept.setdefault((breach.kind, breach.expected, breach.got), breach)
    return list(kept.values())
