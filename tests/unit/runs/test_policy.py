"""The runner's policy: its act on each verdict. The sandbox and the model are scripted, all else is real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, Event, TaskResult
from engine.bundles import BundleStore
from engine.contract import Observed, learn
from engine.errors import StoreError
from engine.execution import retry
from engine.storage.run_history import RunHistory
from engine.task.event_text import event_line
from engine.task.schema import infer
from engine.testing import ScriptedModel, ScriptedSandbox, outcome
from engine.testing.sandbox import Step
from sandbox import Evidence, GateDecision, Host, Outcome, ScriptError, WorkerDied
from tests.support.saved import TASK, save
from tests.support.stage import NoModel

ROWS = [{"price": 1.5}]
URL = "http://127.0.0.1:9/list"
PAGE = Evidence(url=URL, title="Shop", text="Prices", status=200, documents=((URL, 200),))
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=PAGE)
GIVE_UP = [("give_up", {"reason": "site-broken", "message": "the list is gone"})]

Replay = Callable[..., Any]


def good(rows: Any = ROWS, **page: Any) -> Outcome:
    return outcome(rows, evidence=Evidence(**{"url": URL, "text": "Prices", "status": 200} | page))


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    """One automation under the key ``k``."""
    contract = learn([Observed(ROWS, Evidence())])
    save(tmp_path, "k", "code", parameters={"q": "a"}, contract=contract, schema=infer([ROWS]))
    return tmp_path


@pytest.fixture
def replay(store: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Replay what is saved, with the sandbox's outcomes: ``await replay(good(), model=…, parameters=…)``."""

    async def run(*steps: Step, model: Any = None, **changed: Any) -> tuple[TaskResult, ScriptedSandbox]:
        scripted = ScriptedSandbox(*steps)
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        arguments = {"start_url": URL, "reuse_key": "k", "parameters": {"q": "a"}, "ai": "auto" if model else "never"}
        async with AsyncEngine(store=store, model=model or NoModel()) as engine:
            result = await engine.run(TASK, **arguments | changed)
        assert all(session.closed for session in scripted.sessions)
        return result, scripted

    return run


def kinds(result: TaskResult) -> list[str]:
    return [attempt.kind for attempt in result.attempts]


def subjects(store: Path) -> list[str]:
    return [revision.subject for revision in BundleStore(store / "default").history("k")]


async def test_accepted_result_costs_one_run_and_no_commit(store: Path, replay: Replay) -> None:
    result, scripted = await replay(good())
    assert result.output == ROWS
    assert (kinds(result), len(scripted.calls), result.model_calls) == (["replay"], 1, 0)
    assert subjects(store) == ["Saved by hand"]


async def test_drift_without_a_model_fails_with_the_problems(store: Path, replay: Replay) -> None:
    result, _ = await replay(BROKEN)
    assert result.error is not None
    assert result.error.reason == "drift"
    assert "no such button" in result.error.message
    assert subjects(store) == ["Saved by hand"]


async def test_drift_with_a_model_is_repaired_on_the_page_that_the_run_left(replay: Replay) -> None:
    model = ScriptedModel(GIVE_UP)
    result, scripted = await replay(BROKEN, model=model)
    assert kinds(result) == ["replay", "repair"]
    assert len(scripted.sessions) == 1, "no second page was opened"
    assert "no such button" in str(model.requests[0].messages)


async def test_drift_of_a_pinned_bundle_asks_no_model(store: Path, replay: Replay) -> None:
    BundleStore(store / "default").pin("k")
    model = ScriptedModel()
    result, _ = await replay(BROKEN, model=model)
    assert result.error is not None
    assert (result.error.reason, kinds(result), model.requests) == ("pinned", ["replay"], [])


async def test_failure_behind_a_gate_runs_nothing_again(replay: Replay) -> None:
    async def ordered(host: Host) -> Outcome:
        assert await host.gate("place the order", None) == GateDecision.GO
        await host.gate_closed("place the order", None, "TimeoutError")
        return BROKEN

    result, scripted = await replay(ordered)
    assert result.error is not None
    assert result.error.reason == "failed-behind-gate"
    assert result.effect == "unknown"
    assert (kinds(result), len(scripted.calls)) == (["replay"], 1)


@pytest.mark.parametrize(("status", "retry_after"), [(503, None), (429, "1")])
async def test_site_that_is_away_for_a_moment_is_tried_again(
    status: int, retry_after: str | None, replay: Replay
) -> None:
    events: list[Event] = []
    away = Evidence(url=URL, status=status, documents=((URL, status),), retry_after=retry_after)
    result, scripted = await replay(
        outcome(error=ScriptError("TimeoutError", "no list", kind="timeout"), evidence=away),
        good(),
        on_event=events.append,
    )
    assert result.ok, result.error
    assert (kinds(result), len(scripted.calls)) == (["replay", "replay"], 2)
    assert [event.data["seconds"] for event in events if event.type == "retry.waiting"] == [1.0]


