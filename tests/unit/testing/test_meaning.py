"""Changes of meaning, rewordings and unusual data, on the pages of the bench; and histories that grow old."""

from __future__ import annotations

import functools
import json
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup

from engine.testing import drift
from engine.testing.drift import HARMLESS, HELD_OUT_MEANINGS, LATER_HELD_OUT_MEANINGS, MEANINGS, Layout, Mutation, Reply
from tests.benchmarks.pages import MAKES, NOTHING, UNUSUAL, MakeSite
from tests.benchmarks.pages.make import Body
from tests.benchmarks.pages.own import OWN

PAGES = {
    "cards": ("/c/clocks",),
    "parts": ("/parts?family=Gears",),
    "sheet": ("/m/compact-mixer-20",),
    "jobs": ("/jobs?town=Leeds",),
    "tiles": ("/b/north",),
    "flights": ("/", "/api/departures?airport=LBA"),
    "reports": ("/reports/2025", "/files/2025/parks.pdf"),
    "services": ("/v/harrow-library",),
    "open": ("/",),
    "fee": ("/v/harrow-library",),
}
NEEDS_LOGIN = {"other-account"}
KINDS = (*MEANINGS, *HELD_OUT_MEANINGS, *LATER_HELD_OUT_MEANINGS, *HARMLESS)


@functools.cache
def fetched(name: str, path: str) -> Body:
    url = urlsplit(path)
    return MAKES[name].render(url.path, dict(parse_qsl(url.query)), MAKES[name].rows(0))


def shown(name: str, page: int = -1) -> str:
    return fetched(name, PAGES[name][page]).content.decode()


def words(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text("|", strip=True)


def changed(kind: Mutation, name: str, path: str) -> str | None:
    """Return a page of a site under a change; None where it finds nothing to change there."""
    layout = Layout(marks=MAKES[name].marks)
    asked = kind.target(path, layout)
    body = fetched(name, asked)
    reply = Reply("GET", path, body.status, body.content_type, body.content, layout, {}, functools.partial(_text, name))
    return reply.text if kind.apply(reply) or asked != path else None


def _text(name: str, path: str) -> str:
    return fetched(name, path).content.decode()


def under(kind: str, name: str, page: int = -1) -> str:
    """Return a page of a site under a change, which finds something to change there."""
    text = changed(named(kind), name, PAGES[name][page])
    assert text is not None, f"{kind} finds nothing to change on {name}"
    return text


def named(name: str) -> Mutation:
    return next(kind for kind in KINDS if kind.name == name)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.name not in NEEDS_LOGIN], ids=lambda k: k.name)
def test_each_kind_changes_some_page(kind: Mutation) -> None:
    for name, paths in PAGES.items():
        for path in paths:
            if (text := changed(kind, name, path)) is not None:
                assert text != fetched(name, path).content.decode(), (
                    f"{kind.name} says that it changed {path} of {name}"
                )
                return
    pytest.fail(f"{kind.name} finds nothing to change")


def test_kinds_have_names_of_their_own() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert len(MEANINGS) >= 40
    assert len(HELD_OUT_MEANINGS) >= 16
    assert len(LATER_HELD_OUT_MEANINGS) >= 20
    assert len(HARMLESS) >= 20


def test_rows_of_all_stand_below_a_heading_for_one() -> None:
    page = BeautifulSoup(under("filter-ignored", "cards"), "html.parser")
    names = [name.get_text() for name in page.select(".card h3")]
    assert page.h1 is not None
    assert page.h1.get_text() == "Clocks"
    assert {name.rsplit(maxsplit=1)[-1] for name in names} == {"Clock", "Lamp", "Light", "Mirror"}
    assert f"{len(names)} products" in words(str(page))


def test_head_tells_another_currency_and_amounts_are_converted() -> None:
    assert "|159.31|" in words(shown("parts", 0))
    text = words(under("currency-head", "parts"))
    assert "Price (€)" in text
    assert "Price (£)" not in text
    assert "|186.39|" in text  # 159.31 times 1.17


def test_old_price_is_struck_before_the_new_one() -> None:
    price = BeautifulSoup(under("old-price-first", "cards"), "html.parser").select(".price")[0]
    assert str(price) == '<p class="price"><s>£238.10</s> <b>£183.10</b></p>'


