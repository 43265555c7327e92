"""A first run and a repair run a candidate more than once: what it submits without saying so is not sent at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, TaskResult
from engine.bundles import BundleStore
from engine.testing import ScriptedModel, Turn
from fixtures_sites import FixtureServer, serve
from sandbox import PoolOptions
from tests.support.permits import APPLY, PERMIT
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

GATE = '    async with task.irreversible("submit the application"):\n'
CARELESS = APPLY.replace(GATE, "    if True:\n")
# The same by the page's own form, from the first step on.
BY_FORM = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}apply/contact")
    for name, value in parameters["contact"].items():
        await page.locator(f"[name={name}]").fill(value)
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/apply/vehicle")
    return {"reference": parameters["vehicle"]["fld_201"]}
"""
SEARCH = """\
async def run(page, parameters, task):
    response = await page.request.post(task.start_url + "once", form={"town": "Ashby"})
    return {"status": response.status}
"""
FINISH: Turn = ("finish", {"summary": "Apply for a permit"})


@pytest.fixture
def office() -> Iterator[FixtureServer]:
    with serve("form") as server:
        yield server


async def apply(store: Path, office: FixtureServer, model: Any) -> TaskResult:
    async with AsyncEngine(store=store, model=model, pool=PoolOptions(spare=0)) as engine:
        return await engine.run(TASK, start_url=office.url, parameters=PERMIT, reuse_key="permit")


def answers(model: ScriptedModel) -> list[str]:
    last = [b for m in model.requests[-1].messages if m["role"] == "user" for b in m["content"]]
    return [str(b["content"]) for b in last if b["type"] == "tool_result"]


async def test_a_form_is_submitted_once_though_the_first_candidate_named_nothing_irreversible(
    tmp_path: Path, office: FixtureServer
) -> None:
    model = ScriptedModel(
        [("write", {"code": CARELESS}), FINISH],
        [("write", {"code": BY_FORM}), FINISH],
        [("write", {"code": APPLY}), FINISH],
    )
    result = await apply(tmp_path, office, model)
    assert result.ok, result.error
    assert result.effect == "performed"
    assert len(office.state.submissions) == 1
    told = answers(model)
    assert f"line 3 sends POST {office.url}apply/contact outside task.irreversible" in told[0]
    assert "not run" in told[1]
    assert f"POST {office.url}apply/contact outside task.irreversible" in told[2]


async def test_a_repair_of_code_that_names_nothing_irreversible_sends_nothing_by_trial(
    tmp_path: Path, office: FixtureServer
) -> None:
    save(tmp_path, "permit", "async def run(page, parameters, task):\n    raise KeyError", parameters=PERMIT)
    model = ScriptedModel([("write", {"code": CARELESS})], [("write", {"code": APPLY}), FINISH])
    result = await apply(tmp_path, office, model)
    assert result.ok, result.error
    assert len(office.state.submissions) == 1


async def test_what_is_said_to_change_nothing_is_tried_and_replayed(tmp_path: Path, site: FixtureServer) -> None:
    model = ScriptedModel(
        [("write", {"code": SEARCH}), FINISH],
        [("write", {"reads_only": "it looks a town up"}), FINISH],
    )
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        result = await engine.run(TASK, start_url=site.url, reuse_key="k")
    assert result.ok, result.error
    assert [method for method, _ in site.requests].count("POST") == 1
    async with AsyncEngine(store=tmp_path, model=NoModel()) as engine:
        again = await engine.run(TASK, start_url=site.url, reuse_key="k")
    assert again.ok, again.error
    assert [method for method, _ in site.requests].count("POST") == 2


async def test_what_is_said_of_one_candidate_is_not_taken_for_the_next(tmp_path: Path, site: FixtureServer) -> None:
    other = SEARCH.replace("Ashby", "Corran")
    model = ScriptedModel(
        [("write", {"code": SEARCH, "reads_only": "it looks a town up"})],
        [("write", {"code": other})],
        [("give_up", {"reason": "impossible", "message": "no"})],
    )
    async with AsyncEngine(store=tmp_path, model=model) as engine:
        await engine.run(TASK, start_url=site.url, reuse_key="k")
    assert [method for method, _ in site.requests].count("POST") == 1
    assert BundleStore(tmp_path / "default").load("k") is None
