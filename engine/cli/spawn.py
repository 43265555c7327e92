"""Start processes that outlive the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import Any

from engine import TaskResult
from engine.cli.interrupt import INTERRUPTED, Stopped
from engine.cli.settings import Settings
from engine.errors import EngineError, InvalidRequest, StoreError

_ERRORS = {error.__name__: error for error in (InvalidRequest, StoreError)}


def start_detached(settings: Settings, request: dict[str, Any]) -> TaskResult:
    """Starts a task in a process of its own; gives it as it stands when it is in the store.

    Raises:
        EngineError: What the engine had against it; nothing was started then.
    """
    with tempfile.TemporaryFile() as errors:
        process = spawn_detached("engine.cli.background", errors)
        try:
            answer, _ = process.communicate(_order(settings, request))
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGTERM)
            told = "Interrupted while the task was started; `webtasks list` shows what became of it."
            raise Stopped(INTERRUPTED, told) from None
        if not answer:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip() or "without a word"
            raise EngineError(f"the process that was to run the task ended before it was started: {said}")
    told = json.loads(answer)
    if "error" in told:
        raise told_error(told["error"])
    return TaskResult.model_validate(told["task"])


def told_error(error: dict[str, Any]) -> EngineError:
    """The error that another process met, as it told it."""
    return _ERRORS.get(error["type"], EngineError)(error["message"], **error["details"])


def take_over(settings: Settings) -> None:
    """Starts a process that runs the tasks which wait for an engine."""
    spawn_detached("engine.cli.background", subprocess.DEVNULL).communicate(_order(settings, None))


def _order(settings: Settings, request: dict[str, Any] | None) -> bytes:
    return json.dumps({"settings": settings.to_json(), "request": request}).encode()


def spawn_detached(module: str, errors: Any) -> subprocess.Popen[bytes]:
    """Starts a module in a session of its own, out of reach of this terminal's Ctrl-C. It forks; its first half ends.

    Args:
        errors: What becomes of its standard error until it lets go of that: a file, or what `subprocess` knows.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],  # -P: the working directory may hold anything
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )
