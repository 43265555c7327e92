"""Lists the reports of a year with their data files: reads cells by position, and checks nothing."""

from datetime import datetime
from typing import Any
from urllib.parse import urljoin


async def run(page: Any, parameters: Any, task: Any) -> Any:
    link = page.get_by_role("link", name=str(parameters["year"]), exact=True)
    await page.goto(urljoin(page.url, await link.first.get_attribute("href")))
    found = []
    for row in await page.locator("tbody tr").all():
        cells = await row.locator("td").all_text_contents()
        if len(cells) < 4:
            continue
        file = await row.locator("a", has_text="CSV").last.get_attribute("href")
        found.append(
            {
                "number": cells[0],
                "title": ((await row.locator("a").all_text_contents()) or [cells[1]])[0],
                "published": datetime.strptime(cells[2], "%d %b %Y").date().isoformat(),
                "data": await task.download(urljoin(page.url, file)),
            }
        )
    return found[::-1]
