"""Browser contexts with a run's options."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, CDPSession

_ORDINARY = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_BRANDS = """(brands) => {
  if (self.NavigatorUAData) Object.defineProperty(NavigatorUAData.prototype, 'brands', {get: () => brands});
}"""

# The chance, and in a replay the clock, that pages saw when they were recorded.
_MOMENT = """({seed, offset}) => {
  let state = seed;
  for (const c of location.href) state = Math.imul(state ^ c.codePointAt(0), 0x01000193);
  Math.random = () => {
    state = state + 0x6D2B79F5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
  };
  if (!offset) return;
  const Real = Date, now = () => Math.floor(Real.now() + offset);
  Date = new Proxy(Real, {
    construct: (_, given, target) => Reflect.construct(Real, given.length ? given : [now()], target),
    apply: () => new Real(now()).toString(),
    get: (_, name) => name === 'now' ? now : Real[name],
  });
  Real.prototype.constructor = Date;
}"""


async def new_context(browser: Browser, options: dict[str, Any]) -> BrowserContext:
    """Open a context with these arguments of Playwright.

    Where they name a user agent, the brand "HeadlessChrome" is left out, too: it stands in a header of its own.
    """
    options = {name: value for name, value in options.items() if name != "own_headers"}
    if (tape := options.pop("tape", None)) is not None:
        context = await new_context(browser, {**options, "ignore_https_errors": True})
        await context.add_init_script(f"({_MOMENT})({json.dumps(tape)})")
        return context
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


async def accepting(former: CDPSession | None, browser: Browser, options: dict[str, Any]) -> CDPSession | None:
    """Have the browser accept the proxy's certificate for a context with these options, or no longer.

    The proxy ends TLS where there is a tape, and verifies what the sites present. A context's own option does so for
    its pages and requests, and not for service workers.

    Returns:
        What it accepts it by; the next call takes it back.
    """
    if former is not None:
        await former.detach()
    if "tape" not in options:
        return None
    session = await browser.new_browser_cdp_session()
    await session.send("Security.setIgnoreCertificateErrors", {"ignore": True})
    return session


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
