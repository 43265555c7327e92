"""A link to a file that leads to a page now: told soon, and not after all the time that a download may take."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page

from sandbox import SandboxError, page_files
from tests.support.pages import pages

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_page_in_place_of_a_file_ends_the_wait_for_a_download(
    blank: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_files, "_LANDED_SECONDS", 0.2)
    with pages() as site:
        site.html |= {"/": "<a href=/scan>Scan</a>", "/scan": "<h1>The archive is being moved</h1>"}
        await blank.goto(f"{site.url}/")
        began = time.monotonic()
        with pytest.raises(SandboxError, match=f"led to a page, {site.url}/scan"):
            async with page_files.open_file(blank, blank.get_by_text("Scan"), 60, lambda url: None):
                pass
        assert time.monotonic() - began < 40
