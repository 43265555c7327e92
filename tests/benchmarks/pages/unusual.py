"""Harmless data: records that are right, and of a kind that good runs have not had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from engine.testing.drift.marks import Role
from tests.benchmarks.pages.make import Make, Rows

_ODD_TITLES = ("Access denied", "404: Page Not Found", "Error", "Please wait...", "null", "Sold Out", "Log in")
_LONG = " with a very long name that goes on and on, as some of them do, for no good reason at all"


def _shown(make: Make, role: Role) -> str:
    return make.marks.roles.get(role, "")


def _put(rows: Rows, make: Make, role: Role, change: Callable[[int, Any], Any]) -> Rows:
    name = _shown(make, role)
    if not rows or name not in rows[0]:
        return rows
    return [{**row, name: change(at, row[name])} for at, row in enumerate(rows)]


def _named(rows: Rows, make: Make, change: Callable[[int, str], str]) -> Rows:
    name = make.marks.name
    if not make.marks.items or name == make.group or name not in rows[0]:
        return rows
    return [{**row, name: change(at, row[name])} for at, row in enumerate(rows)]


def _grouped(rows: Rows, make: Make) -> Mapping[Any, Rows]:
    groups: dict[Any, Rows] = {}
    for row in rows:
        groups.setdefault(row[make.group], []).append(row)
    return groups


def _is_list(make: Make) -> bool:
    marks = make.marks
    return bool(marks.items) and marks.name != make.group and marks.listed and marks.name in make.rows(0)[0]


def _fewer(most: int) -> Callable[[Rows, Make], Rows]:
    def change(rows: Rows, make: Make) -> Rows:
        if not _is_list(make):
            return rows
        return [row for group in _grouped(rows, make).values() for row in group[:most]]

    return change


def _twins(rows: Rows, make: Make) -> Rows:
    if not _is_list(make):
        return rows
    return [twin for at, row in enumerate(rows) for twin in ([row, dict(row)] if at % 4 == 0 else [row])]


def _doubled(rows: Rows, make: Make) -> Rows:
    if not _is_list(make):
        return rows
    return [*rows, *_named(rows, make, lambda at, name: f"{name} II")]


def _sorted(rows: Rows, make: Make) -> Rows:
    return sorted(rows, key=lambda row: str(row.get(make.marks.name)), reverse=True) if _is_list(make) else rows


UNUSUAL: Mapping[str, Callable[[Rows, Make], Rows]] = {
    "two equal rows": _twins,
    "one date": lambda rows, make: _put(rows, make, "date", lambda at, date: rows[0][_shown(make, "date")]),
    "one price": lambda rows, make: _put(rows, make, "money", lambda at, price: rows[0][_shown(make, "money")]),
    "two prices": lambda rows, make: _put(rows, make, "money", lambda at, price: rows[at % 2][_shown(make, "money")]),
    "all dearer": lambda rows, make: _put(rows, make, "money", lambda at, price: type(price)(round(price * 1.06, 2))),
    "sale": lambda rows, make: _put(rows, make, "money", lambda at, price: type(price)(round(price * 0.5, 2))),
    "one very dear": lambda rows, make: _put(
        rows, make, "money", lambda at, price: round(price * (40 if at % 9 == 0 else 1), 2)
    ),
    "all yes": lambda rows, make: _put(rows, make, "flag", lambda at, flag: True),
    "all no": lambda rows, make: _put(rows, make, "flag", lambda at, flag: False),
    "dates a year ago": lambda rows, make: _put(rows, make, "date", lambda at, date: date - timedelta(days=365)),
    "one score": lambda rows, make: _put(rows, make, "score", lambda at, score: 4.5),
    "three rows": _fewer(3),
    "one row": _fewer(1),
    "twice as many": _doubled,
    "sorted from Z to A": _sorted,
    "odd titles": lambda rows, make: _named(rows, make, lambda at, name: _ODD_TITLES[at % 7] if at % 5 == 0 else name),
    "codes for names": lambda rows, make: _named(rows, make, lambda at, name: f"CLK-{1000 + at}"),
    "long names": lambda rows, make: _named(rows, make, lambda at, name: name + _LONG * (at % 6 == 0)),
    "foreign names": lambda rows, make: _named(
        rows, make, lambda at, name: f"Größe Nº{at} Żółw" if at % 4 == 0 else name
    ),
    "new season": lambda rows, make: _named(rows, make, lambda at, name: f"{name} 2027"),
}
"""Changes of a site's records, by name; one that has nothing to change on a site returns them as they were."""
