import json
import time
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, field_validator
from referencing.exceptions import Unresolvable

from engine import InvalidRequest
from engine.task.schema import OutputSchema, infer, same_schema, schema_in_force
from engine.task.schema_words import check_words


class Book(BaseModel):
    title: str
    price: float | None = None


def test_errors_have_a_json_path() -> None:
    schema = OutputSchema({"type": "array", "items": {"$ref": "#/$defs/b"}, "$defs": {"b": {"required": ["title"]}}})
    assert schema.errors([{"title": "x"}]) == []
    assert schema.errors([{"title": "x"}, {}]) == ["$[1]: 'title' is a required property"]


def test_file_in_the_place_of_a_text_says_what_goes_there() -> None:
    schema = OutputSchema({"properties": {"scan": {"type": "string"}, "year": {"type": "integer"}}})
    file = {"name": "a.pdf", "content_type": "application/pdf", "size": 1, "sha256": "0" * 64, "path": "/a.pdf"}
    (found,) = schema.errors({"scan": file})
    assert found.endswith('for a file, put its "path" there')
    assert schema.errors({"scan": file["path"]}) == []
    assert "path" not in schema.errors({"year": "2024"})[0]


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
        ({"items": {"$recursiveRef": "#"}}, 'use "\\$ref": "#"'),
        ({"properties": {"a": {"type": "string", "nullable": True}}}, "'nullable' is not supported"),
        ({"dependencies": {"a": ["b"]}}, "use dependentRequired"),
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


class Kind(Enum):
    A = "a"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    price: Decimal
    kind: Kind
    tags: tuple[str, ...]
    seen: datetime


def test_class_in_strict_mode_is_satisfied_by_what_json_can_say() -> None:
    schema, value = OutputSchema(Strict), {"day": "2026-01-02", "price": "1.5", "kind": "a", "tags": ["x"]}
    made = schema.construct({**value, "seen": "2026-01-02T03:04:05"})
    assert made == Strict(day=date(2026, 1, 2), price=Decimal("1.5"), kind=Kind.A, tags=("x",), seen=made.seen)
    assert schema.errors({**value, "seen": "2026-01-02T03:04:05"}) == []
    (error,) = schema.errors({**value, "kind": "a", "seen": "yesterday"})
    assert error.startswith("$.seen:")


@pytest.mark.parametrize(
    ("value", "step", "fits"),
    [
        (19.99, 0.01, True),
        (4.35, 0.05, True),
        (0.3, 0.1, True),
        (1e22, 0.01, True),
        (10**400, 7, False),
        (19.995, 0.01, False),
    ],
)
def test_multiples_are_counted_in_decimals(value: float, step: float, fits: bool) -> None:
    assert (OutputSchema({"multipleOf": step}).errors(value) == []) is fits


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", ["2026-01-02T03:04:05Z", "2026-01-02t03:04:60.5+01:00"], ["2026-02-30T03:04:05Z"]),
        ("date-time", [], ["2026-01-02T03:04:05", "2026-01-02"]),
        ("date", ["2026-01-02"], ["2026-13-02", "02.01.2026"]),
        ("time", ["03:04:05Z", "03:04:05.123-09:30"], ["24:00:00Z", "03:04Z", "03:04:05"]),
        ("duration", ["PT5M", "P1Y2M3DT4H", "P2W", "PT0.5S"], ["P", "PT", "5M", "P1H"]),
        ("email", ["a@example.com"], ["nobody"]),
        ("hostname", ["example.com", "localhost", "xn--bcher-kva.example"], ["-a.com", "a..b", "a b", "a" * 64]),
        ("ipv4", ["192.0.2.1"], ["192.0.2.256"]),
        ("ipv6", ["::1"], ["1::2::3"]),
        ("uri", ["https://u@[::1]:8/a?b=%20#c", "mailto:a@b.c", "urn:x:y"], ["//a/b", "http://a b"]),
        ("uri", [], ["http://ü/", "a://[b", "x:%zz"]),
        ("uri-reference", ["//a/b", "../c?d#e", "", "x/y:z"], ["a b", "1:2", "#a#b", "\\\\"]),
        ("iri", ["https://bücher.example/ä"], ["bücher", "https://a b"]),
        ("iri-reference", ["/ä?ö#ü"], ["ä b", "<a>"]),
        ("uuid", ["12345678-1234-5678-1234-567812345678"], ["12345678"]),
        ("uri-template", ["/a/{b}{?c*,d:3}"], ["/a/{b", "/a/{}", "a b"]),
        ("json-pointer", ["", "/a/0/~0~1"], ["a", "/~2"]),
        ("relative-json-pointer", ["0", "1/a", "2#"], ["/a", "01/a", "-1"]),
        ("regex", ["a+"], ["("]),
    ],
)  # fmt: skip
def test_every_format_of_the_draft_is_checked(name: str, good: list[str], bad: list[str]) -> None:
    schema = OutputSchema({"type": "string", "format": name})
    assert schema.warnings == ()
    assert {text: schema.errors(text) for text in good} == {text: [] for text in good}
    assert [text for text in bad if not schema.errors(text)] == []


def test_saved_schema_takes_what_it_took_when_it_was_saved() -> None:
    saved = {"properties": {"at": {"type": "string", "format": "date-time", "nullable": True}}}
    schema = schema_in_force(None, saved)
    assert schema is not None
    assert schema.json_schema == saved
    assert schema.errors({"at": "2026-01-02T03:04:05"}) == []
    assert schema.errors({"at": "yesterday"})


def test_unknown_words_and_formats_are_warned_of() -> None:
    schema = OutputSchema({
        "type": "object", "x-mine": 1, "requird": ["a"], "example": {"nullable": True},
        "properties": {"requird": {"format": "wibble"}, "nullable": {"const": {"nullable": True}}},
    })  # fmt: skip
    assert schema.warnings == (
        "output_schema: the keyword 'requird' is unknown, and so was ignored; did you mean 'required'?",
        "output_schema: the format 'wibble' is unknown, and so was not checked",
    )


FILE = {"name": "a.pdf", "content_type": "application/pdf", "size": 3, "sha256": "0" * 64, "path": "/x/a.pdf"}


def test_attachment_is_replaced_where_a_schema_stands_and_left_alone_where_data_does() -> None:
    data = {"type": "attachment"}
    for word in ({"const": data}, {"enum": [data]}, {"type": "object", "examples": [data], "default": data}):
        assert OutputSchema({"properties": {"a": word}}).errors({"a": data}) == []
    assert OutputSchema({"properties": {"const": data}}).errors({"const": data})
    either = OutputSchema({"type": ["attachment", "null"]})
    assert (either.errors(FILE), either.errors(None)) == ([], [])
    assert either.errors({"name": "a.pdf"})


def test_thousands_of_unknown_keywords_are_told_in_few_warnings() -> None:
    known = [{f"keyword{n:05d}": 1} for n in range(3_000)]
    began = time.thread_time()
    warnings = check_words({"properties": {str(n): each for n, each in enumerate(known)}})
    assert time.thread_time() - began < 2
    assert len(warnings) == 21
    assert warnings[-1] == "output_schema: 2980 further keywords are unknown, and so were ignored"
