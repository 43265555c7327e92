"""Rows that a page states or offers beyond those that were returned, and where that is beyond excuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.contract import Observed
from engine.gate.left_unread import left_unread
from engine.gate.vocabulary import RequestWords
from sandbox import Evidence
from sandbox.page_map import PageMap
from tests.support.maps import Sheet

SHOPS = [f"Shop {c}" for c in "ABCDEF"]
ROWS = [{"name": shop, "street": f"{n} Hill Road"} for n, shop in enumerate(SHOPS)]
TEXT = "53 shops\n" + "\n".join(SHOPS)
MORE: dict[str, Any] = {"next_controls": ("Next",), "counts": (("53 shops", 53),)}
CODE = "async def run(page, parameters, task): ..."


def found(
    *maps: PageMap,
    output: Any = ROWS,
    task: str = "List the shops",
    progress: tuple[int, int] | None = None,
    code: str = CODE,
    parameters: dict[str, Any] | None = None,
    **page: Any,
) -> tuple[str, bool]:
    run = Observed(output, Evidence(maps=maps, **page), progress=progress)
    return left_unread(run, RequestWords(task), code, parameters or {}) or ("", False)


def listing(*totals: int, url: str = "https://shop.example/list", leads_on: bool = True, rows: Any = SHOPS) -> PageMap:
    sheet = Sheet(url).heading("Shops").cards([[row] for row in rows])
    sheet.totals = tuple((f"{total} shops", total) for total in totals)
    return replace(sheet.map(), next_controls=("Next",) if leads_on else ())


def detail(n: int) -> PageMap:
    return Sheet(f"https://shop.example/{n}").heading(SHOPS[n]).text(f"{n} Hill Road").map()


def test_the_count_or_the_next_control_alone_is_an_objection() -> None:
    assert found(counts=MORE["counts"]) == ("it returned 6 rows, while the page says '53 shops': read them all", False)
    assert "leads on to page 2" in found(next_pages=("2",))[0]


def test_both_on_the_page_of_the_rows_are_beyond_excuse() -> None:
    text, certain = found(text=TEXT, **MORE)
    assert certain
    assert "says '53 shops' and offers 'Next': follow it until there is no more" in text


def test_both_on_another_page_are_an_objection() -> None:
    text, certain = found(text="Our chain has 53 shops", **MORE)
    assert text
    assert not certain


@pytest.mark.parametrize(
    "task", ["List the first shops", "List the 6 nearest shops", "List the shops opened since May", "Shops under 9 £"]
)
def test_a_task_that_asks_for_some_of_them_makes_it_an_objection(task: str) -> None:
    text, certain = found(text=TEXT, task=task, **MORE)
    assert text
    assert not certain


def test_a_number_of_rows_or_a_filter_among_the_parameters_does_too() -> None:
    assert not found(text=TEXT, parameters={"limit": 6}, **MORE)[1]
    filters = (
        "async def run(page, parameters, task):\n    return [r for r in rows if r['town'] == parameters['town']]\n"
    )
    assert not found(text=TEXT, parameters={"town": "York"}, code=filters, **MORE)[1]


def test_what_the_site_or_the_code_bears_out_is_none() -> None:
    assert found(progress=(6, 6), next_pages=("2",)) == ("", False)
    assert found(progress=(6, 6), **MORE) == ("", False), "read from JSON, say"
    some: dict[str, Any] = {"task": "List the 6 nearest shops", "counts": MORE["counts"]}
    assert found(progress=(53, 53), **some) == ("", False), "code let only some of them through"
    assert found(counts=MORE["counts"], examined=(53, 53)) == ("", False), "and said so"
    assert found(progress=(53, 53), **MORE)[0], "the page offers more"
    assert found(next_controls=("Next",), counts=(("6 of 6", 6), ("53 shops", 53))) == ("", False)


def test_rows_that_were_reported_as_read_and_not_returned_are_an_objection() -> None:
    text, certain = found(counts=MORE["counts"], progress=(53, 53))
    assert text.startswith("it reported 53 rows as read and returned 6: return them all")
    assert not certain


def test_rows_that_were_not_handed_over_are_an_objection() -> None:
    page = listing(rows=[*SHOPS, *(f"Stall {n}" for n in range(40))], leads_on=False)
    text, certain = found(page, examined=(8, None))
    assert text == "it handed 8 rows to task.read, while the list on the page has 46: hand all over"
    assert not certain
    assert found(page, examined=(46, None)) == ("", False)


def test_a_list_that_was_left_for_the_details_of_its_rows_counts() -> None:
    text, certain = found(listing(53), *(detail(n) for n in range(6)), url="https://shop.example/5")
    assert certain
    assert "'53 shops'" in text


def test_a_list_that_was_followed_to_its_end_does_not() -> None:
    pages = [listing(53), listing(53, url="https://shop.example/list/2", leads_on=False)]
    assert found(*pages, detail(1)) == ("", False), "the site counts more than it shows"
    assert found(listing(53), listing(6, url="https://shop.example/york")) == ("", False), "a part of the list"


def test_a_list_of_other_things_does_not() -> None:
    towns = [f"Town {n}" for n in range(30)]
    assert found(listing(60, rows=towns), listing(6, leads_on=False)) == ("", False)
