"""Words, choices and marks beside the values by which a page says that they are of another kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from engine.contract import Breach, History, Observed, PreviousOutput, check, compact, digest, learn, learn_signature
from sandbox.page_map import BOUNDARY
from tests.support.maps import Sheet
from tests.unit.contract.test_provenance import TASK, cells, listed, products, ran, sheet, told

COLUMNS = ("Name", "Price", "Availability")
DAY = 86400.0


@pytest.fixture(scope="module")
def signature() -> dict[str, Any]:
    return learn_signature([listed("lamps"), listed("clocks")], TASK)


@pytest.mark.parametrize(
    "wording", ["£{:.2f} to £900.00", "£1.20 - £{:.2f}", "£{:.2f} a year to £40,000 a year", "£{:.2f} with delivery"]
)
def test_one_end_of_a_range_and_a_sum_with_costs_are_other_amounts(signature: dict[str, Any], wording: str) -> None:
    assert told(signature, listed("lamps", price=wording)) == [("structural", "wording")]


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("You are viewing a demo. All data are samples.", True),
        ("Your branch: Aberdeen (change)", True),
        ("Prices shown for Aberdeen", True),
        ("Showing: Sunday 20 September", True),
        ("Provisional figures", True),
        ("Our branches: Leeds, Hull", False),
        ("Book a demonstration today", False),
    ],
)
def test_a_line_above_that_names_invented_data_or_a_place_is_asked_about(
    signature: dict[str, Any], line: str, asked: bool
) -> None:
    rows = products("lamps")
    run = ran(rows, sheet("lamps").text(line).table(COLUMNS, cells(rows)).map(), category="lamps")
    assert told(signature, run) == [("doubtful", "instead")] * asked


@pytest.mark.parametrize(
    ("index", "names", "asked"),
    [
        (("A-F", "G-Z"), "abcde", True),
        (("A-F", "G-Z"), "abxyz", False),
        (("A", "B", "C", "D", "E"), "aaaaa", True),
        (("A", "B"), "aaaaa", False),
    ],
)
def test_rows_of_one_part_of_an_index_by_letters_are_asked_about(index: list[str], names: str, asked: bool) -> None:
    def services(category: str, initials: str, letters: tuple[str, ...] = ()) -> Observed:
        page = sheet(category)
        for part in letters:
            page.text(part)
        rows = [f"{letter}{category[:1]} room {at}" for at, letter in enumerate(initials)]
        return ran(rows, page.cards([[row] for row in rows]).map(), category=category)

    known = learn_signature([services("lamps", "adkpz"), services("clocks", "bekrz")])
    assert told(known, services("lamps", names, tuple(index))) == [("doubtful", "pages")] * asked


def machine(name: str, price: float, change: Callable[[Sheet], Sheet] = lambda page: page) -> Observed:
    page = change(Sheet(f"https://shop.example/m/{name}").heading(name))
    page.facts([("Price", f"£{price:.2f}"), ("Warranty", "24 months")])
    return ran({"price": price, "warranty": 24}, page.map(), name=name)


def test_a_choice_on_the_page_of_a_thing_that_had_none_is_asked_about() -> None:
    def chosen(page: Sheet) -> Sheet:
        return page.choice("radio", "variant", "variant")

    known = learn_signature([machine("mixer", 310.5), machine("lathe", 99.9)])
    assert told(known, machine("mixer", 410.5, chosen)) == [("doubtful", "form")]
    some = learn_signature([machine("mixer", 310.5), machine("lathe", 99.9, chosen)])
    assert told(some, machine("mixer", 410.5, chosen)) == []


def test_a_second_amount_in_the_place_of_one_is_asked_about() -> None:
    def shop(category: str, *before: str) -> Observed:
        rows = [{"name": r["name"], "price": r["price"]} for r in products(category)]
        cards = [[r["name"], *before, f"£{r['price']:.2f}", "4 stars"] for r in rows]
        return ran(rows, sheet(category).cards(cards).map(), category=category)

    known = learn_signature([shop("lamps"), shop("clocks")], TASK)
    assert ("doubtful", "several") in told(known, shop("mirrors", "£3.20"))
    assert told(known, shop("mirrors")) == []
    two = learn_signature([shop("lamps", "£2.10"), shop("clocks", "£2.20")], TASK)
    assert ("doubtful", "several") not in told(two, shop("mirrors", "£3.20"))


def test_words_in_the_element_of_a_value_and_before_every_amount_are_asked_about() -> None:
    def shop(category: str, price: str, *before: str) -> Observed:
        rows = [{"name": r["name"], "price": r["price"]} for r in products(category)]
        cards = [[r["name"], *before, price.format(r["price"])] for r in rows]
        return ran(rows, sheet(category).cards(cards).map(), category=category)

    known = learn_signature([shop("lamps", "£{:.2f}"), shop("clocks", "£{:.2f}")], TASK)
    assert told(known, shop("mirrors", f"£{{:.2f}}{BOUNDARY}with voucher")) == [("doubtful", "wording")]
    assert told(known, shop("mirrors", "£{:.2f}", "Current bid")) == [("doubtful", "label")]


@pytest.mark.parametrize(("said", "asked"), [("coming soon", True), ("sign in to see", True), ("in blue", False)])
def test_texts_that_say_what_they_are_not_are_asked_about(said: str, asked: bool) -> None:
    def services(category: str, *more: str) -> Observed:
        rows = [*(f"{category} room {at}" for at in range(5)), *more]
        return ran(rows, sheet(category).cards([[row] for row in rows]).map(), category=category)

    known = learn_signature([services("lamps"), services("clocks")])
    run = services("mirrors", f"mirrors hall ({said})", f"mirrors desk ({said})")
    assert told(known, run) == [("doubtful", "mark")] * asked


def past(run: Observed, age: float = 0.0, **known: float) -> History:
    output = compact(run.output)
    before = PreviousOutput(run.parameters, 6, (len(output), len(output)), output, digest(run.output), 5, age=age)
    return History(clean_runs=6, same=replace(before, **known))


def changed(**fields: Any) -> Observed:
    rows = [row | {name: value(at, row) for name, value in fields.items()} for at, row in enumerate(products("lamps"))]
    page = sheet("lamps")
    page.totals = ((f"{len(rows)} products", len(rows)),)
    return ran(rows, page.table(COLUMNS, cells(rows)).map(), category="lamps")


DAYS: Mapping[str, Callable[[], Observed]] = {
    "one sale price": lambda: changed(price=lambda at, row: 9.5),
    "two sale prices": lambda: changed(price=lambda at, row: (9.5, 12.5)[at % 2]),
    "all dearer by one factor": lambda: changed(price=lambda at, row: round(row["price"] * 1.06, 2)),
    "all sold out": lambda: changed(in_stock=lambda at, row: False),
    "all in stock": lambda: changed(in_stock=lambda at, row: True),
    "names of a new season": lambda: changed(name=lambda at, row: f"{row['name']} 2027"),
}


@pytest.mark.parametrize("day", DAYS)
def test_what_data_do_by_themselves_is_not_asked_about_where_the_page_bears_it_out(day: str) -> None:
    run = listed("lamps")
    contract = learn([run, listed("clocks")], TASK)
    assert [str(b) for b in check(contract, DAYS[day](), past(run)) if b.binds] == []


def test_a_default_that_leaves_some_rows_as_they_were_is_asked_about() -> None:
    run = listed("lamps")
    flooded = changed(price=lambda at, row: row["price"] if at % 3 == 2 else 9.5)
    found = [b.kind for b in check(learn([run, listed("clocks")], TASK), flooded, past(run)) if b.binds]
    assert found == ["flooded"]


@pytest.mark.parametrize(
    ("age", "known", "asked"),
    [(0.0, {}, True), (DAY, {}, False), (DAY, {"span": DAY}, True), (5 * DAY, {"span": DAY}, False)],
)
def test_first_row_s_value_in_all_others_is_asked_about_for_as_long_as_data_stay(
    age: float, known: dict[str, float], asked: bool
) -> None:
    run = listed("lamps")
    first = changed(price=lambda at, row: run.output[0]["price"])
    found = check(learn([run, listed("clocks")], TASK), first, past(run, age, **known))
    (flooded,) = [b for b in found if b.kind == "flooded"]
    assert flooded.severity == ("statistical" if asked else "advisory")
    assert "17.5, which 1 had" in flooded.got, "told in either case"


@pytest.mark.parametrize(
    ("age", "known", "binding"),
    [
        (0.0, {}, ["cut-off"]),
        (DAY, {}, []),
        (DAY, {"span": DAY}, ["cut-off"]),
        (0.0, {"kept": 0.9}, []),
        (0.0, {"joins": 1}, []),
    ],
)
def test_fewer_rows_are_right_where_the_page_states_as_many_and_time_has_gone_by(
    age: float, known: dict[str, float], binding: list[str]
) -> None:
    def few(*totals: tuple[str, int]) -> list[Breach]:
        rows = products("lamps", 3)
        page = sheet("lamps").table(COLUMNS, cells(rows))
        page.totals = totals
        run = ran(rows, page.map(), category="lamps")
        run = replace(run, evidence=replace(run.evidence, url=page.url))
        return check(contract, run, past(listed("lamps"), age, **known))

    contract = learn([listed("lamps"), listed("clocks")], TASK)
    stated = few(("3 products", 3))
    assert [b.kind for b in stated if b.binds] == binding
    assert "cut-off" in {b.kind for b in stated}, "told in either case"
    assert sorted(b.kind for b in few() if b.binds) == ["cut-off", "fewer-rows"]


def test_a_yes_or_no_is_read_from_the_row_of_the_parameter() -> None:
    states = {"Harrow Library": "Open now", "Eastfield Pool": "Closed", "Corn Exchange": "Closed"}

    def venue(name: str, said: str = "") -> Observed:
        cards = [[each, said if said and each == name else state] for each, state in states.items()]
        page = Sheet("https://shop.example/").heading("Venues").cards(cards)
        return ran("Closed" not in (said or states[name]), page.map(), venue=name)

    known = learn_signature([venue("Harrow Library"), venue("Eastfield Pool")], "Tell whether a venue is open now")
    assert told(known, venue("Corn Exchange")) == []
    assert told(known, venue("Corn Exchange", "Open now")) == []
    assert told(known, venue("Corn Exchange", "Back on Monday")) == [("doubtful", "state")]
