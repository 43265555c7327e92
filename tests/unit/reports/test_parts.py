"""The parts of a report: timeline, turns, tables, changes, diffs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import Event
from engine.contract import Origin
from engine.reports.changes import row_changes
from engine.reports.differences import split_diff
from engine.reports.key_runs import runs_of
from engine.reports.output_table import MOST_ROWS, tables_of
from engine.reports.steps import turns_of
from engine.reports.timeline import timeline_of

BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def event(what: str, at: float, **facts: Any) -> Event:
    return Event(what, "wt_1", BEGAN + timedelta(seconds=at), facts)


def step(at: float, turn: int, **facts: Any) -> Event:
    usual = {"text": "", "usd": 0.001, "seconds": 1.0, "prompt_tokens": 10, "output_tokens": 5}
    return event("agent.step", at, turn=turn, **{**usual, **facts})


def test_waits_attempts_and_their_parts_are_bars_to_scale() -> None:
    found = timeline_of(
        [
            event("task.pending", 0),
            event("task.waiting", 1, key="k", position=2),
            event("task.started", 3),
            event("replay.started", 3, revision="abc"),
            event("attempt.ended", 5, kind="replay", outcome="failed", reason="drift", seconds=2.0, usd=0.0),
            event("repair.started", 5),
            step(8, 1, seconds=2.5, usd=0.004),
            event("candidate.started", 8, other_parameters=False),
            event("candidate.finished", 9, good=False, problems=["no rows"]),
            event("commit", 9.5, revision="abcdef", subject="Repair"),
            event("attempt.ended", 10, kind="repair", outcome="success", seconds=5.0, usd=0.004, modelCalls=1),
            event("task.completed", 10.5),
        ]
    )
    assert [(bar.kind, bar.begin, bar.seconds, bar.failed, bar.inside) for bar in found.bars] == [
        ("wait", 0.0, 1.0, False, False),
        ("wait", 1.0, 2.0, False, False),
        ("replay", 3.0, 2.0, True, False),
        ("repair", 5.0, 5.0, False, False),
        ("model", 5.5, 2.5, False, True),
        ("trial", 8.0, 1.0, True, True),
    ]
    assert found.seconds == 10.5
    assert [(bar.note, bar.usd) for bar in found.bars[3:]] == [("1 model call", 0.004), ("", 0.004), ("no rows", 0.0)]
    assert found.marks == ((9.5, "committed abcdef: Repair"),)


def test_a_recorded_answer_takes_no_time() -> None:
    bars = timeline_of([event("task.pending", 0), step(8, 1, seconds=60.0, recorded=True)]).bars
    assert (bars[-1].begin, bars[-1].seconds) == (8.0, 0.0)


def test_answers_and_pictures_belong_to_their_calls() -> None:
    first, second = turns_of(
        [
            event("explore.started", 0),
            event("picture", 1, name="1"),
            step(2, 1),
            event("agent.tool", 2, tool="python", code="a"),
            event("agent.observed", 3, tool="python", error=True, text="NameError"),
            event("picture", 3, name="2"),
            event("agent.tool", 3, tool="look", arguments={"find": "x"}),
            event("agent.observed", 4, tool="look", error=False, text="found"),
            step(5, 2),
        ]
    )
    assert first.pictures == ["1"]
    assert [(c.tool, c.code, c.answer, c.error, c.pictures) for c in first.calls] == [
        ("python", "a", "NameError", True, ["2"]),
        ("look", "", "found", False, []),
    ]
    assert (second.attempt, second.number, second.calls) == ("explore", 2, [])


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ([{"a": 1}, {"b": "x"}], [("$", ["a", "b"], [["1", ""], ["", "x"]], 2)]),
        (["x", None], [("$", ["value"], [["x"], [""]], 2)]),
        (7, [("$", ["value"], [["7"]], 1)]),
        ({"n": 1, "rows": [{"a": [2]}]}, [("$", ["n"], [["1"]], 1), ("$.rows", ["a"], [["[2]"]], 1)]),
        ([], [("$", [], [], 0)]),
    ],
)
def test_any_output_is_tables(output: Any, shown: list[Any]) -> None:
    found = tables_of(output, {})
    cells = [[[cell.text for cell in row] for row in table.rows] for table in found]
    assert [(t.path, list(t.columns), c, t.count) for t, c in zip(found, cells, strict=True)] == shown


def test_a_value_carries_where_it_stood() -> None:
    origin = Origin(1, "https://shop.example/", "£1")
    (table,) = tables_of({"rows": [{"price": 1}]}, {"$.rows[0].price": origin})
    assert table.rows[0][0].origin is origin


def test_long_outputs_show_their_beginning() -> None:
    (table,) = tables_of([{"n": n} for n in range(10_000)], {})
    assert (len(table.rows), table.count) == (MOST_ROWS, 10_000)


def test_rows_are_matched_by_their_first_text() -> None:
    found = row_changes([{"id": 1, "name": "A", "n": 1}, {"id": 2, "name": "B"}], [{"id": 1, "name": "A", "n": 2}])
    assert found is not None
    assert [(row.name, row.fields) for row in found.changed] == [("A", (("n", "1", "2"),))]
    assert (found.removed, found.added, found.same) == (('{"id": 2, "name": "B"}',), (), 0)


def test_rows_of_equal_names_are_compared_as_wholes() -> None:
    twice = [{"name": "A", "n": 1}, {"name": "A", "n": 2}]
    found = row_changes(twice, [{"name": "A", "n": 2}, {"name": "A", "n": 3}])
    assert found is not None
    assert (found.same, found.changed) == (1, ())
    assert (found.added, found.removed) == (('{"name": "A", "n": 3}',), ('{"name": "A", "n": 1}',))


def test_the_automation_comes_first_in_a_diff_and_the_contract_last() -> None:
    names = ("bundle.json", "contract.json", "automation.py", "resources/x.csv")
    text = "".join(f"diff --git a/{n} b/{n}\n--- a/{n}\n+++ b/{n}\n@@ -1 +1 @@\n-1\n+2\n" for n in names)
    found = split_diff(text)
    assert [part.name for part in found] == ["automation.py", "bundle.json", "resources/x.csv", "contract.json"]
    assert found[0].text == "@@ -1 +1 @@\n-1\n+2\n"
    assert [part.by_engine for part in found] == [False, False, False, True]


def test_runs_of_a_key_are_told_by_what_gave_their_result() -> None:
    def attempt(task: str, kind: str, outcome: str, reason: str | None = None) -> dict[str, Any]:
        return {"task_id": task, "at": BEGAN.isoformat(), "kind": kind, "outcome": outcome, "reason": reason,
                "seconds": 2.0, "usd": 0.001}  # fmt: skip

    found = runs_of(
        [
            attempt("a", "explore", "success"),
            attempt("b", "replay", "failed", "drift"),
            attempt("b", "repair", "success"),
            attempt("c", "replay", "success"),
            attempt("d", "replay", "failed", "site-down"),
        ],
        {"a": True, "b": True, "c": True, "d": False},
    )
    assert [(run.outcome, run.kind, run.reason, run.seconds, run.usd) for run in found] == [
        ("written", "explore", "", 2.0, 0.001),
        ("written", "repair", "drift", 4.0, 0.002),
        ("replayed", "replay", "", 2.0, 0.001),
        ("failed", "replay", "site-down", 2.0, 0.001),
    ]


def test_rows_after_the_first_page_are_kept_as_texts_as_long_as_a_report_holds_them() -> None:
    (table,) = tables_of([{"name": f"Lamp {n}", "price": n / 2, "tags": ["a"]} for n in range(10_000)], {})
    assert (len(table.rows), table.shown, table.count) == (200, 10_000, 10_000)
    assert table.more[0] == ["Lamp 200", "100.0", '["a"]']
    (long,) = tables_of(["x" * 300] * 10_000, {})
    assert 3_000 < long.shown < 6_000 < long.count