def test_each_row_links_to_the_file_of_the_next() -> None:
    before = BeautifulSoup(shown("reports", 0), "html.parser").select("a.file")
    after = BeautifulSoup(under("files-shifted", "reports", 0), "html.parser").select("a.file")
    links = [link["href"] for link in before]
    assert [link["href"] for link in after] == [*links[1:], links[0]]


def test_days_and_months_are_exchanged() -> None:
    assert "|23/07/2026|" in words(shown("parts", 0))
    assert "|07/23/2026|" in words(under("date-order", "parts"))


def test_amounts_of_a_json_answer_are_in_another_currency_and_its_page_says_so() -> None:
    kind = "currency-head"
    before = json.loads(shown("flights", 1))["flights"]
    after = json.loads(under(kind, "flights"))["flights"]
    assert [round(float(row["fare"]) * 1.17, 2) for row in before] == [float(row["fare"]) for row in after]
    assert "Fare (€)" in under(kind, "flights", 0)


@pytest.mark.parametrize("kind", HARMLESS, ids=lambda kind: kind.name)
def test_rewordings_keep_every_row(kind: Mutation) -> None:
    for name in ("cards", "parts", "services"):
        if (text := changed(kind, name, PAGES[name][0])) is not None:
            marks = MAKES[name].marks
            assert sorted(_names(text, marks)) == sorted(_names(shown(name, 0), marks))


def _names(html: str, marks: drift.Marks) -> list[str]:
    selector = marks.fields[marks.name]
    rows = BeautifulSoup(html, "html.parser").select(marks.items or "main")
    parts = [row.select_one(selector) if selector else row for row in rows]
    return [part.get_text() for part in parts if part is not None and not selector.startswith("h1")]


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_unusual_data_are_unlike_usual_ones_and_known(unusual: str) -> None:
    different = []
    for name, make in MAKES.items():
        site = MakeSite(make, unusual=UNUSUAL[unusual])
        different.append([site.truth(parameters) for parameters in make.parameters] != usual_truths(name))
    assert any(different)


@functools.cache
def usual_truths(name: str) -> list[Any]:
    return [MakeSite(MAKES[name]).truth(parameters) for parameters in MAKES[name].parameters]


@pytest.mark.parametrize("name", NOTHING)
def test_sites_without_rows_have_some_for_other_parameters(name: str) -> None:
    site = MakeSite(NOTHING[name])
    rows, other_rows, none = map(site.truth, site.make.parameters)
    assert rows
    assert other_rows
    assert rows != other_rows
    assert none == []


def test_data_of_other_days_differ_by_degrees() -> None:
    make = MAKES["cards"]
    first, next_day, weeks_later = (MakeSite(make, day=day).truth(make.parameters[0]) for day in (0, 1, 21))
    kept = [row for row in first if row in next_day]
    assert len(first) > len(kept) >= len(first) // 2 or first == next_day
    assert len([row for row in first if row in weeks_later]) < len(kept)


def test_fixture_sites_have_marks_of_their_outputs() -> None:
    for own in OWN.values():
        assert own.output_schema is None or set(own.marks.fields) == set(own.output_schema["items"]["properties"])


def test_runs_grow_old_and_their_outputs_stay(tmp_path: Path) -> None:
    file = tmp_path / "default" / "history.sqlite3"
    file.parent.mkdir()
    (tmp_path / "other.txt").write_text("2026-09-14T08:00:00+00:00")
    output = '[{"due": "2026-09-14"}]'
    database = sqlite3.connect(file)
    with database:
        database.execute("CREATE TABLE outputs (at TEXT NOT NULL, output TEXT NOT NULL, runs INTEGER NOT NULL) STRICT")
        database.execute("INSERT INTO outputs VALUES ('2026-09-14T08:00:00+00:00', ?, 6)", (output,))
    database.close()
    drift.age(tmp_path, 21)
    database = sqlite3.connect(file)
    assert database.execute("SELECT * FROM outputs").fetchall() == [("2026-08-24T08:00:00+00:00", output, 6)]
    database.close()
    assert (tmp_path / "other.txt").read_text() == "2026-09-14T08:00:00+00:00"
