"""Severity of departures that data may show by themselves: weighed by what the page shows, never fatal alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.contract.model import Breach, History, Severity

if TYPE_CHECKING:
    from sandbox.page_map import PageMap

# The severity of what data can do by itself, where every value stands on the page as it did in good runs.
_BORNE_OUT: Mapping[str, Severity] = {
    "constant": "statistical",
    "duplicates": "statistical",
    "order": "statistical",
    "pattern": "statistical",
    "scale": "statistical",
    "shifted": "doubtful",  # the rows are those of the page: its first column has moved
    "shortened": "statistical",
    "shown": "statistical",
    "swapped": "statistical",
}
_ROW_COUNTS = frozenset({"fewer-rows", "more-rows", "cut-off"})


def is_borne_out(
    contract: Mapping[str, object], history: History, maps: Sequence[PageMap], departures: Sequence[Breach]
) -> bool:
    """Return True where provenance is known, and every value stands on what was read as it did in good runs.

    Args:
        maps: What the run read.
        departures: What provenance says of the run.
    """
    known = contract.get("provenance") or history.provenance
    return bool(known and maps) and not any(b.binds for b in departures)


def weigh(
    breach: Breach, *, borne_out: bool, counted: bool = False, seen: Collection[str] = (), sudden: bool = False
) -> Breach:
    """Return the breach with the severity that it has beside the page.

    Args:
        borne_out: What `is_borne_out` says of the run.
        counted: The page itself states as many rows as there are.
        seen: The fields whose values stand on the pages.
        sudden: The list never lost a row before, and its last run was a short time ago.
    """
    if not borne_out or not breach.binds:
        return breach
    witnessed = breach.kind != "scale" or breach.path in seen  # a file's size stands nowhere
    if counted and breach.kind in _ROW_COUNTS and not (sudden and breach.kind == "cut-off"):
        return replace(breach, severity="advisory", got=f"{breach.got}, as the page states")
    if breach.ordinary and witnessed:
        return replace(breach, severity="advisory")
    severity = _BORNE_OUT.get(breach.kind)
    if severity is None or (severity == "statistical" and breach.severity == "statistical"):
        return breach
    return replace(breach, severity=severity)
