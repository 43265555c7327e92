"""Departures of how a run read: one of several elements, and lists that had not arrived yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.model import Breach, Observed
from engine.contract.provenance.lens import Lens
from engine.contract.provenance.spellings import dates, day_of, month_of, normal
from sandbox.read_evidence import BETWEEN_NAMES, Ambiguous

_MOST = 12
_WHOLE = 3  # of a date: more than its month and year

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
        own, others = _fit(run, each, each.used), [_fit(run, each, name) for name in each.names]
        better = max(others, default=0) > own or any(name in asked for name in names)
        if used in asked or (own and not better) or (used in known["used"] and not better):
            continue
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


def _fit(run: Observed, found: Ambiguous, told: str) -> int:
    """Return how much of a date a name says, where the locator has its day alone: the whole, or month and year."""
    value = run.parameters.get(found.parameter)
    day = day_of(value) if isinstance(value, str) else None
    if day is None or normal(found.text) == normal(str(value)):
        return 0
    around = normal(told)
    if any(each == day for each, _ in dates(around)):
        return _WHOLE
    year, month, _ = day.split("-")
    words = re.findall(r"[^\W_]+", around)
    return (year in words) + any(month_of(word) == int(month) for word in words)


def _name(lens: Lens, told: str) -> str:
    return lens.mask(told.partition(BETWEEN_NAMES)[0], digits=False)
