"""The keywords of a JSON Schema: where schemas stand in it, and which of its words mean nothing in the draft."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.errors import InvalidRequest

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENDLESS = "nested too deeply, or refers to itself endlessly"
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_TOLD = 20  # unknown keywords
_DATA = frozenset({"const", "enum", "examples", "example", "default"})
_KNOWN = (
    _NAMED
    | _DATA
    | {
        "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary", "$comment",
        "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "prefixItems", "items", "contains",
        "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
        "type", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
        "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties",
        "minProperties", "required", "dependentRequired", "format", "contentEncoding", "contentMediaType",
        "contentSchema", "title", "description", "deprecated", "readOnly", "writeOnly",
        # OpenAPI's, of which none says what is valid; pydantic writes the first.
        "discriminator", "xml", "externalDocs",
    }
)  # fmt: skip
# Words of other drafts and of OpenAPI, each with what says the same here.
_FOREIGN = {
    "$recursiveRef": 'use "$ref": "#"',
    "$recursiveAnchor": 'use "$ref": "#"',
    "nullable": 'use "type": ["string", "null"], with your type',
    "additionalItems": "use prefixItems and items",
    "dependencies": "use dependentRequired or dependentSchemas",
    "divisibleBy": "use multipleOf",
    "extends": "use allOf",
    "disallow": "use not",
}
_FORMATS = frozenset({
    "date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri",
    "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "relative-json-pointer", "regex",
})  # fmt: skip
LOCAL_FORMATS = {"date-time": "local-date-time", "time": "local-time"}
"""The names of formats of ours that need no offset: many a page states none, and pydantic takes such a time."""


def rewritten(node: Any, rewrite: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """Return a copy in which each schema is replaced; what stands in it as data is left alone."""
    if isinstance(node, list):
        return [rewritten(item, rewrite) for item in node]
    if not isinstance(node, Mapping):
        return node
    new: dict[str, Any] = {}
    for word, value in rewrite(node).items():
        if word in _NAMED and isinstance(value, Mapping):
            new[word] = {name: rewritten(each, rewrite) for name, each in value.items()}
        else:
            new[word] = value if word in _DATA else rewritten(value, rewrite)
    return new


def check_words(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Refuse words of other drafts that say what is valid: they would be ignored.

    Returns:
        A warning of each other word, and of each format, that draft 2020-12 does not know.

    Raises:
        InvalidRequest: The schema has such a word.
    """
    unknown: dict[str, None] = {}
    words: set[str] = set()
    for node in _schemas(schema):
        for word, value in node.items():
            if word in _KNOWN or word.startswith("x-"):
                continue
            if word in _FOREIGN and value is not False:
                raise InvalidRequest(
                    f"output_schema: {word!r} is not supported in draft 2020-12; {_FOREIGN[word]}",
                    field="output_schema",
                )
            if word in words:
                continue
            words.add(word)
            if len(words) > _TOLD:
                continue  # to look for a similar one takes long, and nobody reads thousands
            near = difflib.get_close_matches(word, _KNOWN, n=1, cutoff=0.8)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            unknown[f"output_schema: the keyword {word!r} is unknown, and so was ignored{meant}"] = None
        kind = node.get("format")
        if isinstance(kind, str) and kind not in _FORMATS:
            unknown[f"output_schema: the format {kind!r} is unknown, and so was not checked"] = None
    if len(words) > _TOLD:
        unknown[f"output_schema: {len(words) - _TOLD} further keywords are unknown, and so were ignored"] = None
    return tuple(unknown)


def _schemas(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every schema in a schema, and not the values of words that are unknown."""
    if isinstance(node, list):
        for item in node:
            yield from _schemas(item)
    elif isinstance(node, Mapping):
        yield node
        for word, value in node.items():
            if word in _NAMED and isinstance(value, Mapping):
                for each in value.values():
                    yield from _schemas(each)
            elif word in _KNOWN - _DATA - {"dependentRequired", "discriminator", "xml", "externalDocs", "$vocabulary"}:
                yield from _schemas(value)
