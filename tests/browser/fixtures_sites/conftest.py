"""Fixtures for tests with Playwright's blocking API, which keeps an event loop running in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from fixtures_sites import FixtureServer, serve
from sandbox.browser import find_browser


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The browser that the sandbox uses; as root, Chromium starts only without its own sandbox."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": str(find_browser().executable), "args": as_root}


@pytest.fixture
def open_site() -> Iterator[Callable[..., FixtureServer]]:
    """A function that serves a site until the end of the test, which fails if a route of the site has failed."""
    with ExitStack() as stack:
        servers: list[FixtureServer] = []

        def start(name: str, version: str = "v1") -> FixtureServer:
            servers.append(stack.enter_context(serve(name, version=version)))
            return servers[-1]

        yield start
        assert [error for server in servers for error in server.errors] == []
