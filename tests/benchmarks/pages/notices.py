"""A list of files, a list of strings, a yes or no, and a number: pages with small answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, timedelta

from engine.testing.drift import Marks
from tests.benchmarks.pages.make import Body, Make, Rows, chance, flag, html, missing, moved, printed

_SUBJECTS = ("Air quality", "Bus routes", "Cycle lanes", "Flood defences", "Libraries", "Parking", "Parks", "Waste")


def _reports(day: int) -> Rows:
    return [
        {
            "year": year,
            "title": f"{subject} review {year}",
            "slug": subject.lower().replace(" ", "-"),
            "published": date(year, 1, 20) + timedelta(days=chance("published", year, subject).randrange(300)),
            "pages": 8 + chance("pages", year, subject).randrange(80),
        }
        for year in (2023, 2024, 2025)
        for subject in _SUBJECTS
        if chance("report", year, subject).random() < 0.9
    ]


def _document(year: int, slug: str) -> bytes:
    lines = f"{slug} {year} report text\n" * (20 + len(slug))
    return f"%PDF-1.4\n% {slug} {year}\n{lines}%%EOF\n".encode()


def _library(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    if path == "/":
        links = "".join(f'<li><a href="/reports/{year}">{year}</a></li>' for year in (2025, 2024, 2023))
        return html("Town reports", f"<h1>Town reports</h1><ul>{links}</ul>")
    if found := re.fullmatch(r"/files/(\d{4})/([\w-]+)\.pdf", path):
        return Body(_document(int(found[1]), found[2]), "application/pdf")
    year = path.removeprefix("/reports/")
    shown = [row for row in rows if str(row["year"]) == year]
    if not shown:
        return missing()
    lines = "".join(
        f'<li class="report"><h3>{row["title"]}</h3><p>Published <time>{printed(row["published"])}</time>,'
        f' <span class="pages">{row["pages"]} pages</span></p>'
        f'<a class="file" href="/files/{row["year"]}/{row["slug"]}.pdf">Download the report (PDF)</a></li>'
        for row in shown
    )
    main = f'<h1>Reports of {year}</h1><p class="total">{len(shown)} reports</p><ul class="reports">{lines}</ul>'
    return html(f"Reports of {year} | Town", main)


REPORTS = Make(
    name="reports",
    group="year",
    task="Download the reports of a year, with title, date of publication and number of pages",
    code="""\
import re
from datetime import datetime
from urllib.parse import urljoin


async def run(page, parameters, task):
    await page.get_by_role("link", name=str(parameters["year"]), exact=True).click()
    await page.locator("ul.reports").wait_for()
    found = []
    for report in await page.locator("li.report").all():
        address = await report.locator("a").last.get_attribute("href")
        found.append({
            "title": await report.locator("h3").inner_text(),
            "published": datetime.strptime(await report.locator("time").inner_text(), "%d %B %Y").date().isoformat(),
            "pages": int(re.search(r"\\d+", await report.locator(".pages").inner_text())[0]),
            "file": await task.download(urljoin(page.url, address)),
        })
    return found
