"""A page in the browser that the sandbox would start."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from sandbox.browser import find_browser


@pytest.fixture
async def blank() -> AsyncIterator[Page]:
    """An empty page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser().executable, args=["--no-sandbox"])
        page = await browser.new_page()
        yield page
        await browser.close()
