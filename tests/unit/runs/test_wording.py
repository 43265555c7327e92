"""Texts under a saved key: left out, in other words, and with other values than the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import AsyncEngine, InvalidRequest
from engine.bundles import Bundle, BundleStore
from engine.contract import Observed, learn
from engine.errors import ModelUnauthenticated
from engine.testing import ScriptedModel, Turn, outcome
from sandbox import Evidence, Outcome, ScriptError
from tests.support.saved import TASK, save
from tests.unit.runs.conftest import URL, Run, told

OTHER_WORDS = "Write down what is said on the page"
FIRST, SECOND = "List the seats of batch S24", "list the seats of batch W25"
READS = """\
async def run(page, parameters, task):
    await page.get_by_label("Batch").select_option(parameters["batch"])
    return [{"seat": seat} for seat in await page.get_by_role("listitem").all_inner_texts()]
"""
IGNORES = READS.replace('parameters["batch"]', '"S24"')
BROKEN = outcome(error=ScriptError("TimeoutError", "no such field", kind="timeout"), evidence=Evidence(url=URL))
GIVE_UP: list[Turn] = [("give_up", {"reason": "impossible", "message": "no"})]


def seats(*names: str) -> Outcome:
    page = Evidence(url=URL, text=" ".join(names), status=200, documents=((URL, 200),))
    return outcome([{"seat": name} for name in names], evidence=page)


S24, W25 = seats("Stalls 1", "Stalls 2"), seats("Circle 8", "Circle 9", "Circle 10")


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    save(tmp_path, "k", READS, contract=learn([Observed(S24.value, S24.evidence)]))
    return tmp_path


def bundle(store: Path) -> Bundle:
    found = BundleStore(store / "default").load("k")
    assert found is not None
    return found


def kinds(result: Any) -> list[str]:
    return [attempt.kind for attempt in result.attempts]


async def test_text_may_be_left_out_for_a_saved_automation(store: Path, run: Run) -> None:
    result, scripted = await run(S24, task=None)
    assert result.ok, result.error
    assert (kinds(result), len(scripted.calls)) == (["replay"], 1)
    none, _ = await run(task=None, reuse_key="other", model=ScriptedModel())
    assert none.error is not None
    assert (none.error.code, none.error.reason) == ("rejected", "nothing-saved")
    assert "without a task's text" in none.error.message


async def test_neither_text_nor_key_is_a_malformed_request(tmp_path: Path) -> None:
    async with AsyncEngine(store=tmp_path) as engine:
        with pytest.raises(InvalidRequest, match="task is missing") as caught:
            await engine.run(None)
    assert caught.value.details["field"] == "task"


async def test_other_words_without_a_model_fail_with_the_remedy(store: Path, run: Run) -> None:
    result, scripted = await run(task=OTHER_WORDS)
    assert result.error is not None
    assert (result.error.reason, scripted.calls) == ("not-covered", [])
    assert "leave the text out, or use task=None" in result.error.message


async def test_other_words_for_the_same_cost_one_question_and_are_covered_from_then_on(store: Path, run: Run) -> None:
    model = ScriptedModel(ask=lambda request: '{"same": true}')
    result, _ = await run(S24, model=model, task=OTHER_WORDS)
    assert result.ok, result.error
    assert (kinds(result), len(model.requests)) == (["confirm", "replay"], 1)
    assert result.reuse is not None
    assert result.reuse.updated
    assert bundle(store).meta.tasks == (TASK, OTHER_WORDS)
    again, _ = await run(S24, task=OTHER_WORDS)
    assert (again.ok, again.model_calls, kinds(again)) == (True, 0, ["replay"])


async def test_failed_replay_of_other_words_leaves_the_bundle_as_it_was(store: Path, run: Run) -> None:
    before = bundle(store)
    model = ScriptedModel(GIVE_UP, ask=lambda request: '{"same": true}')
    result, _ = await run(BROKEN, model=model, task=OTHER_WORDS)
    assert (result.ok, kinds(result)) == (False, ["confirm", "replay", "repair"])
    assert bundle(store).revision == before.revision


@pytest.mark.parametrize("answer", ['{"same": false}', "I cannot tell"])
async def test_other_task_is_an_update_and_is_asked_about_once(answer: str, store: Path, run: Run) -> None:
    asked = ScriptedModel(GIVE_UP, ask=lambda request: answer)
    first, _ = await run(model=asked, task="Take down the prices")
    assert (kinds(first), len(asked.requests)) == (["confirm", "update"], 2)
    second, _ = await run(model=ScriptedModel(GIVE_UP), task="Take down the prices")
    assert kinds(second) == ["update"]


async def test_other_words_without_a_key_for_the_model_name_the_remedy(store: Path, run: Run) -> None:
    def refuse(request: Any) -> str:
        raise ModelUnauthenticated("no key is set")

    result, _ = await run(model=ScriptedModel(ask=refuse), task=OTHER_WORDS)
    assert result.error is not None
    assert result.error.code == "unauthenticated"
    assert "leave the text out" in result.error.message


async def test_pinned_bundle_replays_other_words_and_stays_as_it_was(store: Path, run: Run) -> None:
    BundleStore(store / "default").pin("k")
    model = ScriptedModel(ask=lambda request: '{"same": true}')
    result, _ = await run(S24, model=model, task=OTHER_WORDS)
    assert result.ok, result.error
    assert bundle(store).meta.tasks == (TASK,)


async def test_value_in_the_first_text_becomes_a_parameter_and_later_values_cost_nothing(
    tmp_path: Path, run: Run
) -> None:
    finish = {"summary": "List the seats", "other_parameters": {"batch": "W25"}}
    model = ScriptedModel([("write", {"code": READS}), ("finish", finish)])
    result, scripted = await run(S24, W25, S24, W25, model=model, task=FIRST)
    assert result.ok, (result.error, told(model))
    assert scripted.calls[0].parameters == {"batch": "S24"}
    assert "from the task's text" in told(model)[0]
    assert bundle(tmp_path).meta.templates == ("List the seats of batch {batch}",)
    for task, value, replayed in ((SECOND, "W25", W25), (FIRST, "S24", S24), (None, "S24", S24)):
        later, again = await run(replayed, task=task)
        assert later.output == replayed.value, later.error
        assert (later.model_calls, kinds(later), again.calls[0].parameters) == (0, ["replay"], {"batch": value})
    given, again = await run(W25, task=None, parameters={"batch": "W25"})
    assert (given.output, again.calls[0].parameters) == (W25.value, {"batch": "W25"})


async def test_proper_name_in_the_first_text_becomes_a_parameter(tmp_path: Path, run: Run) -> None:
    code = READS.replace("batch", "seats")
    finish = {"summary": "List the seats", "other_parameters": {"seats": "Royal Opera"}}
    model = ScriptedModel([("write", {"code": code}), ("finish", finish)])
    result, _ = await run(S24, W25, S24, W25, model=model, task="List the seats of Lyceum")
    assert result.ok, (result.error, told(model))
    assert bundle(tmp_path).meta.templates == ("List the seats of {seats:name}",)
    later, again = await run(W25, task="List the seats of Royal Opera")
    assert (later.output, later.model_calls, again.calls[0].parameters) == (W25.value, 0, {"seats": "Royal Opera"})


async def test_value_in_the_text_that_code_leaves_unread_is_no_parameter(tmp_path: Path, run: Run) -> None:
    model = ScriptedModel([("write", {"code": IGNORES}), ("finish", {"summary": "List the seats"})])
    result, _ = await run(S24, S24, model=model, task=FIRST)
    assert result.ok, (result.error, told(model))
    assert (bundle(tmp_path).meta.parameters, bundle(tmp_path).meta.templates) == ({}, ())
    again, scripted = await run(S24, task=FIRST)
    assert (again.ok, scripted.calls[0].parameters) == (True, {})
    other = ScriptedModel(GIVE_UP)
    later, _ = await run(model=other, task=SECOND)
    assert kinds(later) == ["update"], "another value is another request, which no question settles"
    assert '"batch": "W25"' in told(other)[0]


async def test_text_that_repeats_a_parameter_is_covered_for_its_other_values(tmp_path: Path, run: Run) -> None:
    finish = {"summary": "List the seats", "other_parameters": {"batch": "W25"}}
    model = ScriptedModel([("write", {"code": READS}), ("finish", finish)])
    assert (await run(S24, W25, S24, W25, model=model, task=FIRST, parameters={"batch": "S24"}))[0].ok
    result, _ = await run(W25, task=SECOND, parameters={"batch": "W25"})
    assert (result.output, result.model_calls) == (W25.value, 0)
    differing, _ = await run(task=SECOND, parameters={"batch": "S24"})
    assert differing.error is not None
    assert differing.error.reason == "not-covered", "text and parameter contradict each other"
