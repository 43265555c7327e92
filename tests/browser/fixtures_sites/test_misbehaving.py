from __future__ import annotations

import html
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, expect

from fixtures_sites import FixtureServer
from fixtures_sites.markup import scramble
from fixtures_sites.misbehaving import PASSWORD, USER
from fixtures_sites.misbehaving.pages import INJECTIONS, PRODUCTS

ITEM = scramble(".@@item", "brightwell v1")
EMPTY = scramble(".@@none", "brightwell v1")


@pytest.fixture
def site(open_site: Callable[..., FixtureServer]) -> FixtureServer:
    return open_site("misbehaving")


def names(page: Page) -> list[str]:
    return page.locator(ITEM).get_by_role("heading").all_inner_texts()


@pytest.mark.parametrize(
    ("path", "status", "retry_after"),
    [
        ("500", 500, None),
        ("502", 502, None),
        ("401", 401, None),
        ("403", 403, None),
        ("captcha", 200, None),
        ("shelf?name=garden", 404, None),
        ("429?after=1", 429, "1"),
        ("503", 503, "120"),
        ("404", 404, None),
        ("429", 429, "30"),
        ("bot-wall", 200, None),
        ("bot-wall?status=403", 403, None),
        ("paywall", 200, None),
        ("paywall?status=402", 402, None),
        ("error-200", 200, None),
    ],
)
def test_trouble_has_its_status_and_shows_no_products(
    site: FixtureServer, page: Page, path: str, status: int, retry_after: str | None
) -> None:
    answer = page.goto(site.url + path)
    assert answer is not None
    assert (answer.status, answer.headers.get("retry-after")) == (status, retry_after)
    assert names(page) == []


def test_list_has_three_states(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "list")
    assert names(page) == [product.name for product in PRODUCTS]
    assert page.locator(EMPTY).count() == 0

    page.goto(site.url + "list?state=empty")
    expect(page.locator(EMPTY)).to_have_text("No products match your choice.")

    site.state.listing = "broken"
    page.goto(site.url + "list")
    assert names(page) == []
    expect(page.get_by_text("Workbench vise")).to_be_visible()


def test_redesign_keeps_the_products_and_breaks_the_selectors(site: FixtureServer, page: Page) -> None:
    site.version = "v2"
    page.goto(site.url + "list")
    assert names(page) == []
    assert page.locator("td strong").all_inner_texts() == [product.name for product in PRODUCTS]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("dead", "net::ERR_EMPTY_RESPONSE"),
        ("redirect-loop", "net::ERR_TOO_MANY_REDIRECTS"),
        ("redirect-private?to=file", "net::ERR_UNSAFE_REDIRECT"),
        ("hang", "Timeout 300ms exceeded"),
        ("slow?ms=2000", "Timeout 300ms exceeded"),
    ],
)
def test_hanging_and_dropped_requests_fail(site: FixtureServer, page: Page, path: str, error: str) -> None:
    with pytest.raises(Error, match=error):
        page.goto(site.url + path, timeout=300 if "Timeout" in error else 30_000)


def test_slow_page_arrives_late(site: FixtureServer, page: Page) -> None:
    before = time.monotonic()
    page.goto(site.url + "slow?ms=300")
    assert time.monotonic() - before > 0.3
    assert len(names(page)) == 12


def test_slow_drip_shows_the_first_products_before_the_last(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "slow-drip?ms=5000", wait_until="commit")
    expect(page.locator(ITEM).nth(2)).to_be_visible()
    assert page.locator(ITEM).count() < 12
    expect(page.locator(ITEM)).to_have_count(12)


def test_flaky_fails_the_requested_number_of_times_per_key(site: FixtureServer, page: Page) -> None:
    def statuses(key: str) -> list[int]:
        return [page.request.get(f"{site.url}flaky?key={key}&fails=2").status for _ in range(4)]

    assert statuses("a") == [500, 500, 200, 200]
    assert statuses("b&how=/429") == [429, 429, 200, 200]


def test_any_trouble_can_replace_the_list(site: FixtureServer, page: Page) -> None:
    for trouble, status in (("/503", 503), ("/bot-wall?status=403", 403), ("/login-expired", 200), (None, 200)):
        site.state.instead = trouble
        answer = page.goto(site.url + "list")
        assert answer is not None
        assert answer.status == status
        assert (page.get_by_label("Password").count() == 1) == (trouble == "/login-expired")
    assert len(names(page)) == 12


def test_login_expires_and_requires_the_right_password(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "account")
    expect(page.get_by_role("alert")).to_contain_text("Your session has expired")
    for password in ("wrong", PASSWORD):
        page.get_by_label("User name").fill(USER)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        if password == "wrong":
            expect(page.get_by_role("alert")).to_contain_text("is not correct")
    expect(page.get_by_role("heading", name="Orders of ines")).to_be_visible()
    assert page.get_by_role("row").count() == 6


def test_injected_list_contains_every_instruction(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "injected")
    assert names(page) == [product.name for product in PRODUCTS]
    source = html.unescape(page.content())
    assert [each for each in INJECTIONS if each not in source] == []
    assert site.state.collected == []
    page.request.get(site.url + "collect?password=secret")
    assert "secret" in site.state.collected[0]


def test_redirects_to_private_addresses(site: FixtureServer, page: Page) -> None:
    answer = page.request.get(site.url + "redirect-private", max_redirects=0)
    assert answer.headers["location"] == "http://169.254.169.254/latest/meta-data/"


def test_popups_open_beside_the_list(site: FixtureServer, page: Page) -> None:
    with page.context.expect_page() as opened:
        page.goto(site.url + "popup")
    assert "/paywall" in opened.value.url or opened.value.url == "about:blank"
    assert len(names(page)) == 12


def test_shelves_partition_the_products(site: FixtureServer, page: Page) -> None:
    shelves = []
    for name in ("tools", "fittings"):
        page.goto(f"{site.url}shelf?name={name}")
        shelves.append(set(names(page)))
    assert set.union(*shelves) == {product.name for product in PRODUCTS}
    assert not set.intersection(*shelves)


def test_console_is_flooded(site: FixtureServer, page: Page) -> None:
    lines = []
    page.on("console", lambda message: lines.append(message.type))
    page.goto(site.url + "console-flood?lines=2000")
    assert len(names(page)) == 12
    assert len(lines) > 1000
