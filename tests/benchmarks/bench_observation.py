"""The cost of a look at a page: the full snapshot against the folded look, and the controls that are lost.

Goal: a median look under 1,000 tokens (2.5 characters each), no control lost. Run with `make bench`, or
`python -m tests.benchmarks.bench_observation URL…` to add pages.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright

from fixtures_sites import serve
from fixtures_sites.ledger import data as ledger
from sandbox.browser import find_browser
from tests.apps.django_admin import django_admin
from tests.support.reach import Reach, reach

GOAL_TOKENS = 1_000
SITES = ("directory", "feed", "form", "ledger", "archive")
FURTHER = """() => [...document.querySelectorAll('main a[href], table a[href], article a[href]')]
  .map(link => link.href).find(url => url.startsWith(location.origin) && new URL(url).pathname !== location.pathname
    && !/[.](pdf|csv)$/.test(url))"""
"""The first link in the main part that leads to another page."""


async def sites(browser: Browser) -> AsyncIterator[tuple[str, Page]]:
    """The main pages of the fixture sites, as first built and as redesigned."""
    for name in SITES:
        for version in ("v1", "v2"):
            with serve(name, version=version) as site:
                page = await browser.new_page()
                await page.goto(site.url, wait_until="networkidle")
                if name == "ledger":
                    await _log_in(page, ledger.USER, ledger.PASSWORD)
                yield f"{name} {version} start", page
                if further := await page.evaluate(FURTHER):
                    await page.goto(further, wait_until="networkidle")
                    yield f"{name} {version} {urlsplit(further).path}", page
                await page.close()


async def _log_in(page: Page, user: str, password: str) -> None:
    await page.locator("input:not([type=password]):not([type=hidden])").first.fill(user)
    await page.locator("input[type=password]").fill(password)
    await page.keyboard.press("Enter")
    await page.locator("input[type=password]").wait_for(state="detached")
    await page.wait_for_load_state("networkidle")


async def admin(browser: Browser) -> AsyncIterator[tuple[str, Page]]:
    """Django's admin: a start page, a list, a form."""
    for version in ("v1", "v2"):
        with django_admin(version=version) as app:
            page = await browser.new_page()
            await page.goto(app.url)
            yield f"django {version} login", page
            await _log_in(page, app.username, app.password)
            for path in ("", "shop/order/", "shop/customer/", "shop/order/add/", "shop/customer/1/change/"):
                await page.goto(app.url + path)
                yield f"django {version} /{path}", page
            await page.close()


async def main(urls: list[str]) -> int:
    print(f"{'page':<38} {'full':>7} {'tokens':>6}   {'look':>5} {'tokens':>6}", end="")
    print("  controls  in look  folded  search  lost      s")
    rows: list[Reach] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable, args=["--no-sandbox"])
        for pages in (sites(browser), admin(browser)):
            async for name, page in pages:
                rows.append(await _measure(name, page))
        for url in urls:
            page = await browser.new_page()
            await page.goto(url)
            rows.append(await _measure(url.split("/", 3)[-1] or url, page))
            await page.close()
    full = statistics.median(len(row.full) for row in rows) / 2.5
    median = statistics.median(len(row.look) for row in rows) / 2.5
    worst = max(len(row.look) for row in rows) / 2.5
    lost = sum(len(row.lost) for row in rows)
    controls = sum(row.controls for row in rows)
    print(
        f"median {full:.0f} tokens full, {median:.0f} folded (goal: under {GOAL_TOKENS}), at most {worst:.0f}", end="; "
    )
    print(f"{lost} of {controls} controls lost on {len(rows)} pages")
    return lost > 0 or median >= GOAL_TOKENS


async def _measure(name: str, page: Page) -> Reach:
    started = time.perf_counter()
    row = await reach(page)
    full, look = len(row.full), len(row.look)
    print(
        f"{name[:38]:<38} {full:>7} {full / 2.5:>6.0f}   {look:>5} {look / 2.5:>6.0f}"
        f"  {row.controls:>8}  {row.seen:>7} {row.unfolded:>7} {row.searched:>7} {len(row.lost):>5}"
        f" {time.perf_counter() - started:>6.1f}"
    )
    for what in row.lost:
        print(f"    LOST {what}")
    return row


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
