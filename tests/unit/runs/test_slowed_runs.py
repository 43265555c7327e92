"""First runs of code that passed only once: whether it gives the same where the answers to its pages come late."""

import asyncio
from typing import Any

import pytest

from engine import TaskResult
from engine.gate import slowed_run
from engine.testing import ScriptedModel, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, Host, Outcome, ScriptError
from tests.unit.runs.conftest import URL, Run, told

CODE = """\
async def run(page, parameters, task):
    await page.goto(task.start_url)
    return {"status": await page.locator("b").inner_text()}
"""
ASKS = CODE.replace('    return {"status": ', '    return {"status": await task.ask("Say it short", "…") or ')
FINISH = ("finish", {"summary": "Track a parcel"})
REASON = ("finish", {"summary": "Track a parcel", "why_right": "there is no news of it on any other day"})
THERE, EARLY = {"status": "In transit since Monday"}, {"status": "No news of it"}
TASK = "Where is the parcel?"


def gave(value: Any = None, *, error: str | None = None, **page: Any) -> Outcome:
    shown = {"url": URL, "status": 200, "text": "Parcel", "output_read": True, "fetched": True} | page
    failed = ScriptError("TimeoutError", error, kind="timeout") if error is not None else None
    return outcome(value, error=failed, evidence=Evidence(**shown))


async def first(run: Run, *steps: Step, turns: int = 1, code: str = CODE) -> tuple[TaskResult, list[bool], str]:
    """Return the result, which of the runs were slowed, and all that the model was told."""
    model = ScriptedModel([("write", {"code": code}), FINISH], *([REASON] for _ in range(turns - 1)))
    result, scripted = await run(*steps, model=model, task=TASK)
    return result, [call.options["slowed"] for call in scripted.calls], "\n".join(told(model))


async def test_output_that_a_slowed_page_changes_is_refused_once_with_what_differs(run: Run) -> None:
    result, slowed, said = await first(run, gave(THERE), gave(EARLY), gave(THERE), turns=2)
    assert slowed == [False, True, False]
    assert """the output['status'] is "No news of it" instead of "In transit since Monday\"""" in said
    assert "wait for an element" in said
    assert result.ok, "a model that looked may say why"
    assert (result.model_calls, result.output) == (2, THERE)


async def test_failure_on_a_slowed_page_is_refused_once_with_its_error(run: Run) -> None:
    _, slowed, said = await first(run, gave(THERE), gave(error="no b within 2 s"), gave(THERE), turns=2)
    assert slowed == [False, True, False]
    assert "it failed with TimeoutError: no b within 2 s" in said


async def test_equal_output_of_a_slowed_page_is_saved_at_once(run: Run) -> None:
    result, slowed, _ = await first(run, gave(THERE), gave(THERE))
    assert result.ok, result.error
    assert slowed == [False, True]


async def test_output_that_is_another_each_time_is_not_blamed_on_the_slowness(run: Run) -> None:
    result, slowed, _ = await first(run, gave(THERE), gave(EARLY), gave({"status": "Delivered to a neighbor"}))
    assert result.ok, result.error
    assert slowed == [False, True, False]


async def test_site_that_is_away_during_the_slowed_run_tells_nothing(run: Run) -> None:
    error = ScriptError("Error", f"Page.goto: net::ERR_EMPTY_RESPONSE at {URL}", line=2, kind="navigation")
    away = outcome(error=error, evidence=Evidence(fetched=True))
    result, slowed, _ = await first(run, gave(THERE), away)
    assert result.ok, result.error
    assert slowed == [False, True]


async def test_slowed_run_that_does_not_end_is_ended_and_tells_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(host: Host) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("unreachable: nobody sets the event")

    monkeypatch.setattr(slowed_run, "_MOST_ADDED", 0.1)
    result, slowed, _ = await first(run, gave(THERE), hang)
    assert result.ok, result.error
    assert slowed == [False, True]


@pytest.mark.parametrize(
    "page",
    [
        {"fetched": False},
        {"state_changing": (("POST", f"{URL}/note"),), "change_signatures": ("POST /note",)},
        {"code_sent": True},
    ],
    ids=["nothing fetched", "writes", "one-time code"],
)
async def test_page_that_fetches_nothing_and_code_that_must_not_run_twice_are_not_slowed(
    run: Run, page: dict[str, Any]
) -> None:
    result, slowed, _ = await first(run, gave(THERE, **page))
    assert result.ok, result.error
    assert slowed == [False]


async def test_code_that_asks_a_model_is_not_slowed(run: Run) -> None:
    result, slowed, _ = await first(run, gave(THERE), code=ASKS)
    assert result.ok, result.error
    assert slowed == [False]


async def test_code_that_passed_with_other_parameters_too_is_not_slowed(run: Run) -> None:
    code = CODE.replace("task.start_url", "f\"{task.start_url}?no={parameters['number']}\"")
    finish = ("finish", {"summary": "Track a parcel", "other_parameters": {"number": "QX7741100038"}})
    model = ScriptedModel([("write", {"code": code}), finish])
    steps = gave(THERE), gave({"status": "Delivered to a neighbor"})
    result, scripted = await run(*steps, model=model, task=TASK, parameters={"number": "QX7740918265"})
    assert result.ok, result.error
    assert [call.options["slowed"] for call in scripted.calls] == [False, False]
