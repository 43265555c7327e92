"""A request that the saved automation was not written for: refused, updated, or not changed at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Event
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from tests.support.pages import BY_CLASS, SHOPS, Pages, keep, pages, replay
from tests.support.saved import TASK
from tests.support.stage import NoModel

ROWS = [{"name": n, "town": t} for n, t in SHOPS]
NAMED = "async def run(page, parameters, task):\n    return await page.locator('.name').all_inner_texts()\n"
DONE = [("finish", {"summary": "done"})]


@pytest.fixture
def shop() -> Iterator[Pages]:
    with pages() as site:
        site.table(SHOPS)
        yield site


def rows(*names: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "required": list(names), **more}}


def writes(code: str) -> ScriptedModel:
    return ScriptedModel([("write", {"code": code}), *DONE], ask=lambda request: '{"same": false}')


@pytest.mark.parametrize("parameters", [{}, {"q": 1}, {"Q": "a"}])
async def test_missing_or_mistyped_parameters_are_refused_before_a_browser_starts(
    tmp_path: Path, shop: Pages, parameters: dict[str, Any]
) -> None:
    keep(tmp_path, BY_CLASS, parameters={"q": "a"})
    events: list[Event] = []
    result = await replay(tmp_path, shop, NoModel(), parameters=parameters, on_event=events.append)
    assert result.error is not None
    assert result.error.reason == "parameters"
    assert not {"replay.started", "update.started"} & {e.type for e in events}
    assert result.attempts == ()


async def test_another_task_text_updates_and_both_are_covered(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS)
    model = writes(BY_CLASS + "# the same\n")
    result = await replay(tmp_path, shop, model, task="Take down the shops")
    assert result.ok, result.error
    assert [a.kind for a in result.attempts] == ["confirm", "update"]
    assert "The saved automation:" in str(model.requests[1].messages)
    for task in (TASK, "take  down the SHOPS"):
        again = await replay(tmp_path, shop, NoModel(), task=task)
        assert again.ok, again.error
        assert [a.kind for a in again.attempts] == ["replay"]


async def test_an_update_that_gives_less_covers_the_new_text_alone(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS)
    assert (await replay(tmp_path, shop, writes(NAMED), task="The names alone")).ok
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.meta.tasks == ("The names alone",)


async def test_another_schema_updates_and_both_are_covered_where_the_output_fits_both(
    tmp_path: Path, shop: Pages
) -> None:
    first, second, strict = rows("name"), rows("name", "town"), rows(additionalProperties=False)
    assert (await replay(tmp_path, shop, writes(BY_CLASS), output_schema=first)).ok
    model = writes(BY_CLASS + "# the same\n")
    assert [a.kind for a in (await replay(tmp_path, shop, model, output_schema=second)).attempts] == ["update"]
    for schema in (first, second, None):
        again = await replay(tmp_path, shop, NoModel(), output_schema=schema)
        assert [a.kind for a in again.attempts] == ["replay"], again.error
    reduced = await replay(tmp_path, shop, output_schema=strict)
    assert reduced.error is not None
    assert reduced.error.reason == "not-covered"


async def test_more_parameters_update(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS)
    code = BY_CLASS.replace("    return rows", "    return [r for r in rows if r['town'] == parameters['town']]")
    model = ScriptedModel(
        [("write", {"code": code}), ("finish", {"summary": "by town", "other_parameters": {"town": "Harrow"}})]
    )
    result = await replay(tmp_path, shop, model, parameters={"town": "Ashby"})
    assert result.ok, result.error
    assert [a.kind for a in result.attempts] == ["update"]
    assert len(result.output) == 2
