"""Maps of data and of plain text, and the kinds of files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.inside.data_maps import content_kind, map_of_data, map_of_text, parsed
from sandbox.page_map import MOST_UNITS, PageMap, Place, Unit, parse_maps


def mapped(text: str | None) -> PageMap:
    assert text is not None
    maps, broken = parse_maps([[text, {}]])
    assert broken == 0
    return maps[0]


def test_long_arrays_are_sampled_with_their_numbers() -> None:
    rows = [{"id": n, "tags": ["a", "b"]} for n in range(3_000)]
    found = mapped(map_of_data({"rows": rows}, "https://x.test/api/rows"))
    numbers = [item.number for item in found.items if item.container == 0]
    assert (found.containers[0], numbers[0], numbers[-1]) == (3_000, 0, 2_999)
    assert 100 < len(numbers) < 1_000
    assert len(found.units) <= MOST_UNITS
    ids = [unit.text for unit in found.units if found.places[unit.place].path == "$.rows[].id"]
    assert ids == [str(number) for number in numbers]
    assert found.places[0].headings == ("api", "rows")


def test_data_of_any_shape_stay_within_the_bounds() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"in": [deep]}
    wide = {f"key {n}" * 30: "é" * 5_000 for n in range(5_000)}
    for data in (deep, wide, [[]], {}, ["\ud800"], [wide] * 3):
        found = mapped(map_of_data(data))
        assert len(found.units) <= MOST_UNITS
    assert mapped(map_of_data(wide)).cut > 0


def test_texts_are_mapped_by_their_lines() -> None:
    found = mapped(map_of_text("name;kilos\n\nFig; 3\n"))
    assert (found.kind, [unit.text for unit in found.units]) == ("file", ["name;kilos", "Fig; 3"])
    assert map_of_text(" \n") is None


@pytest.mark.parametrize("text", ["[1, 2", "plain", "12", '"quoted and long enough"', "[" * 100_000])
def test_what_is_no_json_of_rows_is_no_data(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.4", "pdf"), (b"PK\x03\x04..", "zip"), (b"\x89PNG\r\n", "image"), (b"a;b\n1;2\n", "csv"),
        (b"\xef\xbb\xbfa,b\n1,2", "csv"), (b"<html><p>", "html"), (b"<?xml version='1.0'?><r/>", "text"),
        (b'{"a": 1}', "text"), (b"hello", "text"), (b"\x00\x01", "binary"), (b"", "binary"),
    ],
)  # fmt: skip
def test_the_kind_of_a_file_is_told_by_its_first_bytes(head: bytes, kind: str) -> None:
    assert content_kind(head) == kind


def test_all_texts_of_a_map_are_changed_together() -> None:
    known = {
        "url": "u", "title": "t", "h1": ["h"], "crumbs": ["c"], "state": [["k", "n", "v"]], "said": ["m"],
        "failed": [["f", 500]], "places": [["p", "l", ["a", "b"], "r", "cap", 0, 0]], "units": [[0, -1, "x"]],
        "stated": ["3 results"],
    }  # fmt: skip
    found = mapped(json.dumps(known)).with_texts(lambda texts: [text.upper() for text in texts])
    assert (found.url, found.title, found.h1, found.breadcrumbs, found.messages) == ("U", "T", ("H",), ("C",), ("M",))
    assert (found.state, found.failed, found.totals) == ((("K", "N", "V"),), (("F", 500),), (("3 RESULTS", 3),))
    assert found.places == (Place("P", "L", ("A", "B"), "R", "CAP"),)
    assert found.units == (Unit(0, -1, "X"),)
