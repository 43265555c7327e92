"""Values of the output that stand in the code, and the words that code may know."""

import textwrap
from typing import Any

import pytest

from engine.gate.scraped import scraped
from engine.gate.vocabulary import RequestWords

SHOPS = [{"name": f"Ashby Shop {n}", "town": "Harrow", "price": 1000 + n} for n in range(6)]
FILE = {
    "name": "countries.csv",
    "content_type": "text/csv",
    "size": 5328,
    "sha256": "0" * 64,
    "path": "/f/countries.csv",
}


def body(line: str) -> str:
    return "async def run(page, parameters, task):\n    x = parameters['q']\n" + textwrap.indent(line, "    ")


def returned(line: str, output: Any, **request: Any) -> list[bool]:
    return [found.returned for found in scraped(body(line), output, RequestWords(**request))]


@pytest.mark.parametrize(
    ("line", "may_be_returned"),
    [
        ("return [{'name': 'Ashby Shop 3'}]", True),
        ("x = 1003", True),
        ("page.locator('text=Ashby Shop 3')", False),
        ("if name == 'Ashby Shop 1':\n    x()", False),
    ],
)
def test_scraped_values_are_found(line: str, may_be_returned: bool) -> None:
    assert returned(line, SHOPS) == [may_be_returned]


def test_a_value_that_is_sought_and_returned_counts_as_returned() -> None:
    assert returned("page.get_by_text('Ashby Shop 1')\nreturn ['Ashby Shop 2']", SHOPS) == [True]


def test_labels_and_comments_are_no_scraped_values() -> None:
    code = "'''Reads Ashby Shop 3.'''\nif town == 'Harrow':\n    x('Shop', 100)"
    assert returned(code, SHOPS) == []
    assert returned("page.get_by_text('Open')", {"state": "Open"}) == []
    assert returned("return {'title': 'Ashby Shops of 2025'}", {"title": "Ashby Shops of 2025"}) == [True]


def test_the_request_s_own_words_may_stand_in_the_code() -> None:
    stock = {"name": "Hammer", "state": "sold_by_partners"}
    schema = {"properties": {"state": {"enum": ["in_stock", "sold_by_partners"]}}}
    assert returned("return {'state': 'sold_by_partners'}", stock) == [True]
    assert returned("return {'state': 'sold_by_partners'}", stock, schema=schema) == []
    task = 'Upload the file and return the confirmation, "We received your file".'
    assert returned("return {'said': 'We received your file'}", {"said": "We received your file"}, task=task) == []
    assert returned("return 2048", 2048, task="Is the limit 2048 kB?") == []
    kinds = [{"kind": kind, "n": n} for n, kind in enumerate(["plain", "card", "table", "hex", "upper"])]
    assert returned("x = parameters['card']\ny = 'table'", kinds, parameters=["card", "table"]) == []


@pytest.mark.parametrize(
    "words",
    [
        "Monday Tuesday Wednesday Thursday Friday",
        "kilogram liter meter hour piece",
        "poniedziałek wtorek środa czwartek piątek",
    ],
)
def test_closed_vocabularies_may_stand_in_the_code(words: str) -> None:
    rows = [{"word": word, "n": n} for n, word in enumerate(words.split())]
    assert returned(f"return {words.split()!r}", rows) == []


def test_a_word_chosen_by_what_the_page_shows_is_the_code_s_own() -> None:
    output = {"name": "Hammer", "state": "Currently sold out"}
    assert returned("state = 'Currently sold out' if await badge.count() else 'Can be bought'", output) == [False]
    assert returned("state = 'Can be bought'\nif x:\n    state = 'Currently sold out'", output) == [False]


def test_field_names_keys_and_waiting_times_are_no_values() -> None:
    rows = [{"name": name, "n": 5000 + n} for n, name in enumerate(["title", "name", "price", "href", "town"])]
    assert returned("x = row['title']\ny = a.get_attribute('href')\nz = await b.wait_for(timeout=5000)", rows) == []


def test_a_file_s_name_may_stand_in_its_address() -> None:
    assert returned("return await task.download('/world/countries.csv?')", FILE) == []
    files = [FILE | {"name": f"part-{n}.csv", "sha256": f"{n}"} for n in range(6)]
    assert returned("return [await task.download(f'/part-1.csv')]", files) == []


def test_a_value_within_a_longer_text_is_found() -> None:
    assert returned("x = 'the list of Ashby Shop 4, and others'", SHOPS) == [True]
    assert returned("x = 'the list of Ashby Shop 44'", SHOPS) == []
