"""Browser contexts with a run's options."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

_ORDINARY = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_BRANDS = """(brands) => {
  if (self.NavigatorUAData) Object.defineProperty(NavigatorUAData.prototype, 'brands', {get: () => brands});
}"""


async def new_context(browser: Browser, options: dict[str, Any]) -> BrowserContext:
    """Open a context with these arguments of Playwright.

    Where they name a user agent, the brand "HeadlessChrome" is left out, too: it stands in a header of its own.
    """
    options = {name: value for name, value in options.items() if name != "own_headers"}
    agent = options.get("user_agent")
    if agent is None or "headless" in agent.lower():
        return await browser.new_context(accept_downloads=True, **options)
    named = re.search(r"Chrom(?:e|ium)/(\d+)", agent)
    major = named[1] if named is not None else _major(browser)
    brands = [{"brand": "Not:A-Brand", "version": "8"}, {"brand": "Chromium", "version": major}]
    header = ", ".join(f'"{each["brand"]}";v="{each["version"]}"' for each in brands)
    headers = {"sec-ch-ua": header, **options.get("extra_http_headers", {})}
    context = await browser.new_context(accept_downloads=True, **{**options, "extra_http_headers": headers})
    await context.add_init_script(f"({_BRANDS})({json.dumps(brands)})")
    return context


async def try_user_agent(browser: Browser, options: dict[str, Any], url: str, seconds: float) -> list[Any]:
    """Return an ordinary browser's user agent, and the status with which a URL answers it; 0 where it does not."""
    from playwright.async_api import Error

    agent = _ORDINARY.format(_major(browser))
    context = await new_context(browser, {**options, "user_agent": agent})
    response = None
    try:
        page = await context.new_page()
        response = await page.goto(url, wait_until="commit", timeout=seconds * 1000)
    except Error:
        return [agent, 0]
    finally:
        await context.close()
    return [agent, response.status if response is not None else 0]


def _major(browser: Browser) -> str:
    return browser.version.partition(".")[0]
