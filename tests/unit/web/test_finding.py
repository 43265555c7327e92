"""Finding in a page of `web`: lists, elements, tables, pairs, embedded data, and what the errors say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.web.errors import NotOnPage, WebError, WrongUse
from sandbox.web.pages import WebPage
from tests.unit.web.sites import page_of

SHOP = page_of(
    """<title>  Books
 for all </title><base href="/shop/"><h1>Books</h1>
<ul class="list"><li class="item" data-id="1"><a href="b/1?x=1#y">Dune</a> <b>5 €</b></li>
<li class="item sold" data-id="2"><a href="/b/2">Emma</a> <b>7 €</b><p>Sold  out</p></li>
<li hidden><a href="/b/3">Ghost</a></li></ul><a href="?page=2" rel="next">Next</a> <a href="mailto:a@b.test">Mail</a>
<img src="i.png" alt="Cover"><abbr title="Long">L</abbr><input placeholder="Search" data-testid="q">"""
)


def test_a_list_is_strict_where_one_is_asked_for_and_shows_what_there_is() -> None:
    items = SHOP.css("li.item")
    assert (len(items), items.texts, items.first.text, items.last["data-id"]) == (
        2, ["Dune 5 €", "Emma 7 €\n\nSold out"], "Dune 5 €", "2",
    )  # fmt: skip
    assert items.having("sold OUT").one is items[1]
    assert items.having(css="p").having("emma").one.css("b").one.text == "7 €"
    assert items.having(re.compile(r"^Dune")).one["data-id"] == "1"
    assert not items.having("nothing")
    with pytest.raises(NotOnPage, match=r"2 elements for css 'li.item' .* <li class=\"item\"> 'Dune 5 €'; <li"):
        _ = items.one
    with pytest.raises(NotOnPage, match=r"no link named 'Last' .*; it has: 'Dune'; 'Emma'; 'Next'"):
        _ = SHOP.link("Last").one
    with pytest.raises(NotOnPage, match=r"no css 'li.item' having 'x' .* it has: <li"):
        _ = items.having("x").first
    with pytest.raises(NotOnPage, match="no number 7 of 2"):
        _ = items[7]
    assert [each["data-id"] for each in items[::-1]] == ["2", "1"]


def test_an_element_has_addresses_attributes_and_neighbors() -> None:
    link = SHOP.link("dune").one
    assert link.href == "http://shop.test/shop/b/1?x=1#y"
    assert SHOP.link("Next", exact=True).one.href == "http://shop.test/shop/?page=2"
    assert SHOP.get_by_alt_text("cover").one.src == "http://shop.test/shop/i.png"
    assert link.closest("li")["data-id"] == "1"
    assert link.closest("a") == link
    assert (link.get("rel"), link.get("rel", "x"), "href" in link, link.matches("li a")) == (None, "x", True, True)
    item = link.closest("li")
    assert (item.next and item.next["data-id"], item.previous, item.children.texts) == ("2", None, ["Dune", "5 €"])
    assert SHOP.get_by_title("long").one.text == "L"
    assert SHOP.get_by_placeholder("search").one == SHOP.get_by_test_id("q").one
    assert item.lines == ["Dune 5 €"]
    assert len({link, SHOP.link("dune").one}) == 1
    with pytest.raises(NotOnPage, match="no attribute 'src'; its attributes: href"):
        _ = link["src"]
    with pytest.raises(NotOnPage, match="is in no 'table'"):
        link.closest("table")


def test_hidden_elements_are_left_out_by_role_and_told_apart_by_selector() -> None:
    assert SHOP.link().texts == ["Dune", "Emma", "Next", "Mail"]
    assert [each.hidden for each in SHOP.css("li")] == [False, False, True]
    assert "Ghost" not in SHOP.text
    assert SHOP.css("li").last.text == "Ghost"


def test_page_attributes() -> None:
    assert (SHOP.title, SHOP.status, SHOP.url, SHOP.lines[:2]) == (
        "Books for all",
        200,
        "http://shop.test/",
        ["Books", "Dune 5 €"],
    )
    assert SHOP.heading().one.text == "Books"
    assert not SHOP.heading(level=2)
    assert SHOP.css("ul").one.get_by_text("Dune").one.tag == "a"
    assert not SHOP.css("ul").one.get_by_text("Books")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        (":scope > li", ["1", "2", None]),
        ("> li.item", ["1", "2"]),
        ("li:nth-child(2)", ["2"]),
        ("li:has(p)", ["2"]),
        ("li:not(.sold, [hidden])", ["1"]),
        ("li[data-id='2' i], li.sold", ["2"]),
    ],
)
def test_selectors_of_css_work_from_an_element(selector: str, found: list[str | None]) -> None:
    assert [each.get("data-id") for each in SHOP.css("ul").one.css(selector)] == found
    assert "data-web-scope" not in SHOP.css("ul").one.html


WRONG: list[tuple[Callable[[WebPage], Any], str]] = [
    (lambda page: page.css("tr:has-text('x')"), '.having("Total")'),
    (lambda page: page.css("text=Dune"), "get_by_text"),
    (lambda page: page.css("//a"), "closest"),
    (lambda page: page.css("ul >> li"), "one after the other"),
    (lambda page: page.css("li["), "no CSS selector"),
    (lambda page: page.css("\udc00"), "no CSS selector"),
    (lambda page: page.locator("li"), "`.css(…)`"),
    (lambda page: page.goto("/"), "`page = await web.get(url)`"),
    (lambda page: page.link("Dune").one.inner_text(), "`.text`"),
    (lambda page: page.link("Dune").one.click(), "`await web.follow(link)`"),
    (lambda page: page.css("input").one.fill("x"), "form.submit"),
    (lambda page: page.link("Dune").inner_text(), ".one.text"),
    (lambda page: page.link("Dune").nth(0), "an index"),
    (lambda page: page.link("Dune")["href"], "take .one"),
    (lambda page: page.link("Dune").href, ".one.href"),
    (lambda page: page.css("li").having(" "), "empty text"),
    (lambda page: page.get_by_role("table row"), "no such role"),
    (lambda page: page.link("Dune").__await__(), "leave out `await`"),
    (lambda page: page.link("Dune").one.__await__(), "leave out `await`"),
    (lambda page: page.__await__(), "leave out `await`"),
    (lambda page: list(page.link("Dune").one), ".children"),
    (lambda page: page.no_such_thing, "no 'no_such_thing'"),
]  # fmt: skip


@pytest.mark.parametrize(("use", "said"), WRONG)
def test_wrong_use_tells_the_right_one(use: Callable[[WebPage], Any], said: str) -> None:
    with pytest.raises(WrongUse, match=re.escape(said)):
        use(SHOP)


PRICES = page_of("""
<table><caption>Old</caption><tr><th>Name<th>Price</table>
<table id=t><thead><tr><th>Name<th colspan=2>Price <br> range<th><th>Name</tr></thead>
<tfoot><tr><td>Sum<td>9<td>9<td>9<td>9</tr></tfoot>
<tr><td rowspan=2>A<td>1<td>2<td>x<td>n1<tr><td>3<td>4<td>y<td><table><tr><td>in<td>ner</table>
<tr><td colspan=5>Group<tr><td>B<td>5<tr></tr></table>
<div role=table><div role=rowgroup><div role=row><b role=columnheader>K</b><b role=columnheader>V</b></div></div>
<div role=row><span role=cell>k1</span><span role=cell>v1</span></div></div>""")


def test_a_table_is_rows_by_header_with_spans_and_what_stands_apart() -> None:
    table = PRICES.table("price range")
    assert table.headers == ["Name", "Price range", "Price range (2)", "column 4", "Name (2)"]
    assert [list(row.values()) for row in table] == [
        ["A", "1", "2", "x", "n1"], ["A", "3", "4", "y", "in ner"], ["B", "5", "", "", ""], ["Sum", "9", "9", "9", "9"],
    ]  # fmt: skip
    assert [each.text for each in table.apart] == ["Group"]
    assert table[1].cells["Name (2)"].css("td").texts == ["in", "ner"]
    assert PRICES.table("K", "V") == [{"K": "k1", "V": "v1"}]
    assert PRICES.css("#t").one.table() == table
    with pytest.raises(NotOnPage, match="no column 'Cost'; it has: 'Name', 'Price range'"):
        _ = table[0]["Cost"]
    with pytest.raises(NotOnPage, match=r"2 elements for table with 'Name'.*table of 0 rows with Name"):
        PRICES.table("Name")
    with pytest.raises(NotOnPage, match=r"no table with 'Cost' .* it has: Name \| Price"):
        PRICES.table("Cost")


def test_pairs_are_read_from_rows_of_two_cells_and_terms() -> None:
    page = page_of(
        "<table><tr><th>Field<th>Value<tr><th>Tel:<td>1<tr><td>Fax <td>2<tr><td>a<td>b<td>c</table>"
        "<dl><dt>Tel<dd>9<dt>Mail<dd>x<dd>y<div><dt>Web</dt><dd>z</dd></div></dl>"
    )
    assert page.fields == {"Tel": "1", "Fax": "2", "Mail": "x\ny", "Web": "z"}


def test_embedded_data_is_found_by_id_type_and_name() -> None:
    page = page_of("""
    <script id="__NEXT_DATA__" type="application/json">{"props": {"n": 1}}</script>
    <script type="application/ld+json">{"@type": "Product"}</script><script type="application/ld+json"> [1]</script>
    <script>window.__STATE__ = {"a": [1, 2]}; var rows=[{"b": "}"}], n = 5; let js = {unquoted: 1}; const empty = {};
    self["x-y"] = 1; app.config = JSON.parse("{\\"c\\": 3}");</script>
    <script type="application/json" id=broken>{"a":</script><script type="text/template">{"t": 1}</script>""")
    assert page.embedded() == {
        "__NEXT_DATA__": {"props": {"n": 1}},
        "application/ld+json": [{"@type": "Product"}, [1]],
        "__STATE__": {"a": [1, 2]},
        "rows": [{"b": "}"}],
        "config": {"c": 3},
    }


@pytest.mark.parametrize(
    ("html", "selector", "texts"),
    [
        ('<li><a href="b/1">Dune</a></li><li>Emmä', "li", ["Dune", "Emmä"]),
        ("<tr><td>Dune<td>5 €<tr><td>Emma<td>7 €", "tr td:first-child", ["Dune", "Emma"]),
        (" <TD>Dune</TD><td>5 €", "table tr td", ["Dune", "5 €"]),
        ("<tbody><tr><th>Dune", "th", ["Dune"]),
    ],
)
def test_html_within_an_answer_is_read_as_a_page_of_its_address(html: str, selector: str, texts: list[str]) -> None:
    told: list[str] = []
    page = page_of("{}")
    page._sender = type("Sender", (), {"was_read": lambda self, page: told.append(page.source)})()  # type: ignore[assignment]  # as it is used
    part = page.fragment(html)
    assert part.css(selector).texts == texts
    assert [link.href for link in part.css("a")] == ["http://shop.test/b/1"] * ("href" in html)
    assert told[0].endswith(html), "it counts as read"


def test_the_first_reading_of_a_page_is_told_once() -> None:
    told: list[str] = []
    page = page_of("<p>x")
    page._sender = type("Sender", (), {"was_read": lambda self, page: told.append(page.url)})()  # type: ignore[assignment]  # as it is used
    assert page.status == 200
    assert not told
    assert (page.css("p").one.text, page.title, page.body) == ("x", "", b"<p>x")
    assert told == ["http://shop.test/"]


def test_an_error_of_reading_names_the_page() -> None:
    with pytest.raises(WebError, match=re.escape("http://shop.test/")) as caught:
        _ = page_of("<p>a<p>b").css("p").one
    assert caught.value.url == "http://shop.test/"
