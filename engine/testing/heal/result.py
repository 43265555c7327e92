"""The result of the bench as one JSON document; its schema is `result.schema.json`, beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import InvalidRequest
from engine.testing.heal.bench import Findings, Lesson, Row, machine
from engine.testing.heal.changes import CHANGES
from engine.testing.heal.summary import summary
from engine.version import installed_version

BENCH = "webtasks heal"
VERSION = "1"
"""Raised with every change of sites, changes, truths or verdicts: only results of one version are compared."""
SCHEMA = Path(__file__).with_name("result.schema.json")
"""The JSON Schema of a result."""

T = TypeVar("T", Row, Lesson)


def to_json(found: Findings, *, sites: Sequence[str], changes: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the result.

    Args:
        found: What was measured.
        sites: Names of the sites that were asked for.
        changes: Names of the changes that were asked for.
        seeds: The seeds.
    """
    about = {each.name: {"about": each.about, "effect": each.effect} for each in CHANGES if each.name in changes}
    return {
        "bench": BENCH,
        "version": VERSION,
        "engineVersion": installed_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "seeds": list(seeds),
        "sites": list(sites),
        "changes": about,
        "summary": [_camel(asdict(line)) for line in summary(found)],
        "lessons": [_camel(asdict(lesson)) for lesson in found.lessons],
        "rows": [_camel(asdict(row)) for row in found.rows],
    }


def from_json(result: Mapping[str, Any]) -> Findings:
    """Return what a result holds.

    Raises:
        InvalidRequest: It is of another bench or version.
    """
    if (result.get("bench"), result.get("version")) != (BENCH, VERSION):
        raise InvalidRequest(
            f"this is a result of {result.get('bench')!r} {result.get('version')!r}, not of {BENCH!r} {VERSION!r};"
            " results of different versions are not mixed: measure anew into another file"
        )
    return Findings(
        tuple(_made(Lesson, each) for each in result["lessons"]), tuple(_made(Row, each) for each in result["rows"])
    )


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result at once, so that a reader finds either the one before or this one."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel_name(name): _camel(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_camel(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def _made(kind: type[T], data: Mapping[str, Any]) -> T:
    given = {each.name: data[_camel_name(each.name)] for each in fields(kind)}
    if "unmoved" in given:
        given["unmoved"] = tuple(given["unmoved"])
    return kind(**given)
