"""Versions of dictionaries, by which a worker knows what a run has changed in its modules."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.inside import dict_versions
from sandbox.inside.dict_versions import DictVersions, has_versions

READS: dict[str, Callable[[dict[str, Any]], object]] = {
    "get": lambda d: d.get("a"),
    "copy": lambda d: dict(d) == d,
    "iterate": lambda d: [*d.items()],
}
CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "replace": lambda d: d.update(a=print),
    "add": lambda d: d.setdefault("b", 1),
    "remove": lambda d: d.pop("a"),
    "put back": lambda d: d.update(a=d.pop("a")),
}


@pytest.mark.parametrize("read", READS)
def test_reading_is_no_change(read: str) -> None:
    watched, own = {"a": len}, {"c": 1}
    versions = DictVersions([("watched", watched), ("own", own)])
    READS[read](watched)
    assert versions.changed() == ([] if has_versions() else ["watched", "own"])


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_seen(change: str) -> None:
    watched, own = {"a": len}, {"c": 1}
    versions = DictVersions([("watched", watched), ("own", own)])
    CHANGES[change](watched)
    assert versions.changed() == (["watched"] if has_versions() else ["watched", "own"])


def test_classes_and_namespaces_are_watched_by_their_views() -> None:
    class Patched:
        def method(self) -> int:
            return 1

    space = SimpleNamespace(a=1)
    versions: DictVersions[str] = DictVersions([("class", vars(Patched)), ("space", vars(space)), ("odd", UserDict())])
    assert versions.changed() == (["odd"] if has_versions() else ["class", "space", "odd"])
    Patched.method = lambda self: 2  # type: ignore[method-assign]  as code that patches does
    space.a = 2
    assert sorted(versions.changed()) == ["class", "odd", "space"]


def test_all_count_as_changed_where_python_has_no_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dict_versions, "_SIZE", 0)
    assert not has_versions()
    assert DictVersions([("one", {}), ("two", {})]).changed() == ["one", "two"]
