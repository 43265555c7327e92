"""Maps as the host takes them from a worker, which counts as hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.page_map import MOST_FILES, MOST_MAPS, Item, parse_maps
from sandbox.protocol import ProtocolError
from sandbox.totals import totals_of_unit

MAP: dict[str, Any] = {
    "url": "https://shop.test/",
    "places": [[">tr>td", "Price", ["Books"], "main", "", 0, 0]],
    "items": [[-1, 0, 4]],
    "containers": [9],
    "units": [[0, 0, "£3"], [0, -1, "£4", [1, 2, 3, 4]]],
    "stated": ["1-9 of 47", "600\u0005Stores"],
}


def test_a_map_is_read_with_what_the_worker_adds() -> None:
    (found,), broken = parse_maps([[json.dumps(MAP), {"failed": [["https://shop.test/rows", 503]]}]])
    assert broken == 0
    assert found.items == (Item(-1, 0, 4),)
    assert [(found.places[u.place].label, u.item, u.text, u.box) for u in found.units] == [
        ("Price", 0, "£3", None),
        ("Price", -1, "£4", (1, 2, 3, 4)),
    ]
    assert found.totals == (("1-9 of 47", 47),), "never glued across elements"
    assert found.failed == (("https://shop.test/rows", 503),)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("\u00055\u0005-\u000510\u0005 of \u000557\u0005 entries", 57), ("\u0005600\u0005 \u0005Stores", None),
        ("\u000547\u0005 results", 47), ("8\u0005EVERYONE FRIENDS", None), ("12\u0005 packages", 12),
    ],
)  # fmt: skip
def test_a_number_and_a_word_of_two_elements_are_no_total(text: str, total: int | None) -> None:
    (found,), _ = parse_maps([[json.dumps(MAP | {"stated": [text]}), {}]])
    assert [number for _, number in found.totals] == ([] if total is None else [total])


@pytest.mark.parametrize(
    "wrong",
    [
        "", "[", "null", "7", '"x"', "[" * 100_000, '{"title": "\\ud800"}', '{"title": NaN}',
        json.dumps(MAP | {"units": [[1, 0, "x"]]}), json.dumps(MAP | {"units": [[0, -2, "x"]]}),
        json.dumps(MAP | {"items": [[0, 1, 0]]}), json.dumps(MAP | {"units": [[0, 0, "x"]] * 1_201}),
        json.dumps(MAP | {"units": [[0, 0, "x" * 2_001]]}), json.dumps(MAP | {"kind": "other"}),
    ],
)  # fmt: skip
def test_what_a_page_makes_up_is_no_map_and_fails_nothing(wrong: str) -> None:
    good = json.dumps(MAP)
    maps, broken = parse_maps([[wrong, {}], [good, {}]])
    assert (len(maps), broken) == (1, 1)


@pytest.mark.parametrize(
    "wrong", [None, {}, [["{}"]], [[{}, {}]], [["{}", []]], [["{}", {}]] * (MOST_MAPS + MOST_FILES + 1)]
)
def test_a_worker_that_sends_something_else_breaks_the_protocol(wrong: object) -> None:
    with pytest.raises(ProtocolError):
        parse_maps(wrong)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("Showing 1 to 10 of 57 entries (filtered from 1,000 total entries)", 57), ("47 Ergebnisse", 47),
        ("1.247 Treffer", 1247), ("11 a 20 de 47", 47), ("12 résultats", 12), ("Risultati: 9", 9), ("共 47 条", 47),
        ("全47件", 47), ("31 wyników", 31), ("5 resultados", 5), ("1-20 av 300", 300),
    ],
)  # fmt: skip
def test_a_total_is_read_in_many_languages(text: str, total: int) -> None:
    assert {number for _, number in totals_of_unit(text)} == {total}


@pytest.mark.parametrize("text", ["600\nStores", "£12.00 de 47", "Seite 3", "4,5 von 5", "2025-03-04", "3 件目"])
def test_no_total_is_read_where_none_is_stated(text: str) -> None:
    assert totals_of_unit(text) == []
