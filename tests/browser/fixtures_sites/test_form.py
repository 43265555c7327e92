from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, expect

from fixtures_sites import FixtureServer
from tests.support.command import until

PERSON = ("Rosa Tinsley", "rosa@example.com", "7 Mill Lane", "TW4 7QD")


@pytest.fixture
def site(open_site: Callable[..., FixtureServer]) -> FixtureServer:
    return open_site("form")


def fill_v1(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Accept cookies").click()
    page.get_by_role("button", name="Start application").click()
    labels = ("Full name", "Email address", "Street and house number", "Postcode")
    for label, value in zip(labels, PERSON, strict=True):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Vehicle registration number").fill("AB12 CDE")
    page.get_by_label("Make and model").fill("Corvo Mini")
    page.get_by_label("Electric").check()
    page.locator("select").select_option("C")
    page.get_by_label("Permit start date").fill("2025-03-01")
    page.get_by_label("6 months").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()


def fill_v2(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Only what is needed").click()
    page.get_by_role("link", name="Get a permit").click()
    page.get_by_label("Station").check()
    page.get_by_label("Number plate").fill("AB12 CDE")
    page.get_by_label("Which car is it?").fill("Corvo Mini")
    page.get_by_label("How long do you need it?").select_option("6 months")
    page.get_by_label("What does it run on?").select_option("Electric")
    for label, value in (("Day", "1"), ("Month", "3"), ("Year", "2025")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Next").click()
    labels = ("Your name", "Where can we email you?", "Home address", "Postal code")
    for label, value in zip(labels, PERSON, strict=True):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Confirm")).to_be_visible()


def record(site: FixtureServer, number: int = 0) -> dict[str, str]:
    return {k: v for k, v in site.state.submissions[number].items() if k not in ("reference", "submitted_at")}


def test_both_versions_record_the_same_application(site: FixtureServer, page: Page) -> None:
    fill_v1(page, site.url)
    page.get_by_role("button", name="Submit application").click()
    expect(page.get_by_text("TPP-048217")).to_be_visible()
    page.context.clear_cookies()
    site.version = "v2"
    fill_v2(page, site.url)
    page.get_by_label(re.compile("I agree")).check()
    page.get_by_role("button", name="Send my application").click()
    expect(page.get_by_label("Case number")).to_have_text("TPP-048254")

    assert record(site, 0) == record(site, 1)
    assert record(site)["full_name"] == "Rosa Tinsley"
    assert (record(site)["zone"], record(site)["fee"]) == ("C", "26")


def test_invalid_fields_are_reported(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "apply/contact")
    page.get_by_label("Full name").fill("Rosa Tinsley")
    page.get_by_label("Email address").fill("rosa at example")
    page.get_by_role("button", name="Continue").click()

    assert page.get_by_role("alert").get_by_role("link").all_inner_texts() == [
        "Enter an email address in the correct format, like name@example.com",
        "Enter your street and house number",
        "Enter your postcode",
    ]
    expect(page.get_by_label("Full name")).to_have_value("Rosa Tinsley")


def test_v2_requires_the_consent(site: FixtureServer, page: Page) -> None:
    site.version = "v2"
    fill_v2(page, site.url)
    page.get_by_role("button", name="Send my application").click()

    expect(page.get_by_role("alert")).to_have_text("Please agree to the permit conditions first.")
    assert site.state.submissions == []


def test_submitting_twice_makes_two_applications(site: FixtureServer, page: Page) -> None:
    fill_v1(page, site.url)
    for _ in range(2):
        page.goto(site.url + "apply/review")
        page.get_by_role("button", name="Submit application").click()
        page.wait_for_url("**/complete")

    assert len({each["reference"] for each in site.state.submissions}) == 2


def test_steps_cannot_be_skipped(site: FixtureServer, page: Page) -> None:
    page.goto(site.url + "apply/review")
    expect(page).to_have_url(site.url + "apply/contact")


@pytest.mark.parametrize("fault", [True, "hang"])
def test_application_counts_even_if_its_confirmation_fails(site: FixtureServer, page: Page, fault: bool | str) -> None:
    fill_v1(page, site.url)
    site.state.fail_after_submit = fault
    page.get_by_role("button", name="Submit application").click(no_wait_after=True)
    if fault == "hang":
        with pytest.raises(Error, match="Timeout"):
            page.wait_for_url("**/complete", timeout=400)
    else:
        expect(page.get_by_role("heading", name="Sorry, something went wrong")).to_be_visible()

    assert len(site.state.submissions) == 1
    reference = site.state.submissions[0]["reference"]
    page.goto(f"{site.url}status?ref={reference}&email=rosa@example.com")
    expect(page.get_by_role("status")).to_contain_text(reference)


def test_slow_submission_counts_before_its_answer(site: FixtureServer, page: Page) -> None:
    fill_v1(page, site.url)
    site.state.delay_submit = 300
    page.evaluate("document.querySelector('form').submit()")
    until(lambda: site.state.submissions)
    page.wait_for_timeout(100)

    assert len(site.state.submissions) == 1
    assert "/complete" not in page.url
