"""Checks of a JSON Schema's references and patterns, before any value is validated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import InvalidRequest
from engine.task.schema_limits import Limits

# Keywords whose schemas apply to the same value; those of all others apply to a part of it.
_OF_ONE_SCHEMA = ("not", "if", "then", "else")
_OF_A_LIST = ("allOf", "anyOf", "oneOf")
_MOST_EXPANDED = 10_000


def check_references(schema: Mapping[str, Any], *, untrusted: bool, limits: Limits) -> None:
    """Refuse references to the network, to nothing or in a circle, and references that multiply without bound.

    Args:
        schema: A schema that is valid otherwise.
        untrusted: Refuse patterns, too, that could take exponential time.
        limits: Those of the work.

    Raises:
        InvalidRequest: The schema has such a reference, or a pattern that is refused.
        RecursionError: It refers to itself endlessly.
        TooMuch: The limits are passed.
    """
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    root = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource(root.id() or "", root).resolver(root.id() or "")
    targets: dict[int, Any] = {}
    found: dict[int, Any] = {}

    def walk(resource: Any, resolver: Any) -> None:
        node = resource.contents
        if id(node) in found:
            return
        found[id(node)] = node
        limits.spend()
        if isinstance(node, Mapping):
            _check_words(node, untrusted, limits)
            if isinstance(ref := node.get("$ref"), str):
                try:
                    target = resolver.lookup(ref)
                except (Unresolvable, ValueError):
                    raise InvalidRequest(
                        f"output_schema: $ref {ref!r} does not resolve within the schema; remote references are not"
                        " fetched",
                        field="output_schema",
                    ) from None
                targets[id(node)] = target.contents
                walk(DRAFT202012.create_resource(target.contents), target.resolver)
        for inner in resource.subresources():
            walk(inner, resolver.in_subresource(inner))

    walk(root, resolver)
    sizes: dict[int, int] = {}
    for node in found.values():
        if _size(node, targets, sizes) > _MOST_EXPANDED:
            raise InvalidRequest(
                f"output_schema: its references expand to more than {_MOST_EXPANDED:,} schemas", field="output_schema"
            )


def _check_words(node: Mapping[str, Any], untrusted: bool, limits: Limits) -> None:
    if "$dynamicRef" in node:
        raise InvalidRequest("output_schema: $dynamicRef is not supported; use $ref", field="output_schema")
    named = node.get("patternProperties")
    for pattern in (node.get("pattern"), *(named if isinstance(named, Mapping) else ())):
        if not isinstance(pattern, str):
            continue
        limits.compile(pattern)
        from engine.task.regex_safety import repetitions  # costs milliseconds, and most schemas have no pattern

        try:
            found = repetitions(pattern)
        except re.error as error:
            raise InvalidRequest(
                f"output_schema: {pattern!r} is not a regular expression: {error}", field="output_schema"
            ) from None
        if untrusted and found.nesting > 1:
            raise InvalidRequest(
                f"output_schema: the pattern {pattern!r} nests one repetition in another, which can take exponential"
                " time; repeat a set of characters instead",
                field="output_schema",
            )


def _size(node: Any, targets: Mapping[int, Any], sizes: dict[int, int]) -> int:
    """Return the number of schemas that a value at this one is validated against."""
    key = id(node)
    if key not in sizes:
        sizes[key] = 0  # under way: to meet it again means a circle
        total = 1
        for inner in _same_value(node, targets):
            size = _size(inner, targets, sizes)
            if size == 0:
                raise RecursionError
            total += size
        sizes[key] = total
    return sizes[key]


def _same_value(node: Any, targets: Mapping[int, Any]) -> Iterator[Any]:
    if not isinstance(node, Mapping):
        return
    if id(node) in targets:
        yield targets[id(node)]
    for word in _OF_ONE_SCHEMA:
        if word in node:
            yield node[word]
    for word in _OF_A_LIST:
        yield from node.get(word, ())
    yield from node.get("dependentSchemas", {}).values()
