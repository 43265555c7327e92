from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.apps.django_admin import DjangoAdmin, django_admin


@pytest.fixture(scope="module")
def admin() -> Iterator[DjangoAdmin]:
    with django_admin() as app:
        yield app


@pytest.fixture
def orders(admin: DjangoAdmin, page: Page) -> Page:
    admin.version = "v1"
    page.goto(admin.url + "shop/order/")
    page.get_by_label("Username:").fill(admin.username)
    page.get_by_label("Password:").fill(admin.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Select order to change")).to_be_visible()
    return page


def test_six_pages_contain_every_order_once(admin: DjangoAdmin, orders: Page) -> None:
    numbers: list[str] = []
    for number in range(1, 7):
        orders.goto(f"{admin.url}shop/order/?p={number}")
        numbers += orders.locator("#result_list th.field-number").all_inner_texts()

    assert len(numbers) == 137
    assert set(numbers) == {number for (number,) in admin.rows("select number from shop_order")}


def test_filter_and_search_narrow_the_list(admin: DjangoAdmin, orders: Page) -> None:
    orders.get_by_role("link", name="Canceled").click()
    expect(orders.locator("p.paginator")).to_contain_text("11 orders")
    orders.goto(admin.url + "shop/order/?q=nothing-like-it")
    expect(orders.locator("p.paginator")).to_contain_text("0 orders")


def test_redesign_keeps_session_and_data_and_breaks_old_selectors(admin: DjangoAdmin, orders: Page) -> None:
    before = orders.locator("#result_list th.field-number").all_inner_texts()
    admin.version = "v2"
    orders.reload()

    expect(orders.get_by_text(re.compile(r"Showing 1.25 of 137"))).to_be_visible()
    assert orders.locator("#result_list, .field-number, .paginator, #searchbar").count() == 0
    rows = orders.get_by_role("table", name="Orders").get_by_role("row")
    assert rows.get_by_role("link").all_inner_texts() == before
    orders.get_by_role("link", name="More").click()
    expect(orders.get_by_text(re.compile(r"Showing 26.50 of 137"))).to_be_visible()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_order_can_be_changed(admin: DjangoAdmin, orders: Page, version: str) -> None:
    admin.version = version
    orders.goto(admin.url + "shop/order/7/change/")
    orders.get_by_label("Note:").fill(f"seen in {version}")
    orders.get_by_role("button", name={"v1": "Save", "v2": "Save changes"}[version], exact=True).click()

    expect(orders.get_by_text("was changed successfully")).to_be_visible()
    assert admin.rows("select note from shop_order where id = 7") == [(f"seen in {version}",)]


def test_v2_refuses_a_wrong_password(admin: DjangoAdmin, page: Page) -> None:
    admin.version = "v2"
    page.goto(admin.url)
    page.get_by_label("Your user name").fill(admin.username)
    page.get_by_label("Your password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Please enter the correct username and password")
