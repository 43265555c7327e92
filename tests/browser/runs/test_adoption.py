"""Edits by hand: through the gate and committed, or refused and left as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, InvalidRequest, TaskResult
from engine.bundles import BundleStore
from engine.errors import BundleNotFound
from fixtures_sites import FixtureServer, serve
from tests.support.saved import TASK, save
from tests.support.stage import NoModel, tree

NAMES = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="Accept all").click()
    await page.get_by_role("link", name=parameters["category"]).click()
    await page.locator("tbody tr").first.wait_for()
    return [{"name": name} for name in await page.locator("tbody a").all_inner_texts()]
"""
SHOUTED = NAMES.replace('"name": name', '"name": name.upper()')
ADOPT: dict[str, Any] = {"parameters": {"category": "Surveying"}, "other_parameters": {"category": "Stonemasonry"}}


@pytest.fixture
async def guide(tmp_path: Path) -> AsyncIterator[FixtureServer]:
    with serve("directory") as server:
        schema = {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        }
        save(tmp_path, "k", NAMES, parameters={"category": ""}, start_url=server.url, schema=schema)
        yield server


def edit(store: Path, code: str, file: str = "automation.py") -> None:
    (store / "default" / "bundles" / "k" / file).write_text(code)


async def adopt(store: Path, **more: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=NoModel()) as engine:
        return await engine.adopt("k", **more)


async def test_a_good_edit_is_committed_and_replayed(tmp_path: Path, guide: FixtureServer) -> None:
    edit(tmp_path, SHOUTED)
    edit(tmp_path, "mine", "mine.txt")
    result = await adopt(tmp_path, **ADOPT)
    assert result.ok, result.error
    assert result.reuse is not None
    assert (result.reuse.updated, result.model_calls, [a.kind for a in result.attempts]) == (True, 0, ["adopt"])
    bundles = BundleStore(tmp_path / "default")
    head = bundles.load("k")
    assert head is not None
    assert head.revision is not None
    assert (head.automation, head.revision.id) == (SHOUTED, result.reuse.revision_id)
    assert head.revision.subject == "Adopt: automation.py, mine.txt"
    assert head.contract["output"], "what the edited code gives is learnt"
    assert bundles.edited("k") == ()
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        again = await engine.run(TASK, reuse_key="k", parameters={"category": "Surveying"}, ai="never")
        assert again.output == result.output
        assert again.output[0]["name"].isupper()
        # The parameters of the last good run are at hand now.
        edit(tmp_path, NAMES)
        assert (await engine.adopt("k")).ok


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (SHOUTED.replace("name.upper()", "None"), "is not of type 'string'"),
        (NAMES.replace('name=parameters["category"]', 'name="Surveying"'), "Surveying"),
        (NAMES.replace('"name": name', '"title": name'), "'name' is a required property"),
        ("import requests\n" + NAMES, "requests"),
        ("async def run(page", "never closed"),
    ],
)
async def test_a_bad_edit_is_refused_and_stays(tmp_path: Path, guide: FixtureServer, code: str, why: str) -> None:
    edit(tmp_path, code)
    before = tree(tmp_path / "default" / "bundles" / "k")
    result = await adopt(tmp_path, **ADOPT)
    assert result.error is not None
    assert (result.error.reason, result.reuse is not None and result.reuse.updated) == ("edit-refused", False)
    assert why in result.error.message
    assert tree(tmp_path / "default" / "bundles" / "k") == before


async def test_the_site_is_to_blame_where_it_is(tmp_path: Path, guide: FixtureServer, site: FixtureServer) -> None:
    edit(tmp_path, SHOUTED)
    result = await adopt(tmp_path, start_url=f"{site.url}dead", **ADOPT)
    assert result.error is not None
    assert result.error.reason == "connection-lost"


async def test_what_cannot_be_adopted_is_told(tmp_path: Path, guide: FixtureServer) -> None:
    nothing = await adopt(tmp_path, **ADOPT)
    assert nothing.error is not None
    assert (nothing.error.code, nothing.error.reason) == ("rejected", "nothing-edited")
    edit(tmp_path, SHOUTED)
    BundleStore(tmp_path / "default").pin("k")
    pinned = await adopt(tmp_path, **ADOPT)
    assert pinned.error is not None
    assert pinned.error.reason == "pinned"
    with pytest.raises(InvalidRequest, match="give category"):
        await adopt(tmp_path)
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        with pytest.raises(BundleNotFound):
            await engine.adopt("nobody")
