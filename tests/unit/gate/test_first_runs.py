"""Tests of what the page of a first run shows beside the rows that the code returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract import Observed
from engine.execution.automation_run import AutomationRun
from engine.gate.beyond import gone, missed
from engine.gate.borne_out import unborne
from engine.gate.narrowed import first_elements, other_elements
from engine.gate.nothing_left import refuses_nothing, values_without_rows
from engine.gate.verdicts import Requirements, Trial
from engine.gate.vocabulary import RequestWords
from engine.testing import outcome
from sandbox import Evidence, ScriptError
from sandbox.page_map import PageMap
from sandbox.read_evidence import Ambiguous, Scrolled
from tests.support.maps import Sheet

WARES = ("Lamp", "Chair", "Desk", "Shelf", "Stool", "Bench")
TEXTS = tuple(f"{ware} by Ann £9" for ware in WARES)
ROWS = [{"name": ware, "seller": "Ann"} for ware in WARES]


def items(*texts: str) -> PageMap:
    return Sheet().heading("Wares").cards([[text] for text in texts]).map()


def left(output: Any, before: int, seen: int, *, ended: bool = True) -> Observed:
    scrolled = Scrolled(before, seen, ended, items(*TEXTS))
    return Observed(output, Evidence(scrolled=scrolled, maps=(items(*TEXTS),)))


def test_rows_that_come_when_the_page_is_scrolled_are_told_with_their_number() -> None:
    assert "the same list had 44 others" in str(missed(left(ROWS, 6, 50)))
    assert "had 44 or more others" in str(missed(left(ROWS, 6, 50, ended=False)))
    assert missed(left(ROWS, 6, 6)) is None
    assert missed(left(ROWS, 3, 6)) is None, "read while it was scrolled"
    assert missed(left(ROWS[:3], 6, 50)) is None, "another list, or a part of it"
    assert missed(left({"price": 9}, 6, 50)) is None
    assert missed(Observed(ROWS, Evidence())) is None, "nobody looked"


def after(output: Any, *texts: str) -> str:
    """Return what is found where the page has other texts once it is quiet."""
    later = Scrolled(6, 6, ended=True, map=items(*texts))
    return str(gone(Observed(output, Evidence(scrolled=later, maps=(items(*TEXTS),)))))


def test_rows_in_whose_place_others_come_were_read_too_early() -> None:
    assert "none of the 6 rows" in after(ROWS, "Ticket 1", "Ticket 2", "Ticket 3")
    assert "shows others, such as 'Ticket 1'" in after(ROWS, "Ticket 1", "Ticket 2", "Ticket 3")
    assert "such as 'Ticket 1'" in after(ROWS[:1], "Ticket 1"), "one row counts as many do"
    assert after(ROWS, *TEXTS) == "None"
    tickets = items("Ticket 1", "Ticket 2", "Ticket 3")
    elsewhere = Evidence(scrolled=Scrolled(6, 6, ended=True, map=items(*TEXTS)), maps=(tickets,))
    assert gone(Observed(ROWS, elsewhere)) is None, "read on an earlier page"


def test_rows_that_a_filter_takes_away_later_were_read_too_early() -> None:
    assert "4 of the 6 rows that it returned were gone" in after(ROWS, *TEXTS[:2])
    assert after(ROWS, *TEXTS[:4]) == "None"
    assert after(ROWS, TEXTS[0], "Ticket 1", "Ticket 2") == "None", "a list that moved on while it was scrolled"


def taken(used: str, *others: str, text: str = "Newport", parameter: str = "station") -> Observed:
    found = Ambiguous("link", used, 1 + len(others), (used, *others), parameter, text)
    return Observed([], Evidence(ambiguous=(found,)), parameters={"station": "Newport", "day": "2025-01-30"})


def test_element_of_another_name_than_the_parameters_is_refused() -> None:
    assert "is 'Newport Pagnell'" in "".join(other_elements(taken("Newport Pagnell", "Newport")))
    assert "is 'Newport Pagnell | 6'" in "".join(other_elements(taken("Newport Pagnell | 6", "Newport | 9")))
    assert list(other_elements(taken("Newport", "Newport Pagnell"))) == []
    assert list(other_elements(taken("Newport Pagnell", "Newport East"))) == [], "none is so named"
    assert list(other_elements(taken("Pagnell", "Newport", parameter="password"))) == [], "a secret's value"


def test_first_of_several_elements_is_told() -> None:
    assert "others are 'Newport Pagnell'" in "".join(first_elements(taken("Newport", "Newport Pagnell")))
    assert "2 elements are named '30'" in "".join(first_elements(taken("30", "30", text="30", parameter="day")))
    assert list(first_elements(taken("Newport Pagnell", "Newport"))) == []


def page(rows: list[dict[str, str]], seller: str = "Ann", **how: Any) -> Observed:
    sheet = Sheet(title=f"Wares of {seller}").heading(f"Wares of {seller}")
    cells = [[f"{seller} {ware}", f"£{9 + n}.50"] for n, ware in enumerate(WARES)]
    shown = sheet.table(["Name", "Price"], cells).map()
    return Observed(rows, Evidence(maps=(shown,), **how), parameters={"seller": seller})


def found(rows: Any, code: str = "async def run(page, parameters, task): ...", **how: Any) -> tuple[str, str]:
    runs = [page(rows(seller), seller, **how) for seller in ("Ann", "Ben")]
    certain, doubtful = unborne(runs, code, RequestWords("List wares with price"), {"seller": "Ann"})
    return "\n".join(certain), "\n".join(doubtful)


def good(seller: str) -> list[dict[str, Any]]:
    return [{"name": f"{seller} {ware}", "price": 9.5 + n} for n, ware in enumerate(WARES)]


def test_rows_that_were_read_are_borne_out() -> None:
    assert found(good) == ("", "")


def test_value_that_was_typed_in_is_refused() -> None:
    def typed(seller: str) -> list[dict[str, Any]]:
        return [row | {"currency": "USD"} for row in good(seller)]

    certain, _ = found(typed)
    assert "'USD' in 12 of 12 rows stands nowhere" in certain
    assert found(typed, unmapped=1)[0] == "", "something was read that was not mapped"
    assert found(typed, "async def run(page, parameters, task): await task.ask('?', 'x')")[0] == ""


def test_items_that_are_left_out_are_told_unless_all_were_handed_to_read() -> None:
    def some(seller: str) -> list[dict[str, Any]]:
        return good(seller)[:4]

    assert "items that were read are not in the output" in found(some)[1]
    assert found(some, examined=(6, None)) == ("", "")
    assert found(some, 'async def run(page, parameters, task): x = [r for r in y if r == parameters["seller"]]') == (
        "",
        "",
    )


def test_rows_under_a_heading_of_others_are_refused() -> None:
    def both(seller: str) -> Observed:
        sheet = Sheet().heading(f"Wares of {seller}").cards([[f"{seller} {ware}", "£9.50"] for ware in WARES])
        sheet.heading("You may also like", 2).cards([[f"Other {ware}", "£8.50"] for ware in WARES[:3]])
        rows = [{"name": f"{seller} {ware}"} for ware in WARES] + [{"name": f"Other {ware}"} for ware in WARES[:3]]
        return Observed(rows, Evidence(maps=(sheet.map(),)), parameters={"seller": seller})

    code = "async def run(page, parameters, task): ..."
    certain, _ = unborne([both("Ann"), both("Ben")], code, RequestWords("List wares"), {"seller": "Ann"})
    assert "6 of 18 values stand under 'you may also like'" in certain[0]


def test_boolean_that_is_always_the_same_is_told_where_the_rows_say_two_things() -> None:
    def stock(seller: str, *states: str) -> Observed:
        cards = [[f"{seller} {ware}", f"£{n}", states[n % len(states)]] for n, ware in enumerate(WARES)]
        sheet = Sheet().heading(f"Wares of {seller}").cards(cards)
        rows = [{"name": name, "available": True} for name, *_ in cards]
        return Observed(rows, Evidence(maps=(sheet.map(),)), parameters={"seller": seller})

    def told(*states: str) -> str:
        runs = [stock("Ann", *states), stock("Ben", *states)]
        return "".join(
            unborne(runs, "async def run(page, parameters, task): ...", RequestWords("t"), {"seller": "Ann"})[1]
        )

    assert "while the rows say 'In stock' and 'Sold out'" in told("In stock", "Sold out")
    assert "while the rows say" not in told("In stock")
    assert "while the rows say" not in told("Red", "Blue", "Green")


FILTER = 'async def run(page, parameters, task): x = [r for r in await y() if r["p"] <= parameters["q"]]'


def run_of(q: Any, output: Any, error: ScriptError | None = None, *inputs: tuple[str, str]) -> AutomationRun:
    result = outcome(output, error=error, evidence=Evidence(inputs=inputs))
    return AutomationRun(result, None, (), Path(), parameters={"q": q}, code=FILTER)


@pytest.mark.parametrize(
    ("first", "other", "values"),
    [
        (run_of(300, [1, 2]), run_of(200, [1]), [{"q": -(10**9)}, {"q": 10**9}]),
        (run_of("Ann", [1, 2]), run_of("Ben", [1]), [{"q": "Zzyzx Qwv"}]),
        (run_of("2025-01-01", [1, 2]), run_of("2025-02-02", [1]), []),
        (run_of(300, [1, 2], None, ("url", "a")), run_of(200, [1], None, ("url", "b")), []),
        (run_of(300, {"sum": 2}), run_of(200, {"sum": 1}), []),
    ],
)
def test_filter_of_code_alone_is_tried_with_a_value_that_leaves_nothing(
    first: AutomationRun, other: AutomationRun, values: list[Any]
) -> None:
    assert list(values_without_rows(first, other, Requirements("t", {"q": 1}))) == values


def test_failure_where_a_filter_leaves_nothing_is_told() -> None:
    none, error = {"q": -(10**9)}, ScriptError("IndexError", "list index out of range")
    failed = Trial(FILTER, none, run_of(-(10**9), None, error), ("it failed: IndexError",))
    assert "for which the filter leaves nothing: it failed: IndexError" in str(refuses_nothing(failed, none, {}))
    unknown = Trial(FILTER, {"q": "Zzyzx Qwv"}, run_of("Zzyzx Qwv", None, error), ("it failed: KeyError",))
    assert refuses_nothing(unknown, {"q": "Zzyzx Qwv"}, {}) is None, "a text may be unknown to the site"
    unread = Trial(FILTER, none, run_of(-(10**9), []), ("it returned no rows, and the page was not shown to say so",))
    assert "hand all rows to task.read" in str(refuses_nothing(unread, none, {}))
    assert refuses_nothing(Trial(FILTER, none, run_of(-(10**9), []), ()), none, {}) is None
