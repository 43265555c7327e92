"""Foreign schemas that take long, in the process that is stopped after its time."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidRequest, SchemaTooSlow
from engine.task import schema_process
from engine.task.schema import OutputSchema

BACKTRACKS = "^(a+)+$"
TWO_WAYS = {
    "$ref": "#/$defs/a",
    "$defs": {"a": {"anyOf": [{"items": {"$ref": "#/$defs/a"}, "minItems": n} for n in (2, 3)]}},
}


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_process, "_SECONDS", 1.0)


@pytest.fixture
def much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as what ends needs on a busy machine."""
    monkeypatch.setattr(schema_process, "_SECONDS", 30.0)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"pattern": BACKTRACKS}}, ["a" * 40 + "!"]),
        ({"additionalProperties": False, "patternProperties": {BACKTRACKS: {}}}, {"a" * 40 + "!": 1}),
        (TWO_WAYS, nested(70)),
    ],
    ids=["pattern", "names", "references"],
)
@pytest.mark.usefixtures("little_time")
def test_slow_comparison_is_stopped(schema: dict[str, Any], value: Any) -> None:
    with pytest.raises(SchemaTooSlow, match="give it simpler patterns"):
        OutputSchema(schema).errors(value)


@pytest.mark.usefixtures("much_time")
def test_pattern_that_could_backtrack_is_applied_all_the_same() -> None:
    schema = OutputSchema({"items": {"type": "string", "pattern": BACKTRACKS}})
    assert schema.errors(["aa", "é\ud800"]) == ["$[1]: 'é\\ud800' does not match '^(a+)+$'"]
    assert schema.errors(["aa"]) == []


@pytest.mark.usefixtures("little_time")
def test_schema_that_is_slow_to_check_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="takes more than 2 s") as refused:
        OutputSchema({"properties": {str(n): {"pattern": f"^(a|[b-y]){{{n}}}z$"} for n in range(8_000)}})
    assert refused.value.details["field"] == "output_schema"


@pytest.mark.usefixtures("much_time")
def test_ten_thousand_rows_are_compared_in_linear_time() -> None:
    rows = [{"name": f"row {n}", "price": n / 4} for n in range(10_000)]
    item = {"properties": {"name": {"type": "string"}, "price": {"type": "number"}}, "required": ["name", "price"]}
    schema = OutputSchema({"type": "array", "items": item, "uniqueItems": True})
    assert schema.errors(rows) == []
    (found,) = schema.errors([*rows, {"price": 0, "name": "row 0"}])
    assert found.endswith("has non-unique elements")


@pytest.mark.usefixtures("much_time")
def test_large_schema_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_process, "_INLINE_SECONDS", 0.0)
    large = {"properties": {f"field {n}": {"type": "string", "maxLength": n} for n in range(1_000)}}
    assert OutputSchema(large).errors({"field 1": "ab"}) == ["$['field 1']: 'ab' is too long"]
    hits = schema_process._refusal.cache_info().hits
    OutputSchema(large)
    assert schema_process._refusal.cache_info().hits == hits + 1
    with pytest.raises(InvalidRequest, match="not a valid JSON Schema"):
        OutputSchema(large | {"minItems": "x"})
