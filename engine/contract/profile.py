"""Profiles of outputs: for each array and object, the number of rows, the fields, and their values."""

from __future__ import annotations

import collections
import json
import math
import operator
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from engine.contract.mojibake import is_garbled
from engine.contract.patterns import error_text, is_blank, is_shortened, kind, number_of, pattern, shape

ENOUGH_VALUES = 5  # with fewer, neither distinctness nor uniqueness means anything
CHANCE = 0.005  # probability under the learned rate; what is less probable is a breach
_SHAPED = frozenset({"date", "money", "percent", "number", "phone", "code"})
_MOST_SHAPES = 3  # a field with more has no characteristic shape
_SORTED_VALUES = 6  # distinct values; fewer may be in order by chance
_PLAIN = frozenset({str, int, float, bool, type(None)})
_row_text = json.JSONEncoder(sort_keys=True, default=str).encode


def describe(output: Any) -> dict[str, Any]:
    """Return the profile of an output, by the JSON path of each array and object; see `merge`."""
    found: dict[str, list[Any]] = {}
    arrays: dict[str, list[int]] = {}
    _collect(output, "$", found, arrays)
    return {
        path: {
            "array": path in arrays,
            "rows": [min(arrays[path]), max(arrays[path])] if path in arrays else [1, 1],
            "seen": len(found.get(path, [])),
            "twins": _duplicate_share(found.get(path, [])) if path in arrays else 0.0,
            "fields": _describe_fields(found.get(path, [])),
        }
        for path in {**arrays, **found}
    }


def rows(output: Any) -> int | None:
    """Return the number of rows of the output's largest array, or None if it has none."""
    if isinstance(output, list):
        return len(output)
    if not isinstance(output, Mapping):
        return None
    sizes = [n for v in output.values() if (n := len(v) if isinstance(v, list) else _inner(v)) is not None]
    return max(sizes, default=None)


def _inner(value: Any) -> int | None:
    return rows(value) if isinstance(value, Mapping) else None


def main_rows(output: Any) -> tuple[str, list[Mapping[str, Any]]]:
    """Return the JSON path and the rows of the output's largest list of objects; of one object, itself."""
    best: tuple[str, list[Mapping[str, Any]]] = ("$", [output] if isinstance(output, Mapping) else [])
    longest = -1
    stack: list[tuple[str, Any]] = [("$", output)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, list):
            objects = [v for v in value if isinstance(v, Mapping)]
            if len(objects) == len(value) and len(value) > longest:
                best, longest = (path, objects), len(value)
        elif isinstance(value, Mapping):
            stack += [(f"{path}.{name}", v) for name, v in value.items()]
    return best


def _collect(value: Any, path: str, found: dict[str, list[Any]], arrays: dict[str, list[int]]) -> None:
    if isinstance(value, list):
        arrays.setdefault(path, []).append(len(value))
        found.setdefault(path, []).extend(value)
        children = [v for v in value if _is_nested(v)]
        inner = f"{path}[*]"
    else:
        found.setdefault(path, []).append(value)
        children = [value]
        inner = path
    for child in children:
        if isinstance(child, Mapping):
            for name, sub in child.items():
                if _is_nested(sub):
                    _collect(sub, f"{inner}.{name}", found, arrays)
        elif child is not value:
            _collect(child, inner, found, arrays)


def _is_nested(value: Any) -> bool:
    return type(value) not in _PLAIN and isinstance(value, (Mapping, list))


def _duplicate_share(values: list[Any]) -> float:
    """Return the share of rows that duplicate another."""
    return round(count_duplicates(values) / len(values), 4) if values else 0.0


def _describe_fields(values: list[Any]) -> dict[str, Any]:
    if not values:
        return {}
    records = [v if isinstance(v, Mapping) else {"": v} for v in values]
    # Nested lists and objects have paths of their own.
    names = dict.fromkeys(name for record in records for name, v in record.items() if not _is_nested(v))
    return {name: _describe_field([record.get(name) for record in records]) for name in names}


def _describe_field(values: list[Any]) -> dict[str, Any]:
    filled = [v for v in values if not is_blank(v)]
    classes = [pattern(v) for v in filled]
    patterns = _shares(classes)
    described: dict[str, Any] = {
        "filled": round(len(filled) / len(values), 4),
        "seen": len(values),
        "blank": len(values) - len(filled),
        "patterns": patterns,
        "types": sorted(set(map(kind, {type(v): v for v in filled}.values()))),
    }
    if not filled:
        return described
    shown = [number_of(v, known) for v, known in zip(filled, classes, strict=True)]
    described |= _distinctness(filled, shown)
    numbers = [n for n in shown if n is not None]
    if len(numbers) == len(filled) and min(numbers) >= 0:
        median = statistics.median(numbers)
        described["median"] = [median, median]
    texts = [v for v in filled if isinstance(v, str)]
    if texts and len(texts) == len(filled):
        median = statistics.median(map(len, texts))
        described["length"] = [median, median]
        described["errors"] = round(sum(map(error_text, texts)) / len(texts), 4)
        described["cut"] = round(sum(map(is_shortened, texts)) / len(texts), 4)
        described["garbled"] = sum(map(is_garbled, texts))
        described["marked"] = sum(not text.isascii() for text in texts)
        if sum(patterns.get(name, 0.0) for name in _SHAPED) >= 0.9:
            described["shapes"] = _shares([shape(v) for v in texts])
    return described


