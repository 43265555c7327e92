"""Reports as a person sees them: read at two widths, in light and dark, by keyboard, without faults that axe finds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from engine import InlineResult, TaskRequest, TaskResult
from engine.reports import TaskReport, write_key_report
from engine.storage.tasks import TaskRecords
from tests.support.reported import HOSTILE, KEY, make_story

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of reports, by what they tell."""
    directory = tmp_path_factory.mktemp("reports")
    tasks = make_story(directory / "store")
    root = directory / "store" / "default"
    written = {name: TaskReport(root, task_id)(directory / f"{name}.html") for name, task_id in tasks.items()}
    written["key"] = write_key_report(root, KEY, directory / "key.html")
    return {name: path.as_uri() for name, path in written.items()}


@pytest.mark.parametrize("name", ["repaired", "failed", "key"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reports_have_no_serious_fault_and_fit_any_width(
    page: Page, reports: dict[str, str], name: str, scheme: str
) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda asked: problems.append(asked.url) if not asked.url.startswith(("file:", "data:")) else 0)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  one of its literals
    for width in (380, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(reports[name])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS] == []
    assert problems == []


def test_a_value_tells_where_it_stood_by_mouse_and_by_keyboard(page: Page, reports: dict[str, str]) -> None:
    page.goto(reports["repaired"])
    price = page.get_by_role("button", name="5.0")
    price.hover()
    tip = page.get_by_role("tooltip")
    expect(tip).to_contain_text("£5.00")
    expect(tip).to_contain_text("Price")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    price.focus()
    expect(tip).to_contain_text("https://shop.example/list")


def test_a_value_shows_the_place_on_the_page_where_it_stood(page: Page, tmp_path: Path) -> None:
    make_story(tmp_path / "store")
    root = tmp_path / "store" / "default"
    page.set_viewport_size({"width": 800, "height": 400})
    page.set_content("<body style='background: #080'></body>")
    page.screenshot(path=root / "results" / "wt_1" / "read.jpg", type="jpeg")
    page.goto(TaskReport(root, "wt_1")(tmp_path / "report.html").as_uri())
    page.get_by_role("button", name="5.0").hover()
    crop = page.get_by_role("img", name="The place on the page")
    expect(crop).to_be_visible()
    colors = (
        """(crop) => [[37, 70], [200, 20]].map(([x, y]) => [...crop.getContext('2d').getImageData(x, y, 1, 1).data])"""
    )
    mark, around = crop.evaluate(colors)
    assert mark[0] > 150
    assert mark[1] < 100
    assert around[:3] == [0, 136, 0]


def test_keys_lead_from_turn_to_turn_and_a_deep_link_opens_what_is_folded(page: Page, reports: dict[str, str]) -> None:
    page.goto(reports["repaired"])
    page.keyboard.press("j")
    expect(page.locator("#turn-1")).to_be_in_viewport()
    expect(page.locator("#turn-1")).to_contain_text(HOSTILE)
    assert page.title() != "1"
    page.goto(reports["key"])
    revision = page.locator("#revisions details").first
    page.goto(f"{reports['key']}#{revision.get_attribute('id')}")
    expect(revision).to_have_attribute("open", "")


def test_a_long_table_is_paged_by_keyboard(page: Page, tmp_path: Path) -> None:
    at, rows = datetime.now(UTC), [{"name": f"<b>Lamp {n}</b>", "price": n} for n in range(450)]
    records = TaskRecords(tmp_path / "records.sqlite3")
    records.enqueue("wt_long", TaskRequest(task="List all lamps", reuse_key="lamps"), at)
    ended = TaskResult(web_task_id="wt_long", status="completed", outcome="success", created_at=at)
    records.finish(ended.model_copy(update={"result": InlineResult(data=rows)}))
    records.close()
    page.goto(TaskReport(tmp_path, "wt_long")(tmp_path / "long.html").as_uri())
    expect(page.get_by_role("status")).to_have_text("Rows 1 to 200 of 450")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Rows 401 to 450 of 450")
    expect(page.locator("table.output tbody tr").last).to_have_text("<b>Lamp 449</b>449")
    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_text("<b>Lamp 200</b>")).to_be_visible()
