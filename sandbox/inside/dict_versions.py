"""Versions of dictionaries, by which one that was not changed is told from others without a look at what it holds.

A look counts a reference to each value, and so writes to it: six of the fourteen MiB that a kept worker had for itself
were memory that it shared with its parent until its modules were compared. CPython up to 3.12 gives each dictionary a
new version with each change; where it does not, all count as changed.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Generic, TypeVar

_Owner = TypeVar("_Owner")

_VERSION_AT = 24  # bytes from the start: references, type and number of entries come first
_SIZE = 48  # of a dictionary that has a version there


class DictVersions(Generic[_Owner]):
    """The versions of some dictionaries, as they are now.

    Args:
        owned: Each dictionary, or the view of a class's that `vars` returns, with whom it belongs to. The dictionaries
            must live for as long as this does.

    >>> first, second = {"a": 1}, {"b": 2}
    >>> versions = DictVersions([("first", first), ("second", second)])
    >>> second["b"] = 3
    >>> "second" in versions.changed()
    True
    """

    def __init__(self, owned: Iterable[tuple[_Owner, Any]]) -> None:
        self._owners: list[_Owner] = []
        self._others: list[_Owner] = []  # those of unknown version
        self._cells: list[ctypes.c_uint64] = []  # each is the place of a version in memory
        known = has_versions()
        for owner, view in owned:
            found = gc.get_referents(view) if isinstance(view, MappingProxyType) else [view]
            if known and type(found[0]) is dict:
                self._owners.append(owner)
                self._cells.append(_version(found[0]))
            else:
                self._others.append(owner)
        self._seen = b"".join(self._cells)  # in C: there are more than a thousand, after each run

    def changed(self) -> list[_Owner]:
        """Return the owners of those that were changed since, and maybe of others."""
        now = b"".join(self._cells)
        if now == self._seen:
            return [*self._others]
        pairs = zip(self._owners, memoryview(self._seen).cast("Q"), memoryview(now).cast("Q"), strict=True)
        return [*self._others, *(owner for owner, old, new in pairs if old != new)]


def has_versions() -> bool:
    """Return True where this Python gives dictionaries versions, at the place that is known."""
    if sys.implementation.name != "cpython" or dict.__basicsize__ != _SIZE:
        return False
    tried = {"a": 1}
    version = _version(tried)
    seen = [version.value, version.value]
    for change in ({"a": 2}, {"b": 3}):
        tried.update(change)
        seen.append(version.value)
    del tried["a"]
    seen.append(version.value)
    return seen[0] == seen[1] and len(set(seen)) == len(seen) - 1


def _version(of: dict[Any, Any]) -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(id(of) + _VERSION_AT)
