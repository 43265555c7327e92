"""``webtasks mcp`` as a process, spoken to by the SDK's own client over both transports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support.saved import save

COMMAND = [sys.executable, "-m", "engine.cli"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    save(tmp_path, "businesses", "code", parameters={"category": "Surveying"})
    return tmp_path


@contextmanager
def over_http(store: Path) -> Iterator[str]:
    arguments = [*COMMAND, "--store", str(store), "mcp", "--http", "--port", "0"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().strip()
        finally:
            process.terminate()
            process.wait(60)


async def names(server: Any) -> list[str]:
    async with Client(server) as client:
        refused = await client.call_tool("businesses", {})
        assert refused.is_error
        return [tool.name for tool in (await client.list_tools()).tools]


async def test_a_client_over_standard_input_and_output(store: Path) -> None:
    server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "--store", str(store), "mcp"])
    assert await names(stdio_client(server)) == ["businesses"]


async def test_a_client_over_http(store: Path) -> None:
    with over_http(store) as url:
        assert url.startswith("http://127.0.0.1:")
        assert await names(url) == ["businesses"]
