"""First runs whose candidates meet faults of the site or the network that pass by themselves."""

from __future__ import annotations

import pytest

from engine.execution import retry
from engine.testing import ScriptedModel, Turn, outcome
from sandbox import Evidence, Outcome, ScriptError
from tests.unit.runs.conftest import URL, Run, told

CODE = """\
async def run(page, parameters, task):
    return [{"name": name} for name in await page.get_by_role("listitem").all_inner_texts()]
"""
FINISH: list[Turn] = [("write", {"code": CODE}), ("finish", {"summary": "List"})]
GIVE_UP: list[Turn] = [("give_up", {"reason": "site-broken", "message": "no"})]
PAGE = Evidence(url=URL, title="List", text="Ada Ben", status=200, documents=((URL, 200),))
GOOD = outcome([{"name": "Ada"}, {"name": "Ben"}], evidence=PAGE)
CODE_PAGE = Evidence(
    url=f"{URL}/verify",
    text="Two-step verification\nThis code was used already. Wait for the next one.\nVerify",
    status=200,
    documents=((URL, 200),),
    code_field=True,
    code_sent=True,
    state_changing=(("POST", f"{URL}/verify"),),
    logins=(("POST", f"{URL}/verify"),),
)


def lost(error: str, url: str = f"{URL}?page=2", evidence: Evidence = PAGE) -> Outcome:
    return outcome(error=ScriptError("Error", f"Page.goto: net::{error} at {url}", line=3, kind="navigation"),
                   evidence=evidence)  # fmt: skip


def refused_code() -> Outcome:
    return outcome(error=ScriptError("TimeoutError", "no invoices", line=9, kind="timeout"), evidence=CODE_PAGE)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let retries wait hundredths of a second."""
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.02)
    monkeypatch.setattr("engine.diagnosis.triage._CODE_SECONDS", 0.001)
    monkeypatch.setattr("engine.diagnosis.triage._NEXT_CODE_AFTER", 0.01)


async def test_connection_that_breaks_once_is_not_shown_to_the_model(run: Run) -> None:
    model = ScriptedModel(FINISH, FINISH)
    result, scripted = await run(lost("ERR_EMPTY_RESPONSE"), GOOD, GOOD, model=model)
    assert len(scripted.calls) >= 2
    assert "ERR_EMPTY_RESPONSE" not in str(told(model))
    assert "the site could not be reached" not in str(told(model))
    assert result.ok, result.error


async def test_site_that_stays_away_ends_the_task_without_another_call(run: Run) -> None:
    model = ScriptedModel(FINISH)
    result, scripted = await run(*[lost("ERR_CONNECTION_RESET")] * 3, model=model)
    assert result.error is not None
    assert (result.error.reason, result.model_calls, len(scripted.calls)) == ("connection-lost", 1, 3)


async def test_host_that_the_code_made_up_is_the_models_to_mend(run: Run) -> None:
    model = ScriptedModel(FINISH, GIVE_UP)
    result, _ = await run(*[lost("ERR_CONNECTION_REFUSED", "http://api.other.test/")] * 3, model=model)
    assert result.error is not None
    assert result.error.reason == "site-broken"
    assert "nothing answers there" in told(model)[-2]


async def test_status_that_the_code_may_have_caused_is_the_models_to_mend(run: Run) -> None:
    broken = Evidence(url=f"{URL}?q=", status=500, documents=((URL, 200), (f"{URL}?q=", 500)))
    failed = outcome(error=ScriptError("TimeoutError", "no list", line=3, kind="timeout"), evidence=broken)
    model = ScriptedModel(FINISH, GIVE_UP)
    result, scripted = await run(*[failed] * 3, model=model)
    assert result.error is not None
    assert (result.error.reason, len(scripted.calls)) == ("site-broken", 3)
    assert "answers with status 500" in told(model)[-2]


async def test_what_may_have_been_sent_is_not_tried_again(run: Run) -> None:
    sent = Evidence(url=URL, status=200, state_changing=(("POST", URL),))
    model = ScriptedModel(FINISH, GIVE_UP)
    _, scripted = await run(lost("ERR_CONNECTION_RESET", evidence=sent), model=model)
    assert len(scripted.calls) == 1


async def test_one_time_code_that_was_used_is_tried_again_with_the_next_one(run: Run) -> None:
    model = ScriptedModel(FINISH, FINISH)
    result, scripted = await run(refused_code(), refused_code(), refused_code(), GOOD, GOOD, model=model)
    assert len(scripted.calls) >= 4, "more often than a site that is away: the next code is another one"
    assert result.ok, result.error
    replayed, _ = await run(refused_code(), GOOD)
    assert replayed.ok, replayed.error
    failed, _ = await run(*[refused_code()] * 6)
    assert failed.error is not None
    assert failed.error.reason == "one-time-code"
    assert "This code was used already. Wait for the next one." in failed.error.message


async def test_private_backend_that_only_a_candidate_asks_for_ends_the_task_with_what_to_allow(run: Run) -> None:
    refused = (("127.0.0.1:4000", "policy: 127.0.0.1 is not a public address"),)
    page = Evidence(url=URL, status=200, refused=refused, failed_origins=("http://127.0.0.1:4000",))
    failed = outcome(error=ScriptError("TimeoutError", "no list", line=3, kind="timeout"), evidence=page)
    result, _ = await run(failed, model=ScriptedModel(FINISH))
    assert result.error is not None
    assert (result.error.reason, result.model_calls) == ("host-not-allowed", 1)
    assert result.error.details["allow_hosts"] == ["http://127.0.0.1:4000"]
