"""Lists the invoices of a status: reads cells by position, and checks nothing."""

import re
from datetime import datetime
from typing import Any


def number(text: str) -> float | None:
    match = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    return float(match.group().replace(",", "")) if match else None


async def run(page: Any, parameters: Any, task: Any) -> Any:
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
        found.append(
            {
                "number": cells[0],
                "client": cells[1],
                "due": datetime.strptime(cells[2], "%d %b %Y").date().isoformat(),
                "amount": number(cells[3]),
            }
        )
    return sorted(found, key=lambda row: row["number"])
