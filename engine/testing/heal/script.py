"""A bare Playwright script as a system of the bench."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from engine.testing.heal.program import Program
from engine.testing.heal.systems import Answer, System, Task
from sandbox.browser import find_browser

_SCRIPTS = Path(__file__).with_name("scripts")
_ACTION_SECONDS = 4.0
_MARGIN = 15.0  # for the browser's start, beside the script's own time


def script(site: str) -> str:
    """Return the script for a site: ``async def run(page, parameters, task)``."""
    return (_SCRIPTS / f"{site}.py").read_text(encoding="utf-8")


class Script(System):
    """A Playwright script as people write it: it learns nothing, heals nothing and checks no result.

    Args:
        browser: Path of the Chromium; by default the one that the engine would take.
    """

    name = "script"
    about = "hand-written Playwright code of about 25 lines, without checks; only an error stops it"

    def __init__(self, browser: str | Path | None = None) -> None:
        self.version = f"playwright {importlib.metadata.version('playwright')}"
        executable = str(find_browser(browser).executable)
        self._program = Program(sys.executable, "run_script.py", executable, environment=os.environ)

    async def run(self, task: Task) -> Answer:
        """Run the script of the task's site in a new browser context."""
        request = {
            "script": str(_SCRIPTS / f"{task.site}.py"),
            "start_url": task.start_url,
            "parameters": dict(task.parameters),
            "seconds": task.seconds - _MARGIN,
            "action_seconds": _ACTION_SECONDS,
        }
        answer = await self._program.ask(request, seconds=task.seconds)
        if "error" in answer:
            return Answer(error=answer["error"], says=answer["says"])
        return Answer(answer["output"])

    async def close(self) -> None:
        """End the browser."""
        await self._program.close()
