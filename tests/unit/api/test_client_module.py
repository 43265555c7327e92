"""The module that calls a saved automation: what it says, and that it does what it says."""

from __future__ import annotations

import ast
import sys
import types
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import InvalidRequest
from engine.api.client_module import client_module
from engine.bundles import Bundle, BundleMeta, Parameter

BOOKS = {"type": "array", "items": {"type": "object", "required": ["title"], "properties": {
    "title": {"type": "string"}, "year founded": {"type": ["integer", "null"]},
    "cover": {"type": "attachment"}}}}  # fmt: skip


def bundle(key: str, schema: dict[str, Any] | None, parameters: dict[str, Parameter]) -> Bundle:
    meta = BundleMeta(
        reuse_key=key, tasks=('List the books of a "shelf""""', ), parameters=parameters, output_schema=schema,
        created_at=datetime.now(UTC),
    )  # fmt: skip
    return Bundle(meta=meta, automation="", contract={}, notes="", resources={}, revision=None)


def module(source: str, output: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with an engine that returns this output and notes what it was asked."""
    made = types.ModuleType("made")
    monkeypatch.setitem(sys.modules, "made", made)  # pydantic looks names of classes up there
    exec(compile(source, "made.py", "exec"), made.__dict__)
    asked: dict[str, Any] = {}

    class Asked:
        def run(self, **given: Any) -> Any:
            asked.update(given)
            return types.SimpleNamespace(output=output)

    made.engine = Asked()  # type: ignore[attr-defined]  the module's own
    made.asked = asked  # type: ignore[attr-defined]  the module's own
    return made


def test_a_list_of_objects_comes_as_instances_of_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"shelf": Parameter(type="string"), "most": Parameter(type="integer"),
                  "password": Parameter(type="string", secret=True)}  # fmt: skip
    source = client_module(bundle("books", BOOKS, parameters), "my-store")
    assert "def books(shelf: str, most: int, password: str) -> list[Book]:" in source
    made = module(source, [{"title": "Emma", "year founded": 1815}, {"title": "Emil"}], monkeypatch)
    first, second = made.books("Novels", most=2, password="p")
    assert (type(first).__name__, first.title, first.year_founded, second.year_founded) == ("Book", "Emma", 1815, None)
    assert made.asked == {
        "reuse_key": "books", "parameters": {"shelf": "Novels", "most": 2, "password": "p"}, "secrets": ["password"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "returned", "output"),
    [
        (None, "Any", {"x": 1}),
        ({"type": "integer"}, "int", 3),
        ({"type": "array", "items": {"type": "string"}}, "list[str]", ["a"]),
        ({"type": "array"}, "list[Any]", [1]),
    ],
)
def test_plain_outputs_need_no_class(schema: Any, returned: str, output: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = client_module(bundle("My Key!", schema, {}), "my-store")
    assert f"def my_key() -> {returned}:" in source
    assert module(source, output, monkeypatch).my_key() == output


def test_an_object_is_a_class_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"rows": BOOKS, "total": {"type": "integer"}}}
    source = client_module(bundle("class", schema, {}), "my-store")
    found = module(source, {"rows": [{"title": "Emma"}], "total": 1}, monkeypatch).task_class()
    assert (type(found).__name__, found.rows[0].title, found.total) == ("TaskClass", "Emma", 1)


def test_a_parameter_that_no_argument_can_be_named_for_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'from' cannot be the name of an argument"):
        client_module(bundle("k", None, {"from": Parameter(type="string")}), "my-store")


def test_docstrings_of_long_tasks_keep_to_their_indent() -> None:
    saved = bundle("books", BOOKS, {})
    task = "List each book of the shelf with its title and the year in which it was founded, " * 2
    text = client_module(replace(saved, meta=saved.meta.model_copy(update={"tasks": (task.strip(),)})), "my-store")
    tree = ast.parse(text)
    (function,) = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "books"]
    assert "\n " not in (ast.get_docstring(tree, clean=False) or "")
    assert (ast.get_docstring(function) or "").partition("\n\nRaises")[0].replace("\n", " ") == task.strip()
