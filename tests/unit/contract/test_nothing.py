"""No rows of code that filters, while the items that it filters are there."""

from __future__ import annotations

from typing import Any

import pytest

from engine.contract import Observed, learn, lists_nothing
from engine.contract.nothing import Nothing, nothing_there
from sandbox import Evidence
from tests.support.maps import Sheet

NAMES = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath"]


def cheap(most: float, *, cards: bool = True) -> Observed:
    page = Sheet("https://shop.example/list").heading("Lamps")
    texts = [[name, f"£{10 + at}.50"] for at, name in enumerate(NAMES)]
    page = page.cards(texts) if cards else page
    rows = [{"name": name, "price": 10.5 + at} for at, name in enumerate(NAMES) if 10.5 + at <= most]
    return Observed(rows if cards else [], Evidence(maps=(page.map(),)), None, {"most": most})


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (cheap(5.0), Nothing("8 items, of which code let none through", told=False)),
        (cheap(5.0, cards=False), None),
    ],
)
def test_items_that_code_filters_may_all_be_left_out(run: Observed, reason: Nothing | None) -> None:
    assert nothing_there(learn([cheap(12.75), cheap(15.25)]), run) == reason


def test_items_that_no_good_run_left_out_are_no_reason_for_none() -> None:
    assert nothing_there(learn([cheap(99.0), cheap(98.0)]), cheap(5.0)) is None


def shop(kind: str, names: list[str] = NAMES, *, heading: str = "", **evidence: Any) -> Observed:
    page = Sheet(f"https://shop.example/list?kind={kind}", title=f"{kind} | Shop").heading(heading or kind)
    page.choice("select", "Kind", heading or kind).cards([[f"{name} {kind}", "£9.50"] for name in names])
    rows = [{"name": f"{name} {kind}", "price": 9.5} for name in names] if not evidence.pop("blind", False) else []
    shown = {"groups": (("li in ul", len(names)),)} if names else {}
    return Observed(rows, Evidence(**{"maps": (page.map(),), **shown, **evidence}), None, {"kind": kind})


@pytest.mark.parametrize(
    ("run", "right"),
    [
        (shop("Clocks", []), True),
        (shop("Clocks", [], heading="All kinds"), False),
        (shop("Clocks", [], alerts=("Something went wrong",)), False),
        (shop("Clocks", [], groups=(("li in ul", 8),)), False),  # they came too late
        (shop("Clocks", blind=True), False),
        (shop("Clocks", [], status=503), False),
    ],
)
def test_page_of_what_was_asked_that_has_no_list_lists_nothing(run: Observed, right: bool) -> None:
    assert lists_nothing(run, learn([shop("Lamps"), shop("Mirrors")])) is right


@pytest.mark.parametrize(
    ("first", "later", "told"),
    [
        ("Prázdno: {}", "Prázdno: Clocks", True),
        ("Prázdno: {}", "Jiný text", None),
        ("", "Prázdno: Clocks", None),
    ],
)
def test_words_for_nothing_are_learnt_where_they_are_met_first(first: str, later: str, told: bool | None) -> None:
    def none(kind: str, words: str) -> Observed:
        page = Sheet(f"https://shop.example/list?kind={kind}").heading(kind).text(words.format(kind))
        return Observed([], Evidence(maps=(page.map(),)), None, {"kind": kind})

    contract = learn([shop("Lamps"), *([none("Mirrors", first)] if first else [])])
    found = nothing_there(contract, none("Clocks", later))
    assert (found.told if found is not None else None) is told
