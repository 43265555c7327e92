"""Saved files in an output: the schema of the object that describes one, and how it is told from other objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

ATTACHMENT: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "content_type": {"type": "string"},
        "size": {"type": "integer", "minimum": 0},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "path": {"type": "string"},
    },
    "required": ["name", "content_type", "size", "sha256", "path"],
}
_FIELDS = frozenset(ATTACHMENT["required"])


def is_attachment(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return True for the object that describes a saved file.

    >>> is_attachment({"name": "a.csv", "content_type": "text/csv", "size": 3, "sha256": "0f…", "path": "/tmp/1/a.csv"})
    True
    >>> is_attachment({"name": "a.csv", "path": "/tmp/1/a.csv"})
    False
    """
    return isinstance(value, Mapping) and value.keys() >= _FIELDS
