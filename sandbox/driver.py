"""Inside the jail: Playwright's driver, started while Playwright is still being imported, for both take long."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

_LIMIT = 32768  # as Playwright asks for


class EarlyDriver:
    """A driver process that Playwright gets when it starts one like it; else it starts its own, as ever.

    Args:
        compiled: Directory of its compiled code.
    """

    def __init__(self, compiled: str | None) -> None:
        self._compiled = {"NODE_COMPILE_CACHE": compiled} if compiled is not None else {}
        spec = importlib.util.find_spec("playwright")
        assert spec is not None
        assert spec.origin is not None
        directory = Path(spec.origin).parent / "driver"
        self._command = (str(directory / "node"), str(directory / "package" / "cli.js"), "run-driver")
        self._create = asyncio.create_subprocess_exec
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it."""
        from playwright._repo_version import version

        self._environment = os.environ | {
            "PW_LANG_NAME": "python",
            "PW_LANG_NAME_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}",
            "PW_CLI_DISPLAY_VERSION": version,
        }
        self._process = await self._create(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LIMIT,
            env=self._environment | self._compiled,
        )
        asyncio.create_subprocess_exec = self._hand_over

    async def _hand_over(self, *command: Any, **options: Any) -> asyncio.subprocess.Process:
        asyncio.create_subprocess_exec = self._create
        assert self._process is not None
        if command == self._command and options.get("env") == self._environment:
            return self._process
        self._process.kill()
        self._process = await self._create(*command, **options)
        return self._process
