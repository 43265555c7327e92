"""A browser of the test's own, through pytest-playwright's blocking API.

That keeps a running loop, so these tests run apart from the async ones.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import expect

from sandbox.browser import find_browser


@pytest.fixture(scope="session")
def base_url() -> str:
    """Replaces that of pytest-base-url, which pytest 9.2 warns about; our tests give whole URLs."""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The browser that the sandbox would take; Chromium's own sandbox refuses to start as root.

    What a page is expected to show may take it as long as it needs on a busy machine.
    """
    expect.set_options(timeout=60_000)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": str(find_browser().executable), "args": as_root}
