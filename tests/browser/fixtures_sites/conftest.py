"""These tests use Playwright's blocking API; as it keeps a running loop, they run apart from the async ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from fixtures_sites import FixtureServer, serve
from tests.support.own_browser import base_url, browser_type_launch_args

__all__ = ["base_url", "browser_type_launch_args"]


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
