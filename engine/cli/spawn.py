"""Start processes that outlive the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from engine import TaskResult
from engine.cli.errors import error_from_json
from engine.cli.interrupt import INTERRUPTED, Interrupted
from engine.cli.settings import Settings
from engine.errors import EngineError

# Neither the working directory nor PYTHONPATH comes before our packages: modules there may have their names.
_OWN = Path(__file__).parents[2] / "webtasks_command.py"
_RUN = (
    "import runpy, sys; runpy.run_path(sys.argv.pop(1))['use_own_packages']();"
    " runpy.run_module(sys.argv[1], run_name='__main__')"
)


def spawn_detached(module: str, order: dict[str, Any], *, errors: int | IO[bytes] | None = None) -> Any:
    """Start a module that outlives this process, hand it an order, and return its answer.

    It runs in a session of its own, out of reach of this terminal's Ctrl-C. The order goes through a pipe, so that no
    secret appears on the disk or in the process list. The module's side is `engine.cli.detached`.

    Args:
        module: The module to run, such as ``engine.cli.background``.
        order: What it is to do; JSON-able.
        errors: Its standard error until it detaches; this process's own by default.

    Returns:
        The answer, from JSON; None where it detached or ended without one.

    Raises:
        KeyboardInterrupt: Ctrl-C came before the answer; the new process is terminated.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _RUN, str(_OWN), module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )
    try:
        answer, _ = process.communicate(json.dumps(order).encode())
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    return json.loads(answer) if answer else None


def start_detached(settings: Settings, request: dict[str, Any]) -> TaskResult:
    """Start a task in a process of its own; return it as soon as it is in the store.

    Args:
        request: Arguments of ``AsyncEngine.start``.

    Raises:
        EngineError: The engine refused the request; nothing was started.
        Interrupted: Ctrl-C came before the task was in the store.
    """
    with tempfile.TemporaryFile() as errors:
        order = {"settings": settings.to_json(), "request": request}
        try:
            answer = spawn_detached("engine.cli.background", order, errors=errors)
        except KeyboardInterrupt:
            message = "Interrupted while the task was being started; `webtasks list` shows its state."
            raise Interrupted(INTERRUPTED, message) from None
        if answer is None:
            errors.seek(0)
            output = errors.read().decode("utf-8", "replace").strip() or "no error output"
            raise EngineError(f"the background process ended before it started the task: {output}")
    if "error" in answer:
        raise error_from_json(answer["error"])
    return TaskResult.model_validate(answer["task"])


def spawn_takeover(settings: Settings) -> None:
    """Start a process that runs the orphaned tasks: pending ones whose engine's process has died."""
    order = {"settings": settings.to_json(), "request": None}
    spawn_detached("engine.cli.background", order, errors=subprocess.DEVNULL)
