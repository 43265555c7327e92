"""Runs bare Playwright scripts: each line of the input names one, each line of the output is what it returned.

Run as a program of its own, with the browser's path as its argument; it imports Playwright and nothing of the engine.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import runpy
import sys
from typing import Any

from playwright.async_api import Browser, Page, async_playwright


class Tools:
    """The one thing beside the page that a script may use.

    Args:
        page: The page, whose cookies are sent along.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    async def download(self, url: str) -> dict[str, str]:
        """Fetch a file, and return its hash."""
        answer = await self._page.request.get(url)
        if not answer.ok:
            raise RuntimeError(f"{url}: status {answer.status}")
        return {"sha256": hashlib.sha256(await answer.body()).hexdigest()}


async def answer(browser: Browser, request: dict[str, Any]) -> dict[str, Any]:
    """Run one script in a new context, and return its output or its error."""
    run = runpy.run_path(request["script"])["run"]
    context = await browser.new_context()
    try:
        page = await context.new_page()
        page.set_default_timeout(request["action_seconds"] * 1000)
        async with asyncio.timeout(request["seconds"]):
            await page.goto(request["start_url"])
            return {"output": await run(page, request["parameters"], Tools(page))}
    except Exception as error:  # noqa: BLE001  a script may raise anything; it is told
        return {"error": type(error).__name__, "says": str(error)}
    finally:
        await context.close()


async def main(executable: str) -> None:
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a script prints is no answer
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable or None)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(browser, json.loads(line))), file=out, flush=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
