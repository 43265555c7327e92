"""A result without rows, where the same parameters gave some before."""

from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskResult
from engine.contract import Observed, learn
from fixtures_sites import FixtureServer
from sandbox import Evidence, PoolOptions
from tests.support.saved import TASK, save
from tests.support.stage import NoModel


async def replay(store: Path, site: FixtureServer, q: str, ai: Any = "never") -> TaskResult:
    async with AsyncEngine(store=store, model=NoModel(), pool=PoolOptions(spare=0)) as engine:
        url = site.url.rstrip("/") + "/list"
        return await engine.run(TASK, start_url=url, reuse_key="k", parameters={"q": q}, ai=ai)


async def test_the_same_parameters_that_gave_rows_are_warned_of(tmp_path: Path, site: FixtureServer) -> None:
    code = """\
async def run(page, parameters, task):
    names = await page.locator("main h3").all_inner_texts()
    if not names:
        await task.empty(page.locator("main"))
    return [{"name": name} for name in names]
"""
    save(tmp_path, "k", code, parameters={"q": "a"}, contract=learn([Observed([{"name": "x"}], Evidence())]))
    assert (await replay(tmp_path, site, "a")).warnings == ()
    site.state.listing = "empty"
    result = await replay(tmp_path, site, "a")
    assert result.output == []
    assert "gave rows before" in result.warnings[0]
    other = await replay(tmp_path, site, "b")
    assert other.error is not None
    assert other.error.reason == "drift"
    assert "none any more" in other.error.message
