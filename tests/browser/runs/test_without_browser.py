"""A first run that ends without a browser: explored with both, written with one, saved with none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import AsyncEngine
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from fixtures_sites.http import Request
from fixtures_sites.server import FixtureServer, Site
from tests.support.pages import keep
from tests.support.stage import NoModel

SHOPS = Site("shops", about="shops by town", state=SimpleNamespace, versions=("v1",))
STOCK = {"Ashby": ("Lantern House", "Oak & Elm", "The Kettle"), "Corran": ("Harbour Goods", "Net Loft")}
TASK = "List the shops of the town"
PAGE = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?town={parameters['town']}")
    rows = await page.get_by_role("cell").all_inner_texts()
    return [{"name": name} for name in await task.read(rows)]
"""
WEB = """\
async def run(web, parameters, task):
    shops = await web.get(task.start_url, params={"town": parameters["town"]})
    rows = shops.get_by_role("cell").texts
    return [{"name": name} for name in await task.read(rows)]
"""


BY_REQUESTS = """\
import re

async def run(page, parameters, task):
    answer = await page.request.get(task.start_url, params={"town": parameters["town"]})
    return [{"name": name} for name in re.findall("<td>([^<]+)", await answer.text())]
"""


@SHOPS.route("/")
def shops(request: Request) -> str:
    town = request.arg("town") or "Ashby"
    rows = "".join(f"<tr><td>{name}</td></tr>".replace("&", "&amp;") for name in STOCK[town])
    return f"<title>Shops</title><h1>Shops in {town}</h1><table><tr><th>Shop</th></tr>{rows}</table>"


@pytest.fixture
def url() -> Iterator[str]:
    with FixtureServer(SHOPS, version="v1", port=0, tls=False) as site:
        yield site.url


async def test_first_run_ends_without_a_browser_and_replays_so(tmp_path: Path, url: str) -> None:
    tried = "print((await web.get('/', params={'town': 'Corran'})).css('td').texts, await page.title())"
    model = ScriptedModel(
        [("python", {"code": tried}), ("write", {"code": PAGE})],
        [("finish", {"summary": "List shops", "other_parameters": {"town": "Corran"}, "web": WEB})],
    )
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        first = await engine.run(TASK, start_url=url, reuse_key="k", parameters={"town": "Ashby"})
    assert first.ok, first.error
    asked, told = (str(request.messages[-1]) for request in model.requests)
    assert "Its text was served in: <page>\\nHTML GET / 100 %" in asked
    assert "['Harbour Goods', 'Net Loft'] Shops" in told
    assert "the values returned are all in: HTML GET / 100 %" in told
    saved = BundleStore(tmp_path / "default").load("k")
    assert saved is not None
    assert (saved.kind, saved.meta.effects, first.output) == ("web", "read", [{"name": n} for n in STOCK["Ashby"]])
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        results = await engine.map(
            [{"task": TASK, "parameters": {"town": town}} for town in STOCK], start_url=url, reuse_key="k", ai="never"
        )
    assert [[row["name"] for row in result.output] for result in results] == [list(names) for names in STOCK.values()]


async def test_code_that_only_sends_requests_loses_its_browser_as_it_is(tmp_path: Path, url: str) -> None:
    rows = [{"name": name} for name in STOCK["Corran"]]
    keep(tmp_path, BY_REQUESTS, rows, parameters={"town": "Corran"})
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        results = [
            await engine.run(start_url=url, reuse_key="k", parameters={"town": town}, ai="never")
            for town in ("Corran", "Ashby", "Corran")
        ]
    assert all(result.ok for result in results), [result.error for result in results]
    assert [result.reuse.kind for result in results if result.reuse] == ["page", "web", "web"]
    assert results[2].output == rows
    saved = BundleStore(tmp_path / "default").load("k")
    assert saved is not None
    assert "on 2 parameter sets" in saved.committed.body
