"""A list that has as many rows as its page states, some of them read from two of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.contract import Observed, check, learn
from sandbox import Evidence
from tests.support.maps import Sheet

NAMES = [f"{metal} {ware}" for metal in ("Ash", "Copper", "Oak") for ware in ("Ladle", "Rake", "Shears", "Trowel")]


def read(*pages: Sequence[str], total: int = 12, links: bool = True, one_address: bool = False) -> Observed:
    """Return a run that read the pages of a list, each with some names."""
    maps = []
    for number, names in enumerate(pages):
        sheet = Sheet(f"https://shop.example/list{'' if one_address else f'?page={number}'}").heading("Kitchen")
        addresses = [f"/p/{name.replace(' ', '-')}{'' if links else f'-{number}'}" for name in names]
        sheet.cards([(name, f"£{10 + len(name)}.50") for name in names], addresses)
        sheet.totals = ((f"{total} results", total),)
        maps.append(sheet.map())
    rows = [{"name": name, "price": 10.5 + len(name)} for names in pages for name in names]
    return Observed(rows, Evidence(maps=tuple(maps), url=maps[-1].url))


GOOD = read(NAMES[:8], NAMES[8:])


def told(run: Observed, good: Observed = GOOD) -> list[str]:
    return [f"{b.severity} {b}" for b in check(learn([good]), run) if b.kind == "overlap"]


def test_rows_of_two_pages_are_told_where_as_many_are_missing() -> None:
    overlapping = read(NAMES[:8], [*NAMES[8:10], *NAMES[2:4]])
    assert told(overlapping) == [
        "doubtful $: expected 12 rows of their own, as the page states, got 2 of them a second time, from a further"
        " page of the list, so that as many are missing"
    ]


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(GOOD, id="none is there twice"),
        pytest.param(read([*NAMES[:7], NAMES[0]], NAMES[8:]), id="equal rows of one page"),
        pytest.param(
            replace(read(NAMES, [*NAMES[:11], NAMES[0]]), output=read([*NAMES[:11], NAMES[0]]).output),
            id="equal rows of one page, which the page of all has, too",
        ),
        pytest.param(read(NAMES[:8], [*NAMES[8:11], NAMES[2]], links=False), id="equal rows of two addresses"),
        pytest.param(read(NAMES[:8], [*NAMES[7:]], total=12), id="a row more than the page states: one came meanwhile"),
        pytest.param(replace(GOOD, output=[*GOOD.output[:11], GOOD.output[0]]), id="equal rows in the output alone"),
    ],
)
def test_equal_rows_that_data_explain_are_not_told(run: Observed) -> None:
    assert told(run) == []


def test_what_good_runs_had_is_not_told() -> None:
    overlapping = read(NAMES[:8], [*NAMES[8:10], *NAMES[2:4]])
    assert told(overlapping, good=overlapping) == []
