"""These tests use Playwright's blocking API; as it keeps a running loop, they run apart from the async ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fixtures_sites import FixtureServer, serve
from sandbox.browser import find_browser


@pytest.fixture(scope="session")
def base_url() -> str:
    """Replaces that of pytest-base-url, which pytest 9.2 warns about; our tests give whole URLs."""
    return ""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The browser that the sandbox would take; Chromium's own sandbox refuses to start as root."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": str(find_browser().executable), "args": as_root}


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