""",
    parameters=({"year": 2025}, {"year": 2023}),
    marks=Marks(
        items="li.report",
        name="title",
        fields={"title": "h3", "published": "time", "pages": ".pages", "file": "a.file"},
        roles={"number": "pages", "date": "published", "file": "file", "text": "title"},
        heading="h1, title",
        total=".total",
        another=lambda target: "/reports/2024" if target.startswith("/reports/") else None,
    ),
    rows=_reports,
    render=_library,
    truth=lambda asked, rows: [
        {
            "title": row["title"],
            "published": row["published"].isoformat(),
            "pages": row["pages"],
            "file": {"sha256": hashlib.sha256(_document(row["year"], row["slug"])).hexdigest()},
        }
        for row in rows
        if row["year"] == asked["year"]
    ],
)

_VENUES = ("Harrow Library", "Eastfield Pool", "Corn Exchange", "Moor Park Hall")
_SERVICES = ("Study room", "Step-free access", "Public printing", "Café", "Baby changing", "Parking", "Lockers",
             "Showers", "Hearing loop", "Meeting rooms", "Wi-Fi", "Bicycle stands")  # fmt: skip


def _venues(day: int) -> Rows:
    return [
        {
            "name": name,
            "slug": name.lower().replace(" ", "-"),
            "services": [each for each in _SERVICES if chance("service", name, each).random() < 0.6],
            "open": flag(day, 0.6, "venue", name) or name == _VENUES[0],
            "fee": round(2 + chance("fee", name, moved(day, "fee", name)).randrange(60) / 10, 2),
        }
        for name in _VENUES
    ]


def _venue(path: str, query: Mapping[str, str], rows: Rows) -> Body:
    if path == "/":
        lines = "".join(
            f'<li class="venue"><a href="/v/{row["slug"]}">{row["name"]}</a>'
            f' <span class="state">{"Open now" if row["open"] else "Closed"}</span></li>'
            for row in rows
        )
        return html("Venues", f"<h1>Venues</h1><ul>{lines}</ul>")
    row = next((row for row in rows if path == f"/v/{row['slug']}"), None)
    if row is None:
        return missing()
    services = "".join(f"<li>{each}</li>" for each in row["services"])
    main = (
        f'<h1>{row["name"]}</h1><h2>Services</h2><ul class="services">{services}</ul>'
        f'<table class="fees"><tbody><tr><th>Day pass</th><td>£{row["fee"]:.2f}</td></tr></tbody></table>'
    )
    return html(f"{row['name']} | Venues", main)


def _elsewhere(target: str) -> str | None:
    return "/v/moor-park-hall" if target.startswith("/v/") else None


SERVICES = Make(
    name="services",
    group="name",
    task="List the services of a venue",
    code="""\
async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["venue"], exact=True).click()
    await page.locator("ul.services").wait_for()
    return await page.locator("ul.services li").all_inner_texts()
""",
    parameters=({"venue": "Harrow Library"}, {"venue": "Eastfield Pool"}),
    marks=Marks(
        items="ul.services li",
        name="service",
        fields={"service": ""},
        labels={"service": "h2"},
        roles={"text": "service"},
        heading="h1, title",
        another=_elsewhere,
    ),
    rows=_venues,
    render=_venue,
    truth=lambda asked, rows: next(row["services"] for row in rows if row["name"] == asked["venue"]),
)

OPEN = Make(
    name="open",
    group="name",
    task="Tell whether a venue is open now",
    code="""\
async def run(page, parameters, task):
    venue = page.locator("li.venue").filter(has_text=parameters["venue"]).first
    return "Closed" not in await venue.locator(".state").inner_text()
""",
    parameters=({"venue": "Eastfield Pool"}, {"venue": "Harrow Library"}),
    marks=Marks(
        items="li.venue",
        name="name",
        fields={"name": "a", "open": ".state"},
        roles={"flag": "open"},
        contrary=("Closed", "Back on Monday"),
        listed=False,
    ),
    rows=lambda day: [{**row, "open": row["open"] and row["name"] != _VENUES[1]} for row in _venues(day)],
    render=_venue,
    truth=lambda asked, rows: next(row["open"] for row in rows if row["name"] == asked["venue"]),
)

FEE = Make(
    name="fee",
    group="name",
    task="Give the price of a day pass at a venue, in pounds",
    code="""\
import re


async def run(page, parameters, task):
    await page.get_by_role("link", name=parameters["venue"], exact=True).click()
    price = await page.locator("table.fees td").first.inner_text()
    return float(re.search(r"\\d+\\.\\d\\d", price)[0])
""",
    parameters=({"venue": "Harrow Library"}, {"venue": "Eastfield Pool"}),
    marks=Marks(
        name="fee",
        fields={"fee": "table.fees td"},
        labels={"fee": "table.fees th"},
        roles={"money": "fee"},
        heading="h1, title",
        another=_elsewhere,
        listed=False,
    ),
    rows=_venues,
    render=_venue,
    truth=lambda asked, rows: next(row["fee"] for row in rows if row["name"] == asked["venue"]),
)
