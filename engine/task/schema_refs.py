"""What the references of a JSON Schema lead to, and what its patterns do: found before anything is checked by it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import InvalidRequest
from engine.task.regex_safety import repetitions

# What speaks of the same value; below all others, it is a smaller one.
_OF_ONE_SCHEMA = ("not", "if", "then", "else")
_OF_A_LIST = ("allOf", "anyOf", "oneOf")
_MOST_EXPANDED = 10_000


def check_references(schema: Mapping[str, Any], *, untrusted: bool) -> None:
    """A schema must not lead to the network, to nothing, or round in a circle; nor stand for millions of others.

    Args:
        schema: What is a valid schema, but for that.
        untrusted: Refuse patterns, too, that could take exponential time.

    Raises:
        InvalidRequest: It does.
        RecursionError: It refers to itself without end.
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
        if isinstance(node, Mapping):
            _check_words(node, untrusted)
            if isinstance(ref := node.get("$ref"), str):
                try:
                    target = resolver.lookup(ref)
                except (Unresolvable, ValueError):
                    raise InvalidRequest(
                        f"output_schema: $ref {ref!r} is not in the schema itself, or leads nowhere; remote references"
                        " are not fetched",
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
                f"output_schema: its references stand for more than {_MOST_EXPANDED:,} schemas", field="output_schema"
            )


def _check_words(node: Mapping[str, Any], untrusted: bool) -> None:
    if "$dynamicRef" in node:
        raise InvalidRequest("output_schema: $dynamicRef is not supported; use $ref", field="output_schema")
    named = node.get("patternProperties")
    for pattern in (node.get("pattern"), *(named if isinstance(named, Mapping) else ())):
        if not isinstance(pattern, str):
            continue
        try:
            found = repetitions(pattern)
        except re.error as error:
            raise InvalidRequest(
                f"output_schema: {pattern!r} is no regular expression: {error}", field="output_schema"
            ) from None
        if untrusted and found.nesting > 1:
            raise InvalidRequest(
                f"output_schema: the pattern {pattern!r} nests one repetition in another, which can take exponential"
                " time; repeat a set of characters instead",
                field="output_schema",
            )


def _size(node: Any, targets: Mapping[int, Any], sizes: dict[int, int]) -> int:
    """How many schemas a value is held against, at this one."""
    key = id(node)
    if key not in sizes:
        sizes[key] = 0  # it is being asked for
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
