"""Lists without a row, of which the page says nothing: it is the right page where it names what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engine.contract.model import Observed
from engine.contract.provenance.document import BESIDE, region_of
from engine.contract.provenance.parameters import SEARCHED, signs
from engine.contract.provenance.reading import read_once

_SEVERAL = 2  # ways in which a page names what was asked for
_BY_PAGE = frozenset({"h1", "title", "crumb", "state"})  # not by its address, which an unknown value has, too


def lists_nothing(run: Observed, contract: Mapping[str, Any]) -> bool:
    """Return True where code read no row of a page that answers for the parameters, and loaded without a fault.

    Args:
        run: The run, which handed no rows to ``task.read``, or read a page that has no list at all.
        contract: The contract of good results, which tells how the page names the parameters and shows its rows.
    """
    evidence = run.evidence
    if not evidence.maps or evidence.maps[-1].failed or evidence.unmapped or (evidence.status or 200) >= 400:
        return False
    if any(evidence.examined or ()) or evidence.next_controls:
        return False
    untold = evidence.examined is None
    if untold and not _has_no_list(run, contract.get("page", {}).get("shown", ())):
        return False
    return names_what_was_asked(run, contract.get("provenance", {}), by_all=untold) is True


def _has_no_list(run: Observed, shown: Collection[str]) -> bool:
    """Return True where the page had no items when it was read, and at the end has none of those of full pages."""
    last, evidence = run.evidence.maps[-1], run.evidence
    if last.kind != "page" or evidence.alerts or any(name in shown for name, _ in evidence.groups):
        return False
    places = [last.places[unit.place] for unit in last.units if unit.item >= 0]
    return all("@" in place.path or region_of(place.region) in BESIDE for place in places)


def names_what_was_asked(run: Observed, signature: Mapping[str, Any], *, by_all: bool = False) -> bool | None:
    """Return whether the page names the parameters by its headings, title or forms, as those of good runs do.

    None where those of good runs do not. Words of a search count where they stand in the address and in a field.

    Args:
        by_all: It has to name them by each of these by which good runs' pages do, at least two.
    """
    wanted = {name: _BY_PAGE.intersection(known["by"]) for name, known in signature.get("parameters", {}).items()}
    if not any(wanted.values()) or not run.evidence.maps:
        return None
    now = signs(read_once(run, signature.get("fields", {})))
    both = ((by, now.get(name, set())) for name, by in wanted.items() if by)
    if by_all:
        return all(len(by) >= _SEVERAL and by <= found for by, found in both)
    return all(by & found or found >= SEARCHED for by, found in both)
