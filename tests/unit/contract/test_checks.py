from typing import Any

import pytest

from engine.contract import CLEAN_RUNS_BEFORE_STATISTICS, History, Observed, check, learn, rows, widen
from engine.errors import BundleCorrupt
from sandbox import Evidence
from sandbox.page_map import PageMap


def people(n: int, **change: Any) -> list[dict[str, Any]]:
    return [{"name": f"N{i}", "phone": f"+49 30 {1000 + i}", "joined": "2024-03-01"} | change for i in range(n)]


GOOD = Observed(people(12), Evidence(counts=(("12 people", 12),)), (12, 12))


def kinds(run: Observed, clean_runs: int = 0, good: Observed = GOOD) -> list[str]:
    return [b.kind for b in check(learn([good]), run, History(clean_runs))]


def test_the_run_that_was_learned_from_satisfies_the_contract() -> None:
    assert kinds(GOOD) == []


def test_changed_data_of_the_same_shape_satisfy_the_contract() -> None:
    assert kinds(Observed(people(9), Evidence(counts=(("9 people", 9),)), (9, 9))) == []


def test_an_empty_list_is_accepted_only_if_the_page_says_so() -> None:
    assert kinds(Observed([], Evidence())) == ["no-rows"]
    assert kinds(Observed([], Evidence(empty=(("text=Nothing found", True),)))) == []
    assert kinds(Observed([], Evidence(empty=(("text=Nothing found", False),)))) == ["no-rows"]
    assert kinds(Observed([], Evidence(counts=(("320 rows", 320),)), (320, 320))) == [], "all were read"
    assert kinds(Observed([], Evidence(counts=(("320 rows", 320),)), (50, 320))) == ["progress", "no-rows"]


@pytest.mark.parametrize(
    ("page", "right"),
    [
        ({"examined": (12, None)}, True),
        ({"examined": (12, 12)}, True),
        ({"examined": (12, None), "counts": (("12 people", 12), ("3 teams", 3))}, True),
        ({"examined": (0, None)}, False),
        ({"examined": (10, 12)}, False),
        ({"examined": (12, None), "counts": (("53 people", 53),)}, False),
        ({"examined": (12, None), "next_controls": ("Next",)}, False),
        ({"examined": (12, None), "next_pages": ("2",)}, False),
        ({"examined": (12, None), "maps": (PageMap("page", "/", more=True),)}, False),
    ],
)
def test_no_rows_are_right_where_code_let_none_of_all_items_through(page: dict[str, Any], *, right: bool) -> None:
    assert ("no-rows" not in kinds(Observed([], Evidence(**page)))) is right


def test_rows_that_code_filters_out_count_towards_the_total_of_the_page() -> None:
    counts = {"counts": (("12 people", 12),)}
    assert kinds(Observed(people(3), Evidence(**counts))) == ["count"]
    assert kinds(Observed(people(3), Evidence(**counts, examined=(12, None)))) == []
    assert kinds(Observed(people(3), Evidence(**counts, examined=(3, None)))) == ["count"]


def test_fewer_rows_of_other_parameters_are_right_where_all_items_were_examined() -> None:
    assert kinds(Observed(people(3), Evidence()), 5) == ["fewer-rows"]
    assert kinds(Observed(people(3), Evidence(examined=(12, None))), 5) == []


def test_list_that_was_empty_in_its_first_run_may_later_be_empty_only_for_a_reason() -> None:
    read = Observed([], Evidence(examined=(12, None)))
    assert kinds(read, good=read) == []
    assert kinds(Observed([], Evidence()), good=read) == ["no-rows"]


def test_a_field_missing_in_every_row_is_a_breach() -> None:
    breaches = check(learn([GOOD]), Observed(people(12, phone=" "), Evidence()))
    assert [(b.kind, b.path) for b in breaches] == [("field-empty", "$[*].phone")]


def test_a_field_with_another_pattern_is_a_breach() -> None:
    breaches = check(learn([GOOD]), Observed(people(12, joined="Accounting"), Evidence()))
    assert [(b.kind, b.path) for b in breaches] == [("pattern", "$[*].joined")]


def test_a_next_control_left_is_a_breach_unless_good_runs_leave_one() -> None:
    run = Observed(people(12), Evidence(next_controls=("Next",)))
    assert kinds(run) == ["next-left"]
    assert kinds(run, good=run) == []


def test_the_pages_own_count_must_be_the_number_of_rows() -> None:
    assert kinds(Observed(people(10), Evidence(counts=(("53 people", 53),)))) == ["count"]


