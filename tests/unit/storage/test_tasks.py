import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import Attempt, StoreError, TaskRequest, TaskResult
from engine.storage.journal import GateState
from engine.storage.tasks import TaskRecords


def asked(key: str = "k", task: str = "t", **parameters: Any) -> TaskRequest:
    return TaskRequest(task=task, reuse_key=key, parameters=parameters)


@pytest.fixture
def records(tmp_path: Path) -> TaskRecords:
    return TaskRecords(tmp_path / "store" / "records.sqlite3")


def test_gate_is_passed_once_even_over_a_restart(records: TaskRecords) -> None:
    assert records.journal.pass_gate("wt_1", "pay", "")
    assert not records.journal.pass_gate("wt_1", "pay", "")
    assert records.journal.pass_gate("wt_1", "pay", "second item")
    assert records.journal.pass_gate("wt_2", "pay", "")
    records.close()
    again = TaskRecords(records.path)
    assert not again.journal.pass_gate("wt_1", "pay", "")
    again.journal.close_gate("wt_1", "pay", "", "confirmed")
    assert sorted(again.journal.gates("wt_1")) == [("pay", "", "confirmed"), ("pay", "second item", "passed")]
    again.close()


def test_attempts_are_returned_with_their_task(records: TaskRecords) -> None:
    now = datetime.now(UTC)
    records.enqueue("wt_1", asked("key", "list", a=1), now)
    attempt = Attempt(kind="explore", outcome="success", model="m", usd=0.002, seconds=1.5)
    result = TaskResult(web_task_id="wt_1", status="completed", outcome="success", created_at=now, attempts=(attempt,),
        reuse_key="key",
    )  # fmt: skip
    assert records.finish(result)
    assert records.task("wt_1") == result
    (row,) = records.attempts("key")
    assert (row["task_id"], row["task"], row["kind"], row["usd"]) == ("wt_1", "list", "explore", 0.002)
    assert records.attempts("another") == []
    records.close()


def test_clean_runs_are_counted_and_keep_the_last_good_parameters(records: TaskRecords) -> None:
    assert records.run_history.clean_runs("r") == (0, [])
    records.run_history.clean_run("r", [{"a": 1}, {"a": 2}], "1 row")
    records.run_history.clean_run("r", [{"a": 2}], "2 rows")
    records.run_history.clean_run("r", [], None)
    assert records.run_history.sample("r") == "2 rows"
    assert records.run_history.clean_runs("r") == (3, [{"a": 2}, {"a": 1}])
    records.close()


def test_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer version"):
        TaskRecords(path)


def test_two_processes_on_one_database_wait_for_each_other(records: TaskRecords) -> None:
    other = TaskRecords(records.path)
    records.enqueue("wt_1", asked(), datetime.now(UTC))
    other.enqueue("wt_2", asked(), datetime.now(UTC))
    assert not other.journal.gates("wt_1")
    other.close()
    records.close()


def test_concurrent_openings_of_a_new_database_succeed(tmp_path: Path) -> None:
    for n in range(5):
        with ThreadPoolExecutor(8) as threads:
            opened = list(threads.map(lambda _: TaskRecords(tmp_path / f"{n}.sqlite3"), range(8)))  # noqa: B023  ends here
        for records in opened:
            records.close()


@pytest.mark.parametrize(
    ("states", "effect"),
    [
        ((), "none"),
        (("confirmed", "confirmed"), "performed"),
        (("confirmed", "passed"), "unknown"),
        (("confirmed", "failed"), "unknown"),
    ],
)
def test_effect_of_a_task_follows_from_its_gates(
    records: TaskRecords, states: tuple[GateState, ...], effect: str
) -> None:
    for n, state in enumerate(states):
        assert records.journal.pass_gate("wt_1", f"pay {n}", "")
        if state != "passed":
            records.journal.close_gate("wt_1", f"pay {n}", "", state)
    found = records.journal.effect("wt_1")
    assert found.effect == effect
    assert sorted(found.actions) == [f"pay {n}" for n in range(len(states))]
