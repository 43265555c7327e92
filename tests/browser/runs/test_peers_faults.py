"""Faults of systems like this one: impossible here, or a clear error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import TaskResult
from engine.bundles import BundleStore
from engine.gate.static_checks import findings
from engine.storage.tasks import TaskRecords
from engine.testing import ScriptedModel
from tests.support.pages import BY_CLASS, SHOPS, Pages, keep, pages, replay


@pytest.fixture
def shop() -> Iterator[Pages]:
    with pages() as site:
        site.table(SHOPS)
        yield site


def kinds(result: TaskResult) -> list[str]:
    assert result.error is not None, result.output
    assert result.error.reason == "drift"
    return [b["kind"] for b in result.error.details["breaches"]]


def clean_runs(store: Path, revision: str) -> int:
    records = TaskRecords(store / "default" / "records.sqlite3")
    try:
        return records.run_history.clean_runs(revision)[0]
    finally:
        records.close()


HASTY = """\
async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["trade"]).click(no_wait_after=True)
    return await page.locator("td").all_inner_texts()
"""


async def test_2_a_step_outran_the_navigation_before_it(tmp_path: Path, shop: Pages) -> None:
    links = '<a href="/roofing">Roofing</a> <a href="/joinery">Joinery</a>'
    shop.table(SHOPS, after=links)
    shop.table(SHOPS[:2], "/roofing")
    shop.table(SHOPS[2:], "/joinery")
    shop.slow = {"/roofing", "/joinery"}
    other = {"summary": "shops", "other_parameters": {"trade": "Joinery"}}
    model = ScriptedModel(
        [("write", {"code": HASTY}), ("finish", other)], [("give_up", {"reason": "impossible", "message": "no"})]
    )
    result = await replay(tmp_path, shop, model, parameters={"trade": "Roofing"})
    assert not result.ok
    # What is read too early is the old page for both; or the reading breaks off as the new one comes.
    said = json.dumps(model.requests[-1].messages)
    assert "the output is the same as with the task's own" in said or "most likely because of a navigation" in said
    assert BundleStore(tmp_path / "default").load("k") is None


async def test_6_the_order_of_parameters_and_of_a_query_does_not_count(tmp_path: Path, shop: Pages) -> None:
    code = (
        "async def run(page, parameters, task):\n    return [parameters['a'] + parameters['b'], await page.title()]\n"
    )
    revision = keep(tmp_path, code, ["xy", "Shops"], parameters={"a": "x", "b": "y"})
    for url, parameters in (("/?p=1&q=2", {"a": "x", "b": "y"}), ("/?q=2&p=1", {"b": "y", "a": "x"})):
        result = await replay(
            tmp_path, shop, start_url=shop.url + url, parameters=parameters, task="take DOWN what  the page says"
        )
        assert result.ok, result.error
        assert result.reuse is not None
        assert (result.reuse.revision_id, result.reuse.updated) == (revision, False)


def test_7_values_of_the_first_run_baked_into_the_code() -> None:
    parameters = {"trade": "Joinery & Carpentry", "town": "Harrow"}
    use = "async def run(page, parameters, task):\n"
    use += '    town = parameters["town"]\n    x = parameters["trade"], await page.title()\n'
    baked = (
        "await page.goto('/list?town=Harrow')",
        "page.get_by_text('Joinery & Carpentry')",
        "page.locator('text=Joinery & Carpentry')",
    )
    for line in baked:
        assert any("baked in" in f for f in findings(f"{use}    {line}\n", parameters)), line
    assert findings(use, parameters) == []


async def test_9_a_replay_begins_where_the_request_says_else_where_the_first_run_began(
    tmp_path: Path, shop: Pages
) -> None:
    shop.html["/begin"] = "<title>Begin</title>"
    shop.html["/elsewhere"] = "<title>Elsewhere</title>"
    code = "async def run(page, parameters, task):\n    return [page.url]\n"
    keep(tmp_path, code, [shop.url + "/"], start_url=shop.url + "/begin")
    assert (await replay(tmp_path, shop, start_url=None)).output == [shop.url + "/begin"]
    assert (await replay(tmp_path, shop, start_url=shop.url + "/elsewhere")).output == [shop.url + "/elsewhere"]
    fixed = f"async def run(page, parameters, task):\n    await page.goto('{shop.url}/begin')\n"
    assert any("names the site" in f for f in findings(fixed, {}, start_url=shop.url + "/begin"))


async def test_11_a_class_renamed_is_not_an_empty_list(tmp_path: Path, shop: Pages) -> None:
    keep(
        tmp_path,
        'async def run(page, parameters, task):\n    return await page.locator(".name").all_inner_texts()\n',
        ["x", "y"],
    )
    assert (await replay(tmp_path, shop)).ok
    shop.table(SHOPS, title="", town="")
    assert kinds(await replay(tmp_path, shop)) == ["no-rows"]


async def test_12_a_column_moved_is_not_rows_without_that_field(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS)
    assert (await replay(tmp_path, shop)).ok
    shop.table([(n, t) for n, t in SHOPS], name="", place="")
    assert kinds(await replay(tmp_path, shop)) == ["field-empty"]
    shop.table([(t, n) for n, t in SHOPS], name="", town="")
    assert kinds(await replay(tmp_path, shop)) == ["swapped", "swapped"]


@pytest.mark.parametrize(
    "anything", ["page.get_by_text('')", "page.locator('body')", "page.locator('td.gone').or_(page.locator('html'))"]
)
async def test_13_what_matches_anything_does_not_say_that_there_is_nothing(
    tmp_path: Path, shop: Pages, anything: str
) -> None:
    code = f"async def run(page, parameters, task):\n    await task.empty({anything})\n    return []\n"
    keep(tmp_path, code)
    assert kinds(await replay(tmp_path, shop)) == ["no-rows"]


async def test_14_a_failure_is_never_saved_as_a_success(tmp_path: Path, shop: Pages) -> None:
    broken = "async def run(page, parameters, task):\n    raise ValueError('no such thing')\n"
    model = ScriptedModel(
        [("write", {"code": broken}), ("finish", {"summary": "s"})], [("finish", {"summary": "s"})],
        [("give_up", {"reason": "impossible", "message": "no"})],
    )  # fmt: skip
    assert not (await replay(tmp_path, shop, model)).ok
    assert BundleStore(tmp_path / "default").load("k") is None
    revision = keep(tmp_path, BY_CLASS)
    assert (await replay(tmp_path, shop)).ok
    shop.table(SHOPS, title="", place="")
    assert not (await replay(tmp_path, shop, action_timeout=1)).ok
    assert clean_runs(tmp_path, revision) == 1


async def test_16_nothing_is_made_up_about_an_empty_page(tmp_path: Path, shop: Pages) -> None:
    code = """\
