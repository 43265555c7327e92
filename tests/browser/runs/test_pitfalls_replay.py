"""Pitfalls of systems like this one that must not happen here: replays, walls, and money for nothing.

Each test is named after the fault in the list of faults that the engine is measured against.
"""

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, Limits, TaskResult
from engine.bundles import BundleStore
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer, serve
from fixtures_sites.misbehaving.pages import PRODUCTS
from sandbox import PoolOptions
from tests.support import endpoint
from tests.support.permits import APPLY, PERMIT
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

NAMES = """\
async def run(page, parameters, task):
    await page.get_by_role("heading", level=3).first.wait_for(timeout=2000)
    return await page.get_by_role("heading", level=3).all_inner_texts()
"""
MENDED = """\
async def run(page, parameters, task):
    await page.get_by_role("table").wait_for(timeout=2000)
    return await page.get_by_role("table").locator("strong").all_inner_texts()
"""
TITLE = """\
async def run(page, parameters, task):
    return [{"title": await page.title()}]
"""
ALL = [product.name for product in PRODUCTS]


async def run(store: Path, url: str, model: Any, **changed: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=model, limits=Limits(retries=0), pool=PoolOptions(spare=0)) as engine:
        return await engine.run(TASK, **({"start_url": url, "reuse_key": "k"} | changed))


async def test_pitfall_1_a_step_that_fails_gives_no_answer_of_an_earlier_run(
    tmp_path: Path, site: FixtureServer
) -> None:
    save(tmp_path, "k", NAMES)
    first = await run(tmp_path, site.url + "list", NoModel())
    assert first.output == ALL
    site.version = "v2"
    result = await run(tmp_path, site.url + "list", NoModel(), ai="never")
    assert result.outcome == "failed"
    assert result.result is None


async def test_pitfall_4_what_was_healed_is_saved_and_used_from_then_on(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", NAMES)
    site.version = "v2"
    model = ScriptedModel([("write", {"code": MENDED}), ("finish", {"summary": "It is a table now"})])
    repaired = await run(tmp_path, site.url + "list", model)
    assert repaired.ok, repaired.error
    again = await run(tmp_path, site.url + "list", NoModel())
    assert again.output == repaired.output == ALL
    assert again.reuse is not None
    assert repaired.reuse is not None
    assert again.reuse.revision_id == repaired.reuse.revision_id


async def test_pitfall_5_healing_asks_the_model_that_the_request_names(tmp_path: Path, site: FixtureServer) -> None:
    save(tmp_path, "k", NAMES)
    site.version = "v2"
    no = {"type": "tool_use", "id": "t1", "name": "give_up", "input": {"reason": "site-broken", "message": "no"}}
    with endpoint.serve(endpoint.message(no, stop_reason="tool_use")) as server:
        async with AsyncEngine(store=tmp_path, model="haiku", base_url=server.url, api_key="none") as engine:
            result = await engine.run(TASK, start_url=site.url + "list", reuse_key="k", model="opus")
    assert [attempt.kind for attempt in result.attempts] == ["replay", "repair"]
    assert result.attempts[-1].model is not None
    assert {asked["model"] for asked in server.requests} == {result.attempts[-1].model}
    assert "opus" in result.attempts[-1].model


async def test_pitfall_8_what_a_replay_did_to_the_site_no_fallback_does_again(tmp_path: Path) -> None:
    with serve("form") as office:
        save(tmp_path, "k", APPLY.replace("strong", "em"), parameters=PERMIT, effects="write")
        model = ScriptedModel([("give_up", {"reason": "not-shown", "message": "no reference"})])
        result = await run(tmp_path, office.url, model, parameters=PERMIT)
        assert result.outcome == "failed"
        assert len(office.state.submissions) == 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("bot-wall", "bot-wall"),
        ("login-expired", "login-required"),
        ("paywall", "paywall"),
        ("error-200", "error-page"),
    ],
)
async def test_pitfall_15_what_code_reads_off_a_wall_is_no_result(
    tmp_path: Path, site: FixtureServer, path: str, reason: str
) -> None:
    save(tmp_path, "k", TITLE)
    good = await run(tmp_path, site.url + "list", NoModel())
    assert good.ok, good.error
    site.state.instead = f"/{path}"
    result = await run(tmp_path, site.url + "list", NoModel())
    assert result.error is not None
    assert result.error.reason == reason


async def test_pitfall_15_no_candidate_is_accepted_for_what_it_reads_off_a_wall(
    tmp_path: Path, site: FixtureServer
) -> None:
    leads = TITLE.replace("    return", "    await page.goto(task.start_url.replace('list', 'bot-wall'))\n    return")
    tries = [("write", {"code": leads})], [("give_up", {"reason": "bot-wall", "message": "a wall"})]
    model = ScriptedModel(*tries)
    result = await run(tmp_path, site.url + "list", model)
    assert result.error is not None
    assert result.error.reason == "bot-wall"
    assert "asks for proof that a person is there" in str(model.requests[-1].messages)
    assert BundleStore(tmp_path / "default").load("k") is None


async def test_pitfall_37_nothing_is_paid_for_what_no_code_can_mend(tmp_path: Path, site: FixtureServer) -> None:
    """Every kind of wall is in test_walls; here one after another on one key, and then it is as good as ever."""
    save(tmp_path, "k", NAMES)
    for trouble in ("/503", "/login-expired", "/bot-wall", "/dead"):
        site.state.instead = trouble
        result = await run(tmp_path, site.url + "list", NoModel())
        assert result.outcome == "failed"
        assert (result.model_calls, result.cost.ai_usd) == (0, 0.0)
    site.state.instead = None
    result = await run(tmp_path, site.url + "list", NoModel())
    assert result.output == ALL
