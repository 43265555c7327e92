"""Whether a saved automation answers a request: its task texts, its parameters and their types, its output schema."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.bundles import BundleMeta, Parameter
from engine.errors import InvalidRequest
from engine.task.cause import Cause
from engine.task.schema import json_type, same_schema
from engine.task.text import comparable

if TYPE_CHECKING:
    from engine.bundles import BundleMeta


@dataclass(frozen=True)
class Coverage:
    """Args:
    refusal: Why the request cannot be run at all: parameters missing or of another type.
    changed: What the automation was not written for, in words; None where it covers the request.
    """

    refusal: Cause | None = None
    changed: str | None = None


def covers(
    meta: BundleMeta, task: str, parameters: Mapping[str, Any], output_schema: Mapping[str, Any] | None
) -> Coverage:
    """Compares a request with what the bundle was written for; white space, case and key order do not count.

    Args:
        task: The task's text, secrets taken out.
    """
    missing = sorted(set(meta.parameters) - set(parameters))
    extra = sorted(set(parameters) - set(meta.parameters))
    if missing:
        unknown = f"; unknown: {extra}" if extra else ""
        takes = sorted(meta.parameters)
        return Coverage(_refused(f"the automation takes the parameters {takes}; missing: {missing}{unknown}"))
    for name, known in meta.parameters.items():
        got = json_type(parameters[name])
        if not _compatible(known.type, got):
            return Coverage(_refused(f"the parameter {name!r} must be of type {known.type}, and is of type {got}"))
    if extra:
        return Coverage(changed=f"the parameters {extra} are new")
    if comparable(task) not in {comparable(t) for t in meta.tasks}:
        return Coverage(changed=f"the task now reads: {task}")
    # A schema that was only inferred binds nobody: the output is held against the request's own.
    schemas = (meta.output_schema, *meta.other_schemas)
    if output_schema is not None and not (meta.schema_inferred or any(same_schema(output_schema, s) for s in schemas)):
        return Coverage(changed="the output schema has changed")
    return Coverage()


def parameter_types(parameters: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Parameter]:
    """Parameters as ``bundle.json`` describes them: never their values."""
    return {n: Parameter(type=json_type(v), secret=n in secrets) for n, v in sorted(parameters.items())}


def _compatible(known: str, got: str) -> bool:
    numbers = {"integer", "number"}
    return known == got or "null" in (known, got) or {known, got} == numbers


def _refused(message: str) -> Cause:
    return Cause("parameters", f"{message}; give each with its type, or use another reuse key")


def to_adopt(
    meta: BundleMeta, good: Mapping[str, Any], given: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The parameters that an edited automation is tried with, and the names of the secret ones.

    Args:
        good: Those of a good run.
        other: Those of the second run.

    Raises:
        InvalidRequest: Some are not known.
    """
    known = {**good, **given}
    if missing := sorted(set(meta.parameters) - set(known)):
        raise InvalidRequest(
            f"no good run is known whose parameters could be taken; give {', '.join(missing)}", field="parameters"
        )
    secret = [name for name, each in meta.parameters.items() if each.secret]
    if visible := sorted(set(secret) & set(other)):
        raise InvalidRequest(f"{', '.join(visible)}: a secret stays the same", field="other_parameters")
    return known, secret
