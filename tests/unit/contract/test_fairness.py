"""Ordinary data are never wrong by themselves, and what the page bears out is at most asked about."""

from dataclasses import replace
from typing import Any

import pytest

from engine.contract import Breach, History, PreviousOutput, check, compact, digest, disagreements, learn
from engine.contract.fairness import is_borne_out, weigh
from sandbox.page_map import PageMap
from tests.support.maps import Sheet
from tests.unit.contract.pages import run_of, shops

Rows = list[dict[str, Any]]


def spending(*rows: tuple[str, str, float]) -> Rows:
    return [{"date": date, "text": text, "amount": amount} for date, text, amount in rows]


def each(count: int, **fields: Any) -> Rows:
    """Rows of fields, each a function of the row's number or one value for all."""
    return [{k: v(n) if callable(v) else v for k, v in fields.items()} for n in range(count)]


def people(*names: str) -> Rows:
    return [
        {"first": first, "last": last, "number": 100 + n}
        for n, (first, last) in enumerate(name.split() for name in names)
    ]


ORDINARY: dict[str, tuple[Any, Any, str]] = {
    "two equal coffees on one day": (
        spending(*[(f"2025-03-{n:02}", f"Shop {n}", 3.5 + n) for n in range(1, 9)]),
        spending(
            ("2025-04-01", "Coffee", 3.2), ("2025-04-01", "Coffee", 3.2),
            *[(f"2025-04-{n:02}", f"Shop {n}", 9.5 + n) for n in range(2, 14)],
        ),
        "List them.",
    ),
    "all orders of one day": (
        each(6, order=lambda n: f"A-{n}", date=lambda n: f"2025-03-{n + 1:02}"),
        each(6, order=lambda n: f"A-{n + 10}", date="2025-11-28"),
        "List them.",
    ),
    "one sale price": (
        each(6, name=lambda n: f"Thing {n}", price=lambda n: 10.5 + n),
        each(6, name=lambda n: f"Thing {n}", price=5.0),
        "List them.",
    ),
    "another order that the site takes for the same": (
        people("Ann Young", "Bob Adams", "Cid West", "Dora Brown", "Ed Tate", "Flo Cole", "Gus Vine"),
        people("Bob Adams", "Dora Brown", "Flo Cole", "Ed Tate", "Gus Vine", "Cid West", "Ann Young"),
        "List the members sorted by number.",
    ),
    "texts that end with dots": (
        each(8, author=lambda n: f"A {n}", quote=lambda n: f"A whole sentence, number {n}, with its end."),
        each(2, author=lambda n: f"B {n}", quote=lambda n: ("To be continued...", "A whole one.")[n]),
        "List them.",
    ),
    "codes with a third letter": (
        each(6, name=lambda n: f"Lamp {n}", sku=lambda n: f"LA-{n + 1000}"),
        each(6, name=lambda n: f"Clock {n}", sku=lambda n: f"CLK-{n + 1000}"),
        "List them.",
    ),
    "telephone numbers written otherwise": (
        each(6, name=lambda n: f"A {n}", phone=lambda n: f"(020) 555-01{n}{n}"),
        each(6, name=lambda n: f"A {n}", phone=lambda n: f"020 555 01{n}{n}"),
        "List them.",
    ),
    "a part number that looks like a date": (
        each(6, name=lambda n: f"A {n}", part=lambda n: f"X{n}-22-1"),
        each(6, name=lambda n: f"B {n}", part=lambda n: f"2{n}-10-2024"),
        "List them.",
    ),
    "house numbers without letters": (
        each(6, name=lambda n: f"A {n}", number=lambda n: f"{n + 1}{'ab'[n % 2]}"),
        each(6, name=lambda n: f"B {n}", number=lambda n: f"{n + 1}"),
        "List them.",
    ),
    "titles like errors": (
        each(8, title=lambda n: f"A film {n}", year=lambda n: 2000 + n),
        each(2, title=lambda n: ("Access Denied", "Error 404")[n], year=lambda n: 2012 + n),
        "List them.",
    ),
    "a single title like an error": (
        {"title": "A film", "year": 2001}, {"title": "Access Denied", "year": 2012}, "Title and year",
    ),
    "matches that are all postponed": (
        each(6, team=lambda n: f"T{n}", score=lambda n: f"{n}:{n + 1}"),
        each(6, team=lambda n: f"T{n}", score="postponed"),
        "List them.",
    ),
    "prices on request": (
        each(6, name=lambda n: f"N {n}", price=lambda n: f"€{n + 10}.00"),
        each(6, name=lambda n: f"N {n}", price="on request"),
        "List them.",
    ),
    "an edition that all reviews share": (
        each(6, name=lambda n: f"N {n}", edition=lambda n: f"Edition {n}"),
        each(6, name=lambda n: f"M {n}", edition="Hardback"),
        "List them.",
    ),
    "list prices that are the prices after a sale": (
        each(6, name=lambda n: f"N {n}", price=lambda n: 8.5 + n, before=lambda n: 10.5 + n),
        each(6, name=lambda n: f"N {n}", price=lambda n: 10.5 + n, before=lambda n: 10.5 + n),
        "List them.",
    ),
    "an object without its optional part": (
        {"name": "Kettle", "discount": "10 %"}, {"name": "Lamp", "discount": None}, "Name and discount",
    ),
    "three rows without a tracking number yet": (
        each(4, order=lambda n: f"A-{n}", tracking=lambda n: f"ZX{n}81"),
        each(3, order=lambda n: f"B-{n}", tracking=None),
        "List them.",
    ),
    "two weekly digests": (
        each(24, title=lambda n: f"Story of the {n}th day", comments=lambda n: n * 3 % 17),
        each(20, title=lambda n: f"Tale {n}" if n > 1 else "Weekly digest", comments=lambda n: n * 5 % 19),
        "List them.",
    ),
}  # fmt: skip


