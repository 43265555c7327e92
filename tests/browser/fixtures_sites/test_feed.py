from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from fixtures_sites import FixtureServer
from fixtures_sites.feed.data import STORIES, about

Open = Callable[..., FixtureServer]
TITLES = [story.title for story in STORIES]
SIZES = {"harbor": 19, "weather": 16, "council": 14, "wildlife": 10, "sport": 5, "classifieds": 0}


@pytest.fixture
def calm(open_site: Open) -> Open:
    """A function that serves the site without its delays and its modal."""

    def start(version: str = "v1") -> FixtureServer:
        site = open_site("feed", version)
        site.state.delay, site.state.modal_after = 0.02, 600
        return site

    return start


def scroll_v1(page: Page) -> list[str]:
    end = page.get_by_text("You have reached the end.").or_(page.get_by_text("Nothing found"))
    articles = page.locator("main article")
    expect(articles.or_(end).first).to_be_visible()
    while not end.is_visible():
        before = articles.count()
        page.mouse.wheel(0, 20_000)
        expect(articles.nth(before).or_(end).first).to_be_attached()
    return articles.get_by_role("heading").all_inner_texts()


def click_v2(page: Page, size: int) -> list[str]:
    links = page.locator("courier-card a")
    for shown in range(15, size, 15):
        expect(links).to_have_count(shown)
        page.get_by_role("button", name="Show more").click()
    expect(links).to_have_count(size)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    return links.all_inner_texts()


def test_v1_scrolling_loads_every_story_once(calm: Open, page: Page) -> None:
    page.goto(calm().url)
    assert scroll_v1(page) == TITLES
    expect(page.get_by_text("64 stories")).to_be_visible()


def test_v2_button_loads_every_story_once(calm: Open, page: Page) -> None:
    page.goto(calm("v2").url)
    assert click_v2(page, 64) == TITLES
    expect(page.get_by_text("64 stories")).to_be_visible()


@pytest.mark.parametrize(("topic", "size"), SIZES.items())
def test_topic_states_its_size(calm: Open, page: Page, topic: str, size: int) -> None:
    titles = [story.title for story in about(topic)]
    site = calm()
    page.goto(f"{site.url}?topic={topic}")
    assert scroll_v1(page) == titles
    expect(page.get_by_text(f"{size} stories")).to_be_visible()

    site.version = "v2"
    page.goto(f"{site.url}#{topic}")
    expect(page.get_by_text(f"{size} stories")).to_be_visible()
    assert click_v2(page, size) == titles
    expect(page.get_by_text("Nothing found")).to_be_visible(visible=not size)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_content_appears_after_a_delay(open_site: Open, page: Page, version: str) -> None:
    site = open_site("feed", version)
    site.state.delay = 3.0
    page.goto(site.url)
    assert page.get_by_role("link", name=TITLES[0]).count() == 0
    expect(page.get_by_role("link", name=TITLES[0])).to_be_visible()


@pytest.mark.parametrize(("version", "name"), [("v1", "Close"), ("v2", "No, thanks")])
def test_modal_opens_by_itself_and_only_once(open_site: Open, page: Page, version: str, name: str) -> None:
    site = open_site("feed", version)
    site.state.modal_after = 0.4
    page.goto(site.url)
    link = page.get_by_role("link", name=TITLES[0])
    expect(page.get_by_role("dialog")).to_be_visible()
    with pytest.raises(PlaywrightTimeout, match="intercepts pointer events"):
        link.click(timeout=3000)

    page.get_by_role("button", name=name).click()
    link.click()
    expect(page.get_by_role("heading", name=TITLES[0])).to_be_visible()
    page.goto(site.url)
    expect(link).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize(("version", "host"), [("v1", "sm-meta"), ("v2", "courier-card")])
def test_author_and_date_are_in_a_shadow_root(calm: Open, page: Page, version: str, host: str) -> None:
    page.goto(calm(version).url)
    element = page.locator(host).nth(2)

    expect(element).to_contain_text(STORIES[2].author)
    expect(element).to_contain_text(STORIES[2].printed)
    assert element.evaluate("host => host.textContent + host.innerHTML") == ""


def test_script_for_v1_finds_nothing_in_v2(calm: Open, page: Page) -> None:
    site = calm("v2")
    page.goto(f"{site.url}?topic=sport")
    expect(page.locator("courier-card a")).to_have_count(15)
    expect(page.get_by_text("64 stories")).to_be_visible()  # `?topic=` filters nothing
    assert page.locator("article").count() == 2  # events, not stories

    page.mouse.wheel(0, 20_000)
    page.wait_for_function("() => scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert [path for _, path in site.requests if path.startswith("/feed.json")] == ["/feed.json?after=0&t="]