async def run(page, parameters, task):
    return [await task.ask("summarize", await page.locator("body").inner_text())]
"""
    keep(tmp_path, code, ["six shops"])
    shop.html["/"] = "<body> </body>"
    # Who is asked would say anything; NoModel fails the test.
    result = await replay(tmp_path, shop)
    assert result.error is not None
    assert "no content to judge" in result.error.message


async def test_17_the_first_page_is_not_taken_for_the_last(tmp_path: Path, shop: Pages) -> None:
    keep(tmp_path, BY_CLASS)
    assert (await replay(tmp_path, shop)).ok
    shop.table(SHOPS[:3], after='<a href="/2">Next page</a>')
    assert kinds(await replay(tmp_path, shop)) == ["next-left", "cut-off"]
    shop.table(SHOPS[:2])
    assert (await replay(tmp_path, shop)).ok, "one clean run says little of how many rows there are"


@pytest.mark.parametrize(
    "line",
    [
        "page.locator('tr td:nth-child(3)')",
        "page.locator('//div[2]/span[1]')",
        "page.locator('tr').nth(1).locator('td').nth(2)",
    ],
)
def test_18_a_position_learnt_from_one_sample_is_refused(line: str) -> None:
    assert any("position" in f for f in findings(f"async def run(page, parameters, task):\n    x = {line}\n", {}))


async def test_19_the_text_of_an_error_is_no_result(tmp_path: Path, shop: Pages) -> None:
    code = """\
async def run(page, parameters, task):
    return {"heading": await page.get_by_role("heading").inner_text()}
"""
    keep(tmp_path, code, {"heading": "Shops"})
    assert (await replay(tmp_path, shop)).ok
    shop.html["/"] = "<main><h1>An unexpected error has occurred</h1>" + "<p>Shops of the guild.</p>" * 200 + "</main>"
    assert kinds(await replay(tmp_path, shop)) == ["error-text"]


async def test_20_a_repair_may_not_change_what_is_expected(tmp_path: Path, shop: Pages) -> None:
    revision = keep(tmp_path, BY_CLASS)
    assert (await replay(tmp_path, shop)).ok
    shop.table(SHOPS, title="", place="")
    easy = """\
async def run(page, parameters, task):
    return [{"name": n, "town": None} for n in await page.locator(".title").all_inner_texts()]
"""
    wrong = easy.replace('"town": None', '"town": "in " + n')
    turns: list[list[tuple[str, dict[str, Any]]]] = [[("write", {"code": easy})], [("write", {"code": wrong})]]
    model = ScriptedModel(*turns, [("give_up", {"reason": "impossible", "message": "no"})])
    result = await replay(tmp_path, shop, model, action_timeout=2)
    assert not result.ok
    said = json.dumps(model.requests[-1].messages)
    assert "$[*].town: expected a value in 100% of rows, got none" in said
    assert "'town' differs from the last good output in 6 of the 6 rows" in said
    assert BundleStore(tmp_path / "default").load("k").revision.id == revision  # type: ignore[union-attr]  # it is there