def fresh(output: Any) -> History:
    """One clean run of the same parameters."""
    size = (len(output), len(output)) if isinstance(output, list) else None
    return History(1, {}, PreviousOutput({}, 1, size, compact(output), digest(output)))


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_data_are_never_fatal_by_themselves(name: str) -> None:
    before, after, task = ORDINARY[name]
    for history in (History(), fresh(before)):
        found = check(learn([run_of(before)], task), run_of(after), history)
        assert [b for b in found if b.structural] == []


ORDINARY_AT_ONCE = ("two equal coffees on one day", "codes with a third letter", "two weekly digests")


@pytest.mark.parametrize("name", ORDINARY_AT_ONCE)
def test_what_happens_every_day_is_not_even_asked_about(name: str) -> None:
    before, after, task = ORDINARY[name]
    for history in (History(), fresh(before), replace(fresh(before), clean_runs=9)):
        found = check(learn([run_of(before)], task), run_of(after), history)
        assert {b.severity for b in found} <= {"advisory"}, found


def test_page_that_bears_values_out_leaves_at_most_a_question() -> None:
    maps, contract = (PageMap("page", "https://shop.example/"),), {"provenance": {"fields": {}}}
    asked = Breach("label", "$[*].price", "Price", "Old price", "doubtful")
    assert is_borne_out(contract, History(), maps, ())
    assert is_borne_out({}, History(provenance=contract["provenance"]), maps, ())
    assert not is_borne_out(contract, History(), maps, (asked,))
    assert not is_borne_out(contract, History(), (), ())
    assert not is_borne_out({}, History(), maps, ())
    assert weigh(Breach("constant", "$", "", "", "doubtful"), borne_out=True).severity == "statistical"
    shapes = Breach("pattern", "$", "", "", "statistical", ordinary=True)
    assert weigh(shapes, borne_out=True).severity == "advisory"
    assert weigh(shapes, borne_out=False).severity == "statistical"
    for kind in ("type", "count", "next-left", "garbled", "no-rows", "progress"):
        assert weigh(Breach(kind, "$", "", ""), borne_out=True).structural, "no page excuses it"


