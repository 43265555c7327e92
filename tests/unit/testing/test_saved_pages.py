"""Pages of third-party applications, served with rows of the bench's own data."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup

from engine.testing.drift import MEANINGS, Layout, Reply
from tests.benchmarks.pages import SAVED
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "benchmarks" / "pages" / "third_party"
PAGES = {
    "oscar": "/catalogue/category/lighting_5/",
    "oscar-product": "/catalogue/steel-lantern/",
    "datasette": "/permits/permit?_filter_column_1=kind&_filter_op_1=exact&_filter_value_1=roof+repair",
    "trac": "/query?component=paths",
    "roundup": "/issue?status=in-progress&@dispname=in-progress",
    "django-admin": "/admin/shop/order/?all=&status__exact=paid",
    "adminlte": "/teams/1",
}
SHOWN = {
    "oscar": (("h1", "Lighting"), (".side_categories strong", "Lighting"), ("form > strong", "13"),
              ("li:first-of-type > .product_pod .price_color", "£1,129.41"),
              ("li:first-of-type > .product_pod .availability", "Unavailable")),
    "oscar-product": (("h1", "Steel Lantern"), ("table tr:nth-of-type(3) td", "£1,347.83"),
                      ("table tr:nth-of-type(7) td", "37")),
    "datasette": ((".page-header + h3", '13 rows\nwhere kind = "roof repair"'), ("option[selected]", "kind"),
                  ("tbody tr:first-of-type .col-fee", "120.0"), ("tbody tr:first-of-type .col-issued", "2023-02-08")),
    "trac": (("h1", "Custom Query (15 matches)"), ("#query select[name='0_component'] [selected]", "paths"),
             (".trac-query-results tr:first-of-type .id", "#1")),
    "roundup": (("#body-title h2", "List of issues\n- in-progress"),
                ("table.list tr:nth-of-type(2) a", "Door sticks on floor 1")),
    "django-admin": ((".paginator", "17 orders"), ("details li.selected", "Paid"),
                     ("#result_list tbody tr:first-of-type .field-placed", "April 9, 2026"),
                     ("#result_list tbody tr:first-of-type .field-total", "1999.52")),
    "adminlte": (("h1", "Harbour"), ("tbody tr:first-of-type td:nth-of-type(2) small", "Created 12.08.2024"),
                 ("tbody tr:first-of-type .project_progress small", "8% Complete")),
}  # fmt: skip


@functools.cache
def served(name: str, path: str) -> str:
    url = urlsplit(path)
    return SAVED[name].render(url.path, dict(parse_qsl(url.query)), SAVED[name].rows(0)).content.decode()


def text(page: BeautifulSoup, selector: str) -> str:
    found = page.select_one(selector)
    assert found is not None, selector
    return found.get_text().strip()


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_page_shows_the_rows_and_names_what_was_asked_for(name: str) -> None:
    page = BeautifulSoup(served(name, PAGES[name]), "html.parser")
    assert [(selector, text(page, selector)) for selector, _ in SHOWN[name]] == list(SHOWN[name])
    make = SAVED[name]
    right = make.truth(make.parameters[0], make.rows(0))
    rows = page.select(make.marks.items) if make.marks.items else [page]
    assert len(rows) == (len(right) if make.marks.items else 1)
    for row in rows:
        assert all(row.select_one(selector) is not None for selector in make.marks.fields.values())
    assert all(len(page.select(label)) == 1 for label in make.marks.labels.values())
    assert len(page.select(make.marks.heading)) >= 1


@pytest.mark.parametrize("name", SAVED)
def test_meaning_changes_in_many_ways_on_a_saved_page(name: str) -> None:
    make = SAVED[name]
    layout = Layout(marks=make.marks)
    changed = 0
    for kind in MEANINGS[::6]:
        asked = kind.target(PAGES[name], layout)
        body = served(name, asked).encode()
        reply = Reply("GET", PAGES[name], 200, "text/html", body, layout, {}, lambda path: served(name, path))
        changed += kind.apply(reply) or asked != PAGES[name]
    assert changed >= 3


def test_the_page_of_another_value_and_of_all_have_other_rows() -> None:
    for name, make in SAVED.items():
        if make.marks.items:
            asked = [PAGES[name], make.marks.another(PAGES[name]), make.marks.filtered(PAGES[name])]
            sizes = [
                len(BeautifulSoup(served(name, each), "html.parser").select(make.marks.items)) for each in asked if each
            ]
            assert len(sizes) == 3, name
            assert sizes[2] > max(sizes[:2]) > 5, f"{name}: {sizes}"


def test_each_saved_page_has_its_maker_and_its_license_in_the_notice() -> None:
    notice = (FOLDER / "NOTICE.md").read_text()
    pages = sorted(FOLDER.glob("*.html"))
    assert {Path(page).stem for page in pages} == set(SAVED)
    for page in pages:
        assert f"`{page.name}`" in notice
        content = page.read_text()
        assert "<script" not in content
        assert "127.0.0.1" not in content
    assert sum(page.stat().st_size for page in pages) < 64 * 1024
