"""Automations as a careless author writes them: they read cells by position, and check nothing.

Where their output is wrong, only the engine can notice.
"""

from __future__ import annotations

from collections.abc import Mapping

_NUMBER = """\
import re
from datetime import datetime
from urllib.parse import urljoin


def number(text):
    match = re.search(r"\\d[\\d,]*(?:\\.\\d+)?", text)
    return float(match.group().replace(",", "")) if match else None

"""

DIRECTORY = (
    _NUMBER
    + """
async def run(page, parameters, task):
    link = page.get_by_role("link", name=re.compile(re.escape(parameters["category"])))
    await page.goto(urljoin(page.url, await link.first.get_attribute("href")))
    found = []
    while True:
        for row in await page.locator("tbody tr").all():
            cells = await row.locator("td").all_text_contents()
            if len(cells) < 6:
                continue
            found.append({
                "name": ((await row.locator("a").all_text_contents()) or [cells[1]])[0],
                "town": cells[3],
                "rating": number(cells[4]),
                "call_out_price": number(cells[5]),
            })
        following = page.locator("a[rel=next]")
        if not await following.count():
            return found
        await page.goto(urljoin(page.url, await following.get_attribute("href")))
"""
)

FEED = (
    _NUMBER
    + """
import asyncio


async def run(page, parameters, task):
    link = page.get_by_role("link", name=parameters["topic"], exact=True)
    await page.goto(urljoin(page.url, await link.get_attribute("href")))
    for _ in range(40):
        await page.mouse.wheel(0, 5000)
        await asyncio.sleep(0.1)
        if not await page.get_by_text("Loading").count():
            break
    found = []
    for article in await page.locator("article").all():
        printed = await article.locator("time").first.text_content()
        found.append({
            "headline": await article.locator("h2").first.text_content(),
            "author": await article.locator("sm-meta b").first.text_content(),
            "date": datetime.strptime(printed, "%d %B %Y").date().isoformat(),
            "comments": int(number(await article.locator("sm-meta span").first.text_content())),
        })
    return found
"""
)

LEDGER = (
    _NUMBER
    + """
async def run(page, parameters, task):
    await page.locator("input").nth(0).fill(parameters["username"])
    await page.locator("input").nth(1).fill(parameters["password"])
    await page.locator("button").click()
    await page.locator("select").first.select_option(label=parameters["status"])
    await page.locator("form button").click()
    await page.wait_for_url(re.compile("status="))
    found = []
    for row in await page.locator("tbody tr").all():
        cells = await row.locator("td").all_text_contents()
        if len(cells) < 5:
            continue
        found.append({
            "number": cells[0],
            "client": cells[1],
            "due": datetime.strptime(cells[2], "%d %b %Y").date().isoformat(),
            "amount": number(cells[3]),
        })
    return sorted(found, key=lambda row: row["number"])
"""
)

ARCHIVE = (
    _NUMBER
    + """
async def run(page, parameters, task):
    link = page.get_by_role("link", name=str(parameters["year"]), exact=True)
    await page.goto(urljoin(page.url, await link.first.get_attribute("href")))
    found = []
    for row in await page.locator("tbody tr").all():
        cells = await row.locator("td").all_text_contents()
        if len(cells) < 4:
            continue
        file = await row.locator("a", has_text="CSV").last.get_attribute("href")
        found.append({
            "number": cells[0],
            "title": ((await row.locator("a").all_text_contents()) or [cells[1]])[0],
            "published": datetime.strptime(cells[2], "%d %b %Y").date().isoformat(),
            "data": await task.download(urljoin(page.url, file)),
        })
    return found[::-1]
"""
)

CARELESS: Mapping[str, str] = {"archive": ARCHIVE, "directory": DIRECTORY, "feed": FEED, "ledger": LEDGER}