def _shares(names: list[str]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return {name: round(n / len(names), 4) for name, n in sorted(counts.items())}


def _distinctness(filled: list[Any], numbers: list[float | None]) -> dict[str, Any]:
    """Return how distinct the values are, and in what shares they rise and fall.

    Args:
        numbers: The number that each of them is or shows.
    """
    measured = spread(filled)
    distinct, described = measured["values"], dict[str, Any]()
    if len(filled) >= ENOUGH_VALUES or distinct < len(filled):
        described["unique"] = distinct == len(filled)
    if len(filled) >= ENOUGH_VALUES:
        share = round(distinct / len(filled), 4)
        described["distinct"] = [share, share]
        described |= measured
    if distinct >= _SORTED_VALUES:
        keys = [n if n is not None else str(v).casefold() for v, n in zip(filled, numbers, strict=True)]
        if len({type(key) for key in keys}) == 1:
            described["falls"] = round(sum(map(operator.gt, keys, keys[1:])) / (len(keys) - 1), 4)
            described["rises"] = round(sum(map(operator.lt, keys, keys[1:])) / (len(keys) - 1), 4)
    return described


def spread(values: Sequence[Any]) -> dict[str, Any]:
    """Return the number of distinct values, the share of the commonest, and of those equal to the one before."""
    # In Python True equals 1, and no output means the same by them.
    plain = [(v,) if isinstance(v, bool) else v for v in values if not _is_nested(v)]
    counts = collections.Counter(plain)
    again = sum(map(operator.eq, plain, plain[1:]))
    return {
        "values": len(counts),
        "commonest": round(max(counts.values(), default=0) / max(len(plain), 1), 4),
        "repeats": round(again / max(len(plain) - 1, 1), 4),
    }


def improbable(share: float, count: int, rate: float) -> bool:
    """Return True where such a share of ``count`` is improbable at a lower rate, by Chernoff's bound.

    >>> improbable(1.0, 5, 0.3), improbable(0.5, 10, 0.4)
    (True, False)
    """
    if share <= rate or not 0 < rate < 1:
        return False
    rest = (1 - share) * math.log((1 - share) / (1 - rate)) if share < 1 else 0.0
    return math.exp(-count * (share * math.log(share / rate) + rest)) < CHANCE


def merge(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the profile that all given outputs satisfy: the widest bands, the least shares, the summed counts."""
    merged: dict[str, Any] = {}
    for path in sorted({path for part in parts for path in part}):
        here = [part[path] for part in parts if path in part]
        with_rows = [d for d in here if d["rows"][1] > 0]
        names = dict.fromkeys(n for d in with_rows for n in d["fields"])
        merged[path] = {
            "array": any(d["array"] for d in here),
            "rows": [min(d["rows"][0] for d in here), max(d["rows"][1] for d in here)],
            "seen": sum(d.get("seen", 0) for d in here),
            "twins": max(d.get("twins", 0.0) for d in here),
            "fields": {name: _merge_field(name, with_rows) for name in names},
        }
    return merged


def _merge_field(name: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = [d["fields"][name] for d in parts if name in d["fields"]]
    without = sum(d.get("seen", 0) for d in parts if name not in d["fields"])
    merged: dict[str, Any] = {
        "filled": 0.0 if len(known) < len(parts) else min(f["filled"] for f in known),
        "seen": sum(f.get("seen", 0) for f in known) + without,
        "blank": sum(f.get("blank", 0) for f in known) + without,
        "patterns": _most([f["patterns"] for f in known]),
        "types": sorted({t for f in known for t in f.get("types", ())}),
    }
    if uniques := [f["unique"] for f in known if "unique" in f]:
        merged["unique"] = all(uniques)
    filled = [f for f in known if f["filled"] > 0]
    numeric = ("median",) if filled and all("median" in f for f in filled) else ()
    for band in ("distinct", "length", *numeric):
        if bands := [f[band] for f in known if band in f]:
            merged[band] = [min(b[0] for b in bands), max(b[1] for b in bands)]
    for share in ("errors", "cut", "commonest", "repeats", "garbled", "marked"):
        if shares := [f[share] for f in known if share in f]:
            merged[share] = max(shares)
    if values := [f["values"] for f in known if "values" in f]:
        merged["values"] = min(values)
    if filled and all("shapes" in f for f in filled):
        # One more than the limit suffices to say that there are too many.
        shapes = sorted(_most([f["shapes"] for f in filled]).items(), key=lambda s: (-s[1], s[0]))
        merged["shapes"] = dict(shapes[: _MOST_SHAPES + 1])
    for way in ("falls", "rises"):
        if ways := [f[way] for f in known if way in f]:
            merged[way] = max(ways)
    return merged


def _most(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: max(p.get(name, 0.0) for p in parts) for name in sorted({n for p in parts for n in p})}


def shapes(field: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the shapes of a field's values, or None if there are too many."""
    known = field.get("shapes")
    return frozenset(known) if known and len(known) <= _MOST_SHAPES else None


def count_duplicates(values: Sequence[Any]) -> int:
    """Return the number of rows that duplicate another.

    >>> count_duplicates([{"a": 1}, {"a": 2}, {"a": 1}])
    1
    """
    return len(values) - len({_row_text(value) for value in values})
