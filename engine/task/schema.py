"""Output schemas: validation against a JSON Schema or a pydantic class, and inference from values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.errors import InvalidRequest
from engine.task.attachments import ATTACHMENT
from engine.task.schema_words import DIALECT, ENDLESS, LOCAL_FORMATS, check_words, rewritten


class OutputSchema:
    """The schema of an output.

    Args:
        schema: A JSON Schema (draft 2020-12, ``$defs`` and local ``$ref`` allowed, ``{"type": "attachment"}`` for a
            downloaded file) or a pydantic class or type.
        untrusted: The schema comes from a model's code: refuse patterns that could take exponential time.
        saved: The schema was saved with an automation. It is taken with words that a request's may not have, and
            a time needs no offset: what was good when it was saved stays good.

    Attributes:
        warnings: What of the schema is unknown, and so is not checked.

    Raises:
        InvalidRequest: It is neither, or not a valid schema.

    >>> OutputSchema({"type": "array", "items": {"type": "integer"}}).errors([1, "two"])
    ["$[1]: 'two' is not of type 'integer'"]
    """

    def __init__(self, schema: Mapping[str, Any] | type | Any, *, untrusted: bool = False, saved: bool = False) -> None:
        self._adapter: TypeAdapter[Any] | None = None
        self.warnings: tuple[str, ...] = ()
        try:
            if isinstance(schema, Mapping):
                self.json_schema = _as_json(schema)
                if not saved:
                    self.warnings = check_words(self.json_schema)
            else:
                self._adapter = _adapter(schema)
                self.json_schema = self._adapter.json_schema(mode="validation")
            expand = _expand_and_leave_formats if self._adapter else _expand_for_saved if saved else _expand
            self._expanded = rewritten(self.json_schema, expand)
            from engine.task.schema_process import check_bounded  # jsonschema is half of the import of engine

            check_bounded(self._expanded, untrusted=untrusted)
        except RecursionError:
            raise InvalidRequest(f"output_schema is {ENDLESS}", field="output_schema") from None

    def errors(self, value: Any) -> list[str]:
        """Return the mismatches, each with its JSON path; at most five are listed, and none where the value fits.

        It blocks: for seconds, where the value is large, or where the schema has patterns that take long.

        Raises:
            SchemaTooSlow: The schema takes too long on this value.
        """
        from engine.task.schema_process import mismatches_bounded
        from engine.task.schema_validation import first_few

        return mismatches_bounded(self._expanded, value) or first_few(self._refusals(value))

    def _refusals(self, value: Any) -> list[str]:
        """Return what the pydantic class refuses beyond what a JSON Schema can express."""
        if self._adapter is None:
            return []
        try:
            self.construct(value)
        except ValidationError as error:
            return [f"{_json_path(e['loc'])}: {e['msg']}" for e in error.errors()]
        except Exception as error:  # noqa: BLE001  a user's validator may raise anything
            return [f"$: the class's validator raised {type(error).__name__}: {error}"]
        return []

    def construct(self, value: Any) -> Any:
        """Return an instance of the pydantic class, or the value itself for a plain schema."""
        if self._adapter is None:
            return value
        # As JSON: a class in strict mode takes no text for a date or a decimal number from Python.
        return self._adapter.validate_json(json.dumps(value))


def schema_in_force(requested: OutputSchema | None, saved: Mapping[str, Any] | None) -> OutputSchema | None:
    """Return the schema that outputs are held against: the request's, else the bundle's, if there is one."""
    if requested is not None or saved is None:
        return requested
    return OutputSchema(saved, saved=True)


def same_schema(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    """Return True where two schemas differ at most in the order of keys, in titles and in descriptions."""
    return bool(_canonical(a) == _canonical(b))


def infer(values: Sequence[Any]) -> dict[str, Any]:
    """Return the JSON Schema that the values have in common; a property is required where all objects have it.

    >>> infer([[{"a": 1, "b": None}, {"a": 2}]])["items"]["required"]
    ['a']
    """
    return {"$schema": DIALECT, **_infer(list(values))}


def json_type(value: Any) -> str:
    """Return the JSON type of a value.

    >>> json_type(True), json_type(2), json_type([])
    ('boolean', 'integer', 'array')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inferred schema that admits null in every property, too.

    >>> nullable({"type": "object", "properties": {"a": {"type": "number"}}})["properties"]["a"]["type"]
    ['null', 'number']
    """
    wider = dict(schema)
    for name, sub in schema.items():
        if name == "items" and isinstance(sub, Mapping):
            wider[name] = nullable(sub)
        elif name == "properties":
            wider[name] = {key: _or_null(nullable(value)) for key, value in sub.items()}
    return wider


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if kinds is None:
        return schema
    return {**schema, "type": sorted({"null", *([kinds] if isinstance(kinds, str) else kinds)})}


@dataclass(frozen=True)
class _Seen:
    types: list[str]
    objects: list[Mapping[str, Any]]
    items: list[Any]


def _infer(values: list[Any]) -> dict[str, Any]:
    seen = _look(values)
    if not seen.types:
        return {}
    schema: dict[str, Any] = {"type": seen.types[0] if len(seen.types) == 1 else seen.types}
    if seen.objects:
        names = list(dict.fromkeys(name for o in seen.objects for name in o))
        schema["properties"] = {n: _infer([o[n] for o in seen.objects if n in o]) for n in names}
        schema["required"] = sorted(n for n in names if all(n in o for o in seen.objects))
    if seen.items:
        schema["items"] = _infer(seen.items)
    return schema


def _look(values: Iterable[Any]) -> _Seen:
    types: dict[str, None] = {}
    objects: list[Mapping[str, Any]] = []
    items: list[Any] = []
    for value in values:
        if isinstance(value, Mapping):
            types["object"] = None
            objects.append(value)
        elif isinstance(value, (list, tuple)):
            types["array"] = None
            items.extend(value)
        else:
            types[json_type(value)] = None
    if "number" in types:
        types.pop("integer", None)
    return _Seen(sorted(types), objects, items)


def _as_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(json.dumps(schema, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"output_schema is not JSON: {error}", field="output_schema") from None


def _adapter(schema: Any) -> TypeAdapter[Any]:
    is_model = isinstance(schema, type) and issubclass(schema, BaseModel)
    if not is_model and (schema is None or isinstance(schema, (str, bytes, int, float, list, tuple, set))):
        raise InvalidRequest(
            f"output_schema must be a JSON Schema (a dict) or a pydantic class, not {type(schema).__name__}",
            field="output_schema",
        )
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(schema)
        adapter.json_schema()
    except Exception as error:  # pydantic raises many exceptions for types that it cannot describe
        raise InvalidRequest(
            f"output_schema: pydantic cannot describe {schema!r}: {error}", field="output_schema"
        ) from error
    return adapter


def _expand(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replace ``{"type": "attachment"}`` by the schema of the object that describes a saved file."""
    kinds = schema.get("type")
    if kinds == "attachment":
        return {**{k: v for k, v in schema.items() if k != "type"}, **ATTACHMENT}
    if isinstance(kinds, list) and "attachment" in kinds:
        others = {"type": [kind for kind in kinds if kind != "attachment"]}
        rest = {k: v for k, v in schema.items() if k != "type"}
        return {"allOf": [rest, {"anyOf": [ATTACHMENT, *([others] if others["type"] else [])]}]}
    return schema


def _expand_and_leave_formats(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do so and leave formats to the class, which may take more: a time without an offset."""
    return {word: value for word, value in _expand(schema).items() if word != "format"}


def _expand_for_saved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    expanded = _expand(schema)
    kind = expanded.get("format")
    return {**expanded, "format": LOCAL_FORMATS[kind]} if kind in ("date-time", "time") else expanded


_ANNOTATIONS = frozenset({"title", "description", "examples", "$comment", "$schema"})


def _canonical(node: Any, *, of_names: bool = False) -> Any:
    """Remove order and annotations; under ``properties`` and ``$defs`` keys are names, so all of them stay."""
    if isinstance(node, Mapping):
        kept = {
            k: _canonical(v, of_names=k in ("properties", "$defs", "patternProperties") and not of_names)
            for k, v in node.items()
            if of_names or k not in _ANNOTATIONS
        }
        if isinstance(kept.get("required"), list) and not of_names:
            kept["required"] = sorted(kept["required"], key=str)
        return kept
    if isinstance(node, list):
        return [_canonical(v) for v in node]
    return node


def _json_path(loc: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)
