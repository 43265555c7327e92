"""Results that the code alone cannot settle: nothing where there was something, and nulls that were never met."""

from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.contract import Observed, learn
from engine.task.schema import infer
from fixtures_sites import FixtureServer
from sandbox import Evidence, PoolOptions
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

ROWS = """\
async def run(page, parameters, task):
    if (await page.locator("h1").inner_text()) not in ("Hand tools",):
        raise ValueError("another page")
    rows = {rows}[parameters["q"]]
    if not rows:
        await page.locator("h1").evaluate("e => {{ e.textContent = 'Nothing found' }}")
        await task.empty(page.get_by_text("Nothing found"))
    return rows
"""


def saved(store: Path, rows: dict[str, Any]) -> None:
    good = [{"price": 1.5}]
    contract = learn([Observed(good, Evidence())])
    save(store, "k", ROWS.format(rows=rows), parameters={"q": "a"}, contract=contract, schema=infer([good]))


async def replay(store: Path, site: FixtureServer, q: str, ai: Any = "never") -> TaskResult:
    async with AsyncEngine(store=store, model=NoModel(), pool=PoolOptions(spare=0)) as engine:
        url = site.url.rstrip("/") + "/list"
        return await engine.run(TASK, start_url=url, reuse_key="k", parameters={"q": q}, ai=ai)


async def test_nothing_is_believed_while_other_parameters_still_give_rows(tmp_path: Path, site: FixtureServer) -> None:
    saved(tmp_path, {"a": [{"price": 2.5}], "none": []})
    assert (await replay(tmp_path, site, "a")).ok
    result = await replay(tmp_path, site, "none")
    assert result.output == []
    assert [a.kind for a in result.attempts] == ["replay", "check"]


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


async def test_nulls_not_met_before_are_admitted_once_other_parameters_still_work(
    tmp_path: Path, site: FixtureServer
) -> None:
    saved(tmp_path, {"a": [{"price": 2.5}], "free": [{"price": None}]})
    assert (await replay(tmp_path, site, "a")).ok
    result = await replay(tmp_path, site, "free")
    assert result.ok, result.error
    assert result.output == [{"price": None}]
    assert result.model_calls == 0
    assert "not met before" in result.warnings[0]
    assert result.reuse is not None
    assert result.reuse.updated
    again = await replay(tmp_path, site, "free")
    assert (again.warnings, [a.kind for a in again.attempts]) == ((), ["replay"])
    subjects = [r.subject for r in BundleStore(tmp_path / "default").history("k")]
    assert subjects == ["Widen: data of a kind not met before", "Saved by hand"]
