"""The command as a user runs it, on a store with one hand-written automation."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.main import webtasks
from fixtures_sites import FixtureServer, serve
from tests.support.paths import ROOT
from tests.support.saved import TASK, save

KEY = "guide"
BUSINESSES = """\
async def run(page, parameters, task):
    await page.get_by_role("button", name="Accept all").click()
    await page.get_by_role("link", name=parameters["category"]).click()
    await page.locator("tbody tr").first.wait_for()
    task.log("the list is there")
    return [{"name": name} for name in await page.locator("tbody a").all_inner_texts()]
"""
Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, git: None) -> Path:
    """Two revisions under one key."""
    directory = tmp_path / "store"
    save(directory, KEY, BUSINESSES.replace("tbody a", "tbody b"), parameters={"category": ""})
    save(directory, KEY, BUSINESSES, parameters={"category": ""})
    return directory


@pytest.fixture
def cli(store: Path) -> Run:
    """``cli("show", "guide")`` runs ``webtasks --store … show guide`` in this process."""

    def run(*arguments: str, **more: Any) -> Result:
        result = CliRunner().invoke(webtasks, ["--store", str(store), *arguments], **more)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def guide() -> Iterator[FixtureServer]:
    with serve("directory") as server:
        yield server


@pytest.fixture
def trouble() -> Iterator[str]:
    """The URL of the misbehaving site, without the slash at its end."""
    with serve("misbehaving") as server:
        yield server.url.rstrip("/")


def replay(url: str, category: str = "Surveying", **more: str) -> list[str]:
    """Return the arguments of a run that calls no model."""
    options = [text for name, value in more.items() for text in (f"--{name.replace('_', '-')}", value)]
    return ["run", TASK, "--key", KEY, "--ai", "never", "--start-url", url, "-p", f"category={category}", *options]


def started(*arguments: str, env_more: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
    """Start the command as a process of its own, with its output piped."""
    inherited = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *arguments],
        cwd=ROOT,
        env={**inherited, "PYTHONWARNINGS": "error", **(env_more or {})},
        text=True,
        # As in a terminal; a process in the background may have been started with SIGINT ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
    )


def ended(process: subprocess.Popen[str], given: str = "") -> tuple[int, str, str]:
    """Return the exit code and what it printed, without the task's number and the time."""
    texts = [re.sub(r"wt_\w+|\d+\.\d+ ?s", "…", text) for text in process.communicate(given, timeout=60)]
    return process.returncode, texts[0], texts[1]


def is_handed_over(process: subprocess.Popen[Any]) -> bool:
    """Return True if the process has none of the imports that running a command takes."""
    return "pydantic" not in Path(f"/proc/{process.pid}/maps").read_text()


def read_all(controller: int) -> str:
    """Return the output on a terminal until its other end is closed."""
    shown = b""
    try:
        while chunk := os.read(controller, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(controller)
    return shown.decode(errors="replace")


def data(result: Result) -> Any:
    """Return the JSON that was printed on standard output."""
    return json.loads(result.stdout)


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until a function returns a true value; return that."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.1)
    return found
