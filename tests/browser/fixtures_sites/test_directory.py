from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from fixtures_sites import FixtureServer
from fixtures_sites.directory.data import ENTRIES, in_category

Open = Callable[..., FixtureServer]
NAMES = [entry.name for entry in ENTRIES]
SIZES = {"joinery": 17, "electrical": 13, "gardens": 12, "surveying": 7, "stonemasonry": 4, "thatching": 0}


def read_v1(page: Page, url: str) -> list[str]:
    """Read the names in the tables of all pages, as a script written for v1 does."""
    page.goto(url)
    names: list[str] = []
    while True:
        names += page.locator("table tbody tr td:nth-child(2) a").all_inner_texts()
        following = page.locator("a[rel=next]")
        if not following.count():
            return names
        page.goto(str(following.evaluate("link => link.href")))


def load_all_v2(page: Page) -> list[str]:
    more = page.get_by_role("button", name="Load more companies")
    cards = page.locator("ul:has(+ button) > li")
    while more.is_visible():
        before = cards.count()
        more.click()
        expect(cards.nth(before)).to_be_attached()
    return cards.get_by_role("heading").all_inner_texts()


def test_v1_pages_contain_every_entry_once(open_site: Open, page: Page) -> None:
    assert read_v1(page, open_site("directory").url) == NAMES


def test_v2_button_loads_every_entry_once(open_site: Open, page: Page) -> None:
    page.goto(open_site("directory", "v2").url)
    page.get_by_role("button", name="s fine").click()

    assert load_all_v2(page) == NAMES
    expect(page.get_by_text("53 of 53 companies")).to_be_visible()


@pytest.mark.parametrize(("category", "size"), SIZES.items())
def test_category_states_its_size(open_site: Open, page: Page, category: str, size: int) -> None:
    site = open_site("directory")
    names = read_v1(page, f"{site.url}?category={category}")

    assert names == [entry.name for entry in in_category(category)]
    assert len(names) == size
    if size:
        expect(page.get_by_text(f"of {size} entries")).to_be_visible()
    else:
        expect(page.get_by_text("Nothing found")).to_be_visible()

    site.version = "v2"
    page.goto(f"{site.url}?category={category}")
    if size:
        expect(page.get_by_text(f"{min(size, 12)} of {size} companies")).to_be_visible()
    else:
        expect(page.get_by_text("Nothing found")).to_be_visible()


@pytest.mark.parametrize(("version", "answer"), [("v1", "Accept all"), ("v2", "No cookies, please")])
def test_cookie_banner_covers_the_page_until_answered(open_site: Open, page: Page, version: str, answer: str) -> None:
    site = open_site("directory", version)
    page.goto(site.url)
    with pytest.raises(PlaywrightTimeout, match="intercepts pointer events"):
        page.get_by_text("Stonemasonry").first.click(timeout=3000)

    page.get_by_role("button", name=answer).click()
    page.get_by_role("link", name="Stonemasonry").first.click()
    page.wait_for_url("**/?category=stonemasonry")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_both_versions_show_the_same_details_under_other_labels(open_site: Open, page: Page) -> None:
    site = open_site("directory")
    entry = in_category("stonemasonry")[0]
    page.goto(f"{site.url}entry/{entry.number}-{entry.slug}")
    old = dict(row.split("\t") for row in page.locator("main tr").all_inner_texts())
    assert old["Address"] == entry.address
    assert old["Founded"] == str(entry.founded)
    page.frame_locator("iframe").locator("svg").wait_for()

    site.version = "v2"
    page.reload()  # the old address leads to the new one
    assert page.url == f"{site.url}companies/{entry.slug}"
    new = dict(row.split("\n") for row in page.locator("dl > div").all_inner_texts())
    assert {"EST.", "FIND US", "CALL"} <= new.keys()
    assert list(new.values()) != list(old.values())
    assert sorted(new.values()) == sorted(old.values())


def test_script_for_v1_finds_nothing_in_v2(open_site: Open, page: Page) -> None:
    site = open_site("directory", "v2")
    assert read_v1(page, site.url) == []

    page.goto(site.url)
    first = page.get_by_role("heading", level=3).all_inner_texts()
    page.goto(f"{site.url}?page=2")
    assert page.get_by_role("heading", level=3).all_inner_texts() == first
    assert len(first) == 15  # twelve of the list, and three featured ones that are in it again


def test_long_names_are_cut_and_whole_in_their_title(open_site: Open, page: Page) -> None:
    long = max(ENTRIES, key=lambda entry: len(entry.name))
    page.goto(f"{open_site('directory').url}?category={long.category}&page=2")
    link = page.get_by_role("link", name=long.name)

    assert link.get_attribute("title") == long.name
    assert link.evaluate("link => link.scrollWidth > link.clientWidth")


def test_images_load_when_they_come_into_view(open_site: Open, page: Page) -> None:
    page.goto(open_site("directory").url)
    pictures = page.locator("tbody img")
    assert {pictures.nth(n).get_attribute("loading") for n in range(12)} == {"lazy"}

    pictures.last.scroll_into_view_if_needed()
    page.wait_for_function("image => image.naturalWidth > 0", arg=pictures.last.element_handle())


def test_unknown_page_is_a_404(open_site: Open, page: Page) -> None:
    site = open_site("directory")
    for version, path in (("v1", "entry/999-x"), ("v2", "companies/x"), ("v2", "entry/999-x"), ("v1", "zzz")):
        site.version = version
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.status == 404


def test_closed_site_refuses_connections(open_site: Open, page: Page) -> None:
    site = open_site("directory")
    page.goto(site.url)
    site.close()
    with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
        page.reload()
