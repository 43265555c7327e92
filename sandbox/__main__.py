"""The command ``python -m sandbox automation.py``, which runs one automation and prints its result as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from sandbox import Automation, ContextOptions, Egress, GateDecision, Host, Outcome, PoolOptions, Sandbox, SandboxError
from sandbox.file_names import LONGEST_BYTES, cut
from sandbox.invisible import escaped_in_json, visible
from sandbox.isolation.mechanism import Isolation


class _TerminalHost(Host):
    """A host that logs to standard error, stores files in a directory, and stops before irreversible actions."""

    def __init__(self, directory: Path, *, irreversible: bool) -> None:
        self._directory = directory
        self._irreversible = irreversible

    async def log(self, message: str) -> None:
        sys.stderr.write(f"{visible(message)}\n")

    async def gate(self, action: str, key: str | None) -> GateDecision:
        return GateDecision.GO if self._irreversible else GateDecision.REHEARSE

    async def download(
        self, name: str, content_type: str, url: str | None, chunks: AsyncIterator[bytes]
    ) -> dict[str, Any]:
        wanted = cut(Path(visible(name).replace("\\", "/")).name.lstrip(".") or "download", LONGEST_BYTES - 10)
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / wanted
        number = 1
        while path.exists():
            number += 1
            path = self._directory / f"{Path(wanted).stem}-{number}{Path(wanted).suffix}"
        size = 0
        with path.open("xb") as file:
            async for chunk in chunks:
                size += file.write(chunk)
        return {"name": path.name, "path": str(path), "contentType": content_type, "size": size, "url": url}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Run one automation in the sandbox.")
    parser.add_argument("automation", type=Path, help="a Python file with `async def run(page, parameters, task)`")
    parser.add_argument("--parameters", type=json.loads, default={}, metavar="JSON", help="an object; default {}")
    parser.add_argument("--start-url", metavar="URL", help="the address that is opened first")
    parser.add_argument(
        "--isolation",
        choices=get_args(Isolation),
        default="auto",
        help="the jail; none runs the code without protection",
    )
    parser.add_argument("--browser", metavar="PATH", help="path or name of the Chromium to use")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a private origin that may be reached, such as http://127.0.0.1:8000",
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="HOST",
        help="a host that may be reached; default: every public host",
    )
    parser.add_argument("--proxy", metavar="URL", help="an HTTP proxy for all connections")
    parser.add_argument(
        "--downloads",
        type=Path,
        default=Path("downloads"),
        metavar="DIR",
        help="directory for files; default ./downloads",
    )
    parser.add_argument(
        "--irreversible", action="store_true", help="do irreversible actions, instead of stopping before them"
    )
    return parser.parse_args(argv)


async def _run(options: argparse.Namespace) -> Outcome:
    resources = options.automation.parent / "resources"
    files = [path for path in resources.rglob("*") if path.is_file()] if resources.is_dir() else []
    automation = Automation(
        code=options.automation.read_text(encoding="utf-8"),
        resources={path.relative_to(resources).as_posix(): path.read_bytes() for path in files},
        name=options.automation.name,
    )
    allow = list(options.allow)
    if options.start_url:  # a private address given by the user may be reached
        parts = urlsplit(options.start_url)
        allow.append(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    host = _TerminalHost(options.downloads, irreversible=options.irreversible)
    async with Sandbox(isolation=options.isolation, browser=options.browser, pool=PoolOptions(spare=0)) as sandbox:
        return await sandbox.run(
            automation,
            options.parameters,
            start_url=options.start_url,
            egress=Egress(hosts=tuple(options.host) or None, allow=tuple(allow), proxy=options.proxy),
            host=host,
            context=_context(options.automation.parent / "bundle.json"),
        )


def _context(bundle: Path) -> ContextOptions:
    """Return the browser's options that the engine saved beside the automation."""
    saved = (json.loads(bundle.read_text(encoding="utf-8")) if bundle.is_file() else {}).get("browser") or {}
    return ContextOptions(**{**saved, "viewport": tuple(saved["viewport"]) if saved.get("viewport") else None})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0, or 1 if the automation or the sandbox failed."""
    try:
        outcome = asyncio.run(_run(_arguments(argv)))
    except (SandboxError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if outcome.error is not None:
        failed = f"{outcome.error}\n{outcome.error.traceback}\n"
        sys.stderr.write(visible(failed))
        return 1
    sys.stdout.write(escaped_in_json(json.dumps(outcome.value, ensure_ascii=False, indent=2)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
