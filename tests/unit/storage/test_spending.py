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
from engine.task.attempts import giving_attempt
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


def ran(
    records: TaskRecords, key: str, *attempts: tuple[str, bool, float], good: bool | None = None, **more: Any
) -> None:
    """Records a task with these attempts: kind, whether it succeeded, dollars."""
    request = build(
        "Take it down", start_url=None, parameters=None, output_schema=None, reuse_key=key, model=None, ai="auto",
        timeout=None, budget_usd=None, secrets=(), allow_hosts=(), limits=Limits(),
    )  # fmt: skip
    task_id, now = new_id("wt_"), datetime.now(UTC)
    good = attempts[-1][1] if good is None else good
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


# Each way in which a task ends: its attempts (kind, success, dollars), its success, and what gave its result.
ENDINGS: dict[str, tuple[list[tuple[str, bool, float]], bool, str | None]] = {
    "explored": ([("explore", True, 0.04)], True, "explore"),
    "no automation": ([("explore", False, 0.03)], False, None),
    "explored, read off the page": ([("explore", False, 0.02), ("continue", True, 0.01)], True, "continue"),
    "replayed": ([("replay", True, 0.001)], True, "replay"),
    "replayed at the second try": ([("replay", False, 0), ("replay", True, 0)], True, "replay"),
    "site away": ([("replay", False, 0), ("replay", False, 0)], False, None),
    "unknown parameter": ([("replay", False, 0), ("check", True, 0)], False, None),
    "empty, and the check as well": ([("replay", True, 0), ("check", False, 0)], False, None),
    "new data by a check": ([("replay", False, 0), ("check", True, 0)], True, "replay"),
    "new data by the model": ([("replay", False, 0), ("confirm", True, 0.0002)], True, "replay"),
    "no rows, as the page says": ([("replay", True, 0), ("check", True, 0)], True, "replay"),
    "repaired": ([("replay", False, 0), ("check", False, 0), ("repair", True, 0.02)], True, "repair"),
    "not repaired": ([("replay", False, 0), ("confirm", False, 0.0002), ("repair", False, 0.03)], False, None),
    "repaired, read off the page": (
        [("replay", False, 0), ("repair", False, 0.02), ("continue", True, 0.004)], True, "continue",
    ),
    "read off the page": ([("replay", False, 0), ("continue", True, 0.004)], True, "continue"),
    "updated": ([("update", True, 0.02)], True, "update"),
    "adopted": ([("adopt", True, 0)], True, "adopt"),
    "edit refused": ([("adopt", False, 0)], False, None),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_ending_counts_as_what_it_is(records: TaskRecords, ending: str) -> None:
    attempts, good, giving = ENDINGS[ending]
    ran(records, "k", ("explore", True, 0.04))
    ran(records, "k", *attempts, good=good)
    found, usd = costs(records, "k"), sum(dollars for _, _, dollars in attempts)
    assert (found.runs, found.total_usd) == (2, pytest.approx(0.04 + usd))
    assert found.model_usd == pytest.approx(0.04 * (1 + good)), "a task that failed has saved nothing"
    assert found.saved_usd == pytest.approx(0.04 * good - usd)
    assert found.replays == (giving == "replay")
    assert found.repairs == sum(kind in ("repair", "update") for kind, _, _ in attempts)
    assert found.first_usd + found.replay_usd + found.repair_usd == pytest.approx(found.total_usd)
    assert (found.paid_after == 2) == (good and usd <= 0.04)
    place = giving_attempt([(kind, "success" if ok else "failed") for kind, ok, _ in attempts])
    assert giving is None or (place is not None and attempts[place][0] == giving)


def test_all_endings_add_up(records: TaskRecords) -> None:
    for attempts, good, _ in ENDINGS.values():
        ran(records, "k", *attempts, good=good)
    found = costs(records, "k")
    raw = records.attempts("k")
    assert found.runs == len({each["task_id"] for each in raw}) == len(ENDINGS)
    assert found.total_usd == pytest.approx(sum(each["usd"] for each in raw))
    assert found.first_usd == pytest.approx(0.04 + 0.03 + 0.02 + 0.01)
    assert found.replay_usd == pytest.approx(0.001 + 2 * 0.0002)
    assert found.repair_usd == pytest.approx(0.02 + 0.03 + 0.02 + 0.004 + 0.004 + 0.02)
    assert (found.replays, found.repairs) == (5, 4)
    assert found.model_usd == pytest.approx(0.04 * sum(good for _, good, _ in ENDINGS.values()))
    assert found.browser_seconds == 2 * len(raw)


def test_only_a_second_result_pays(records: TaskRecords) -> None:
    ran(records, "k", ("explore", False, 0))
    ran(records, "k", ("explore", False, 0))
    ran(records, "k", ("explore", True, 0.04))
    ran(records, "k", ("replay", False, 0), ("check", True, 0), good=False)
    assert costs(records, "k").paid_after is None
    ran(records, "k", ("replay", True, 0))
    assert costs(records, "k").paid_after == 5


def test_tasks_of_the_first_format_count_by_their_result(records: TaskRecords) -> None:
    ran(records, "k", ("explore", True, 0.04))
    ran(records, "k", ("replay", True, 0))
    with records._database.alone() as db:
        db.execute('UPDATE tasks SET outcome = NULL, result = \'{"outcome":"success"}\'')
    assert (costs(records, "k").replays, costs(records, "k").saved_usd) == (1, pytest.approx(0.04))
