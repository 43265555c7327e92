"""Saved files in an output: what of them says something, and what is of one run alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.task.attachments import is_attachment

_COMPARED = ("name", "content_type", "size", "sha256")
_BY_CONTENT = ("sha256", "size", "name", "path")  # they change with the file, and that is no fault of the code


def scalar_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row that hold no list or object, and those of a saved file but for its path.

    The path is another in every run.

    >>> scan = {"name": "a", "content_type": "", "size": 3, "sha256": "0f", "path": "/1"}
    >>> scalar_fields({"year": 2024, "scan": scan})
    {'year': 2024, 'scan.name': 'a', 'scan.content_type': '', 'scan.size': 3, 'scan.sha256': '0f'}
    """
    found: dict[str, Any] = {}
    own = is_attachment(row)
    for name, value in row.items():
        if is_attachment(value):
            found |= {f"{name}.{part}": value[part] for part in _COMPARED}
        elif not isinstance(value, (list, dict)) and not (own and name == "path"):
            found[name] = value
    return found


def content_fields(output: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the fields by which a saved file may differ from an earlier one while the code is right.

    Args:
        output: An output as `compact` returns it.
    """
    return frozenset(prefix + part for row in output[:1] for prefix in _files_of(row) for part in _BY_CONTENT)


def changed_files(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """Describe the files that differ from those of an earlier output, matched by name; a single one by itself.

    Args:
        old: The earlier output, as `compact` returned it.
        new: The new one.
    """
    before, after = list(_files(old)), list(_files(new))
    known = {name: (name, size, digest) for name, size, digest in before}
    pairs = [(known[file[0]], file) for file in after if file[0] in known]
    if len(before) == len(after) == 1:
        pairs = [(before[0], after[0])]
    return [
        f"the file {b[0]!r} is not that of the last good run: it was {a[0]!r} of {a[1]:,} bytes and is of {b[1]:,}"
        " bytes"
        for a, b in pairs
        if a != b
    ]


def _files(output: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    for row in output:
        for prefix in _files_of(row):
            yield row[f"{prefix}name"], row[f"{prefix}size"], row[f"{prefix}sha256"]


def _files_of(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stands before the names of the fields of each saved file in a row."""
    for name in row:
        prefix = name.removesuffix("sha256")
        if prefix != name and row.keys() >= {prefix + part for part in _COMPARED}:
            yield prefix
