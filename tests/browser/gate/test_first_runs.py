"""First runs of careless and of good code, and later ones without a row: some of the kinds of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures_sites.server import FixtureServer
from tests.benchmarks.bench_first_runs import first_run, later_run
from tests.benchmarks.first_run_kinds import CARELESS, EMPTY, GOOD, Kind
from tests.benchmarks.first_run_pages import SHOP


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with FixtureServer(SHOP) as site:
        yield site.url
        assert site.errors == []


def called(name: str, kinds: list[Kind]) -> Kind:
    return next(kind for kind in kinds if kind.name == name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("endless list, first batch", "others: scroll"),
        ("recycled list, what is in view", "52 others"),
        ("rows of the tab before, alone", "which shows others"),
        ("first of several options", "the one that is taken by its position is"),
        ("day of the month before", "2 elements are named '27'"),
        ("currency typed in, another is on the page", "stands nowhere on what the code read"),
        ("another column", "read from 'weight (kg)', though there is 'price'"),
        ("recommended wares among the rows", "stand under 'you may also like'"),
        ("button for more that fails", "answered with status 500"),
        ("filter that was not sent", "the value was chosen, but no request"),
    ],
)
async def test_careless_code_is_not_admitted_at_once(name: str, said: str, shop: str, tmp_path: Path) -> None:
    became, told = await first_run(called(name, CARELESS), shop, tmp_path)
    assert became in ("told", "refused")
    assert said in told


@pytest.mark.parametrize(
    "name",
    ["endless list to its end", "recycled list to its end", "option by its exact name", "cards with both prices",
     "filter in code by a parameter", "details of each row"],
)  # fmt: skip
async def test_good_code_is_admitted_at_once(name: str, shop: str, tmp_path: Path) -> None:
    assert await first_run(called(name, GOOD), shop, tmp_path) == ("admitted", "")


@pytest.mark.parametrize(
    "name",
    ["filter in code by a number", "filter at the site, a guessed message", "late message, guessed",
     "empty table without words", "unknown value told by the site"],
)  # fmt: skip
async def test_nothing_is_an_answer_where_the_page_bears_it_out(name: str, shop: str, tmp_path: Path) -> None:
    kind = called(name, EMPTY)
    assert (await first_run(kind, shop, tmp_path))[0] == "admitted"
    assert (await later_run(kind, shop, tmp_path))[0] == "right"
