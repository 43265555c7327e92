"""The match of a request with a saved automation: task text, parameters and their types, output schema."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.bundles import BundleMeta, Parameter
from engine.errors import InvalidRequest
from engine.task.cause import Cause
from engine.task.schema import json_type, same_schema
from engine.task.templates import read_values, slots
from engine.task.text import comparable

if TYPE_CHECKING:
    from engine.bundles import BundleMeta


@dataclass(frozen=True)
class Coverage:
    """A bundle's coverage of a request.

    Args:
        refusal: The cause for which the request cannot be run at all: parameters missing or of another type.
        changed: The part of the request that the automation was not written for; None where it covers the request.
        reworded: Only the task's text is another.
        named: Parameters whose values the task's text names, in place of the request.
    """

    refusal: Cause | None = None
    changed: str | None = None
    reworded: bool = False
    named: Mapping[str, Any] = field(default_factory=dict)


def covers(
    meta: BundleMeta, task: str, parameters: Mapping[str, Any], output_schema: Mapping[str, Any] | None
) -> Coverage:
    """Compare a request with the requests that a bundle was written for; white space, case and key order do not count.

    Args:
        task: The task's text, without secrets.
    """
    named = _named(meta, task, parameters)
    is_known = named is not None or comparable(task) in {comparable(text) for text in meta.tasks}
    parameters = {**parameters, **(named or {})}
    missing = sorted(set(meta.parameters) - set(parameters))
    if missing and not is_known and set(missing) <= slots(meta.templates):
        return Coverage(changed=f"the task now reads: {task}")
    extra = sorted(set(parameters) - set(meta.parameters))
    if missing:
        unknown = f"; unknown: {extra}" if extra else ""
        takes = sorted(meta.parameters)
        return Coverage(_refused(f"the automation takes the parameters {takes}; missing: {missing}{unknown}"))
    for name, known in meta.parameters.items():
        got = json_type(parameters[name])
        if not _compatible(known.type, got):
            return Coverage(_refused(f"the parameter {name!r} must be of type {known.type}, and is of type {got}"))
    changed = [] if is_known else [f"the task now reads: {task}"]
    if extra:
        changed.append(f"the parameters {extra} are new")
    # An inferred schema is no promise: the output is checked against the request's own.
    schemas = (meta.output_schema, *meta.other_schemas)
    if output_schema is not None and not (meta.schema_inferred or any(same_schema(output_schema, s) for s in schemas)):
        changed.append("the output schema has changed")
    if changed:
        return Coverage(changed="; ".join(reversed(changed)), reworded=len(changed) == 1 and not is_known)
    return Coverage(named=named or {})


def _named(meta: BundleMeta, task: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the values that a text names by a template, in their parameters' types; None where it fits none."""
    found = read_values(meta.templates, task, parameters)
    if found is None or not found.keys() <= meta.parameters.keys():
        return None
    numbers = {name for name in found if meta.parameters[name].type in ("integer", "number")}
    try:
        return {name: json.loads(value) if name in numbers else value for name, value in found.items()}
    except ValueError:
        return None


def parameter_types(parameters: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Parameter]:
    """Return parameters as ``bundle.json`` describes them, without values."""
    return {n: Parameter(type=json_type(v), secret=n in secrets) for n, v in sorted(parameters.items())}


def _compatible(known: str, got: str) -> bool:
    numbers = {"integer", "number"}
    return known == got or "null" in (known, got) or {known, got} == numbers


def _refused(message: str) -> Cause:
    return Cause("parameters", f"{message}; give each with its type, or use another reuse key")


def to_adopt(
    meta: BundleMeta, good: Mapping[str, Any], given: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the parameters for the run of an edited automation, and the names of the secret ones.

    Args:
        good: Parameters of a good run.
        given: Parameters from the caller, which win.
        other: Parameters of the second run.

    Raises:
        InvalidRequest: A parameter is not known, or a secret one is among the second run's.
    """
    known = {**good, **given}
    if missing := sorted(set(meta.parameters) - set(known)):
        raise InvalidRequest(
            f"no good run is known that these parameters could be taken from; give {', '.join(missing)}",
            field="parameters",
        )
    secret = [name for name, each in meta.parameters.items() if each.secret]
    if visible := sorted(set(secret) & set(other)):
        raise InvalidRequest(
            f"{', '.join(visible)}: secret parameters cannot differ in the second run", field="other_parameters"
        )
    return known, secret
