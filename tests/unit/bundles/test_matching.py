from datetime import UTC, datetime
from typing import Any

import pytest

from engine.bundles import BundleMeta
from engine.bundles.matching import covers, parameter_types

SCHEMA = {"type": "array", "items": {"type": "object", "properties": {"a": {}, "b": {}}}}
META = BundleMeta(
    reuse_key="k",
    tasks=("List the entries of a category",),
    parameters=parameter_types({"category": "x", "limit": 3}, ()),
    output_schema=SCHEMA,
    schema_inferred=False,
    start_url=None,
    allowed_hosts=(),
    effects="read",
    created_at=datetime.now(UTC),
)
GOOD: dict[str, Any] = {"category": "y", "limit": 5}


@pytest.mark.parametrize("task", ["List the entries of a category", "  list THE entries\nof a category "])
@pytest.mark.parametrize(
    "schema", [None, SCHEMA, {"items": {"properties": {"b": {}, "a": {}}, "type": "object"}, "type": "array"}]
)
def test_cosmetic_differences_need_no_update(task: str, schema: Any) -> None:
    coverage = covers(META, task, GOOD, schema)
    assert coverage.refusal is None
    assert coverage.changed is None


@pytest.mark.parametrize(
    "parameters", [{"category": "y"}, {"category": 1, "limit": 5}, {"category": "y", "limit": "5"}]
)
def test_missing_or_mistyped_parameters_are_refused(parameters: dict[str, Any]) -> None:
    refusal = covers(META, META.tasks[0], parameters, None).refusal
    assert refusal is not None
    assert refusal.reason == "parameters"


def test_numbers_and_nulls_are_not_another_type() -> None:
    assert covers(META, META.tasks[0], {"category": None, "limit": 5.0}, None).refusal is None


def test_new_text_schema_or_parameters_need_an_update() -> None:
    assert "task" in str(covers(META, "List the people", GOOD, None).changed)
    assert "schema" in str(covers(META, META.tasks[0], GOOD, {"type": "object"}).changed)
    assert "extra" in str(covers(META, META.tasks[0], GOOD | {"extra": 1}, None).changed)
    both = covers(META, "List the people", GOOD, {"type": "object"})
    assert both.changed == "the output schema has changed; the task now reads: List the people"
    assert (both.reworded, covers(META, "List the people", GOOD, None).reworded) == (False, True)


def test_text_that_fits_a_template_gives_the_values_it_names() -> None:
    meta = META.model_copy(update={"templates": ("List the first {limit} entries of {category}",)})
    text = "list the first 12 entries of A5"
    assert covers(meta, text, {}, None).named == {"category": "A5", "limit": 12}
    assert covers(meta, text, {"category": "A5", "limit": 12}, None).named == {}
    assert covers(meta, text, {"category": "B6"}, None).changed is not None
    assert covers(meta, "List all entries", {}, None).changed == "the task now reads: List all entries"


def test_inferred_schema_is_not_binding() -> None:
    meta = META.model_copy(update={"schema_inferred": True})
    assert covers(meta, META.tasks[0], GOOD, {"type": "object"}).changed is None


def test_misspelled_parameter_is_named() -> None:
    refusal = covers(META, META.tasks[0], {"categry": "y", "limit": 5}, None).refusal
    assert refusal is not None
    assert "unknown: ['categry']" in refusal.message
