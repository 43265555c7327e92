"""The dashboard as a person uses it: by keyboard, while tasks run, without faults that axe finds."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.live import Live
from tests.support.reported import KEY, story

__all__ = ["story"]

SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("path", ["/ui", f"/ui/key?key={KEY}", "/ui/tasks/wt_1"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_fault_and_fit_any_width(page: Page, story: Live, path: str, scheme: str) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  one of its literals
    for width in (380, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(story.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert [problem for problem in problems if "axe" not in problem] == []


def test_the_list_follows_tasks_as_they_come(page: Page, story: Live) -> None:
    page.goto(f"{story.url}/ui")
    before = page.locator("#tasks tbody tr").count()
    task_id = story.start(task="nothing is saved for this", startUrl="http://127.0.0.1:9/")
    line = page.get_by_role("row", name=task_id)
    expect(line).to_contain_text("failed")
    expect(line).to_contain_text("nothing-saved")
    assert page.locator("#tasks tbody tr").count() == before + 1
    line.get_by_role("link", name=task_id).click()
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()


def test_a_key_is_run_by_keyboard_alone(page: Page, story: Live) -> None:
    page.goto(f"{story.url}/ui/key?key={KEY}")
    page.get_by_text("Run it").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("shelf")
    expect(field).to_have_value("Lamps")
    field.fill("Clocks")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/tasks/wt_*")
    expect(page.get_by_text("Clocks").first).to_be_visible()
