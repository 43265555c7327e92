"""Playwright's own trace of a run, which `playwright show-trace` shows: made in the jail, and handed to the host.

It holds what the pages were, what was typed and what was sent, whole.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.protocol import CHUNK_BYTES, RemoteError

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from sandbox.protocol import Channel

_FILE = "playwright-trace.zip"
_STOP_SECONDS = 20.0  # for packing it


async def begin_trace(context: BrowserContext) -> None:
    """Have Playwright trace a context: pictures, pages as they were, requests."""
    await context.tracing.start(screenshots=True, snapshots=True)


async def send_trace(context: BrowserContext | None, scratch: Path, channel: Channel, most: int) -> None:
    """End the trace, and send it to the host; one that cannot be had is told in the run's log, and fails nothing.

    Args:
        scratch: A directory in which it is packed.
        most: Bytes that it may have.
    """
    from playwright.async_api import Error

    path, problem = scratch / _FILE, ""
    try:
        if context is None:
            problem = "the browser is gone"
        else:
            await asyncio.wait_for(context.tracing.stop(path=path), _STOP_SECONDS)
            size = path.stat().st_size
            problem = f"it has {size / 1e6:.0f} MB, and {most / 1e6:.0f} MB are kept" if size > most else ""
        if not problem:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    await channel.request("trace", data=base64.b64encode(chunk).decode())
            await channel.request("trace", data="")
    except (Error, TimeoutError, OSError, RemoteError) as error:
        problem = str(error).strip().partition("\n")[0] or type(error).__name__
    finally:
        path.unlink(missing_ok=True)
    if problem:
        channel.notify("log", message=f"no trace of the run was kept: {problem}")
