"""Findings on the first runs of new code, and origins of values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.contract import Finding, Observed, explain, first_run_findings
from sandbox import Evidence
from tests.support.maps import Sheet

NAMES = ["amber", "birch", "cedar", "delta", "ember", "fjord"]
COLUMNS = ("Name", "Price", "RRP", "Availability")


def rows(category: str) -> list[dict[str, Any]]:
    return [
        {"name": f"{category} {name}", "price": 12.5 + at + len(category), "in_stock": at % 2 > 0}
        for at, name in enumerate(NAMES)
    ]


def page(category: str, named: str = "") -> Sheet:
    shown = Sheet(f"https://shop.example/list?category={named or category}").heading(f"All {named or category}")
    cells = [
        [r["name"], f"£{r['price']:.2f}", f"£{r['price'] + 5:.2f}", "In stock" if r["in_stock"] else "Sold out"]
        for r in rows(category)
    ]
    return shown.table(COLUMNS, cells)


def ran(category: str, output: Any = None, *, named: str = "") -> Observed:
    maps = (page(category, named).map(),)
    return Observed(rows(category) if output is None else output, Evidence(maps=maps), None, {"category": category})


def found(**change: Any) -> list[Finding]:
    """Return the findings on two runs whose rows have changed fields, each a value or a function of the row."""

    def changed(category: str) -> Observed:
        output = [r | {k: v(r) if callable(v) else v for k, v in change.items()} for r in rows(category)]
        return ran(category, output)

    return first_run_findings([changed("lamps"), changed("clocks")], "List the products of a category")


def test_good_code_has_no_findings() -> None:
    assert found() == []


def test_code_that_read_nothing_is_told() -> None:
    assert [f.kind for f in first_run_findings([Observed([{"name": "x"}], Evidence())])] == ["no-page"]


def test_what_the_task_has_computed_need_stand_nowhere() -> None:
    def summed(category: str) -> Observed:
        return ran(category, [{"half": n, "prices": 1000.25 + n * len(category)} for n in (1, 2)])

    runs = [summed("lamps"), summed("clocks")]

    def of_prices(task: str) -> list[str]:
        return [finding.kind for finding in first_run_findings(runs, task) if finding.path == "$[*].prices"]

    assert of_prices("For each half of a category: the sum of the prices") == []
    assert "unanchored" in of_prices("For each half of a category: the prices, and the number of rows")


def test_a_value_that_was_typed_in_is_told() -> None:
    (finding,) = found(currency="GBP")
    assert (finding.kind, finding.path, finding.certain) == ("unanchored", "$[*].currency", True)
    assert str(finding) == "$[*].currency: 'GBP' in 12 of 12 rows stands nowhere on what the code read"


@pytest.mark.parametrize("value", ["Brightwell Tools", "All products - Brightwell Tools", "https://shop.example/list"])
def test_a_title_or_an_address_of_the_page_is_read(value: str) -> None:
    def titled(category: str) -> Observed:
        shown = replace(page(category).map(), title="All products - Brightwell Tools", url="https://shop.example/list")
        output = [r | {"source": value} for r in rows(category)]
        return Observed(output, Evidence(maps=(shown,)), None, {"category": category})

    assert first_run_findings([titled("lamps"), titled("clocks")]) == []


def test_a_part_of_a_word_of_the_title_is_not_read() -> None:
    shown = replace(page("lamps").map(), title="All products - Brightwell Tools")
    run = Observed([r | {"source": "right"} for r in rows("lamps")], Evidence(maps=(shown,)))
    assert ("unanchored", "$[*].source") in [(f.kind, f.path) for f in first_run_findings([run])]


def test_a_default_in_some_rows_is_told() -> None:
    (finding,) = found(price=lambda r: r["price"] if r["in_stock"] else 99.99)
    assert (finding.kind, finding.certain) == ("unanchored", True)
    assert finding.text == "99.99 in 6 of 12 rows stands nowhere on what the code read"


def test_a_column_of_another_name_is_told() -> None:
    (finding,) = found(price=lambda r: r["price"] + 5)
    assert str(finding) == "$[*].price: read from 'rrp', though there is 'price'"


def test_a_boolean_that_is_always_the_same_is_told_with_the_texts() -> None:
    def available(category: str) -> Observed:
        output = [{"name": r["name"], "price": r["price"], "availability": True} for r in rows(category)]
        return ran(category, output)

    (finding,) = first_run_findings([available("lamps"), available("clocks")])
    assert str(finding) == "$[*].availability: always true, though the page says 'sold out' and 'in stock'"


def test_a_parameter_that_nothing_names_is_told() -> None:
    runs = [ran("lamps", named="offers"), ran("clocks", named="offers")]
    for run in runs:
        for row in run.output:
            row["name"] = row["name"].split()[1]
    unnamed = [Observed(run.output, run.evidence, None, {"category": "sofas"}) for run in runs]
    assert [(f.kind, f.path) for f in first_run_findings(unnamed)] == [("parameter", "category")]


def test_a_filter_in_code_explains_what_is_left_out() -> None:
    def cheap(category: str, most: float) -> Observed:
        output = [row for row in rows(category) if row["price"] <= most]
        return Observed(output, Evidence(maps=(page(category).map(),)), None, {"category": category, "most": most})

    assert first_run_findings([cheap("lamps", 19.75), cheap("clocks", 21.25)]) == []


def test_items_left_out_for_no_parameter_are_told() -> None:
    runs = [ran(category, rows(category)[:3]) for category in ("lamps", "clocks")]
    assert [str(f) for f in first_run_findings(runs)] == ["$: 6 of 12 items that were read are not in the output"]


def test_a_total_that_the_rows_miss_is_told() -> None:
    shown = page("lamps")
    shown.totals = (("64 results", 64),)
    run = Observed(rows("lamps"), Evidence(maps=(shown.map(),)), None, {"category": "lamps"})
    (finding,) = first_run_findings([run, ran("clocks")])
    assert (finding.kind, finding.text) == ("total", "6 rows, though the page states 64 ('64 results')")


def test_a_value_is_explained_by_what_stood_around_it() -> None:
    (origin,) = explain(ran("lamps"), "$[3].price")
    assert (origin.value, origin.text, origin.label) == (20.5, "£20.50", "Price")
    assert (origin.url, origin.headings) == ("https://shop.example/list?category=lamps", ("All lamps",))


def test_a_row_is_explained_by_all_its_values() -> None:
    assert [origin.text for origin in explain(ran("lamps"), "$[0]")] == ["lamps amber", "£17.50"]


@pytest.mark.parametrize("path", ["$[77].price", "$[0].cost", "price", "$.x"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(KeyError, match=r"nothing at|is no path"):
        explain(ran("lamps"), path)
