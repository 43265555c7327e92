"""Each test: one page text, one departure, and what of the breach's words a person needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from engine.contract import (
    Breach,
    History,
    Observed,
    PreviousOutput,
    check,
    check_signature,
    compact,
    first_run_findings,
    learn_signature,
    widen_signature,
)
from engine.errors import BundleCorrupt
from sandbox import Evidence
from sandbox.page_map import PageMap
from sandbox.read_evidence import Ambiguous, StaleRead
from tests.support.maps import Sheet

TASK = "List the products of a category with name, price and whether they are in stock"
Rows = list[dict[str, Any]]


def products(category: str, count: int = 8) -> Rows:
    return [
        {"name": f"{category} {word}", "price": 12.5 + 3 * at + len(category), "in_stock": at % 3 > 0}
        for at, word in enumerate(["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath"][:count])
    ]


def cells(rows: Rows, price: str = "£{:.2f}") -> list[list[str]]:
    return [[r["name"], price.format(r["price"]), "In stock" if r["in_stock"] else "Sold out"] for r in rows]


def sheet(category: str, heading: str | None = None, url: str | None = None) -> Sheet:
    page = Sheet(url or f"https://shop.example/list?category={category}", title="Shop")
    return page.heading(heading or f"All {category}")


def ran(output: Any, *maps: PageMap, **parameters: Any) -> Observed:
    return Observed(output, Evidence(maps=maps), None, parameters)


def listed(category: str, columns: tuple[str, str, str] = ("Name", "Price", "Availability"), **change: Any) -> Observed:
    rows = products(category)
    page = sheet(category, change.get("heading")).table(columns, cells(rows, change.get("price", "£{:.2f}")))
    return ran(rows, page.map(), category=category)


@pytest.fixture(scope="module")
def signature() -> dict[str, Any]:
    return learn_signature([listed("lamps"), listed("clocks")], TASK)


def told(signature: Mapping[str, Any], run: Observed) -> list[tuple[str, str]]:
    return [(b.severity, b.kind) for b in check_signature(signature, run) if b.severity != "advisory"]


def only(signature: Mapping[str, Any], run: Observed) -> Breach:
    found = [b for b in check_signature(signature, run) if b.severity != "advisory"]
    assert len(found) == 1, found
    return found[0]


def test_other_data_of_other_parameters_depart_in_nothing(signature: dict[str, Any]) -> None:
    assert check_signature(signature, listed("mirrors")) == []


def test_another_currency_fails_outright_with_both_wordings(signature: dict[str, Any]) -> None:
    breach = only(signature, listed("lamps", price="€{:.2f}"))
    assert (breach.severity, breach.path) == ("structural", "$[*].price")
    assert str(breach) == "$[*].price: expected values written '£{v}', got written '€{v}' in 8 of 8"


def test_another_spelling_of_the_same_currency_is_nothing(signature: dict[str, Any]) -> None:
    assert told(signature, listed("lamps", price="{:.2f} GBP")) == []
    assert told(signature, listed("lamps", ("Name", "Price (GBP)", "Availability"), price="{:.2f}")) == []


def test_a_unit_in_a_columns_head_fails_outright(signature: dict[str, Any]) -> None:
    breach = only(signature, listed("lamps", ("Name", "Price (USD)", "Availability")))
    assert (breach.severity, breach.got) == ("structural", "labeled 'price (usd)' in 8 of 8")


@pytest.mark.parametrize("wording", ["from £{:.2f}", "£{:.2f} excl. VAT", "£{:.2f} per month", "ab £{:.2f}"])
def test_a_limiting_word_fails_outright(signature: dict[str, Any], wording: str) -> None:
    assert told(signature, listed("lamps", price=wording)) == [("structural", "wording")]


@pytest.mark.parametrize(("head", "severity"), [("Cost", []), ("Unit price", ["doubtful"]), ("Name", ["structural"])])
def test_a_label_is_weighed_by_what_it_may_mean(signature: dict[str, Any], head: str, severity: list[str]) -> None:
    assert [s for s, _ in told(signature, listed("lamps", ("Name", head, "Availability")))] == severity


def test_the_old_price_is_struck_through() -> None:
    def shop(category: str, text: str) -> Observed:
        rows = [{"name": r["name"], "price": r["price"]} for r in products(category)]
        page = sheet(category).cards([[r["name"], text.format(r["price"])] for r in rows])
        return ran(rows, page.map(), category=category)

    known = learn_signature([shop("lamps", "£{:.2f}"), shop("clocks", "£{:.2f}")], TASK)
    breach = only(known, shop("lamps", "\u0001£{:.2f}\u0002\u0005£9.99"))
    assert str(breach) == "$[*].price: expected values that are not struck through, got 8 of 8 are"


@pytest.mark.parametrize("card", [("\u0001£{:.2f}\u0002", "£9.99"), ("Was \u0001£{:.2f}\u0002", "Now £9.99")])
def test_the_old_price_is_struck_through_apart_from_the_new_one(card: tuple[str, str]) -> None:
    def shop(category: str, *texts: str) -> Observed:
        rows = [{"name": r["name"], "price": r["price"]} for r in products(category)]
        page = sheet(category).cards([[r["name"], *(text.format(r["price"]) for text in texts)] for r in rows])
        return ran(rows, page.map(), category=category)

    known = learn_signature([shop("lamps", "£{:.2f}"), shop("clocks", "£{:.2f}")], TASK)
    assert ("structural", "struck") in told(known, shop("lamps", *card))


def test_a_strike_alone_marks_a_state(signature: dict[str, Any]) -> None:
    """As of closed tickets: no other value of theirs stands beside it."""

    def tickets(component: str, *texts: str) -> Observed:
        rows = [{"number": 40 + at, "title": f"Lamp {at} of {component}", "pages": 3 + at} for at in range(8)]
        cells = [
            [texts[at % len(texts)].format(r["number"]), r["title"], f"#{r['pages']}"] for at, r in enumerate(rows)
        ]
        page = sheet(component).table(["Ticket", "Summary", "Pages"], cells)
        return ran(rows, page.map(), category=component)

    runs = [tickets("lamps", "#{}"), tickets("clocks", "#{}")]
    known = learn_signature(runs, TASK)
    assert told(known, tickets("lamps", "\u0001#{}\u0002")) == []
    mixed = [tickets("lamps", "#{}"), tickets("clocks", "\u0001#{}\u0002", "#{}")]
    assert [finding.kind for finding in first_run_findings(mixed, TASK)] == []


def test_a_search_for_words_may_find_what_another_found() -> None:
    def found(word: str, *names: str) -> Observed:
        rows = [{"name": name, "price": 5.5 + len(name)} for name in names]
        page = sheet(word).table(["Name", "Price"], [[r["name"], f"£{r['price']:.2f}"] for r in rows])
        return ran(rows, page.map(), word=word)

    trowels = [f"{kind} Trowel No. {at}" for at, kind in enumerate(("Ash", "Copper", "Copper", "Copper", "Oak"))]
    first = found("Trowel", *trowels)
    known = learn_signature([first, found("Lantern", "Ash Lantern", "Oak Lantern")], TASK)
    other = PreviousOutput({"word": "Trowel"}, 1, (5, 5), compact(first.output), "")
    asked = found("Copper", *trowels[1:4], "Copper Rake", "Copper Ladle")
    assert [b.kind for b in check_signature(known, asked, History(others=(other,)))] == []
    stale = found("Steel", *trowels)
    assert "other-rows" in [b.kind for b in check_signature(known, stale, History(others=(other,)))]


def test_values_that_stand_nowhere_are_named(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    wrong = [row | {"price": 694.98 + at} if at > 2 else row for at, row in enumerate(run.output)]
    breach = only(signature, ran(wrong, *run.evidence.maps, category="lamps"))
    assert (breach.severity, breach.kind) == ("structural", "unanchored")
    assert breach.got == "5 of 8 values stand nowhere on them, such as 697.98"


def test_a_heading_that_no_longer_names_the_parameter_fails_outright(signature: dict[str, Any]) -> None:
    found = check_signature(signature, listed("lamps", heading="All products"))
    assert ("structural", "heading") in [(b.severity, b.kind) for b in found]
    assert "no heading names {category} any more" in found[0].got


def test_other_words_around_the_parameter_in_a_heading_are_asked_about(signature: dict[str, Any]) -> None:
    assert told(signature, listed("lamps", heading="Things that go with lamps")) == [("doubtful", "heading")]


@pytest.mark.parametrize(
    "said", ["No exact matches. You may also like:", "Keine genauen Treffer", "Meinten Sie Lampen?"]
)
def test_rows_under_a_message_that_these_are_others_fail_outright(signature: dict[str, Any], said: str) -> None:
    rows = products("lamps")
    page = sheet("lamps").text(said).table(("Name", "Price", "Availability"), cells(rows))
    breach = only(signature, ran(rows, page.map(), category="lamps"))
    assert (breach.severity, breach.kind, breach.got) == ("structural", "instead", f"it says {said!r}")


def test_a_boolean_against_its_own_text_fails_outright(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    wrong = [row | {"in_stock": True} for row in run.output]
    breach = only(signature, ran(wrong, *run.evidence.maps, category="lamps"))
    assert (breach.severity, breach.kind) == ("structural", "state")
    assert "3 of 8 say the contrary of their text, such as 'sold out'" in breach.got


def test_a_new_text_for_a_boolean_is_asked_about(signature: dict[str, Any]) -> None:
    rows = products("lamps")
    texts = [[name, price, state.replace("In stock", "Preorder")] for name, price, state in cells(rows)]
    page = sheet("lamps").table(("Name", "Price", "Availability"), texts)
    breach = only(signature, ran(rows, page.map(), category="lamps"))
    assert (breach.severity, breach.got) == ("doubtful", "'preorder' in 5 of 8")


def test_rows_of_mixed_items_fail_outright(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    prices = [row["price"] for row in run.output]
    moved = [row | {"price": price} for row, price in zip(run.output, [*prices[1:], prices[0]], strict=True)]
    breach = only(signature, ran(moved, *run.evidence.maps, category="lamps"))
    assert (breach.severity, breach.kind) == ("structural", "apart")


def test_items_left_out_are_asked_about(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    breach = only(signature, ran(run.output[:5], *run.evidence.maps, category="lamps"))
    assert (breach.severity, breach.got) == ("doubtful", "3 of 8 items of the page are not in the output")


def rated(category: str, of: str = "{:.1f} out of 5") -> Observed:
    rows = [{"name": row["name"], "rating": 1.1 + at / 2} for at, row in enumerate(products(category))]
    page = sheet(category).cards(
        [[r["name"], f"{of.format(r['rating'])} ({at * 7} reviews)"] for at, r in enumerate(rows)]
    )
    return ran(rows, page.map(), category=category)


def test_a_constant_beside_the_value_that_changed_is_asked_about() -> None:
    known = learn_signature([rated("lamps"), rated("clocks")], TASK)
    assert told(known, rated("mirrors")) == []
    assert only(known, rated("lamps", "{:.1f} out of 10")).severity == "doubtful"


def one(sku: str, name: str, facts: list[tuple[str, str]], weight: float) -> Observed:
    page = Sheet(f"https://shop.example/p/{sku}").heading(name).facts([("SKU", sku), *facts])
    return ran({"name": name, "weight_kg": weight}, page.map(), sku=sku)


def test_another_object_is_told_by_the_parameter_that_nothing_names() -> None:
    known = learn_signature(
        [one("AB-1234", "Lamp", [("Weight", "2.5 kg")], 2.5), one("AB-7781", "Clock", [("Weight", "1.25 kg")], 1.25)]
    )
    other = one("AB-1234", "Mirror", [("Weight", "7.5 kg")], 7.5)
    page = Sheet("https://shop.example/p/AB-1234").heading("Mirror").facts([("SKU", "AB-5555"), ("Weight", "7.5 kg")])
    assert check_signature(known, one("AB-9090", "Bench", [("Weight", "9.75 kg")], 9.75)) == []
    breach = only(known, ran(other.output, page.map(), sku="AB-1234"))
    assert (breach.kind, breach.got) == ("parameter", "named by url")


def test_pounds_in_the_words_of_a_term_fail_outright() -> None:
    known = learn_signature(
        [one("AB-1234", "Lamp", [("Weight", "2.5")], 2.5), one("AB-7781", "Clock", [("Weight", "1.25")], 1.25)]
    )
    assert told(known, one("AB-9090", "Bench", [("Weight (lb)", "9.75")], 9.75)) == [("structural", "label")]
    assert told(known, one("AB-9090", "Bench", [("Weight (kg)", "9.75")], 9.75)) == []


def test_an_amount_in_a_neighboring_element_belongs_to_the_wording() -> None:
    def shop(category: str, price: str) -> Observed:
        rows = [{"name": r["name"], "price": r["price"]} for r in products(category)]
        page = sheet(category).cards([[r["name"], price.format(r["price"])] for r in rows])
        return ran(rows, page.map(), category=category)

    known = learn_signature([shop("lamps", "£{:.2f}"), shop("clocks", "£{:.2f}")], "The price of each lamp")
    assert told(known, shop("lamps", "£{:.2f}\u0005each, pack of 10")) == [("structural", "wording")]
    assert told(known, shop("lamps", "Was\u0005£{:.2f}")) == [("structural", "wording")]
    assert told(known, shop("lamps", "£{:.2f}\u0005In stock")) == []


def test_a_value_after_another_text_is_asked_about() -> None:
    def weather(town: str, before: str) -> Observed:
        warm = 10.5 + len(town)
        page = Sheet(f"https://weather.example/?town={town}").heading(f"Weather in {town}").text(before)
        return ran(warm, page.text(f"{warm} °C").map(), town=town)

    known = learn_signature([weather("Ashby", "Now"), weather("Corran", "Now")])
    assert told(known, weather("Penfield", "Now")) == []
    breach = only(known, weather("Ashby", "Feels like"))
    assert (breach.severity, breach.got) == ("doubtful", "1 of 1 after 'feels like'")


def test_a_link_of_another_kind_is_asked_about() -> None:
    def linked(category: str, link: str) -> Observed:
        rows = [{"name": r["name"], "url": link.format(at)} for at, r in enumerate(products(category))]
        page = sheet(category).cards([[r["name"]] for r in rows], [r["url"] for r in rows])
        return ran(rows, page.map(), category=category)

    known = learn_signature([linked("lamps", "/p/SK-{}"), linked("clocks", "/p/SK-{}")])
    assert told(known, linked("mirrors", "/p/SK-7{}")) == []
    assert told(known, linked("lamps", "/ad?click={}")) == [("doubtful", "wording")]


@pytest.mark.parametrize(("mark", "now"), [("Councilor", "Staff"), ("", "Sponsored")])
def test_rows_that_are_marked_otherwise_are_asked_about(mark: str, now: str) -> None:
    def members(category: str, said: str) -> Observed:
        names = [row["name"] for row in products(category)]
        page = sheet(category).cards([[name, said] if said else [name] for name in names])
        return ran(names, page.map(), category=category)

    known = learn_signature([members("lamps", mark), members("clocks", mark)])
    assert told(known, members("mirrors", mark)) == []
    breach = only(known, members("lamps", now))
    assert (breach.severity, breach.kind) == ("doubtful", "mark")
    assert f"{now.casefold()!r} in 8 of 8" in breach.got


def test_what_a_page_says_beside_the_list_is_nothing(signature: dict[str, Any]) -> None:
    rows = products("lamps")
    page = sheet("lamps").table(("Name", "Price", "Availability"), cells(rows))
    page.text("You may also like", path=">h2", region="aside").text("No account yet?", region="navigation")
    assert told(signature, ran(rows, page.map(), category="lamps")) == []


def test_rows_of_other_parameters_fail_outright_where_the_lists_were_apart(signature: dict[str, Any]) -> None:
    clocks, lamps = listed("clocks"), listed("lamps")
    other = PreviousOutput({"category": "clocks"}, 1, (8, 8), compact(clocks.output), "")
    wrong = ran(clocks.output, *lamps.evidence.maps, category="lamps")
    found = check_signature(signature, wrong, History(others=(other,)))
    assert "8 of 8 rows are those of {'category': 'clocks'}" in [b.got for b in found if b.kind == "other-rows"]
    found = check_signature(signature, wrong, History(others=(replace(other, account="another"),)))
    assert "other-rows" not in [b.kind for b in found], "two accounts may be shown the same"


def test_sets_of_rows_overlap_where_the_page_names_what_was_asked_for() -> None:
    def tagged(tag: str, *names: str, heading: str = "") -> Observed:
        page = sheet(heading or tag).table(["Name"], [[name] for name in names])
        return ran([{"name": name} for name in names], page.map(), tag=tag)

    boats, tides = (tagged(tag, *(f"{tag} {at}" for at in range(6))) for tag in ("boats", "tides"))
    known = learn_signature([boats, tides])
    past = History(
        others=tuple(PreviousOutput(dict(run.parameters), 1, (6, 6), compact(run.output), "") for run in (boats, tides))
    )
    todo = [f"todo {at}" for at in range(9)]

    def others(*names: str, heading: str = "") -> list[str]:
        run = tagged("todo", *names, heading=heading)
        return [b.severity for b in check_signature(known, run, past) if b.kind == "other-rows"]

    assert others(*todo, *(f"tides {at}" for at in range(6))) == [], "one of several sets is in it"
    assert others(*(f"tides {at}" for at in range(3))) == [], "it is in one of several sets"
    assert others(*todo, *(f"tides {at}" for at in range(6)), heading="All") == ["structural"]
    assert others(*(f"{tag} {at}" for tag in ("boats", "tides") for at in range(6))) == ["structural"], "it is all"
    assert others(*(f"tides {at}" for at in range(6))) == ["structural"], "it is that of another tag"


def test_what_one_run_showed_is_no_rule_for_what_was_done_with_other_values() -> None:
    def made(title: str, *, shown: str = "", price: str = "£5.50", wrote: bool = True) -> Observed:
        page = Sheet("https://wiki.example/made").heading(shown or title)
        page.table(("Part", "Price"), [["Hull", price], ["Mast", price.replace("5.5", "7.5")]])
        run = ran([{"part": "Hull", "price": 5.5}, {"part": "Mast", "price": 7.5}], page.map(), title=title)
        sent = (("POST", "https://wiki.example/made"),) if wrote else ()
        return replace(run, evidence=replace(run.evidence, state_changing=sent))

    one, two = learn_signature([made("Ketch")]), learn_signature([made("Ketch"), made("Yawl")])
    other, read = (made("big sloop", shown="A ship's page", wrote=wrote) for wrote in (True, False))
    for known, run, history, told in (
        (one, other, None, "advisory"),
        (two, other, None, "advisory"),
        (two, read, None, "structural"),
        (one, made("Sloop", price="€5.50"), None, "structural"),
        (one, other, History(clean_runs=5), "structural"),
    ):
        assert told in {b.severity for b in check_signature(known, run, history)}, (run, history)
    assert {b.severity for b in check_signature(one, other)} == {"advisory"}


def test_counts_that_the_task_asks_for_stand_on_a_page_by_chance() -> None:
    def counted(port: str, page: Sheet, *counts: int) -> Observed:
        rows = [{"name": f"{port} {at}", "voyages": count} for at, count in enumerate(counts)]
        if port != "oslo":
            page.cards([[row["name"], f"deck {row['voyages']}"] for row in rows])
        return ran(rows, page.map(), port=port)

    beside = sheet("oslo").cards([["oslo 0"]]).text("2 users online", region="footer")
    for task, asked in (("List name, and the number of its voyages", False), ("List name and voyages", True)):
        known = learn_signature([counted("hull", sheet("hull"), 3, 4), counted("whitby", sheet("whitby"), 5, 6)], task)
        found = [b for b in check_signature(known, counted("oslo", beside, 2)) if b.path == "$[*].voyages"]
        assert bool(found) is asked, found


def ships(port: str, *, sisters: int = 0, first: bool = False) -> Observed:
    def box(page: Sheet, built: int, length: float) -> None:
        page.table(["Built", "Length"], [[str(built), f"{length} m"]])

    pages, rows = [], []
    for at, name in enumerate(["Amber", "Birch", "Cedar", "Delta", "Ember"]):
        page, own = Sheet(f"https://wiki.example/{port}/{name}").heading(name), (1901 + 7 * at, 30.5 + at)
        if at < sisters and first:
            box(page, 1950, 33.5)
        box(page, *own)
        if at < sisters and not first:
            box(page, 1950, 33.5)
        built, length = (1950, 33.5) if at < sisters and first else own
        rows.append({"name": name, "built": built, "length": length})
        pages.append(page.map())
    return ran(rows, *pages, port=port)


@pytest.mark.parametrize("first", [True, False])
def test_a_second_value_of_that_name_on_each_page_is_asked_about(first: bool) -> None:
    known = learn_signature([ships("Hull"), ships("Whitby")])
    assert told(known, ships("Bergen")) == told(known, ships("Bergen", sisters=1)) == []
    found = [b for b in check_signature(known, ships("Hull", sisters=5, first=first)) if b.kind == "several"]
    assert {b.path for b in found} == {"$[*].built", "$[*].length"}
    assert {b.severity for b in found} == {"doubtful"}
    assert "another value under 'Built' on 5 of 5 pages" in [b.got for b in found]
    both = learn_signature([ships("Hull", sisters=5), ships("Whitby", sisters=5)])
    assert "several" not in [b.kind for b in check_signature(both, ships("Bergen", sisters=5))]


def test_amount_that_was_entered_and_is_another_in_the_result_fails() -> None:
    def entered(amount: float, day: str, got: float, *, wrote: bool = True) -> Observed:
        page = Sheet("https://books.example/journal").heading("Journal")
        page.table(["Date", "Amount"], [[day, f"£{got:.2f}"], ["2026-01-02", "£3.83"]])
        run = ran(
            {"date": day, "amount_gbp": got, "number": 50 if amount == 50 else 41},
            page.map(),
            amount=str(amount),
            day=day,
        )
        sent = (("POST", "https://books.example/add"),) if wrote else ()
        return replace(run, evidence=replace(run.evidence, state_changing=sent))

    known = learn_signature([entered(12.5, "2026-06-01", 12.5)])

    def found(run: Observed) -> list[str]:
        return [str(b) for b in check_signature(known, run) if b.kind == "echo" and b.binds]

    assert found(entered(1234.5, "2026-06-02", 1234.5)) == []
    (told_,) = found(entered(3.99, "2026-06-29", 3.83))
    assert "'3.99', as amount has it" in told_
    assert "3.83" in told_
    assert found(entered(3.99, "2026-06-29", 3.83, wrote=False)) == [], "a search may find another"
    by_chance = learn_signature([entered(50, "2026-06-01", 50)])
    assert not any(b.kind == "echo" for b in check_signature(by_chance, entered(12.5, "2026-06-02", 12.5)))
    always = learn_signature([entered(12.5, "2026-06-01", 12.5), entered(7.25, "2026-06-01", 9.5)])
    assert not any(b.kind == "echo" for b in check_signature(always, entered(3.99, "2026-06-29", 3.83)))


def test_a_signature_widened_by_a_run_admits_it(signature: dict[str, Any]) -> None:
    run = listed("lamps", ("Name", "Unit price", "Availability"))
    assert told(signature, run)
    assert check_signature(widen_signature(signature, run), run) == []


def test_what_clean_runs_showed_is_admitted(signature: dict[str, Any]) -> None:
    run = listed("lamps", ("Name", "Unit price", "Availability"))
    assert check_signature(signature, run, History(provenance=learn_signature([run]))) == []


def test_a_form_field_that_filters_otherwise_is_asked_about() -> None:
    def filtered(category: str, status: str) -> Observed:
        rows = products(category)
        page = sheet(category).choice("select", "Status", status).table(("Name", "Price", "Availability"), cells(rows))
        return ran(rows, page.map(), category=category)

    known = learn_signature([filtered("lamps", "All"), filtered("clocks", "All")], TASK)
    assert told(known, filtered("lamps", "Discontinued")) == [("doubtful", "form")]


def test_a_signature_is_small_and_holds_no_values(signature: dict[str, Any]) -> None:
    text = json.dumps(signature)
    assert len(text) < 4000
    assert "lamps" not in text
    assert "amber" not in text


@pytest.mark.parametrize("change", [lambda text: text.upper(), lambda text: f" {text}\u00a0"], ids=["case", "space"])
def test_case_and_white_space_are_no_departure(signature: dict[str, Any], change: Callable[[str], str]) -> None:
    rows = products("lamps")
    texts = [[change(cell) for cell in row] for row in cells(rows)]
    page = sheet("lamps").table(("NAME", "Price", " Availability"), texts)
    assert check_signature(signature, ran(rows, page.map(), category="lamps")) == []


def report(name: str) -> dict[str, Any]:
    return {"name": name, "content_type": "application/pdf", "size": 900, "sha256": name, "path": f"/tmp/{name}"}


def reports(year: int, *, folder: int | None = None, shift: int = 0, kind: str = "application/pdf") -> Observed:
    names = ["air-quality", "bus-lanes", "flood-plan", "parking"]
    titles = [f"{name.replace('-', ' ').capitalize()} {year}" for name in names]
    files = [f"{names[(at + shift) % 4]}.pdf" for at in range(4)]
    page = Sheet(f"https://town.example/{year}").heading(f"Reports of {year}")
    page.cards([[title] for title in titles], [f"/files/{folder or year}/{file}" for file in files])
    rows = [{"title": t, "file": report(f) | {"content_type": kind}} for t, f in zip(titles, files, strict=True)]
    return ran(rows, page.map(), year=year)


def test_files_of_other_rows_fail_outright() -> None:
    known = learn_signature([reports(2024), reports(2025)])
    assert told(known, reports(2023)) == []
    breach = only(known, reports(2023, shift=1))
    assert (breach.severity, breach.kind, breach.got) == ("structural", "file", "so in 0 of 4")
    after_one = check_signature(learn_signature([reports(2024)]), reports(2023, shift=1))
    assert "structural" in [b.severity for b in after_one if b.kind == "file"], "one run shows that, too"


def test_files_of_another_year_or_kind_fail_outright() -> None:
    known = learn_signature([reports(2024), reports(2025)])
    assert only(known, reports(2023, folder=1999)).got == "4 of 4 in 'files/#'"
    assert only(known, reports(2023, kind="text/html")).got == "html"


def stored(*digests: str) -> Observed:
    page = Sheet("https://index.example/lamps").heading("Releases")
    links = [f"/stable/+f/{digest[:2]}/{digest[2:]}/lamps-{at}.0.zip" for at, digest in enumerate(digests)]
    page.cards([[f"lamps-{at}.0.zip"] for at in range(len(digests))], links)
    return ran([report(link.rpartition("/")[2]) for link in links], page.map())


def test_folders_named_by_a_digest_differ_for_every_file() -> None:
    known = learn_signature([stored("c1fcb2f", "77f8f1ab"), stored("f0f3b3c4", "0b1fcb2f")])
    assert told(known, stored("fad3d7bc", "fe95fcbd")) == []


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("lamps-1.0.tar.gz", "text", True),
        ("report.pdf", "html", True),
        ("report.PDF", "pdf", False),
        ("rows.csv.gz", "csv", False),
        ("old.xls", "html", False),
        ("README", "text", False),
    ],
)
def test_saved_file_that_holds_something_else_than_its_name_says_is_told(name: str, kind: str, told: bool) -> None:
    page = Sheet("https://index.example/lamps").heading("Releases").cards([[name]], [f"/files/{name}"])
    saved = replace(page.map(), kind="file", title=name, content=kind, url=f"https://index.example/files/{name}")
    run = Observed([report(name)], Evidence(maps=(saved, page.map())), None, {})
    found = [str(each) for each in first_run_findings([run, run]) if each.kind == "misnamed"]
    assert (f"{name!r} holds" in " ".join(found)) is told


def test_a_currency_that_a_line_above_names_is_asked_about(signature: dict[str, Any]) -> None:
    rows = products("lamps")
    page = sheet("lamps").text("All prices in US dollars").table(("Name", "Price", "Availability"), cells(rows))
    breach = only(signature, ran(rows, page.map(), category="lamps"))
    assert (breach.severity, breach.kind) == ("doubtful", "currency")
    assert "'All prices in US dollars' (usd)" in breach.got
    sale = sheet("lamps").text("Delivery from $4.99").table(("Name", "Price", "Availability"), cells(rows))
    assert told(signature, ran(rows, sale.map(), category="lamps")) == []


def test_a_request_of_the_page_that_failed_is_asked_about(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    failed = (("https://shop.example/api/prices", 500), ("https://ads.example/show", 500))
    broken = ran(run.output, replace(run.evidence.maps[0], failed=failed), category="lamps")
    assert only(signature, broken).got == "/api/prices failed while it was read (status 500)"


def test_a_page_on_the_way_with_another_heading_is_asked_about() -> None:
    def events(month: str, heading: str) -> Observed:
        start = Sheet(f"https://town.example/{month}").heading(f"{heading} {month}")
        own = Sheet(f"https://town.example/{month}-1").heading(f"Fair of {month}").facts([("Place", "Old Mill")])
        return ran([{"title": f"Fair of {month}", "place": "Old Mill"}], start.map(), own.map(), month=month)

    known = learn_signature([events("2025-03", "Events"), events("2025-04", "Events")])
    assert told(known, events("2025-05", "Events")) == []
    assert told(known, events("2025-05", "Past events")) == [("doubtful", "heading")]


def test_a_contract_whose_signature_was_edited_is_refused() -> None:
    with pytest.raises(BundleCorrupt, match=r"contract\.json does not have the form"):
        check({"provenance": {"runs": 1, "fields": {"$.price": {}}}}, listed("lamps"))


def test_data_that_the_code_asked_for_itself_are_not_held_against_the_page(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    other = [row | {"price": 694.98} for row in run.output]
    evidence = replace(run.evidence, answers=(("https://shop.example/api/list?category=lamps", 200),))
    assert check_signature(signature, Observed(other, evidence, None, {"category": "lamps"})) == []
    assert learn_signature([Observed(other, evidence, None, {"category": "lamps"})])["runs"] == 0


def taken(used: str, names: tuple[str, ...]) -> Observed:
    run = listed("lamps")
    several = Ambiguous("get_by_text('lamps')", f"{used} | Categories", len(names), names)
    return replace(run, evidence=replace(run.evidence, ambiguous=(several,)), memo={})


def test_an_element_of_another_name_than_the_parameter_is_told(signature: dict[str, Any]) -> None:
    assert told(signature, taken("Lamps", ("Lamps", "Lamps and shades"))) == []
    breach = only(signature, taken("Lamps and shades", ("Lamps and shades | Categories", "Lamps | Categories")))
    assert (breach.severity, breach.kind) == ("structural", "one-of-several")
    assert breach.got == "'Lamps and shades', one of 2 that get_by_text('lamps') matches"
    assert told(signature, taken("Desk lamps", ("Desk lamps", "Floor lamps"))) == [("doubtful", "one-of-several")]


@pytest.mark.parametrize(
    ("used", "severity"),
    [
        ("4 | February 2025", ["structural"]),
        ("4 | 2025-02-04 | March 2025", ["structural"]),
        ("4 | 4 March 2025", []),
        ("4 | March 2025", []),
        ("4", ["structural"]),
    ],
)
def test_a_day_of_another_month_than_the_parameters_is_told(used: str, severity: list[str]) -> None:
    def free(day: str, *several: Ambiguous) -> Observed:
        rows = [{"slot": f"{9 + at}:00", "room": f"Room {at}"} for at in range(4)]
        page = (
            Sheet("https://shop.example/free")
            .heading("Free slots")
            .table(("Slot", "Room"), [list(r.values()) for r in rows])
        )
        run = ran(rows, page.map(), day=day)
        return replace(run, evidence=replace(run.evidence, ambiguous=several))

    known = learn_signature([free("2025-03-27"), free("2025-03-30")])
    other = "4 | 4 March 2025" if "2025-02" in used else "4 | March 2025"
    days = Ambiguous("role=button[name=4]", used, 2, (used, other), "day", "4")
    assert [s for s, _ in told(known, free("2025-03-04", days))] == severity


def test_a_list_that_is_the_same_after_a_click_is_asked_about(signature: dict[str, Any]) -> None:
    run = listed("lamps")
    evidence = replace(run.evidence, stale=(StaleRead("locator('.ticket')", "click 'Closed'", 7),))
    breach = only(signature, replace(run, evidence=evidence, memo={}))
    assert (breach.severity, breach.expected) == ("doubtful", "another list after click 'Closed'")


def browser(language: str, sent: str, *facts: tuple[str, str]) -> Observed:
    page = Sheet("https://shop.example/browser").facts([("Sent", sent), *facts])
    return ran({"language": language, "sent": sent}, page.map())


def test_a_computed_value_that_stood_on_the_page_once_by_chance_fails_nothing() -> None:
    once, again = browser("de-DE", "de-DE"), browser("fr-FR", "fr-FR")
    assert told(learn_signature([once]), browser("en-US", "none")) == []
    assert ("structural", "unanchored") in told(learn_signature([once, again]), browser("en-US", "none"))
    apart = learn_signature([browser("de-DE", "yes", ("Language", "de-DE"))])
    assert ("structural", "unanchored") in told(apart, browser("en-US", "none"))


def test_a_new_label_that_says_what_the_field_is_fails_nothing() -> None:
    def sent(value: str, *, labeled: bool) -> Observed:
        page = Sheet("https://shop.example/sent").facts([("Language", value if labeled else "none")])
        page = page if labeled else page.text(f'{{"Language": "{value}", "Region": "north"}}')
        return ran({"own": {"language": "none" if not labeled else value}, "language": value}, page.map())

    known = learn_signature([sent("de-DE", labeled=False), sent("fr-FR", labeled=False)])
    assert told(known, sent("en-US", labeled=True)) == []
