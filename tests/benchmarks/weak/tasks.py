"""Tasks for weak models: what is asked, the right code, and the right rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fixtures_sites.scenarios import SCENARIOS
from fixtures_sites.truths import truth
from tests.benchmarks.weak.sites import firms_of, people_of, wares_of

Changes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WeakTask:
    """One task.

    Args:
        site: The site that has it: one of the fixture sites, or "guild".
        path: The page that it starts on.
        task: Its text.
        parameters: Its parameters, and those of the later run.
        code: Right code.
        first_page: Changes of the code by which it reads the first part of the list alone.
        swapped: Changes by which a field has the values of another.
        hasty: Changes by which it does not wait for what must appear; empty where nothing comes late.
        rows: The right rows for parameters.
    """

    site: str
    path: str
    task: str
    parameters: tuple[Mapping[str, Any], Mapping[str, Any]]
    code: str
    rows: Callable[[Mapping[str, Any]], Any]
    first_page: Changes = ()
    swapped: Changes = ()
    hasty: Changes = ()
    output_schema: Mapping[str, Any] | None = None
    secrets: tuple[str, ...] = ()


def _recorded(site: str) -> str:
    """Return the code that a strong model wrote for a fixture site."""
    lines = SCENARIOS[site].recording("explore").read_text(encoding="utf-8").splitlines()
    blocks = [block for line in lines for block in json.loads(line).get("content", ())]
    return str(next(block["input"]["code"] for block in blocks if block.get("name") == "write"))


def _fixture(site: str, other: Mapping[str, Any], **how: Any) -> WeakTask:
    scenario = SCENARIOS[site]
    return WeakTask(
        site,
        scenario.start_path,
        scenario.task,
        (scenario.parameters, {**scenario.parameters, **other}),
        _recorded(site),
        lambda parameters: truth(site, parameters),
        output_schema=scenario.output_schema,
        secrets=scenario.secrets,
        **how,
    )


_WARES = """\
import re
from urllib.parse import urljoin


async def run(page, parameters, task):
    await page.get_by_label("Tree").select_option(parameters["tree"])
    await page.get_by_role("button", name="Show").click()
    stated = page.get_by_text(re.compile(r"^[0-9]+ wares of"))
    await stated.wait_for()
    results = []
    while True:
        for text in await page.get_by_role("listitem").all_inner_texts():
            name, price = text.rsplit(" £", 1)
            results.append({"name": name, "price": float(price)})
        following = page.get_by_role("link", name="Next")
        if not await following.count():
            return results
        await page.goto(urljoin(page.url, await following.get_attribute("href")))
        await stated.wait_for()
"""
_PEOPLE = """\
async def run(page, parameters, task):
    group = parameters["group"]
    first = page.locator("tbody tr").first
    before = await first.inner_text()
    await page.get_by_role("button", name=group, exact=True).click()
    drawn = page.locator("template#" + group)
    wanted = await drawn.evaluate("t => t.content.querySelector('td').textContent")
    await page.get_by_role("cell", name=wanted, exact=True).wait_for()
    rows = await page.locator("tbody tr").evaluate_all(
        "all => all.map(r => [...r.cells].map(c => c.textContent.trim()))")
    results = [{"name": name, "office": office, "since": int(since)} for name, office, since in rows]
    return results
"""
_FIRMS = """\
async def run(page, parameters, task):
    rows = await page.locator("tbody tr").evaluate_all(
        "all => all.map(r => [...r.cells].map(c => c.textContent.trim()))")
    await task.read(rows)
    results = [{"number": number, "firm": firm} for number, firm, town in rows if town == parameters["town"]]
    return results
"""
TASKS = (
    _fixture(
        "directory",
        {"category": "Electrical Work"},
        first_page=(("if last == total and not await next_link.count():", "if True:"),),
        swapped=(('"town": town', '"town": name'),),
    ),
    _fixture(
        "feed",
        {"topic": "Council"},
        first_page=(("if offset >= total:", "if True:"),),
        swapped=(('"author": story["author"]', '"author": story["title"]'),),
    ),
    _fixture("ledger", {"status": "Disputed"}, swapped=(('cells[at["Client"]]', 'cells[at["Number"]]'),)),
    _fixture("archive", {"year": 2022}, swapped=(('"title": title', '"title": number'),)),
    WeakTask(
        "guild", "/wares", "List all wares of the given tree: name, and price in pounds as a number.",
        ({"tree": "Larch"}, {"tree": "Maple"}), _WARES, wares_of,
        first_page=(("if not await following.count():", "if True:"),), swapped=(('"name": name', '"name": price'),),
    ),
    WeakTask(
        "guild", "/people", "List the people of the given group: name, office, and since when as a number.",
        ({"group": "Retired"}, {"group": "Serving"}), _PEOPLE, people_of,
        swapped=(('"office": office', '"office": name'),),
        hasty=(('    await page.get_by_role("cell", name=wanted, exact=True).wait_for()\n', ""),),
    ),
    WeakTask(
        "guild", "/register", "List the firms of the register that are in the given town: number and firm.",
        ({"town": "Stoke"}, {"town": "Ryde"}), _FIRMS, firms_of,
        first_page=(('"tbody tr")', '"tbody tr:nth-child(-n+50)")'),), swapped=(('"firm": firm', '"firm": number'),),
    ),
)  # fmt: skip
