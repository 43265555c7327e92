"""Parameters on the pages before something irreversible, from one run to the next."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.contract import Observed, check_format, learn
from engine.contract.witnesses import learn_witnesses, unshown
from engine.errors import BundleCorrupt
from sandbox import Evidence
from sandbox.page_map import PageMap
from tests.support.maps import Sheet

FIRST = {"date": "2026-05-13", "amount": "40.25", "nights": 3, "name": "Ada Quill"}
LATER = {"date": "2026-03-04", "amount": "12.50", "nights": 2, "name": "Bo Lind"}


def form(
    date: str, amount: str, nights: str, name: str = "Bo Lind", *, typed: str = "", label: str = "Visit on"
) -> PageMap:
    sheet = Sheet("https://museum.example/book").heading("Your visit")
    if typed:
        sheet.choice("input", "Date", typed)
    sheet.facts([(label, date), ("Nights", nights), ("Visitor", name)])
    sheet.text(f"We will charge your account {amount} now").text("Step 2 of 3")
    return sheet.map()


def told(page: PageMap, known: Any, parameters: dict[str, Any] = LATER, **how: Any) -> list[str]:
    return unshown(known, ("book the visit", [page]), parameters, **how)


@pytest.fixture(scope="module")
def known() -> Any:
    first = form("Wednesday, 13 May 2026", "£40.25", "3", "Ada Quill", typed="13/05/2026")
    return learn_witnesses([("book the visit", [first])], FIRST)


def test_page_that_shows_the_values_lets_the_action_through(known: Any) -> None:
    assert told(form("Wednesday, 4 March 2026", "£12.50", "2", typed="04/03/2026"), known) == []
    assert (
        told(form("Wed, 4 March 2026", "12,50 €", "2", "BO LIND", typed="04/03/2026", label="Date of visit"), known)
        == []
    )


RIGHT = {"date": "Wednesday, 4 March 2026", "amount": "£12.50", "nights": "2", "typed": "04/03/2026"}


@pytest.mark.parametrize(
    ("changed", "given", "shown"),
    [
        ({"date": "Friday, 3 April 2026"}, "date='2026-03-04'", "'Friday, 3 April 2026' for 'Visit on'"),
        ({"typed": "03/04/2026"}, "date='2026-03-04'", "'03/04/2026' for 'Date'"),
        ({"amount": "£12"}, "amount='12.50'", "'We will charge your account £12 now'"),
        ({"nights": "1"}, "nights='2'", "'1' for 'Nights'"),
        ({"name": "Lind"}, "name='Bo Lind'", "'Lind' for 'Visitor'"),
    ],
)
def test_page_that_shows_another_value_stops_the_action(
    changed: dict[str, str], given: str, shown: str, known: Any
) -> None:
    (problem,) = told(form(**RIGHT | changed), known)
    assert problem.startswith(f"{given} was given, and the page shows {shown}")


def test_value_that_is_shown_nowhere_stops_the_action_of_the_same_code_alone(known: Any) -> None:
    page = Sheet("https://museum.example/book").heading("Book?").text("Visitor Bo Lind, 4 March 2026, 2 nights").map()
    (problem,) = told(page, known)
    assert "amount='12.50' was given, and the page does not show it any more" in problem
    assert told(page, known, moved=True) == []
    assert len(told(form("Friday, 3 April 2026", "£12.50", "2"), known, moved=True)) == 1


def test_field_that_takes_the_month_first_now_stops_the_action() -> None:
    def field(typed: str, hint: str) -> PageMap:
        return Sheet().choice("input", "Date", typed).text(f"Enter the date as {hint}").map()

    known = learn_witnesses([("book", [field("13/05/2026", "DD/MM/YYYY")])], FIRST)
    assert unshown(known, ("book", [field("04/03/2026", "DD/MM/YYYY")]), LATER) == []
    (problem,) = unshown(known, ("book", [field("04/03/2026", "MM/DD/YYYY")]), LATER)
    assert "month, day, year" in problem
    german = field("04.03.2026", "TT.MM.JJJJ")
    assert unshown(known, ("book", [german]), LATER) == []


def test_what_a_page_shows_by_chance_witnesses_nothing(known: Any) -> None:
    places = known["book the visit"]
    assert sorted(places) == ["amount", "date", "name", "nights"]
    assert [place["name"] for place in places["nights"]] == ["nights"]
    assert "2026" not in str(known), "no values are kept"
    assert told(form("4 March 2026", "£12.50", "7", typed="04/03/2026"), known, LATER | {"nights": 7}) == []


def test_of_an_action_in_a_loop_counts_what_each_time_showed() -> None:
    one = form("13 May 2026", "£40.25", "3", "Ada Quill")
    other = Sheet().facts([("Visit on", "13 May 2026")]).map()
    known = learn_witnesses([("book", [one]), ("book", [other])], FIRST)
    assert sorted(known["book"]) == ["date"]
    assert learn_witnesses([], FIRST, known) == known


def test_hostile_words_are_compared_in_good_time() -> None:
    words = {"at": "words", "name": "{a}" * 40 + "\0" + "# " * 40 + "end", "as": "text"}
    page = Sheet().text("a " * 900).text("1 " * 140).map()
    began = time.process_time()
    assert len(unshown({"book": {"name": [words]}}, ("book", [page]), LATER)) == 1
    assert time.process_time() - began < 3


@pytest.mark.parametrize("gates", [[], {"book": []}, {"book": {"name": [{"at": "words"}]}}, {"book": {"name": [3]}}])
def test_contract_with_another_form_of_witnesses_is_refused(gates: Any) -> None:
    with pytest.raises(BundleCorrupt):
        check_format(learn([Observed([{"a": 1}], Evidence())]) | {"gates": gates or [1]})
