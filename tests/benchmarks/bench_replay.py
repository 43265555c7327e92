"""A replay through the engine against the same script run bare in a cold process: one page, and twenty pages.

Paired: in each round both run, one after the other, on the same site. Ratio of medians; less is better.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import AsyncEngine
from fixtures_sites import serve
from sandbox.browser import find_browser
from tests.engine.saved import TASK, save

ROUNDS = 12
ONE = """\
async def run(page, parameters, task):
    return {"title": await page.title(), "links": await page.locator("a").count()}
"""
TWENTY = """\
from urllib.parse import urljoin
async def run(page, parameters, task):
    links = await page.locator("table a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    links += await page.locator("footer a, nav a").evaluate_all("found => found.map(a => a.getAttribute('href'))")
    rows = []
    for link in (links * 20)[:19]:
        await page.goto(urljoin(task.start_url, link))
        rows.append({"title": await page.title(), "heading": await page.locator("h1").first.inner_text()})
    return rows
"""
BARE = """\
import asyncio, os, sys, types
from playwright.async_api import async_playwright
async def main():
    code, url, browser = sys.argv[1:]
    space = {}
    exec(compile(code, "automation.py", "exec"), space)
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = await playwright.chromium.launch(executable_path=browser, args=arguments)
        page = await chromium.new_page()
        await page.goto(url)
        await space["run"](page, {}, types.SimpleNamespace(start_url=url))
        await chromium.close()
asyncio.run(main())
"""


def bare(code: str, url: str, browser: str) -> float:
    """Seconds of a whole cold process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE, code, url, browser], check=True, timeout=120)
    return time.perf_counter() - began


async def replay(engine: AsyncEngine, key: str, url: str) -> float:
    """Seconds of a replay in an engine that runs already."""
    began = time.perf_counter()
    result = await engine.run(TASK, start_url=url, reuse_key=key, ai="never")
    assert result.ok, result.error
    return time.perf_counter() - began


async def compare(key: str, code: str) -> None:
    """Prints one line."""
    browser = str(find_browser().executable)
    with tempfile.TemporaryDirectory() as folder, serve("directory") as site:
        save(Path(folder), key, code)
        async with AsyncEngine(store=folder) as engine:
            cold = await replay(engine, key, site.url)
            pairs = []
            for _ in range(ROUNDS):
                await asyncio.sleep(1.5)  # a spare worker is ready, as it is for whoever replays now and then
                pairs.append((bare(code, site.url, browser), await replay(engine, key, site.url)))
    base, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{key}: bare {base * 1000:.0f} ms, replay {ours * 1000:.0f} ms, ratio {ours / base:.2f};"
        f" first replay of a new engine {cold * 1000:.0f} ms, ratio {cold / base:.2f} (n={ROUNDS})",
        flush=True,
    )


def main() -> int:
    """Runs both comparisons."""
    asyncio.run(compare("one page", ONE))
    asyncio.run(compare("twenty pages", TWENTY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
