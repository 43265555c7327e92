"""These tests use Playwright's blocking API.

It keeps a running loop in this thread, which would exclude the tests that are coroutines: so each module has a driver
and a browser of its own, and they are gone before the next module begins.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from fixtures_sites import FixtureServer, serve
from sandbox.browser import find_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that the sandbox would take; Chromium's own sandbox refuses to start as root."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser().executable, args=as_root)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def open_site() -> Iterator[Callable[..., FixtureServer]]:
    """Serve a site until the end of the test; no route may have failed by then."""
    with ExitStack() as stack:
        servers: list[FixtureServer] = []

        def start(name: str, version: str = "v1") -> FixtureServer:
            servers.append(stack.enter_context(serve(name, version=version)))
            return servers[-1]

        yield start
        assert [error for server in servers for error in server.errors] == []
