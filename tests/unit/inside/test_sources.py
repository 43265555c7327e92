"""The responses of a run that hold what it returned, without a browser."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from sandbox.inside.sources import Sources
from sandbox.read_evidence import Source, parse_sources

ROWS = [{"name": f"Lamp {n}", "price": n + 0.5, "stock": 1000 + n} for n in range(40)]
TABLE = "".join(f"<tr><td>Lamp&nbsp;{r['name'][5:]}<td>£{r['price']:.2f}<td>{r['stock']:,}" for r in ROWS)
HTML = f"<!doctype html><table>{TABLE}</table>"
HOST = "http://shop.example"


def found(output: Any, *bodies: tuple[str, str, str]) -> list[str]:
    sources = Sources()
    for method, url, text in bodies:
        sources.methods[url] = method
        sources.note_own(url, text)
    return list(map(str, parse_sources(asyncio.run(sources.of_output(output)))))


def test_data_that_hold_all_values_are_named_before_the_page_that_shows_them() -> None:
    bodies = ("GET", f"{HOST}/lamps", HTML), ("GET", f"{HOST}/data/lamps.json?q=1", json.dumps({"items": ROWS}))
    assert found(ROWS, *bodies) == ["JSON GET /data/lamps.json 100 %"]


def test_served_pages_hold_numbers_as_pages_write_them() -> None:
    assert found(ROWS, ("GET", f"{HOST}/lamps", HTML)) == ["HTML GET /lamps 100 %"]


def test_pages_of_one_list_are_one_source() -> None:
    pages = [("GET", f"{HOST}/lamps/{n}?by=10", json.dumps(ROWS[10 * n : 10 * n + 10])) for n in range(4)]
    assert found(ROWS, *pages) == ["JSON GET /lamps/0 (4 of its kind) 100 %"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ([{"total": 820.0, "name": "Lamp 3"}], HTML),
        ({"code": "7f3a", "name": "Lamp 3"}, json.dumps(ROWS)),
    ],
)
def test_what_only_code_computed_is_in_no_source(output: Any, text: str) -> None:
    assert found(output, ("GET", HOST, text))[0].endswith(" 50 %")


def test_addresses_are_found_as_links_have_them() -> None:
    page = '<a href="/lamps/7">Lamp</a><a href="lamps/8?a=1&amp;b=2">Lamp</a>'
    assert found([f"{HOST}/lamps/7", f"{HOST}/lamps/8?a=1&b=2"], ("GET", HOST, page)) == ["HTML GET  100 %"]


def test_a_short_value_counts_as_a_word_of_its_own() -> None:
    assert found([7], ("GET", f"{HOST}/", "<p>1977</p>")) == []
    assert found([7], ("GET", f"{HOST}/", "<p>No. 7</p>")) == ["HTML GET / 100 %"]


def test_responses_are_bounded_and_the_search_ends_in_time() -> None:
    many = [f"value {n} of many" for n in range(5_000)]
    bodies = [("POST", f"{HOST}/{'a' * n}", f"<p>{'x ' * 400_000}</p>") for n in range(1, 70)]
    started = time.process_time()
    assert found(many, *bodies) == []
    assert time.process_time() - started < 5


def test_nothing_is_told_where_nothing_was_kept_or_returned() -> None:
    assert found(ROWS) == found(None, ("GET", HOST, HTML)) == found([], ("GET", HOST, HTML)) == []


def test_a_source_is_told_in_few_words() -> None:
    assert str(Source("JSON", "GET", "/data/x.json", 1, 100)) == "JSON GET /data/x.json 100 %"
