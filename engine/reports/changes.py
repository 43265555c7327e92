"""The differences between two outputs of the same parameters, row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST = 30


@dataclass(frozen=True)
class ChangedRow:
    """A row that is in both outputs, with other values in some fields.

    Args:
        name: What the row is called: its first field.
        fields: ``(name, old, new)`` of the fields that differ, as text.
    """

    name: str
    fields: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class RowChanges:
    """The differences between two lists of objects.

    Args:
        changed: The rows that differ.
        added: Texts of rows that only the new one has.
        removed: Texts of rows that only the old one has.
        same: The number of equal rows.
        left_out: The number of differences that are not listed.
    """

    changed: Sequence[ChangedRow]
    added: Sequence[str]
    removed: Sequence[str]
    same: int
    left_out: int = 0

    @property
    def any(self) -> bool:
        """True if there is a difference."""
        return bool(self.changed or self.added or self.removed)


def row_changes(old: Any, new: Any) -> RowChanges | None:
    """Compare two outputs; rows are matched by their first text field. None where they are no lists of objects.

    >>> found = row_changes([{"name": "Ann", "age": 7}], [{"name": "Ann", "age": 8}, {"name": "Bo", "age": 1}])
    >>> found.changed[0].fields, found.added
    ((('age', '7', '8'),), ('{"name": "Bo", "age": 1}',))
    """
    if not (_is_table(old) and _is_table(new)):
        return None
    key = _key(old, new)
    before = {str(row.get(key)): row for row in old} if key else {}
    after = {str(row.get(key)): row for row in new} if key else {}
    if not key or len(before) < len(old) or len(after) < len(new):
        return _as_wholes(old, new)
    pairs = [(name, before[name], row) for name, row in after.items() if name in before]
    changed = [ChangedRow(name, _fields(was, now)) for name, was, now in pairs if was != now]
    added = [_text(row) for name, row in after.items() if name not in before]
    removed = [_text(row) for name, row in before.items() if name not in after]
    return _bounded(changed, added, removed, len(pairs) - len(changed))


def _as_wholes(old: Sequence[Any], new: Sequence[Any]) -> RowChanges:
    before, after = Counter(map(_text, old)), Counter(map(_text, new))
    return _bounded([], list((after - before).elements()), list((before - after).elements()), (before & after).total())


def _bounded(changed: list[ChangedRow], added: list[str], removed: list[str], same: int) -> RowChanges:
    left = sum(max(0, len(found) - _MOST) for found in (changed, added, removed))
    return RowChanges(tuple(changed[:_MOST]), tuple(added[:_MOST]), tuple(removed[:_MOST]), same, left)


def _key(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the first field that is a text in all rows."""
    names = list(old[0]) if old else list(new[0]) if new else []
    return next((name for name in names if all(isinstance(row.get(name), str) for row in (*old, *new))), None)


def _fields(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    names = dict.fromkeys([*was, *now])
    return tuple((name, _value(was, name), _value(now, name)) for name in names if was.get(name) != now.get(name))


def _value(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else "" if value is None else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_table(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(row, Mapping) for row in value)
