"""Outputs as rows that can be compared with those of other runs: lists, single objects, texts and numbers alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.contract.attachments import scalar_fields
from engine.contract.patterns import is_blank, number, pattern
from engine.contract.profile import main_rows
from engine.task.text import comparable

_KEPT_ROWS = 300  # of an output, for later comparison
_KEPT_TEXT = 100  # characters of a value
_DEEPEST = 3  # objects within one another
_OF_CONTENT = ("sha256", ".size", ".content_type")  # they say what a file is, not which

Row = Mapping[str, Any]


def main_part(output: Any, most: int | None = None) -> tuple[str, list[Row], bool]:
    """Return the JSON path and the rows of an output's main part, and whether it is a list.

    That is its largest list of objects, else its largest list of plain values, whose rows have one field without a
    name, else the output itself as one row.

    Args:
        most: The number of rows, the first ones; None for all.

    >>> main_part({"names": ["a", "b"], "of": {"town": "c"}})
    ('$.names', [{'': 'a'}, {'': 'b'}], True)
    >>> main_part({"of": {"town": "c"}}), main_part(7)
    (('$', [{'of.town': 'c'}], False), ('$', [{'': 7}], False))
    """
    path, found = main_rows(output)
    if found and found[0] is not output:
        return path, [_flat(row) for row in found[:most]], True
    lists = [(at, values) for at, values in _lists(output) if values and not any(map(_is_nested, values))]
    if lists:
        path, values = max(lists, key=lambda each: len(each[1]))
        return path, [{"": value} for value in values[:most]], True
    if isinstance(output, list) or output is None:
        return "$", [], True
    row = _flat(output) if isinstance(output, Mapping) else {"": output}
    return "$", [row] if row else [], False


def beside(output: Any) -> dict[str, Any]:
    """Return the plain values that stand beside an output's main list.

    >>> beside({"total": 2, "rows": [{"a": 1}, {"a": 2}]}), beside({"total": 2})
    ({'total': 2}, {})
    """
    if not isinstance(output, Mapping) or not main_part(output, 1)[2]:
        return {}
    return _shortened(_flat(output))


def compact(output: Any) -> list[dict[str, Any]]:
    """Return an output's main rows with their plain values, shortened, for comparison with later outputs.

    Saved files are in them by name, type, size and hash.
    """
    return [_shortened(row) for row in main_part(output, _KEPT_ROWS)[1]]


def digest(output: Any, compacted: Sequence[Row] | None = None) -> str:
    """Return a hash of an output's main rows without nested lists; without rows, of all of it.

    Args:
        compacted: What `compact` returns for it; None where that is not known yet.
    """
    shown = compact(output) if compacted is None else compacted
    text = json.dumps(shown if any(shown) else output, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def row_text(row: Row) -> str:
    """Return a row as one text, which equal rows share."""
    return repr(sorted(row.items(), key=lambda item: item[0]))


def _shortened(row: Row) -> dict[str, Any]:
    return {name: v[:_KEPT_TEXT] if isinstance(v, str) else v for name, v in row.items()}


def _flat(row: Row, depth: int = 0) -> dict[str, Any]:
    """Return the plain values of an object, and of those in it, by their dotted names."""
    found = scalar_fields(row)
    for name, value in row.items():
        if isinstance(value, Mapping) and depth < _DEEPEST and not any(n.startswith(f"{name}.") for n in found):
            found |= {f"{name}.{inner}": v for inner, v in _flat(value, depth + 1).items()}
    return found


def _lists(value: Any, path: str = "$", depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}", depth + 1)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, Mapping))


def identity(value: Any) -> Any:
    """Return the form of a value in which rows are matched."""
    return comparable(value) if isinstance(value, str) else value


def key_of(old: Sequence[Row], new: Sequence[Row]) -> str | None:
    """Return the field that identifies rows in both: text if possible, and one that matches many rows.

    Dates may be unique, too, but do not identify a row: they are used only if there is nothing else.
    """
    best: tuple[bool, bool, float, str] | None = None
    for name in old[0] if old and new else ():
        if name.endswith(_OF_CONTENT):
            continue
        a, b = [identity(row.get(name)) for row in old], [identity(row.get(name)) for row in new]
        if any(is_blank(v) or isinstance(v, (bool, float)) for v in (*a, *b)) or len(set(a)) < len(a):
            continue
        if len(set(b)) < 0.9 * len(b):
            continue
        is_text = isinstance(a[0], str) and number(a[0]) is None
        is_name = is_text and pattern(a[0]) != "date"
        candidate = (is_text, is_name, len(set(a) & set(b)) / len(a), name)
        if best is None or candidate[:3] > best[:3]:
            best = candidate
    return best[3] if best is not None else None


def pairs_by(key: str, old: Sequence[Row], new: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Return the rows of both that have the same key, each old one with its new one."""
    by_key = {identity(row.get(key)): row for row in new}
    return [(row, by_key[identity(row.get(key))]) for row in old if identity(row.get(key)) in by_key]


def match_rows(old: Sequence[Row], new: Sequence[Row]) -> tuple[float, dict[str, float]] | None:
    """Return the share of old rows that are still there, and by field the share of their values that changed.

    Two single rows are one and the same. None if no field identifies the rows.
    """
    if len(old) == len(new) == 1:
        return 1.0, {name: float(old[0].get(name) != new[0].get(name)) for name in {*old[0], *new[0]}}
    key = key_of(old, new)
    if key is None:
        return None
    pairs = pairs_by(key, old, new)
    names = {name for row in old for name in row} - {key}
    changed = {n: round(sum(a.get(n) != b.get(n) for a, b in pairs) / len(pairs), 4) for n in names} if pairs else {}
    return round(len(pairs) / len(old), 4), changed
