import json
from typing import Any

import pytest
from pydantic import BaseModel, field_validator
from referencing.exceptions import Unresolvable

from engine import InvalidRequest
from engine.task.schema import OutputSchema, infer, same_schema


class Book(BaseModel):
    title: str
    price: float | None = None


def test_errors_have_a_json_path() -> None:
    schema = OutputSchema({"type": "array", "items": {"$ref": "#/$defs/b"}, "$defs": {"b": {"required": ["title"]}}})
    assert schema.errors([{"title": "x"}]) == []
    assert schema.errors([{"title": "x"}, {}]) == ["$[1]: 'title' is a required property"]


def test_a_pydantic_class_validates_and_constructs() -> None:
    schema = OutputSchema(list[Book])
    assert schema.construct([{"title": "x", "price": 2}]) == [Book(title="x", price=2.0)]
    assert schema.errors([{"price": "?"}])
    assert OutputSchema(Book).json_schema["properties"].keys() == {"title", "price"}


def test_validators_of_a_pydantic_class_apply() -> None:
    class Even(BaseModel):
        n: int

        def model_post_init(self, context: object) -> None:
            if self.n % 2:
                raise ValueError("odd")

    assert OutputSchema(Even).errors({"n": 1})


def test_the_attachment_type_describes_a_saved_file() -> None:
    schema = OutputSchema({"type": "array", "items": {"type": "attachment"}})
    file = {
        "name": "a.pdf",
        "content_type": "application/pdf",
        "size": 3,
        "sha256": "0" * 64,
        "path": "/x/a.pdf",
    }
    assert schema.errors([file]) == []
    assert schema.errors([{"name": "a.pdf"}])


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "strnig"}, "not a valid JSON Schema"),
        ({"$ref": "#/$defs/missing"}, "does not resolve"),
        ({"$ref": "https://example.com/schema.json"}, "remote references"),
        ({"items": {"$ref": "file:///etc/hostname"}}, "remote references"),
        ({"$ref": "file:///etc/hostname", "default": {"$id": "file:///etc/hostname"}}, "remote references"),
        ({"$dynamicRef": "file:///etc/hostname"}, "is not supported"),
        ({"properties": {"a": {"$dynamicRef": "#nope"}}}, "is not supported"),
        ({"allOf": [{"$id": "http://e/x", "$ref": "#/$defs/a"}], "$defs": {"a": {}}}, "does not resolve"),
        ({"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/b"}}}, "does not resolve"),
        ({"pattern": "("}, "not a valid JSON Schema|not a regular expression"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "is not supported"),
        ({"const": {1, 2}}, "is not JSON"),
        ("string", "must be a JSON Schema"),
        (42, "must be a JSON Schema"),
    ],
)
def test_an_invalid_schema_is_refused(schema: object, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        OutputSchema(schema)
    assert caught.value.details["field"] == "output_schema"


def test_an_inferred_schema_fits_what_it_was_inferred_from_and_no_other_shape() -> None:
    runs = [[{"name": "a", "n": 1}, {"name": "b", "n": None, "x": [1.5, 2]}], [{"name": "c", "n": 2}]]
    schema = OutputSchema(infer(runs))
    assert all(schema.errors(run) == [] for run in runs)
    assert schema.errors([{"name": "a"}]) == ["$[0]: 'n' is a required property"]
    assert schema.errors([{"name": 1, "n": 1}])
    assert schema.errors({"rows": []})


def test_schemas_that_differ_in_order_and_annotations_are_the_same() -> None:
    a = {
        "type": "object",
        "properties": {"title": {"type": "string", "title": "T"}, "b": {}},
        "required": ["b", "title"],
    }
    b = {
        "required": ["title", "b"],
        "properties": {"b": {}, "title": {"type": "string"}},
        "type": "object",
        "title": "X",
    }
    assert same_schema(a, b)
    assert not same_schema(a, {**b, "properties": {"b": {}}}), "a property called title is no annotation"
    assert not same_schema(a, None)


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}]}, json.loads('{"items":' * 400 + "{}" + "}" * 400)]
)
def test_an_endless_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="nested too deeply, or refers to itself"):
        OutputSchema(schema)


@pytest.mark.parametrize("base", ["", "https://example.com/rows"])
def test_references_within_the_schema_are_followed(base: str) -> None:
    node = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#node"}}}}
    schema = OutputSchema({
        **({"$id": base} if base else {}),
        "$ref": f"{base}#/$defs/node", "$defs": {"node": {"$anchor": "node", **node}},
    })  # fmt: skip
    assert schema.errors({"children": [{"children": []}]}) == []
    assert schema.errors({"children": [{"children": 1}]}) == ["$.children[0].children: 1 is not of type 'array'"]


def test_a_schema_that_expands_to_millions_is_refused_at_once() -> None:
    defs = {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(40)} | {"40": {}}
    with pytest.raises(InvalidRequest, match="more than 10,000 schemas"):
        OutputSchema({"$ref": "#/$defs/0", "$defs": defs})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "((x+)y?)*z", "^(a|ab)*$", "(.*)*"])
def test_exponential_patterns_are_refused_in_untrusted_schemas(pattern: str) -> None:
    assert OutputSchema({"type": "string", "pattern": pattern}).errors(1)
    for schema in ({"pattern": pattern}, {"properties": {"a": {"patternProperties": {pattern: {}}}}}):
        with pytest.raises(InvalidRequest, match="can take exponential time"):
            OutputSchema(schema, untrusted=True)
    OutputSchema({"pattern": r"^\d{4}-\d\d( [a-z ]+)?$"}, untrusted=True)


def test_validation_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unresolved reference that passes the checks of the schema is not fetched during validation."""
    monkeypatch.setattr("engine.task.schema_validation.check_references", lambda *_, **__: None)
    with pytest.raises(Unresolvable):
        OutputSchema({"$ref": "file:///etc/hostname"}).errors(1)


def test_any_exception_of_a_validator_is_an_error_of_the_output() -> None:
    class Picky(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def none_will_do(cls, a: int) -> int:
            raise KeyError(a)

    assert OutputSchema(Picky).errors({"a": 1}) == ["$: the class's validator raised KeyError: 1"]


def test_part_of_a_schema_that_declares_a_draft_has_the_same_limits(processes: list[str]) -> None:
    part = {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": "^(a+)+$"}
    with pytest.raises(PermissionError):
        OutputSchema({"items": part}).errors(["a" * 40 + "!"])
    assert processes.pop(), "it is a case for a process of its own"


def test_items_are_unique_by_their_json_value() -> None:
    schema = OutputSchema({"uniqueItems": True})
    assert schema.errors([1, True, "1", [1], {"a": 1, "b": 2}]) == []
    assert schema.errors([1, 1.0])
    assert schema.errors([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}])
