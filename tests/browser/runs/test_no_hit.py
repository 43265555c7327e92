"""A search without a hit, where the saved code waits for rows: the code is taught what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import AsyncEngine, Limits
from engine.testing import ScriptedModel
from fixtures_sites.http import Request
from fixtures_sites.server import FixtureServer, Site
from tests.support.pages import keep
from tests.support.saved import TASK
from tests.support.stage import NoModel

SEARCH = Site("search", about="a search", state=SimpleNamespace, versions=("v1",))
WARES = ("Oak desk", "Oak chair", "Elm desk")

CODE = """\
from urllib.parse import urlencode

async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?{urlencode({'q': parameters['q']})}")
    rows = page.locator("td.name")
    await rows.first.wait_for(timeout=4000)
    return [{"name": name} for name in await rows.all_inner_texts()]
"""
TAUGHT = {
    "old": "    await rows.first.wait_for(timeout=4000)\n",
    "new": "    none = page.get_by_text('No products matched')\n    await rows.first.or_(none).wait_for(timeout=4000)\n"
    "    if await none.count():\n        await task.empty(none)\n        return []\n",
}


@SEARCH.route("/")
def found(request: Request) -> str:
    q = request.arg("q")
    rows = "".join(f"<tr><td class=name>{name}</td></tr>" for name in WARES if q.lower() in name.lower())
    shown = f"<table>{rows}</table>" if rows else f"<p>No products matched “{q}”.</p>"
    return f"<title>Shop</title><h1>Products</h1>{shown}"


@pytest.fixture
def url() -> Iterator[str]:
    with FixtureServer(SEARCH, version="v1", port=0, tls=False) as site:
        yield site.url


async def test_code_is_taught_to_return_no_rows_and_later_needs_no_model(tmp_path: Path, url: str) -> None:
    keep(tmp_path, CODE, [{"name": name} for name in WARES[:2]], parameters={"q": "oak"})
    model = ScriptedModel([("write", {"edits": [TAUGHT]}), ("finish", {"summary": "taught"})])

    async def search(engine: AsyncEngine, q: str) -> tuple[object, int]:
        result = await engine.run(TASK, start_url=url, reuse_key="k", parameters={"q": q})
        assert result.ok, result.error
        return result.output, result.model_calls

    limits = Limits(action_timeout=5)
    async with AsyncEngine(store=tmp_path, model=model, limits=limits) as engine:
        assert await search(engine, "oak") == ([{"name": "Oak desk"}, {"name": "Oak chair"}], 0)
        assert await search(engine, "teak") == ([], 1)
    async with AsyncEngine(store=tmp_path, model=NoModel(), limits=limits) as engine:
        assert await search(engine, "yew") == ([], 0)
        assert await search(engine, "elm") == ([{"name": "Elm desk"}], 0)
