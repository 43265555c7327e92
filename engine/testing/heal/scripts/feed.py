"""Lists the stories on a topic: scrolls until nothing loads, and checks nothing."""

import asyncio
import re
from datetime import datetime
from typing import Any
from urllib.parse import urljoin


def number(text: str) -> float:
    match = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    return float(match.group().replace(",", "")) if match else 0.0


async def run(page: Any, parameters: Any, task: Any) -> Any:
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
        found.append(
            {
                "headline": await article.locator("h2").first.text_content(),
                "author": await article.locator("sm-meta b").first.text_content(),
                "date": datetime.strptime(printed, "%d %B %Y").date().isoformat(),
                "comments": int(number(await article.locator("sm-meta span").first.text_content())),
            }
        )
    return found
