"""Code that a redesign breaks without an exception: careless automations, as a model might write them, and what the
contract that was learnt from a good run makes of them. Without it each of these would return a wrong answer quietly."""

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine
from engine.contract import Observed, learn
from engine.task.origins import start_origin
from fixtures_sites import serve
from sandbox import Automation, Egress, Host
from tests.support.saved import TASK, save
from tests.support.stage import NoModel
from tests.support.warm import LentSandbox

PAGED_TABLE = """\
async def run(page, parameters, task):
    rows, number = [], 1
    while True:
        await page.goto(f"{task.start_url}?category=joinery&page={number}")
        cells_of_rows = "all => all.map(r => [...r.cells].map(c => c.innerText))"
        for cells in await page.locator("table tr").evaluate_all(cells_of_rows):
            if cells[0] != "Business":
                rows.append({"name": cells[0], "town": cells[2] if len(cells) > 2 else None})
        if not await page.locator("a[rel=next]").count():
            return rows
        number += 1
"""
SCROLLED_LIST = """\
async def run(page, parameters, task):
    await page.goto(task.start_url + "?topic=harbor")
    stories = page.locator("article")
    await stories.first.wait_for()
    while True:
        before = await stories.count()
        await page.mouse.wheel(0, 20000)
        try:
            await stories.nth(before).wait_for(timeout=3000)
        except Exception:
            return [{"headline": text.splitlines()[0]} for text in await stories.all_inner_texts()]
"""
COLUMNS_BY_NUMBER = """\
async def run(page, parameters, task):
    await page.get_by_label("User name").or_(page.locator("input").first).first.fill("demo")
    await page.locator("input[type=password]").fill("violet-harbor-92")
    await page.get_by_role("button").first.click()
    await page.locator("tbody tr").first.wait_for()
    cells = "all => all.map(r => [...r.cells].map(c => c.innerText.trim()))"
    return [{"number": c[0], "due": c[2], "amount": c[3]} for c in await page.locator("tbody tr").evaluate_all(cells)
            if len(c) > 3]
"""


@pytest.mark.parametrize(
    ("site_name", "code", "noticed"),
    [
        ("directory", PAGED_TABLE, {"field-empty", "no-rows", "count", "next-left"}),
        ("feed", SCROLLED_LIST, {"count", "next-left", "no-rows"}),
        ("ledger", COLUMNS_BY_NUMBER, {"pattern", "field-empty"}),
    ],
)
async def test_silent_failure_is_detected_and_named(
    tmp_path: Path, warm: LentSandbox, site_name: str, code: str, noticed: set[str]
) -> None:
    with serve(site_name) as site:
        where: dict[str, Any] = {"start_url": site.url, "egress": Egress(allow=start_origin(site.url)), "host": Host()}
        good = await warm.run(Automation(code), {}, **where)
        assert good.ok, good.error
        assert len(good.value) > 5
        site.version = "v2"
        quiet = await warm.run(Automation(code), {}, **where)
        assert quiet.ok, "it breaks without an exception"
        assert quiet.value != good.value
        site.version = "v1"
        save(tmp_path, "k", code, contract=learn([Observed(good.value, good.evidence)]))
        async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
            fine = await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never")
            assert fine.output == good.value
            site.version = "v2"
            result = await engine.run(TASK, start_url=site.url, reuse_key="k", ai="never")
    assert result.error is not None
    assert result.error.reason == "drift"
    assert {b["kind"] for b in result.error.details["breaches"]} & noticed, result.error.details["breaches"]
