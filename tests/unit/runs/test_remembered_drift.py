"""A drift puts the whole revision in doubt, and secrets tell accounts apart. Only the sandbox is scripted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import TaskResult
from engine.contract import Observed, learn
from engine.gate.plausibility import same_parameters
from engine.storage.database import Database
from engine.storage.run_history import RunHistory
from engine.storage.tasks import TaskRecords
from engine.task.schema import infer
from engine.testing import ScriptedModel, outcome
from sandbox import Evidence, GateDecision, Host, Outcome, ScriptError
from tests.support.maps import Sheet
from tests.support.saved import save
from tests.unit.contract.pages import run_of, shops
from tests.unit.runs.conftest import URL, Run

Rows = list[dict[str, Any]]
FULL = shops(12)
WRONG = shops(12, price=None)


def gave(output: Any) -> Outcome:
    return outcome(output, evidence=Evidence(url=URL, text="Shops", status=200))


def kinds(result: TaskResult) -> list[str]:
    return [attempt.kind for attempt in result.attempts]


def trust(result: TaskResult) -> str:
    assert result.reuse is not None
    return result.reuse.trust


@pytest.fixture
def saved(tmp_path: Path, git: None) -> Path:
    contract = learn([Observed(FULL, Evidence())])
    save(tmp_path, "k", "code", parameters={"q": "a"}, contract=contract, schema=infer([FULL, WRONG]), start_url=URL)
    return tmp_path


async def test_drift_of_some_parameters_puts_others_in_doubt(run: Run, saved: Path) -> None:
    assert (await run(gave(FULL), parameters={"q": "a"}))[0].ok
    drifted, _ = await run(gave(WRONG), parameters={"q": "a"})
    assert drifted.error is not None
    assert (drifted.error.reason, trust(drifted)) == ("drift", "suspected")
    other, sandbox = await run(gave(shops(9, 40)), gave(WRONG), parameters={"q": "b"})
    assert other.error is not None
    assert other.error.reason == "drift"
    assert 'a result that was refused for {"q": "a"}, and still does' in other.error.message
    assert kinds(other) == ["replay", "check"]
    assert [call.parameters for call in sandbox.calls] == [{"q": "b"}, {"q": "a"}]


async def test_doubt_ends_with_a_good_run_of_what_drifted(run: Run, saved: Path) -> None:
    assert (await run(gave(FULL), parameters={"q": "a"}))[0].ok
    assert not (await run(gave(WRONG), parameters={"q": "a"}))[0].ok
    beside, _ = await run(gave(shops(9, 40)), gave(FULL), parameters={"q": "b"})
    assert (beside.ok, kinds(beside), trust(beside)) == (True, ["replay", "check"], "candidate")
    after, _ = await run(gave(shops(9, 40)), parameters={"q": "b"})
    assert (after.ok, kinds(after)) == (True, ["replay"])
    assert not (await run(gave(WRONG), parameters={"q": "a"}))[0].ok
    itself, _ = await run(gave(FULL), parameters={"q": "a"})
    assert (itself.ok, kinds(itself), trust(itself)) == (True, ["replay"], "candidate")


async def test_doubt_leads_to_a_repair_where_a_model_may_be_asked(run: Run, saved: Path) -> None:
    assert (await run(gave(FULL), parameters={"q": "a"}))[0].ok
    assert not (await run(gave(WRONG), parameters={"q": "a"}))[0].ok
    model = ScriptedModel([("give_up", {"reason": "site-broken", "message": "no prices"})])
    other, _ = await run(gave(shops(9, 40)), gave(WRONG), parameters={"q": "b"}, model=model)
    assert kinds(other) == ["replay", "check", "repair"]
    assert "still does: $[*].price" in str(model.requests[0].messages)


async def test_lenient_request_takes_a_result_in_doubt_with_a_warning(run: Run, saved: Path) -> None:
    assert (await run(gave(FULL), parameters={"q": "a"}))[0].ok
    assert not (await run(gave(WRONG), parameters={"q": "a"}))[0].ok
    other, _ = await run(gave(shops(9, 40)), parameters={"q": "b"}, trust="lenient")
    assert (other.ok, kinds(other), trust(other)) == (True, ["replay"], "suspected")
    assert "may be wrong" in other.warnings[0]


async def test_run_that_fails_or_finds_nothing_puts_no_other_in_doubt(run: Run, saved: Path) -> None:
    assert (await run(gave(FULL), parameters={"q": "a"}))[0].ok
    broken = outcome(error=ScriptError("TimeoutError", "no list", kind="timeout"), evidence=Evidence(url=URL))
    for step in (broken, gave([])):
        assert not (await run(step, parameters={"q": "a"}))[0].ok
    other, _ = await run(gave(shops(9, 40)), parameters={"q": "b"})
    assert (other.ok, kinds(other), trust(other)) == (True, ["replay"], "candidate")


async def test_what_cannot_be_run_again_is_told_as_a_warning(run: Run, tmp_path: Path, git: None) -> None:
    contract = learn([Observed(FULL, Evidence())])
    save(tmp_path, "k", "code", parameters={"q": ""}, contract=contract, schema=infer([FULL, WRONG]), effects="write")

    def ordered(output: Any) -> Any:
        async def run(host: Host) -> Outcome:
            assert await host.gate("order", None) == GateDecision.GO
            await host.gate_closed("order", None, None)
            return gave(output)

        return run

    drifted, _ = await run(ordered(WRONG), parameters={"q": "a"})
    assert drifted.error is not None
    other, _ = await run(ordered(FULL), parameters={"q": "b"})
    assert (other.ok, kinds(other), trust(other)) == (True, ["replay"], "suspected")
    assert "may be wrong" in other.warnings[0]


async def test_another_accounts_rows_are_no_baseline(run: Run, tmp_path: Path, git: None) -> None:
    first = {"q": "a", "password": "first"}
    contract = learn([Observed(FULL, Evidence())])
    save(tmp_path, "k", "code", parameters=first, contract=contract, schema=infer([FULL]), start_url=URL)
    for _ in range(2):
        result, _ = await run(gave(shops(20)), parameters=first)
        assert result.ok
    assert (await run(gave(shops(5, 60)), parameters={"q": "a", "password": "hunter-zwo"}))[0].ok
    fewer, _ = await run(gave(shops(5)), parameters=first)
    assert fewer.error is not None
    assert {b["kind"] for b in fewer.error.details["breaches"]} >= {"fewer-rows"}
    (records,) = tmp_path.rglob("records.sqlite3")
    assert b"hunter-zwo" not in records.read_bytes()
    assert (records.parent / "accounts.key").stat().st_mode & 0o777 == 0o600


ANNA = {"user": "anna", "password": "first-secret", "q": "a"}
BERT = {"user": "bert", "password": "other-secret", "q": "a"}


async def test_another_accounts_user_name_is_not_tried_with_this_ones_password(
    run: Run, tmp_path: Path, git: None
) -> None:
    contract = learn([Observed(FULL, Evidence())])
    save(tmp_path, "k", "code", parameters=ANNA, contract=contract, schema=infer([FULL]), start_url=URL)
    assert (await run(gave(FULL), parameters=ANNA))[0].ok
    broken = outcome(error=ScriptError("TimeoutError", "no list", kind="timeout"), evidence=Evidence(url=URL))
    for parameters, attempts in ((BERT, ["replay"]), (ANNA | {"q": "b"}, ["replay", "check"])):
        result, _ = await run(broken, gave(FULL), parameters=parameters)
        assert (result.ok, kinds(result)) == (False, attempts)


def test_outputs_are_told_apart_by_account(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.sqlite3")
    history = RunHistory(database)
    one, two = (history.accounts.identity({"password": word, "otp": str(n)}) for n, word in enumerate(("x", "y")))
    assert one != two
    assert one == RunHistory(database).accounts.identity({"password": "x", "otp": "other"})
    assert history.accounts.identity({}) == history.accounts.identity({"otp_code": "123456"}) == ""
    for account, output in ((one, shops(7)), (two, shops(5))):
        observed = run_of(output, {"q": "a"})
        history.clean_run("r", [], None, [Observed(output, observed.evidence, None, {"q": "a"}, account=account)])
    for account, count in ((one, 7), (two, 5)):
        known = history.history("r", {"q": "a"}, account)
        assert known.same is not None
        assert known.same.rows == (count, count)
        assert len(known.others) == 1
        compared = same_parameters(known, {"q": "a"})
        assert compared is not None, "a repair is held against what the same account was given"
        assert compared.rows == (count, count)
    assert same_parameters(history.history("r", {"q": "a"}, "another"), {"q": "a"}) is None
    assert history.history("r", {"q": "a"}).same is None
    database.close()


def test_suspicions_are_kept_with_the_code_and_can_be_cleared(tmp_path: Path) -> None:
    records = TaskRecords(tmp_path / "records.sqlite3")
    history = records.run_history
    for n in range(7):
        history.suspicions.add("old", {"n": n}, "", ["wrong"], repeatable=True)
    assert [one.parameters["n"] for one in history.suspicions.of("old")] == [6, 5, 4, 3, 2]
    history.inherit("old", "same code", trust=True)
    history.inherit("old", "repaired", trust=False)
    assert len(history.suspicions.of("same code")) == 5
    assert history.suspicions.of("repaired") == []
    history.suspicions.add("same code", {"n": 6}, "account", ["wrong"], repeatable=True)
    history.suspicions.clear("same code", {"n": 6}, "")
    found = [(one.parameters["n"], one.account) for one in history.suspicions.of("same code")]
    assert found == [(6, "account"), (5, ""), (4, ""), (3, "")], "another account's result is another"
    for number, account in found:
        history.suspicions.clear("same code", {"n": number}, account)
    assert history.suspicions.of("same code") == []
    assert json.loads(json.dumps([one.problems for one in history.suspicions.of("old")]))[0] == ["wrong"]
    records.close()


def shown(rows: Rows, *, said: str = "") -> Evidence:
    columns = list(rows[0])
    sheet = Sheet(URL, "Shops").heading("Shops")
    sheet.table([*columns, "Seen by"], [[*(str(row[name]) for name in columns), said] for row in rows])
    return Evidence(url=URL, text="Shops", status=200, maps=(sheet.map(),))


async def test_clean_runs_widen_what_is_known_of_where_values_stood(run: Run, tmp_path: Path, git: None) -> None:
    parameters = {"q": "a", "password": "hunter-zwo"}
    contract = learn([Observed(FULL, shown(FULL))])
    save(tmp_path, "k", "code", parameters=parameters, contract=contract, schema=infer([FULL]), start_url=URL)
    for n in range(2):
        later = shops(12, n)
        step = outcome(later, evidence=shown(later, said="hunter-zwo"))
        result, _ = await run(step, parameters=parameters)
        assert result.ok, result.error
    records = TaskRecords(tmp_path / "default" / "records.sqlite3")
    assert result.reuse is not None
    known = records.run_history.history(result.reuse.revision_id, {"q": "a"}).provenance
    assert (known["runs"], sorted(known["fields"])) == (2, sorted(f"$[*].{name}" for name in FULL[0]))
    assert "hunter-zwo" not in json.dumps(known)
    records.run_history.inherit(result.reuse.revision_id, "repaired", trust=False)
    assert records.run_history.history("repaired", {}).provenance == {}
    records.close()
