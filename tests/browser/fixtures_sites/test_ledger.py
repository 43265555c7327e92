from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from fixtures_sites import FixtureServer
from fixtures_sites.ledger.data import INVOICES, PASSWORD, USER, money, select, total

Open = Callable[..., FixtureServer]
FILTERS = {
    ("", ""): 43,
    ("paid", ""): 25,
    ("open", ""): 9,
    ("overdue", ""): 6,
    ("disputed", ""): 3,
    ("void", ""): 0,
    ("", "2023"): 14,
    ("", "2024"): 17,
    ("", "2025"): 12,
    ("paid", "2024"): 11,
    ("disputed", "2023"): 1,
}


def sign_in(page: Page, url: str, password: str = PASSWORD) -> None:
    """Sign in by the fields' labels, which are the same in both versions."""
    page.goto(url)
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(("version", "message"), [("v1", "is wrong"), ("v2", "do not match")])
def test_login_requires_the_right_password(open_site: Open, page: Page, version: str, message: str) -> None:
    site = open_site("ledger", version)
    sign_in(page, site.url, "wrong")
    expect(page.get_by_role("alert")).to_contain_text(message)
    page.goto(f"{site.url}invoices")
    expect(page.get_by_label("Password")).to_be_visible()

    sign_in(page, site.url)
    expect(page.get_by_role("table")).to_be_visible()
    page.goto(f"{site.url}logout")
    expect(page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize(("chosen", "size"), FILTERS.items())
def test_v1_filters_and_totals(open_site: Open, page: Page, chosen: tuple[str, str], size: int) -> None:
    sign_in(page, open_site("ledger").url)
    page.get_by_label("Status").select_option(chosen[0])
    page.get_by_label("Year").select_option(chosen[1])
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/invoices?**")

    found = select(*chosen)
    assert len(found) == size
    rows = [row.split("\t") for row in page.locator("tbody tr").all_inner_texts()]
    expected = [[each.number, each.client, each.printed_due, money(each.cents), each.status.title()] for each in found]
    assert rows == (expected or [["No invoices match this filter."]])
    footer = page.locator("tfoot").inner_text()
    assert f"{size} invoice" in footer
    assert money(total(found)) in footer


def test_v2_filters_by_links(open_site: Open, page: Page) -> None:
    sign_in(page, open_site("ledger", "v2").url)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(43)
    expect(page.get_by_text("43 invoices")).to_be_visible()

    page.get_by_role("link", name="Paid").click()
    expect(page.get_by_text("25 invoices")).to_be_visible()
    page.get_by_role("link", name="2024").click()
    expect(page.get_by_text("11 invoices")).to_be_visible()
    expect(rows).to_have_count(11)
    expect(page.get_by_text(money(total(select("paid", "2024"))))).to_be_visible()

    page.get_by_role("link", name="Void").click()
    expect(page.get_by_text("Nothing found")).to_be_visible()


def test_v1_sorts_by_column_heads(open_site: Open, page: Page) -> None:
    sign_in(page, open_site("ledger").url)
    amounts = page.locator("tbody td:nth-child(4)")
    page.get_by_role("link", name="Amount").click()
    expect(amounts.first).to_have_text(money(min(each.cents for each in INVOICES)))
    page.get_by_role("link", name="Amount").click()
    expect(amounts.first).to_have_text(money(max(each.cents for each in INVOICES)))


def test_v2_sorts_by_links(open_site: Open, page: Page) -> None:
    sign_in(page, open_site("ledger", "v2").url)
    page.get_by_role("link", name="Largest first").click()
    expect(page.locator("tbody td:nth-child(2)").first).to_have_text(money(max(each.cents for each in INVOICES)))


def test_script_for_v1_finds_nothing_in_v2(open_site: Open, page: Page) -> None:
    site = open_site("ledger", "v2")
    sign_in(page, site.url)  # by label it still gets in
    page.goto(f"{site.url}invoices?status=overdue")

    rows = page.locator("tbody tr")
    expect(rows).to_have_count(43)  # v1's query filters nothing
    index = page.locator("thead th").all_inner_texts().index("Due")
    due = page.locator(f"tbody td:nth-child({index + 1})")
    assert set(due.all_text_contents()) == {""}
    assert due.first.locator("time").get_attribute("data-on") == INVOICES[0].printed_due
    assert set(page.locator("tbody td:nth-child(1)").all_inner_texts()) <= {"Paid", "Open", "Overdue", "Disputed"}


def test_v2_renames_the_login_fields(open_site: Open, page: Page) -> None:
    names = {}
    site = open_site("ledger")
    for version in ("v1", "v2"):
        site.version = version
        page.goto(f"{site.url}login")
        names[version] = page.locator("input").evaluate_all("all => all.map(input => input.name)")
    assert names == {"v1": ["user", "password"], "v2": ["account_id", "passphrase"]}


def test_session_survives_the_redesign(open_site: Open, page: Page) -> None:
    site = open_site("ledger")
    sign_in(page, site.url)
    site.version = "v2"
    page.reload()
    expect(page.get_by_role("heading", name="Books")).to_be_visible()
