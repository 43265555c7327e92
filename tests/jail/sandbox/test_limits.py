"""Limits, each of which ends the worker with its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox import Host, SandboxLimitExceeded, SandboxLimits
from tests.support.jailed import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Bin(Host):
    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        return {"size": sum([len(chunk) async for chunk in chunks])}


# The host watches over both kinds of workers; what their own ends or processes have a part in is tried with a browser.
@pytest.mark.parametrize(
    ("kind", "limit", "value", "body"),
    [
        ("web", "wall_seconds", 0.7, "while True: pass"),
        ("web", "wall_seconds", 0.7, "import asyncio\nawait asyncio.sleep(60)"),
        ("page", "cpu_seconds", 1, "while True: pass"),
        ("page", "memory_mb", 500, "import asyncio\nx = bytearray(b'x') * (600 << 20)\nawait asyncio.sleep(60)"),
        (
            "page",
            "processes",
            30,
            "import os, time\nfor _ in range(40):\n    if os.fork() == 0: time.sleep(60)\ntime.sleep(60)",
        ),
        (
            "page",
            "scratch_mb",
            64,
            "open('/scratch/a', 'wb').write(bytes(40 << 20))\nopen('/scratch/b', 'wb').write(bytes(40 << 20))",
        ),
        ("page", "output_bytes", 50_000, "return 'x' * 60_000"),
        ("web", "output_bytes", 50_000, "return 'x' * 50_000_000"),
        ("page", "output_bytes", 50_000, "while True: print('flood')"),
        ("web", "output_bytes", 50_000, "import os\nwhile True: os.write(1, b'flood' * 1000)"),
        ("web", "output_bytes", 50_000, "while True: task.progress(1)"),
        ("web", "downloads", 1, "for _ in range(2): await task.download('/data.csv')"),
        ("web", "download_bytes", 10, "await task.download('/report')"),
        ("page", "pages", 3, "for _ in range(4): await page.context.new_page()\nawait page.wait_for_timeout(9000)"),
    ],
)
async def test_exceeded_limit_ends_the_worker(run: Run, kind: str, limit: str, value: float, body: str) -> None:
    changed: dict[str, Any] = {limit: value}
    with pytest.raises(SandboxLimitExceeded) as caught:
        await run(body, host=Bin(), kind=kind, limits=SandboxLimits(**changed))
    assert (caught.value.limit, caught.value.value) == (limit, value)
