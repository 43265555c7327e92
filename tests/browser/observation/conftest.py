"""A page in the browser that the sandbox would start: one browser for all tests of a file, a context for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from sandbox.browser import find_browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_browser() -> AsyncIterator[Browser]:
    """A running browser."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=find_browser().executable, args=["--no-sandbox"])
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def blank(running_browser: Browser) -> AsyncIterator[Page]:
    """An empty page."""
    page = await running_browser.new_page()
    yield page
    await page.context.close()
