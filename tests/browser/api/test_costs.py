"""Daily caps, and the costs of real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.storage.spending import DailyCaps
from engine.testing import ScriptedModel
from fixtures_sites import FixtureServer
from sandbox import PoolOptions
from tests.support.saved import TASK

TITLE = """\
async def run(page, parameters, task):
    return [{"title": await page.title()}]
"""
WORK = [("write", {"code": TITLE}), ("finish", {"summary": "Take the title down"})]


async def run(engine: AsyncEngine, site: FixtureServer, key: str) -> TaskResult:
    return await engine.run(TASK, start_url=site.url + "list", reuse_key=key)


@pytest.mark.parametrize(("option", "cap"), [("usd_per_day", "workspace-day"), ("key_usd_per_day", "key-day")])
async def test_daily_cap_fails_a_run_before_it_costs_anything(
    tmp_path: Path, site: FixtureServer, option: str, cap: str
) -> None:
    model = ScriptedModel(WORK)
    limit: dict[str, Any] = {option: 0.01}  # one call could cost 0.02
    async with AsyncEngine(store=tmp_path, model=model, pool=PoolOptions(spare=0), **limit) as engine:
        result = await run(engine, site, "k")
    assert result.error is not None
    assert (result.error.code, result.error.details["cap"]) == ("no-ai-credits-left", cap)
    assert (result.cost.ai_usd, model.requests) == (0, [])
    assert option in result.error.message
    assert BundleStore(tmp_path / "default").keys() == []


async def test_costs_sum_up_the_runs_of_all_engines(tmp_path: Path, site: FixtureServer) -> None:
    for number in range(3):
        model = ScriptedModel(*[WORK] * (number == 0))
        # What the first run paid is part of the day, whichever engine asks.
        async with AsyncEngine(store=tmp_path, model=model, pool=PoolOptions(spare=0), usd_per_day=0.025) as engine:
            assert (await run(engine, site, "k")).ok
            other = await run(engine, site, "other") if number == 2 else None
            (costs,) = await engine.costs(reuse_key="k")
    assert other is not None
    assert other.error is not None
    assert other.error.details["spent_usd"] == pytest.approx(0.01)
    assert (costs.runs, costs.replays, costs.repairs, costs.model_calls) == (3, 2, 0, 1)
    assert (costs.first_usd, costs.total_usd, costs.replay_usd) == (0.01, 0.01, 0)
    assert (costs.saved_usd, costs.paid_after) == (pytest.approx(0.02), 2)
    assert costs.tokens["input"] == 100
    assert costs.browser_seconds > 0


async def test_spending_before_an_interruption_counts_for_the_task(tmp_path: Path, site: FixtureServer) -> None:
    """The ledger holds what another process paid for the task; here it is entered while the task waits for its key."""
    lock = BundleStore(tmp_path / "default").try_lock("k")
    assert lock is not None
    model = ScriptedModel(WORK)  # one call could cost 0.02
    async with AsyncEngine(store=tmp_path, model=model, pool=PoolOptions(spare=0)) as engine:
        task_id = await engine.start(TASK, start_url=site.url + "list", reuse_key="k", budget_usd=0.5)
        spending = (await engine._workspace.records()).spending
        spending.settle(spending.reserve(task_id, "k", 0.4, DailyCaps()), 0.4)
        spending.reserve(task_id, "k", 0.09, DailyCaps())  # its answer never came
        lock.release()
        (result,) = await engine.wait([task_id])
        assert result.error is not None
        assert (result.error.code, result.cost.ai_usd, model.requests) == ("no-ai-credits-left", 0.4, [])
        (costs,) = await engine.costs(reuse_key="k")
        assert costs.total_usd == 0.4
