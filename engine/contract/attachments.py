"""Saved files in an output: what of them says something, and what is of one run alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_FIELDS = frozenset({"name", "content_type", "size", "sha256", "path"})
_BY_CONTENT = ("sha256", "size", "name", "path")  # they change with the file, and that is no fault of the code


def is_attachment(value: Any) -> bool:
    """Return True for the object that describes a saved file.

    >>> is_attachment({"name": "a.csv", "content_type": "text/csv", "size": 3, "sha256": "0f…", "path": "/tmp/1/a.csv"})
    True
    """
    return isinstance(value, Mapping) and value.keys() >= _FIELDS


def without_path(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row without the path of a saved file, which is another in every run."""
    return {name: value for name, value in row.items() if name != "path"} if is_attachment(row) else row


def content_fields(output: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the fields by which a saved file may differ from an earlier one while the code is right.

    Args:
        output: An output as `compact` returns it.
    """
    files = bool(output) and all(row.keys() >= _FIELDS - {"path"} for row in output)
    return frozenset(_BY_CONTENT) if files else frozenset()


def changed_files(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """Describe the files that differ from those of an earlier output, matched by name; a single one by itself.

    Args:
        old: The earlier output, as `compact` returned it.
        new: The new one.
    """
    if not (content_fields(old) and content_fields(new)):
        return []
    known = {row["name"]: row for row in old}
    pairs = [(known[row["name"]], row) for row in new if row["name"] in known]
    if len(old) == len(new) == 1:
        pairs = [(old[0], new[0])]
    return [
        f"the file {b['name']!r} is not that of the last good run: it was {a['name']!r} of {a['size']:,} bytes and is"
        f" of {b['size']:,} bytes"
        for a, b in pairs
        if (a["sha256"], a["name"]) != (b["sha256"], b["name"])
    ]
