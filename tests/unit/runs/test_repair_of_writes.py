"""Repairs of automations that change the site: its effect may be there already, and is not to be done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.bundles import BundleStore
from engine.testing import ScriptedModel, Turn, outcome
from sandbox import Evidence, GateDecision, Host, Outcome, ScriptError
from tests.support.saved import save
from tests.unit.runs.conftest import URL, Run, told

ASKED = {"name": "Ada"}
APPLY = """\
async def run(page, parameters, task):
    await page.get_by_label("Name").fill(parameters["name"])
    async with task.irreversible("apply", key=parameters["name"]):
        await page.get_by_role("button", name="Apply").click()
    return {"reference": await page.get_by_role("status").inner_text()}
"""
PAGE = Evidence(url=URL, title="Office", text="You have applied already: TPP-1", status=200, documents=((URL, 200),))
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)
WRITE: list[Turn] = [("write", {"code": APPLY + "# mended\n"}), ("finish", {"summary": "Mend"})]


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    save(tmp_path, "k", APPLY, parameters=ASKED, effects="write")
    return tmp_path


async def apply(host: Host) -> Outcome:
    """Apply, as the saved automation does where nothing stands in its way."""
    assert await host.gate("apply", "Ada") == GateDecision.GO
    await host.gate_closed("apply", "Ada", None)
    return outcome({"reference": "TPP-1"}, evidence=PAGE)


async def show_it_is_done(host: Host) -> Outcome:
    """Find that the site has the application, and say so."""
    await host.already_done("You have applied already: TPP-1")
    return outcome({"reference": "TPP-1"}, evidence=PAGE)


async def test_a_repair_that_finds_the_effect_done_is_saved_as_writing_without_other_parameters(
    store: Path, run: Run
) -> None:
    model = ScriptedModel(WRITE)
    result, _ = await run(BROKEN, show_it_is_done, model=model, parameters=ASKED)
    assert result.ok, result.error
    assert (result.effect, result.model_calls) == ("already-done", 1)
    assert "nothing was done" in result.warnings[-1]
    assert "You have applied already" in result.warnings[-1]
    bundle = BundleStore(store / "default").load("k")
    assert bundle is not None
    assert (bundle.meta.effects, "# mended" in bundle.automation) == ("write", True)


async def test_a_repair_of_writing_code_that_comes_to_no_change_stays_writing(store: Path, run: Run) -> None:
    model = ScriptedModel([("write", {"code": READS}), ("finish", {"summary": "Mend"})])
    result, scripted = await run(BROKEN, outcome({"reference": "TPP-1"}, evidence=PAGE), model=model, parameters=ASKED)
    assert result.ok, result.error
    assert len(scripted.calls) == 2, "no other parameters were tried"
    bundle = BundleStore(store / "default").load("k")
    assert bundle is not None
    assert bundle.meta.effects == "write"


READS = 'async def run(page, parameters, task):\n    return {"reference": await page.title() + parameters["name"]}\n'


async def test_the_model_is_told_what_was_let_through_for_these_parameters_before(store: Path, run: Run) -> None:
    assert (await run(apply, parameters=ASKED))[0].effect == "performed"
    assert (await run(apply, parameters={"name": "Bea"}))[0].effect == "performed"
    model = ScriptedModel([("give_up", {"reason": "site-broken", "message": "no"})])
    await run(BROKEN, model=model, parameters=ASKED)
    (first,) = told(model)
    assert first.count("'apply' (key 'Ada') at ") == 1
    assert "Z: confirmed" in first
    assert "already_done" in first
    model = ScriptedModel([("give_up", {"reason": "site-broken", "message": "no"})])
    await run(BROKEN, model=model, parameters={"name": "Cy"}, ai="insist")
    assert "Let through before" not in told(model)[0]


async def test_a_replay_that_finds_the_effect_done_is_a_success_of_its_own_kind(store: Path, run: Run) -> None:
    result, _ = await run(show_it_is_done, parameters=ASKED)
    found: Any = (result.outcome, result.effect, result.output)
    assert found == ("success", "already-done", {"reference": "TPP-1"})
    assert result.to_wire()["effect"] == "already-done"


async def test_an_action_that_was_let_through_counts_as_performed_whatever_is_said_later(store: Path, run: Run) -> None:
    async def both(host: Host) -> Outcome:
        await apply(host)
        return await show_it_is_done(host)

    result, _ = await run(both, parameters=ASKED)
    assert result.effect == "performed"
