"""Checks of a JSON Schema, and of values against one, within limits or without any.

Foreign schemas come with foreign regular expressions, and some are slow by their form alone. Within `Limits` the work
stops with `TooMuch` before it holds up anybody; ``engine.task.schema_process`` then does it in a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import attrs
import jsonschema
import referencing
from jsonschema import validators

from engine.errors import InvalidRequest
from engine.task.attachments import is_attachment
from engine.task.schema_formats import checker
from engine.task.schema_limits import Limits
from engine.task.schema_refs import check_references
from engine.task.schema_words import DIALECT, ENDLESS

_ERRORS_SHOWN = 5
_LONGEST_FORMAT = 2_000
# They match names of properties against patternProperties, the last one against those of any schema below.
_OF_NAMES = ("patternProperties", "additionalProperties", "unevaluatedProperties")


def check(schema: Any, *, untrusted: bool, limits: Limits) -> None:
    """Refuse what is no schema, or none that values can be held against.

    Args:
        untrusted: Refuse patterns, too, that could take exponential time.

    Raises:
        InvalidRequest: The schema is refused.
        TooMuch: The limits are passed.
    """
    declared = schema.get("$schema", DIALECT)
    if str(declared).rstrip("#") != DIALECT:
        raise InvalidRequest(f"output_schema: draft {declared} is not supported; use {DIALECT}", field="output_schema")
    try:
        fault = next(_validator(jsonschema.Draft202012Validator.META_SCHEMA, limits).iter_errors(schema), None)
        if fault is not None:
            raise InvalidRequest(
                f"output_schema is not a valid JSON Schema: {fault.json_path}: {_cut_middle(fault.message)}",
                field="output_schema",
            )
        check_references(schema, untrusted=untrusted, limits=limits)
    except RecursionError:
        raise InvalidRequest(f"output_schema is {ENDLESS}", field="output_schema") from None


def mismatches(schema: Any, value: Any, limits: Limits) -> list[str]:
    """Return where a value does not fit a schema that was checked, each with its JSON path; at most five are listed.

    Raises:
        TooMuch: The limits are passed.
    """
    try:
        faults = _validator(schema, limits).iter_errors(value)
        found = [f"{each.json_path}: {_cut_middle(each.message)}{_file_hint(each)}" for each in faults]
    except RecursionError:
        found = [f"$: it cannot be checked: it or its schema is {ENDLESS}"]
    return first_few(found)


def _file_hint(fault: jsonschema.ValidationError) -> str:
    """Return what to put in the place of a saved file's description, where the schema wants a text."""
    wants_text = "string" in str(fault.validator_value)
    return '; for a file, put its "path" there' if wants_text and is_attachment(fault.instance) else ""


def first_few(found: list[str]) -> list[str]:
    """Return the first five, and how many there are beyond them."""
    if len(found) > _ERRORS_SHOWN:
        return [*found[:_ERRORS_SHOWN], f"… and {len(found) - _ERRORS_SHOWN} more"]
    return found


_format_checker = cache(checker)


def _validator(schema: Any, limits: Limits) -> Any:
    draft, patterns = jsonschema.Draft202012Validator, frozenset(_name_patterns(schema))
    keywords = {**draft.VALIDATORS, "uniqueItems": _unique_items, "multipleOf": _multiple_of}
    extend: Any = validators.extend  # has no types
    bounded = extend(draft, {name: _bounded(name, each, limits, patterns) for name, each in keywords.items()})
    # Its own method takes another class, without limits, where a part of the schema declares a draft.
    bounded.evolve = lambda self, **changes: attrs.evolve(self, **changes)
    # The default registry fetches what it does not know.
    return bounded(schema, format_checker=_format_checker(), registry=referencing.Registry())


def _bounded(name: str, check: Any, limits: Limits, name_patterns: frozenset[str]) -> Any:
    """Return the check of a keyword, which asks first whether there is room for it."""

    def bounded(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
        limits.spend()
        if isinstance(value, str):
            if name == "pattern":
                limits.match(wanted, len(value))
            elif name == "format" and wanted == "regex":
                limits.compile(value)
            elif name == "format" and len(value) > _LONGEST_FORMAT:
                limits.endless()
        elif name_patterns and isinstance(value, dict) and name in _OF_NAMES:
            longest = max(map(len, value), default=0)
            for pattern in name_patterns:
                limits.match(pattern, longest)
        return check(validator, wanted, value, schema)

    return bounded


def _name_patterns(node: Any) -> Iterator[str]:
    """Yield the patterns for names of properties anywhere in a schema."""
    if isinstance(node, Mapping):
        found = node.get("patternProperties")
        yield from (found if isinstance(found, Mapping) else ())
        for value in node.values():
            yield from _name_patterns(value)
    elif isinstance(node, list):
        for item in node:
            yield from _name_patterns(item)


def _unique_items(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Compare in linear time; jsonschema's own check of 10,000 objects takes minutes."""
    if not wanted or not isinstance(value, list):
        return
    if len({json.dumps(_plain(item), sort_keys=True) for item in value}) < len(value):
        yield jsonschema.ValidationError(f"{value!r} has non-unique elements")


def _multiple_of(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Count in decimals, as JSON is written: 19.99 is a multiple of 0.01, whatever the quotient of the floats."""
    if validator.is_type(value, "number") and Fraction(str(value)) % Fraction(str(wanted)):
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {wanted!r}")


def _plain(value: Any) -> Any:
    """Return the value with one spelling of each number: 1.0 equals 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _cut_middle(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit // 2] + " … " + text[-limit // 3 :]