async def test_wall_is_no_fault_of_the_code_and_is_not_tried_again(replay: Replay) -> None:
    model = ScriptedModel()
    forbidden = Evidence(url=URL, status=403, documents=((URL, 403),), challenge=True)
    failed = outcome(error=ScriptError("TimeoutError", "no list", kind="timeout"), evidence=forbidden)
    result, scripted = await replay(failed, model=model)
    assert result.error is not None
    assert result.error.reason == "bot-wall"
    assert (kinds(result), len(scripted.calls), model.requests) == (["replay"], 1, [])


async def test_parameters_are_at_fault_while_others_still_work(replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    result, scripted = await replay(BROKEN, good(), parameters={"q": "nowhere"})
    assert result.error is not None
    assert result.error.reason == "unknown-parameter"
    assert kinds(result) == ["replay", "check"]
    assert [call.parameters for call in scripted.calls] == [{"q": "nowhere"}, {"q": "a"}]


NO_HIT = outcome(
    error=ScriptError("TimeoutError", "no table", kind="timeout"),
    evidence=Evidence(url=URL, text="Shop\nNo products matched “nowhere”.", status=200, documents=((URL, 200),)),
)


async def test_search_without_a_hit_is_told_in_the_words_of_the_page(replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    result, _ = await replay(NO_HIT, good(), parameters={"q": "nowhere"})
    assert result.error is not None
    assert result.error.reason == "unknown-parameter"
    assert result.error.details["page_says"] == "No products matched “nowhere”."
    assert 'with ai="auto"' in result.error.message


async def test_code_without_an_answer_to_a_search_without_a_hit_is_repaired(replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    model = ScriptedModel(GIVE_UP)
    result, _ = await replay(NO_HIT, good(), parameters={"q": "nowhere"}, model=model)
    assert kinds(result) == ["replay", "check", "repair"]
    assert "the page says 'No products matched “nowhere”.'" in model.requests[0].messages[0]["content"][0]["text"]


@pytest.mark.parametrize("text", ["Prices\nNo station of that name", "Prices. No products matched “nowhere”."])
async def test_failure_is_no_search_without_a_hit_where_the_page_does_not_say_so_alone(
    text: str, replay: Replay
) -> None:
    full = good(text=text)
    assert (await replay(full))[0].ok
    failed = outcome(error=NO_HIT.error, evidence=Evidence(url=URL, text=text, status=200))
    model = ScriptedModel()
    result, _ = await replay(failed, full, parameters={"q": "nowhere"}, model=model)
    assert result.error is not None
    assert (result.error.reason, model.requests) == ("unknown-parameter", [])


async def test_code_is_at_fault_where_other_parameters_fail_as_well(replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    result, _ = await replay(BROKEN, BROKEN, parameters={"q": "nowhere"})
    assert result.error is not None
    assert (result.error.reason, kinds(result)) == ("drift", ["replay", "check"])


async def test_empty_result_is_believed_while_other_parameters_still_give_rows(replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    nothing = good(
        [], text="Nothing found", empty=(("get_by_text('Nothing found')", True),), messages=("Nothing found",)
    )
    result, _ = await replay(nothing, good(), parameters={"q": "none"})
    assert result.output == []
    assert kinds(result) == ["replay", "check"]


async def test_code_that_read_all_items_may_let_none_through(replay: Replay) -> None:
    assert (await replay(good()))[0].ok

    async def nothing(host: Host) -> Outcome:
        await host.progress(320, 320)
        return good([], counts=(("320 rows", 320),))

    result, _ = await replay(nothing, good(), parameters={"q": "none"})
    assert (result.output, result.error) == ([], None)
    result, _ = await replay(nothing, nothing, parameters={"q": "none"})
    assert result.error is not None
    assert result.error.reason == "drift", "it lets none through for parameters that gave rows before, either"


async def test_new_nulls_widen_the_contract_while_other_parameters_still_work(store: Path, replay: Replay) -> None:
    assert (await replay(good()))[0].ok
    result, _ = await replay(good([{"price": None}]), good(), parameters={"q": "free"})
    assert result.ok, result.error
    assert result.output == [{"price": None}]
    assert result.model_calls == 0
    assert "not met before" in result.warnings[0]
    assert result.reuse is not None
    assert result.reuse.updated
    again, _ = await replay(good([{"price": None}]), parameters={"q": "free"})
    assert (again.warnings, kinds(again)) == ((), ["replay"])
    assert subjects(store) == ["Widen: data of a kind not met before", "Saved by hand"]


@pytest.mark.parametrize(
    ("first", "event"),
    [
        (WorkerDied("killed"), "worker.died"),
        (outcome(error=ScriptError("Error", "the page crashed", kind="crash")), "browser.crashed"),
    ],
)
async def test_run_that_ended_by_a_crash_is_begun_once_more(first: Step, event: str, replay: Replay) -> None:
    events: list[Event] = []
    result, scripted = await replay(first, good(), on_event=events.append)
    assert result.ok, result.error
    assert (kinds(result), len(scripted.calls)) == (["replay"], 2)
    assert [each.type for each in events].count(event) == 1


async def test_second_crash_ends_the_task_without_a_repair(replay: Replay) -> None:
    crash = outcome(error=ScriptError("Error", "the page crashed", kind="crash"))
    model = ScriptedModel()
    result, scripted = await replay(crash, crash, model=model)
    assert result.error is not None
    assert (result.error.reason, len(scripted.calls), model.requests) == ("browser-crashed", 2, [])


async def test_key_with_nothing_saved_is_rejected_without_a_model(replay: Replay) -> None:
    result, scripted = await replay(reuse_key="other")
    assert result.error is not None
    assert (result.error.code, result.error.reason, scripted.calls) == ("rejected", "nothing-saved", [])


async def test_missing_parameters_are_refused_before_anything_runs(replay: Replay) -> None:
    result, scripted = await replay(parameters={})
    assert result.error is not None
    assert (result.error.reason, scripted.calls) == ("parameters", [])
    assert "'q'" in result.error.message


async def test_good_run_that_cannot_be_counted_is_good_with_a_warning(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreError("the records cannot be used: database or disk is full")

    monkeypatch.setattr(RunHistory, "clean_run", full)
    result, _ = await replay(good())
    assert result.ok, result.error
    assert "could not be kept: the records cannot be used" in result.warnings[0]


async def test_scripted_sandbox_without_a_step_fails_the_task(replay: Replay) -> None:
    result, _ = await replay()
    assert result.error is not None
    assert result.error.reason == "engine-fault"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries wait hundredths of a second."""
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.02)


ENDED = Evidence(
    url=f"{URL}/login?expired=1",
    text="Sign in",
    status=200,
    documents=((URL, 200),),
    password_field=True,
    password_filled=True,
    state_changing=(("POST", f"{URL}/login"),),
    logins=(("POST", f"{URL}/login"),),
)
TOO_FAST = Evidence(url=f"{URL}?page=8", status=429, documents=((URL, 200), (f"{URL}?page=8", 429)))


def stopped(page: Evidence) -> Outcome:
    return outcome(error=ScriptError("TimeoutError", "no list", line=3, kind="timeout"), evidence=page)


@pytest.mark.parametrize("page", [ENDED, TOO_FAST], ids=["the session ended", "too fast"])
async def test_end_that_code_may_prevent_is_tried_again_and_repaired_only_when_it_recurs(
    page: Evidence, replay: Replay, soon: None
) -> None:
    once, _ = await replay(stopped(page), good())
    assert once.ok, once.error
    model = ScriptedModel(GIVE_UP)
    again, _ = await replay(stopped(page), stopped(page), model=model)
    assert kinds(again) == ["replay", "replay", "repair"]
    assert "twice in a row" in str(model.requests[0].messages)


async def test_end_that_code_may_prevent_is_told_as_what_it_is_without_a_model(replay: Replay, soon: None) -> None:
    result, _ = await replay(*[stopped(ENDED)] * 3)
    assert result.error is not None
    assert result.error.reason == "session-ended"


async def test_failed_replay_is_told_by_its_cause(replay: Replay, soon: None) -> None:
    events: list[Event] = []
    away = Evidence(url=URL, status=503, documents=((URL, 503),))
    await replay(stopped(away), good(), on_event=events.append)
    (failed,) = [event for event in events if event.type == "replay.failed"]
    assert failed.data["reason"] == "http-error"
    shown = event_line(failed)
    assert shown is not None
    assert shown.text == f"the replay ended early: {URL} answers with status 503; try again later"


async def test_replay_waits_on_settled_pages_four_times_as_long_as_good_runs_did(replay: Replay) -> None:
    _, unknown = await replay(good(longest_wait=0.1))
    _, first = await replay(good(longest_wait=1.5))
    failed, second = await replay(BROKEN, BROKEN, parameters={"q": "b"})
    assert [attempt.kind for attempt in failed.attempts] == ["replay", "check"]
    least = [call.options["settled_seconds"] for scripted in (unknown, first, second) for call in scripted.calls]
    assert least == [4.0, 2.0, 6.0, 6.0]


async def test_check_with_other_parameters_ends_its_waits_sooner(replay: Replay) -> None:
    assert (await replay(good(longest_wait=0.1)))[0].ok
    _, scripted = await replay(BROKEN, BROKEN, parameters={"q": "b"})
    assert [call.options["settled_seconds"] for call in scripted.calls] == [2.0, 0.5]
