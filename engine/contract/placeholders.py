"""Addresses that stand in for those that are loaded later: one for many rows, while the elements carry others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from engine.contract.model import Breach, Severity
from engine.contract.outputs import Row

if TYPE_CHECKING:
    from sandbox.page_map import PageMap

_SHARED = 3  # rows
_SHARE = 0.25  # of the rows
_DISTINCT = 0.9  # share of distinct addresses in good runs
_LATER = ("@data-src", "@data-srcset", "@srcset")
STANDS_IN = re.compile(
    r"blank|placeholder|spacer|loading|lazy|transparent|dummy|no[-_]?image|1x1|data:image/(?:gif|svg)", re.IGNORECASE
)
ADDRESS = re.compile(r"^(?:https?:|data:|//|/|\.\.?/)|\.(?:gif|png|jpe?g|webp|svg|avif)\b", re.IGNORECASE)


def placeholders(
    place: str, new: Sequence[Row], fields: Mapping[str, Any], maps: Sequence[PageMap]
) -> Iterator[Breach]:
    """Yield fields whose addresses differed from row to row, and are one and the same in many rows now."""
    for name, learned in fields.items():
        values = [v for row in new if isinstance(v := row.get(name), str) and ADDRESS.search(v)]
        if len(values) < _SHARED or learned.get("distinct", (0.0, 0.0))[0] < _DISTINCT:
            continue
        value, count = Counter(values).most_common(1)[0]
        if count < max(_SHARED, _SHARE * len(new)):
            continue
        carried = _carried(value, maps)
        if carried is None and not STANDS_IN.search(value):
            continue
        severity: Severity = "structural" if carried is not None else "doubtful"
        beside = f", while the elements carry others, as {carried!r}" if carried is not None else ""
        got = f"{value[:100]!r} in {count} of {len(new)} rows{beside}"
        yield Breach("placeholder", f"{place}.{name}", "an address of its own in each row", got, severity)


def _carried(value: str, maps: Sequence[PageMap]) -> str | None:
    """Return an address that an element with this one carries for later; None where most carry none."""
    later: list[str] = []
    with_value = 0
    for page in maps:
        by_item: dict[int, list[tuple[str, str]]] = {}
        for unit in page.units:
            path = page.places[unit.place].path
            if unit.item >= 0 and "@" in path:
                by_item.setdefault(unit.item, []).append((path, unit.text))
        for units in by_item.values():
            if not any(_same(text, value, page.url) for path, text in units if path.endswith(("@src", "@href"))):
                continue
            with_value += 1
            others = [text for path, text in units if path.endswith(_LATER) and not _same(text, value, page.url)]
            later += others[:1]
    return later[0] if len(set(later)) >= _SHARED and len(later) * 2 >= with_value else None


def _same(text: str, value: str, url: str) -> bool:
    return text == value or urljoin(url, text.split(" ", 1)[0]) == urljoin(url, value)
