"""The service of a worker without a browser: it answers the host's requests."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import pkgutil
import socket
from pathlib import Path
from typing import Any

import sandbox.web
from sandbox.inside.dispatch import Dispatcher
from sandbox.inside.process_reset import ProcessBaseline
from sandbox.inside.web_harness import WebHarness
from sandbox.protocol import Message

# What automations and the client import: imported once, before workers are forked.
_PRELOADED = (
    "_strptime", "asyncio.unix_events", "calendar", "collections", "csv", "datetime", "decimal", "email.message",
    "encodings.cp1252", "encodings.idna", "encodings.latin_1", "encodings.utf_8_sig", "fractions", "functools",
    "hashlib", "html", "io", "itertools", "json", "linecache", "math", "operator", "random", "re", "statistics",
    "string", "tempfile", "textwrap", "traceback", "unicodedata", "urllib.parse", "zipfile", "zlib", "zoneinfo",
    "brotli", "zstandard",
)  # fmt: skip


def preload(scratch: Path) -> ProcessBaseline:
    """Import what automations use, and return the state of the process that each run is to find.

    Args:
        scratch: The directory in which automations may write.
    """
    for name in (*_PRELOADED, *(f"sandbox.web.{found.name}" for found in pkgutil.iter_modules(sandbox.web.__path__))):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    from selectolax.lexbor import LexborHTMLParser

    LexborHTMLParser("<p>warm</p>").css("p")
    return ProcessBaseline((scratch,))


def run_service(control: socket.socket, scratch: Path, baseline: ProcessBaseline) -> None:
    """Serve the host until it closes the control socket."""
    asyncio.run(_serve(control, scratch, baseline))


async def _serve(control: socket.socket, scratch: Path, baseline: ProcessBaseline) -> None:
    dispatcher = await Dispatcher.open(control)
    harness = WebHarness(dispatcher.channel, scratch, baseline)

    async def answer(message: Message) -> Any:
        return await (harness.run(message) if message["t"] == "run" else harness.renew())

    dispatcher.answer, dispatcher.take_resource = answer, harness.take_resource
    await dispatcher.serve()