def test_progress_that_stops_short_is_a_breach() -> None:
    assert kinds(Observed(people(10), Evidence(), (10, 53))) == ["progress"]


def test_duplicate_rows_are_a_breach_if_good_runs_had_none() -> None:
    twice = Observed([*people(40), *people(15)], Evidence(), (55, 55))
    assert kinds(twice) == ["duplicates"]
    assert "15 of 55" in str(check(learn([GOOD]), twice)[0])
    assert kinds(twice, good=twice) == []
    assert kinds(twice, good=Observed(people(4), Evidence())) == []  # four rows prove nothing
    assert check(widen(learn([GOOD]), twice), twice) == []


def test_statistical_breaches_need_clean_runs() -> None:
    few = Observed(people(3), Evidence())
    assert kinds(few) == []
    assert kinds(few, clean_runs=CLEAN_RUNS_BEFORE_STATISTICS) == ["fewer-rows"]
    sparse = Observed([*people(3), *people(9, phone=None)], Evidence())
    assert kinds(sparse, clean_runs=CLEAN_RUNS_BEFORE_STATISTICS) == ["field-sparse"]


def test_nested_lists_and_single_objects_are_checked() -> None:
    good = Observed(
        {"title": "Report", "items": people(4), "groups": [{"tags": ["a", "b"]}, {"tags": ["c"]}]}, Evidence()
    )
    bad = Observed({"title": "", "items": [], "groups": [{"tags": []}, {"tags": []}]}, Evidence())
    found = {(b.kind, b.path) for b in check(learn([good]), bad)}
    assert found == {
        ("field-empty", "$.title"),
        ("no-rows", "$.items"),
        ("no-rows", "$.groups[*].tags"),
    }


def test_a_widened_contract_admits_the_new_and_the_old_runs() -> None:
    contract = widen(learn([GOOD]), Observed([*people(2, phone="")], Evidence()))
    assert contract["output"]["$"]["rows"] == [2, 12]
    assert contract["output"]["$"]["fields"]["phone"]["filled"] == 0.0
    assert check(contract, GOOD) == []


def test_rows_counts_the_largest_list() -> None:
    assert rows({"a": [1], "b": [1, 2, 3]}) == 3
    assert rows({"a": 1}) is None


@pytest.mark.parametrize(
    "contract",
    [
        {"format": 2},
        {"page": []},
        {"output": []},
        {"output": {"$": {}}},
        {"output": {"$": {"rows": 1, "array": True, "fields": {}}}},
        {"output": {"$": {"rows": ["1", "2"], "array": True, "fields": {}}}},
        {"output": {"$": {"rows": [1, 2], "array": True, "fields": {"a": {"filled": 1}}}}},
    ],
)
def test_a_contract_of_another_form_is_refused(contract: dict[str, Any]) -> None:
    with pytest.raises(BundleCorrupt, match=r"contract\.json"):
        check(contract, Observed([1], Evidence()))


ROWS = [
    {"name": f"Thing {n}", "price": f"€{n + 10}.00", "since": f"2025-03-{n + 1:02}", "sku": f"LA-{n}1"}
    for n in range(8)
]


@pytest.mark.parametrize(
    "wrong",
    [
        [row | {"name": "Add to basket"} for row in ROWS],
        [row | {"name": "Error: not found"} for row in ROWS],
        [row | {"price": row["name"]} for row in ROWS],
        [row | {"since": "Accounting"} for row in ROWS],
        [*ROWS, *ROWS[:2]],
    ],
)
def test_what_data_hardly_do_by_themselves_is_doubted_from_the_first_run_on(wrong: list[dict[str, Any]]) -> None:
    found = check(learn([Observed(ROWS, Evidence())]), Observed(wrong, Evidence()))
    assert {b.severity for b in found} & {"structural", "doubtful"}


def test_codes_that_an_earlier_version_took_for_money_still_satisfy_the_contract() -> None:
    codes = [{"name": f"Clock {n}", "sku": f"CLK-{n + 1000}"} for n in range(8)]
    contract = learn([Observed(codes, Evidence())])
    contract["output"]["$"]["fields"]["sku"]["patterns"] = {"money": 1.0}
    assert check(contract, Observed(codes, Evidence())) == []


def test_first_and_last_name_state_no_order() -> None:
    assert not learn([GOOD], "List the members: first name, last name and number.")["sorted"]
    assert learn([GOOD], "List the tickets, the most recent first")["sorted"]
