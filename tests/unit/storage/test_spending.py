"""The ledger: daily caps over several connections, and the costs and savings of each key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelOverBudget
from engine.storage.spending import DailyCaps, KeyCosts, today
from engine.storage.tasks import TaskRecords
from engine.task.ids import new_id
from engine.task.validation import build
from engine.task.wire import Attempt, Limits, TaskResult, Tokens

OPEN = DailyCaps()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite3"


@pytest.fixture
def records(path: Path) -> Iterator[TaskRecords]:
    opened = TaskRecords(path)
    yield opened
    opened.close()


@pytest.fixture
def elsewhere(path: Path) -> Iterator[TaskRecords]:
    """The same records, opened as by another process."""
    opened = TaskRecords(path)
    yield opened
    opened.close()


def test_reservation_counts_until_it_is_settled(records: TaskRecords, elsewhere: TaskRecords) -> None:
    caps = DailyCaps(workspace=0.10)
    entry = records.spending.reserve("wt_1", "a", 0.08, caps)
    assert records.spending.spent("wt_1") == (0, 0.08)
    with pytest.raises(ModelOverBudget) as refused:
        elsewhere.spending.reserve("wt_2", "b", 0.03, caps)
    assert refused.value.details["spent_usd"] == 0.08
    records.spending.settle(entry, 0.02)
    elsewhere.spending.reserve("wt_2", "b", 0.08, caps)  # to the cent
    assert records.spending.spent("wt_1") == (0.02, 0)
    assert records.spending.spent_on(today()) == {"a": 0.02, "b": 0.08}
    with pytest.raises(ModelOverBudget):
        records.spending.reserve("wt_1", "a", 0.001, caps)


def test_refusal_names_the_cap_and_the_remedy(records: TaskRecords) -> None:
    caps = DailyCaps(key=0.05, workspace=0.06)
    records.spending.reserve("wt_1", "a", 0.05, caps)
    with pytest.raises(ModelOverBudget, match="raise key_usd_per_day") as of_key:
        records.spending.reserve("wt_2", "a", 0.01, caps)
    assert of_key.value.details == {"cap": "key-day", "budget_usd": 0.05, "spent_usd": 0.05, "needed_usd": 0.01}
    with pytest.raises(ModelOverBudget, match="raise usd_per_day") as of_workspace:
        records.spending.reserve("wt_3", "b", 0.02, caps)
    assert of_workspace.value.details["cap"] == "workspace-day"
    assert records.spending.spent_on(today()) == {"a": 0.05}, "what was refused is not set aside"


def test_new_day_begins_with_nothing_spent(records: TaskRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    caps = DailyCaps(key=0.01, workspace=0.01)
    records.spending.reserve("wt_1", "a", 0.01, caps)
    monkeypatch.setattr("engine.storage.spending.today", lambda: "2999-01-01")
    records.spending.reserve("wt_2", "a", 0.01, caps)
    assert records.spending.spent_on("2999-01-01") == {"a": 0.01}


def test_free_calls_pass_a_cap_of_zero(records: TaskRecords) -> None:
    caps = DailyCaps(key=0, workspace=0)
    records.spending.reserve("wt_1", "a", 0, caps)
    with pytest.raises(ModelOverBudget):
        records.spending.reserve("wt_1", "a", 0.0001, caps)


def ran(records: TaskRecords, key: str, *attempts: tuple[str, bool, float], **more: Any) -> None:
    """Records a task with these attempts: kind, whether it succeeded, dollars."""
    request = build(
        "Take it down", start_url=None, parameters=None, output_schema=None, reuse_key=key, model=None, ai="auto",
        timeout=None, budget_usd=None, secrets=(), allow_hosts=(), limits=Limits(),
    )  # fmt: skip
    task_id, now, good = new_id("wt_"), datetime.now(UTC), attempts[-1][1]
    records.enqueue(task_id, request, now)
    made = [
        Attempt.model_validate(
            {"kind": kind, "outcome": "success" if ok else "failed", "usd": usd, "seconds": 2, **more}
        )
        for kind, ok, usd in attempts
    ]
    records.finish(
        TaskResult(
            web_task_id=task_id,
            status="completed",
            outcome="success" if good else "failed",
            created_at=now,
            attempts=tuple(made),
        )
    )


def costs(records: TaskRecords, key: str) -> KeyCosts:
    (found,) = records.spending.costs(key)
    return found


def test_sums_are_by_key_and_by_kind(records: TaskRecords) -> None:
    ran(records, "a", ("explore", False, 0.01))
    ran(records, "a", ("explore", True, 0.04), model_calls=3, tokens=Tokens(input=100, output=20, cache_read=7))
    ran(records, "a", ("replay", True, 0.001), model_calls=1, tokens=Tokens(input=10, cache_write=5))
    ran(records, "a", ("replay", False, 0), ("repair", True, 0.02))
    ran(records, "a", ("replay", False, 0), ("update", False, 0.005))
    ran(records, "b", ("explore", True, 1.0))
    found = costs(records, "a")
    assert (found.runs, found.replays, found.repairs) == (5, 1, 2)
    assert found.first_usd == pytest.approx(0.05), "what failed before is part of the first run's price"
    assert found.replay_usd == pytest.approx(0.001)
    assert found.repair_usd == pytest.approx(0.025)
    assert found.total_usd == pytest.approx(0.076)
    assert found.model_usd == pytest.approx(3 * 0.04), "three results, each at the price of the exploration"
    assert found.saved_usd == pytest.approx(0.12 - 0.076)
    assert (found.model_calls, found.browser_seconds) == (4, 14)
    assert found.tokens == {"input": 110, "output": 20, "cache_read": 7, "cache_write": 5}
    assert [each.key for each in records.spending.costs()] == ["a", "b"]
    assert records.spending.costs("nobody") == []
    assert found.to_json()["tokens"]["output"] == 20


def test_automation_has_paid_when_its_results_are_worth_the_costs(records: TaskRecords) -> None:
    ran(records, "k", ("explore", True, 0.04))
    assert costs(records, "k").paid_after is None, "one result for the price of one"
    ran(records, "k", ("replay", False, 0))
    assert costs(records, "k").saved_usd == 0
    ran(records, "k", ("replay", True, 0))
    assert costs(records, "k").saved_usd == pytest.approx(0.04)
    paid = costs(records, "k").paid_after
    ran(records, "k", ("replay", True, 0))
    assert costs(records, "k").paid_after == paid, "later runs do not move it"


def test_expensive_first_run_pays_off_later(records: TaskRecords) -> None:
    ran(records, "k", ("explore", False, 0.05))
    ran(records, "k", ("explore", True, 0.04))
    for _ in range(3):
        ran(records, "k", ("replay", True, 0))
    assert costs(records, "k").paid_after == 4, "two more results at 0.04 make up for the 0.05 that were lost"


def test_automation_never_explored_here_has_no_price(records: TaskRecords) -> None:
    ran(records, "k", ("replay", True, 0))
    found = costs(records, "k")
    assert (found.model_usd, found.saved_usd, found.paid_after) == (0, 0, None)


def test_costs_include_interrupted_runs(records: TaskRecords) -> None:
    """An interrupted run leaves no attempt, only its payments."""
    records.spending.settle(records.spending.reserve("wt_1", "a", 0.08, DailyCaps()), 0.02)
    records.spending.settle(records.spending.reserve("wt_2", "b", 0.08, DailyCaps()), 0.0)
    for found in (records.spending.costs(), records.spending.costs("a")):
        assert [(each.key, each.runs, each.total_usd, each.saved_usd) for each in found] == [("a", 0, 0.02, -0.02)]
    assert records.spending.costs("b") == []
