from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from fixtures_sites import FixtureServer
from fixtures_sites.archive.model import COUNTS


@pytest.fixture
def site(open_site: Callable[..., FixtureServer]) -> FixtureServer:
    return open_site("archive")


def test_v1_lists_every_report_of_every_year(site: FixtureServer, page: Page) -> None:
    page.goto(site.url)
    for year, count in COUNTS.items():
        page.get_by_role("link", name=str(year), exact=True).click()
        expect(page.get_by_text(f"{count} reports in {year}")).to_be_visible()
        assert page.get_by_role("link", name="PDF").count() == count
        assert page.get_by_role("link", name="CSV").count() == count


def test_v1_downloads_have_their_file_names(site: FixtureServer, page: Page, tmp_path: Path) -> None:
    page.goto(site.url + "reports/2024")
    row = page.get_by_role("row", name="Salinity survey 2024")
    with page.expect_download() as pdf:
        row.get_by_role("link", name="PDF").click()
    with page.expect_download() as data:
        row.get_by_role("link", name="CSV").click()
    pdf.value.save_as(tmp_path / "file.pdf")
    data.value.save_as(tmp_path / "file.csv")

    assert pdf.value.suggested_filename == "Salinity survey 2024 - Sørvåg Inlet.pdf"
    assert (tmp_path / "file.pdf").read_bytes().startswith(b"%PDF-1.4")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "file.csv").read_text())))
    assert len(rows) >= 30
    assert rows[0]["date"] == "2023-07-01"
    assert site.state.downloads == ["Salinity survey 2024 - Sørvåg Inlet.pdf", "cwi-2024-04-data.csv"]


def test_the_annual_report_opens_inline(site: FixtureServer, page: Page) -> None:
    answer = page.request.get(site.url + "files/2024/cwi-2024-01.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'inline; filename="Annual report 2024.pdf"'


def test_v2_loads_more_on_demand_and_downloads_by_script(site: FixtureServer, page: Page) -> None:
    site.version = "v2"
    page.goto(site.url)
    page.get_by_label("Year").select_option("2024")
    page.wait_for_url("**/?y=2024")
    cards = page.get_by_role("listitem")
    more = page.get_by_role("button", name="Show more reports")
    for shown in (6, 12, 14):
        expect(cards).to_have_count(shown)
        if shown < 14:
            more.click()
    expect(more).to_have_count(0)

    card = cards.filter(has_text="Ice season summary 2024")
    card.get_by_text("Download", exact=True).click()
    with page.expect_download() as file:
        card.get_by_role("button", name=re.compile("Report")).click()
    assert file.value.suggested_filename == "Ice season summary 2024 - Gulf of Ister.pdf"
    assert page.get_by_role("link", name="PDF").count() == 0


def test_v2_previews_in_an_iframe_with_the_same_download(site: FixtureServer, page: Page) -> None:
    site.version = "v2"
    page.goto(site.url + "?y=2023")
    page.get_by_role("button", name="Preview").first.click()
    preview = page.frame_locator("iframe[title=Preview]")
    with page.expect_download() as file:
        preview.get_by_role("link", name="Download the report").click()
    assert file.value.suggested_filename == "Annual report 2023.pdf"


def test_v1_addresses_are_404_in_v2(site: FixtureServer, page: Page) -> None:
    site.version = "v2"
    answer = page.goto(site.url + "files/2024/cwi-2024-02.pdf")
    assert answer is not None
    assert answer.status == 404


def test_truncated_file_is_a_failed_download(site: FixtureServer, page: Page) -> None:
    site.state.truncate = True
    page.goto(site.url + "reports/2024")
    with page.expect_download() as file:
        page.get_by_role("link", name="CSV").first.click()
    with pytest.raises(Error, match=r"canceled|failed"):
        file.value.path()
    assert file.value.failure() is not None
