"""First runs, told from the gate's side: what proves that parameters are used, and what is told once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.bundles import Bundle, BundleStore
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, Outcome, ScriptError
from tests.support.stage import NoModel

URL = "http://127.0.0.1:9/track"
CODE = """\
async def run(page, parameters, task):
    await page.goto(f"{task.start_url}?no={parameters['number']}")
    return {"status": await page.locator("b").inner_text()}
"""
MINE, OTHERS = ("url", "of QX7740918265"), ("url", "of QX7741100038")
WRITE = ("write", {"code": CODE})
GIVE_UP = [("give_up", {"reason": "impossible", "message": "no"})]
WHY = "the page was looked at once more, and says so"
IN_TRANSIT = {"status": "In transit since Monday"}

First = Callable[..., Any]


def gave(value: Any = None, *inputs: tuple[str, str], error: str | None = None, **page: Any) -> Outcome:
    shown = {"url": URL, "status": 200, "text": "Parcel", "output_read": True} | page
    failed = ScriptError("TimeoutError", error, kind="timeout") if error is not None else None
    return outcome(value, error=failed, evidence=Evidence(inputs=inputs, **shown))


def finish(**said: Any) -> tuple[str, dict[str, Any]]:
    return ("finish", {"summary": "Track a parcel", **said})


@pytest.fixture
def first(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> First:
    """Run the task, with what the sandbox gives and what the model answers."""

    async def run(steps: list[Step], *turns: Any, **changed: Any) -> tuple[TaskResult, ScriptedModel]:
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: ScriptedSandbox(*steps))
        model = ScriptedModel(*turns)
        arguments = {"start_url": URL, "reuse_key": "k", "parameters": {"number": "QX7740918265"}}
        async with AsyncEngine(store=tmp_path, model=model if turns else NoModel()) as engine:
            result = await engine.run("Track the parcel", **arguments | changed)
        return result, model

    return run


def told(model: ScriptedModel, turn: int) -> str:
    """Return what the model was answered before the given turn."""
    return str(model.requests[turn].messages[-1])


def saved(store: Path) -> Bundle | None:
    return BundleStore(store / "default").load("k")


async def test_equal_output_is_proof_enough_where_the_runs_did_different_things(first: First) -> None:
    steps = [gave(IN_TRANSIT, MINE), gave(IN_TRANSIT, OTHERS)]
    result, _ = await first(steps, [WRITE, finish(other_parameters={"number": "QX7741100038"})])
    assert result.ok, result.error
    assert (result.model_calls, result.warnings) == (1, ())


async def test_equal_output_and_equal_acts_are_refused(first: First, tmp_path: Path) -> None:
    steps = [gave(IN_TRANSIT, MINE), gave(IN_TRANSIT, MINE)]
    turns = [
        [WRITE, finish(other_parameters={"number": "QX7741100038"})],
        [("give_up", {"reason": "impossible", "message": "no"})],
    ]
    result, model = await first(steps, *turns)
    assert not result.ok
    assert "the code ignores them" in told(model, 1)
    assert saved(tmp_path) is None


async def test_output_that_differs_only_by_the_parameter_that_it_repeats_is_no_proof(first: First) -> None:
    numbers = ["QX7740918265", "QX7741100038"]
    steps = [gave({"parcel": n, "title": f"Status of {n}", "status": "In transit now"}, MINE) for n in numbers]
    turns = [
        [WRITE, finish(other_parameters={"number": numbers[1]})],
        [("give_up", {"reason": "impossible", "message": "no"})],
    ]
    _, model = await first(steps, *turns)
    assert "but for these values the same as" in told(model, 1)


@pytest.mark.parametrize("how", ["typed", "chosen"])
async def test_value_that_was_typed_and_not_sent_is_told_once(how: str, first: First) -> None:
    other = finish(other_parameters={"number": "QX7741100038"})
    typed = [gave(IN_TRANSIT, (how, "a")), gave(IN_TRANSIT, (how, "b")), gave(IN_TRANSIT, (how, "b"))]
    result, model = await first(typed, [WRITE, other], [("finish", {**other[1], "why_right": WHY})])
    assert result.ok, result.error
    assert "no request is known to have carried it" in told(model, 1)


async def test_where_no_other_value_can_be_known_the_next_one_confirms(first: First, tmp_path: Path) -> None:
    reason = "only the owner knows the number"
    result, _ = await first([gave(IN_TRANSIT, MINE)], [WRITE, finish(no_other_values=reason)])
    assert result.ok, result.error
    assert reason in result.warnings[0]
    bundle = saved(tmp_path)
    assert bundle is not None
    assert bundle.meta.one_example
    again, _ = await first([gave(IN_TRANSIT, MINE)])
    assert [attempt.kind for attempt in again.attempts] == ["replay"], "its own example is no other one"
    other, _ = await first([gave({"status": "Delivered"}, OTHERS)], parameters={"number": "QX7741100038"})
    assert other.ok, other.error
    assert [attempt.kind for attempt in other.attempts] == ["replay"]


async def test_the_first_other_value_that_gives_the_same_again_is_looked_into(first: First) -> None:
    await first([gave(IN_TRANSIT, MINE)], [WRITE, finish(no_other_values="only the owner knows the number")])
    other = {"number": "QX7741100038"}
    ignored, _ = await first([gave(IN_TRANSIT, MINE), gave(IN_TRANSIT, MINE)], parameters=other, ai="never")
    assert ignored.error is not None
    assert ignored.error.reason == "drift"
    assert "does not seem to use number" in ignored.error.message
    used, _ = await first([gave(IN_TRANSIT, OTHERS), gave(IN_TRANSIT, MINE)], parameters=other, ai="never")
    assert used.ok, used.error
    assert [attempt.kind for attempt in used.attempts] == ["replay", "check"]


async def test_made_up_value_that_the_site_does_not_know_is_proof(first: First, tmp_path: Path) -> None:
    unknown = gave(None, OTHERS, error="no such element", text="Parcel\nNo parcel with this number.")
    said = finish(no_other_values="only the owner knows it", other_parameters={"number": "QX0000000000"})
    result, _ = await first([gave(IN_TRANSIT, MINE), unknown], [WRITE, said])
    assert result.ok, result.error
    assert result.warnings == ()
    bundle = saved(tmp_path)
    assert bundle is not None
    assert not bundle.meta.one_example


async def test_parameter_that_the_site_does_not_need_is_accepted_with_a_warning(first: First) -> None:
    write = ("write", {"code": CODE, "unneeded": {"user": "the page asks for no sign-in"}})
    parameters = {"number": "QX7740918265", "user": "anna"}
    steps = [gave(IN_TRANSIT, MINE), gave({"status": "Delivered"}, OTHERS)]
    other = finish(other_parameters={"number": "QX7741100038"})
    result, model = await first(steps, [WRITE], [write, other], parameters=parameters)
    assert result.ok, result.error
    assert "say why in unneeded" in told(model, 1)
    assert "'user' is not used, for the site is said not to need it: the page asks for no sign-in" in result.warnings[0]
    assert (await first([gave(IN_TRANSIT, MINE)], parameters=parameters))[0].ok


COPIES = [{"name": f"Ash {n % 4}", "height": n % 4} for n in range(7)]
ONLY_ONE = {"no_other_values": "there is one only"}


async def test_what_was_shown_with_the_trial_is_not_refused_when_it_is_handed_in_with_a_reason(first: First) -> None:
    result, model = await first([gave(COPIES, MINE)], [WRITE], [finish(**ONLY_ONE, why_right=WHY)])
    assert result.ok, result.error
    assert "3 of the 7 rows are copies of another" in told(model, 1)
    assert result.model_calls == 2


async def test_what_the_model_could_not_see_before_it_handed_in_is_told_first(first: First) -> None:
    done = finish(**ONLY_ONE, why_right=WHY)
    result, model = await first([gave(COPIES, MINE)], [WRITE, done], [done])
    assert result.ok, result.error
    assert "not accepted" in told(model, 1)
    assert "finish with why_right: the reason" in told(model, 1)


async def test_an_objection_is_told_in_full_once_for_the_same_code(first: First) -> None:
    begins, ends = "have the same value in each of the 7 rows: ", "is each read from its own place?"
    done, edited = finish(**ONLY_ONE), ("write", {"code": f"{CODE}# mended\n"})
    turns: list[Any] = [[WRITE, done], [done], [WRITE], [edited], [finish(**ONLY_ONE, why_right=WHY)]]
    result, model = await first([gave(COPIES, MINE)] * 3, *turns)
    assert result.ok, result.error
    by_write, by_finish = (each["content"] for each in model.requests[1].messages[-1]["content"])
    again, written_again, other_code = (told(model, turn) for turn in (2, 3, 4))
    for in_full in (by_write, other_code):
        assert (begins in in_full, ends in in_full, "as told before" in in_full) == (True, True, False)
    for reminder in (by_finish, again, written_again):
        assert (begins in reminder, ends in reminder, "as told before" in reminder) == (True, False, True)
        assert "why_right" in reminder


async def test_a_reason_stands_beside_the_result_and_in_the_commit(first: First, tmp_path: Path) -> None:
    result, _ = await first([gave(COPIES, MINE)], [WRITE], [finish(**ONLY_ONE, why_right=WHY)])
    warning = result.warnings[0]
    assert warning.startswith("3 of the 7 rows are copies of another")
    assert warning.endswith(f"; it stays as it is, since {WHY}")
    assert warning in BundleStore(tmp_path / "default").history("k")[0].body


@pytest.mark.parametrize("why", ["", "done", "it is right"])
async def test_handing_the_same_in_again_answers_no_objection(first: First, tmp_path: Path, why: str) -> None:
    done = finish(**ONLY_ONE, why_right=why)
    result, _ = await first([gave(COPIES, MINE)], [WRITE, done], *[[done]] * 3)
    assert result.error is not None
    assert result.error.reason == "no-good-candidate"
    assert "3 of the 7 rows are copies of another" in result.error.message
    assert saved(tmp_path) is None


async def test_parameter_that_the_code_does_read_is_proven_whatever_is_said_of_it(first: First) -> None:
    write = ("write", {"code": CODE, "unneeded": {"number": "who knows"}})
    result, model = await first([gave(IN_TRANSIT, MINE)], [write, finish()], GIVE_UP)
    assert not result.ok
    assert "finish needs other_parameters" in told(model, 1)
