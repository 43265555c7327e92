"""No rows of code that filters, while the items that it filters are there."""

from __future__ import annotations

import pytest

from engine.contract import Observed, learn
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