SPOILT: dict[str, tuple[Any, str]] = {
    "alone": ({"heading": "An unexpected error has occurred"}, "doubtful"),
    "alone in a list": ([{"heading": "An unexpected error has occurred"}], "doubtful"),
    "beside its address": ({"heading": "Page not found", "link": "https://shop.example/"}, "doubtful"),
    "beside content": ({"heading": "Access Denied", "year": 2012}, "advisory"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_the_text_of_an_error_with_nothing_beside_it_is_asked_about(name: str) -> None:
    output, severity = SPOILT[name]

    def shown(value: Any) -> Any:
        row = value[0] if isinstance(value, list) else value
        sheet = Sheet("https://shop.example/").heading(str(row["heading"])).text(str(row.get("year", "")))
        return run_of(value, maps=(sheet.map(),))

    good = {
        key: "Shops" if key == "heading" else value
        for key, value in (output[0] if name == "alone in a list" else output).items()
    }
    contract = learn([shown([good] if name == "alone in a list" else good)])
    assert [b.severity for b in check(contract, shown(output)) if b.kind == "error-text"] == [severity]


def listed(count: int, *, totals: tuple[tuple[str, int], ...], glued: tuple[tuple[str, int], ...] = ()) -> Any:
    url = "https://shop.example/list"
    page = replace(Sheet(url).heading("Shops").map(), totals=totals)
    return run_of(shops(count), {"town": f"T{count}"}, url=url, counts=(*totals, *glued), maps=(page,))


def test_total_that_is_glued_of_two_elements_is_none() -> None:
    contract = learn([listed(12, totals=(("12 shops", 12),)), listed(7, totals=(("7 shops", 7),))])
    assert check(contract, listed(9, totals=(("9 shops", 9),), glued=(("600 shops", 600),))) == []
    assert [(b.kind, b.severity) for b in check(contract, listed(9, totals=(("31 shops", 31),)))] == [
        ("count", "structural")
    ]
    both = listed(9, totals=(("600 shops", 600), ("9 shops", 9)))
    assert check(contract, both) == [], "of the whole list, and of what was asked for"


def test_total_that_was_the_same_for_all_parameters_may_be_that_of_the_whole_list() -> None:
    whole = (("12 shops", 12),)
    contract = learn([listed(12, totals=whole), replace(listed(12, totals=whole), parameters={"town": "other"})])
    assert [(b.kind, b.severity) for b in check(contract, listed(9, totals=whole))] == [("count", "doubtful")]


def pictures(addresses: list[str], later: list[str] | None = None) -> Any:
    rows = [{"name": f"Lamp {n}", "picture": address} for n, address in enumerate(addresses)]
    sheet = Sheet("https://shop.example/list")
    container = sheet.container(len(rows))
    for n, row in enumerate(rows):
        item = sheet.item(container, n)
        sheet.text(row["name"], path=">li>h3", item=item)
        sheet.text(row["picture"], path=">li>img@src", item=item)
        if later is not None:
            sheet.text(later[n], path=">li>img@data-src", item=item)
    return run_of(rows, maps=(sheet.map(),))


def test_address_that_stands_in_for_others_is_a_breach() -> None:
    own = [f"/pictures/{n}.jpg" for n in range(12)]
    contract = {"output": learn([pictures(own)])["output"]}
    late = pictures([*own[:4], *["/static/0.gif"] * 8], later=own)
    (breach,) = [b for b in check(contract, late) if b.kind == "placeholder"]
    assert (breach.path, breach.severity) == ("$[*].picture", "structural")
    assert "while the elements carry others" in breach.got
    named = check(contract, pictures([*own[:4], *["/static/blank.gif"] * 8]))
    assert [(b.kind, b.severity) for b in named] == [("placeholder", "doubtful")]
    shared = check(
        contract, pictures([*own[:6], *["/pictures/set.jpg"] * 6], later=own[:6] + ["/pictures/set.jpg"] * 6)
    )
    assert [b for b in shared if b.kind == "placeholder"] == [], "one picture of several things"


@pytest.mark.parametrize(
    ("now", "page", "borne_out"),
    [
        ("2025-03-04", "Held on 4 March 2025", True),
        ("2025-03-04", "Held on 04.03.2025", True),
        ("2025-03-04", "Held on 5 March 2025", False),
        (1234.5, "It costs 1.234,50 €", True),
        (1234.5, "It costs 1,234.51", False),
        ("£1,234.50", "It costs 1234.50 GBP", True),
        (7, "Call 0070 or 17", False),
    ],
)
def test_repaired_value_is_borne_out_in_any_spelling(now: Any, page: str, borne_out: bool) -> None:
    before, after = each(4, name=lambda n: f"N {n}", value=-1), each(4, name=lambda n: f"N {n}", value=now)
    assert (disagreements(before, after, page, {"value"}) == []) is borne_out


def test_new_rows_that_are_alike_are_told_from_old_ones_that_became_alike() -> None:
    before = each(8, order=lambda n: f"A-{n}", maker=lambda n: f"F-{n}", date=lambda n: f"2025-03-{n + 1:02}")
    new, same, day = (
        [row | {"maker": "F-9"} for row in each(8, order=lambda n: f"B-{n}")],
        [row | {"maker": "F-9"} for row in before],
        [row | {"date": "2025-11-28"} for row in before],
    )
    for after, ordinary in ((new, True), (same, False), (day, True)):
        found = check(learn([run_of(before)]), run_of(after), fresh(before))
        assert all(b.ordinary for b in found if b.kind == "constant") is ordinary
