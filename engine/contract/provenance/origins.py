"""Origins: where one value of an output stood on what the automation read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.contract.model import Observed
from engine.contract.provenance.anchors import Anchor
from engine.contract.provenance.findings import Origin
from engine.contract.provenance.reading import Reading, read

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NUMBER = re.compile(r"\[\d+\]")
_MOST = 20
_LONGEST = 300  # characters of the text around a value


def explain(run: Observed, path: str) -> list[Origin]:
    """Return where a value of the output stood; the values below it, where the path leads to a list or an object.

    Args:
        run: The run, with its maps.
        path: Such as ``$.books[3].price``; ``$`` for all of the output.

    Raises:
        KeyError: The output has nothing at this path.
    """
    steps = _parse(path)
    _value_at(run.legible, steps, path)
    if not run.evidence.maps:
        return []
    (reading,) = read([run])
    general = "$" + "".join("[*]" if isinstance(step, int) else f".{step}" for step in steps)
    found = []
    for table in reading.tables:
        wanted = _row_number(steps, table.path)
        for row in table.rows:
            if wanted is not None and table.table.many and row.number != wanted:
                continue
            for name, anchors in row.anchors.items():
                if name == general or name.startswith((f"{general}.", f"{general}[")):
                    found += [_origin(reading, anchor) for anchor in anchors]
    return found[:_MOST]


def origins_by_path(run: Observed, most_rows: int) -> dict[str, Origin]:
    """Return where the values of the output stood, by their path, such as ``$.books[3].price``.

    A value that stood in several places has the first of them; one that stood nowhere is left out.

    Args:
        run: The run, with its maps.
        most_rows: Number of rows of each table to look at.
    """
    if not run.evidence.maps:
        return {}
    (reading,) = read([run])
    found = {}
    for table in reading.tables:
        for row in table.rows[:most_rows]:
            for name, anchors in row.anchors.items():
                if anchors:
                    path = name.replace("[*]", f"[{row.number}]", 1) if table.table.many else name
                    found[path] = _origin(reading, anchors[0])
    return found


def place_of(origins: Mapping[str, Origin], path: str, said: str) -> Origin | None:
    """Return where a value of a field stood; None where none is known.

    Args:
        origins: Of a run, by path, as `origins_by_path` returns them.
        path: The field, such as ``$.books[*].price``.
        said: What was said of the values of this field: one that is named there is taken, else the first.
    """
    found = [origin for at, origin in origins.items() if _NUMBER.sub("[*]", at) == path]
    named = (each for each in found if str(each.value) and str(each.value) in said)
    return next(named, found[0] if found else None)


def _parse(path: str) -> list[str | int]:
    if not path.startswith("$") or _STEP.sub("", path[1:]):
        raise KeyError(f"{path!r} is no path into the output; write one such as $.books[3].price")
    return [name or int(number) for name, number in _STEP.findall(path)]


def _value_at(output: Any, steps: list[str | int], path: str) -> Any:
    value = output
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise KeyError(f"the output has nothing at {path}") from None
    return value


def _row_number(steps: list[str | int], table: str) -> int | None:
    """Return the number of the row of a table that a path leads into."""
    at = ""
    for step in steps:
        if isinstance(step, int):
            return step if f"${at}" == table else None
        at += f".{step}"
    return None


def _origin(reading: Reading, anchor: Anchor) -> Origin:
    text = anchor.spot.text
    page = reading.document.maps[text.map]
    unit = page.units[text.number - reading.document.first_of[text.map]]
    return Origin(
        value=anchor.value, url=text.url, text=_around(text.plain, anchor), label=text.place.label,
        headings=text.place.headings, region=text.place.region, struck=anchor.spot.struck, hidden=text.place.hidden,
        box=unit.box,
    )  # fmt: skip


def _around(text: str, anchor: Anchor) -> str:
    """Return the text of the unit, shortened on both sides of the value."""
    if len(text) <= _LONGEST:
        return text
    at = anchor.spot.span.begin if anchor.spot.span is not None else 0
    begin = max(0, at - _LONGEST // 2)
    return f"{'…' if begin else ''}{text[begin : begin + _LONGEST]}…"
