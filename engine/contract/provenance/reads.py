"""Departures of how a run read: one of several elements, and lists that had not arrived yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach, Observed
from engine.contract.provenance.lens import Lens
from sandbox.read_evidence import BETWEEN_NAMES

_MOST = 12

Described = dict[str, Any]


def describe(run: Observed, lens: Lens) -> Described:
    """Return the names of elements that were taken of several, and whether a list was read too early."""
    return {"used": sorted({_name(lens, each.used) for each in run.evidence.ambiguous})[:_MOST],
            "stale": bool(run.evidence.stale)}  # fmt: skip


def merge(parts: Sequence[Mapping[str, Any]]) -> Described:
    """Return what any of the runs did."""
    return {
        "used": sorted({name for part in parts for name in part["used"]})[:_MOST],
        "stale": any(part["stale"] for part in parts),
    }


def check(known: Mapping[str, Any], run: Observed, lens: Lens) -> Iterator[Breach]:
    """Yield the elements that bear another name than the parameter, and lists that were the same after an act."""
    for each in run.evidence.ambiguous:
        used, names = _name(lens, each.used), {_name(lens, name) for name in each.names}
        asked = [f"{{{name}}}" for name in lens.names if f"{{{name}}}" in lens.mask(each.locator, digits=False)]
        if used in asked or used in known["used"]:
            continue
        better = any(name in asked for name in names)
        yield Breach(
            "one-of-several", "$", f"an element named by {asked[0] if asked else 'the parameter'}",
            f"{each.used.partition(BETWEEN_NAMES)[0]!r}, one of {each.count} that {each.locator[:80]} matches",
            "structural" if better else "doubtful",
        )  # fmt: skip
        break
    if run.evidence.stale and not known["stale"]:
        early = run.evidence.stale[0]
        yield Breach(
            "not-arrived", "$", f"another list after {early.act[:80]}",
            f"the same {early.texts} texts as before it, by {early.read[:80]}", "doubtful",
        )  # fmt: skip


def _name(lens: Lens, told: str) -> str:
    return lens.mask(told.partition(BETWEEN_NAMES)[0], digits=False)
