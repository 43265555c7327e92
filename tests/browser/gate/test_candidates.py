"""Candidates that use too much, and requests that exploring sent to the site."""

from pathlib import Path

from engine import AsyncEngine
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer

GREEDY = """\
async def run(page, parameters, task):
    return [(await page.title())[:1] * (16 << 20)]
"""
MODEST = "async def run(page, parameters, task):\n    return [await page.title()]\n"


async def test_a_candidate_that_passes_a_limit_is_told_so_and_may_be_mended(
    tmp_path: Path, site: FixtureServer
) -> None:
    model = ScriptedModel(
        [("write", {"code": GREEDY})],
        [("write", {"code": MODEST}), ("finish", {"summary": "less"})],
    )
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        result = await engine.run("The title", start_url=site.url, reuse_key="k")
    assert result.ok, result.error
    assert "limit" in str(model.requests[1].messages[-1])


async def test_what_exploring_sent_makes_the_automation_one_that_writes(tmp_path: Path, site: FixtureServer) -> None:
    send = "await page.evaluate(\"fetch('/once', {method: 'POST', body: 'x'}).then(r => r.status)\")"
    model = ScriptedModel([("python", {"code": send})], [("write", {"code": MODEST}), ("finish", {"summary": "t"})])
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        result = await engine.run("The title", start_url=site.url, reuse_key="k")
    assert result.ok, result.error
    bundle = BundleStore(tmp_path / "default").load("k")
    assert bundle is not None
    assert bundle.meta.effects == "write"
