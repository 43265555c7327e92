"""Values that were made of those of before are told from values that have changed by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from engine.contract import History, check, learn
from engine.storage.database import Database
from tests.unit.contract.pages import CleanRuns, run_of
from tests.unit.contract.test_fairness import fresh

Row = dict[str, Any]
Rows = list[Row]
FIRST = date(2026, 3, 9)


def parts(change: Callable[[Row], Row] = lambda row: row) -> Rows:
    rows = [
        {
            "part": f"Part {chr(65 + n)}-{n * 7}",
            "family": ("Light gear", "Heavy gear", "Split gear", "Sealed gear")[n % 4],
            "price": 14.35 + 11.27 * n,
            "posted": (FIRST + timedelta(days=5 * n)).isoformat(),
        }
        for n in range(8)
    ]
    return [change(row) for row in rows]


def moved(days: int) -> Callable[[Row], Row]:
    return lambda row: row | {"posted": (date.fromisoformat(row["posted"]) + timedelta(days=days)).isoformat()}


def summed_up() -> Rows:
    total, rows = 0.0, parts()
    for row in rows:
        total += row["price"]
        row["price"] = round(total, 2)
    return rows


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (parts(lambda row: row | {"price": float(round(row["price"]))}), "rounded"),
        (summed_up(), "summed"),
        (parts(lambda row: row | {"price": row["price"] + 1}), "offset"),
        (parts(moved(-1)), "moved-days"),
        (parts(lambda row: row | {"posted": f"{row['posted'][:8]}01"}), "moved-days"),
        (parts(lambda row: row | {"posted": f"2027{row['posted'][4:]}"}), "moved-days"),
        (parts(lambda row: row | {"posted": FIRST.isoformat()}), "flooded"),
        (parts(lambda row: row | {"price": 14.35}), "flooded"),
        (parts(lambda row: row | {"family": row["family"].lower().replace(" ", "-")}), "recased"),
        (parts(lambda row: row | {"family": f"via {row['family']}"}), "affixed"),
        ([row for row in parts()[:4] for _ in range(2)], "displaced"),
        (parts(lambda row: row | {"family": "N/A" if row["price"] > 50 else row["family"]}), "lost"),
    ],
)
def test_values_made_of_those_of_before_are_a_breach(after: Rows, kind: str) -> None:
    found = check(learn([run_of(parts())]), run_of(after), fresh(parts()))
    assert kind in {b.kind for b in found if b.severity == "statistical" and not b.ordinary}


@pytest.mark.parametrize(
    "after",
    [
        parts(lambda row: row | {"price": round(row["price"] + 3.1, 2)}),
        parts(moved(1)),
        parts(moved(-7)),
        parts(lambda row: row | {"posted": "2026-04-01"}),
        parts() + parts()[:3],
        parts()[:5] + parts()[:2],
    ],
)
def test_values_that_change_by_themselves_are_none(after: Rows) -> None:
    found = check(learn([run_of(parts())]), run_of(after), fresh(parts()))
    assert {b.kind for b in found}.isdisjoint(
        {"rounded", "summed", "moved-days", "recased", "affixed", "displaced", "offset"}
    )


@pytest.mark.parametrize(("age", "ordinary"), [(60.0, False), (86400.0, True)])
def test_dates_of_another_year_are_as_data_may_be_once_time_has_gone_by(age: float, ordinary: bool) -> None:
    past = fresh(parts())
    assert past.same is not None
    later = replace(past, same=replace(past.same, age=age))
    run = run_of(parts(lambda row: row | {"posted": f"2027{row['posted'][4:]}"}))
    assert [b.ordinary for b in check(learn([run_of(parts())]), run, later) if b.kind == "moved-days"] == [ordinary]


def test_names_of_a_thing_are_compared_though_they_name_the_rows() -> None:
    names = ["Study room", "Public printing", "Step-free access", "Parking", "Lockers"]
    slugs = [name.lower().replace(" ", "-") for name in names]
    found = check(learn([run_of(names)]), run_of(slugs), fresh([{"": name} for name in names]))
    assert ("recased", "$[*]") in [(b.kind, b.path) for b in found]


def test_texts_of_a_list_that_are_cut_are_told_by_those_of_before() -> None:
    names = ["Study room", "Public printing", "Step-free access", "Parking", "Meeting rooms"]
    cut = [f"{name[:9]}…" if len(name) > 10 else name for name in names]
    found = check(learn([run_of(names)]), run_of(cut), fresh([{"": name} for name in names]))
    assert ("shortened", "$[*]") in [(b.kind, b.path) for b in found]


def test_dates_that_move_from_run_to_run_may_move_back(database: Database) -> None:
    past = CleanRuns(database, *(run_of(parts(moved(n)), {"q": "a"}) for n in (0, 2, 4)))
    assert "moved-days" not in past.kinds(run_of(parts(moved(3)), {"q": "a"}))


@pytest.mark.parametrize(("price", "kinds"), [(1461.0, ["rounded"]), (1502.0, []), (1460.97, [])])
def test_single_number_without_its_decimals_is_a_breach(price: float, kinds: list[str]) -> None:
    machine = {"name": "Mixer", "price": 1460.97, "weight": 11.1}
    found = check(learn([run_of(machine)]), run_of(machine | {"price": price}), fresh([machine]))
    assert [b.kind for b in found] == kinds


def test_numbers_and_days_of_a_single_object_may_all_change_overnight(database: Database) -> None:
    def board(day: int) -> Row:
        return {"visitors": 1092 + 37 * day, "revenue": 9334.7 - 40 * day, "as_of": f"2026-09-{14 + day}"}

    past = CleanRuns(database, *(run_of(board(0), {"q": "a"}) for _ in range(6)))
    assert past.kinds(run_of(board(1), {"q": "a"})) == []


def test_another_name_beside_them_is_another_object(database: Database) -> None:
    board = {"name": "North Quay", "visitors": 1092, "revenue": 9334.7}
    past = CleanRuns(database, *(run_of(board, {"q": "a"}) for _ in range(6)))
    assert past.kinds(run_of({"name": "Mill Lane", "visitors": 801, "revenue": 7000.1}, {"q": "a"})) == ["replaced"]


def test_renamed_rows_are_not_replaced(database: Database) -> None:
    past = CleanRuns(database, *(run_of(parts(), {"q": "a"}) for _ in range(6)))
    codes = [row | {"part": f"CLK-{1000 + n}"} for n, row in enumerate(parts())]
    assert "replaced" not in past.kinds(run_of(codes, {"q": "a"}))
    assert check(learn([run_of(parts())]), run_of(parts()), History()) == []
