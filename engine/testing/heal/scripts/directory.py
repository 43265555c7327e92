"""Lists the businesses of a category: reads cells by position, and checks nothing."""

import re
from typing import Any
from urllib.parse import urljoin


def number(text: str) -> float | None:
    match = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    return float(match.group().replace(",", "")) if match else None


async def run(page: Any, parameters: Any, task: Any) -> Any:
    link = page.get_by_role("link", name=re.compile(re.escape(parameters["category"])))
    await page.goto(urljoin(page.url, await link.first.get_attribute("href")))
    found = []
    while True:
        for row in await page.locator("tbody tr").all():
            cells = await row.locator("td").all_text_contents()
            if len(cells) < 6:
                continue
            found.append(
                {
                    "name": ((await row.locator("a").all_text_contents()) or [cells[1]])[0],
                    "town": cells[3],
                    "rating": number(cells[4]),
                    "call_out_price": number(cells[5]),
                }
            )
        following = page.locator("a[rel=next]")
        if not await following.count():
            return found
        await page.goto(urljoin(page.url, await following.get_attribute("href")))
