"""``webtasks start``: a task that goes on when the command has ended, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import Any

import click

from engine import TaskResult
from engine.cli.ends import exit_code
from engine.cli.loop import INTERRUPTED, Stopped
from engine.cli.output import clean, print_json
from engine.cli.request import build, request_options
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError, InvalidRequest, StoreError

_ERRORS = {error.__name__: error for error in (InvalidRequest, StoreError)}


@click.command()
@request_options
@options(shown=False)
@pass_settings
@click.pass_context
def start(context: click.Context, settings: Settings, /, **given: Any) -> None:
    """Start TASK and return at once.

    TASK is told in plain words, or is the whole request: JSON, a file of it, or - for standard input. Prints the
    task's id, once the task is in the store. A process of its own runs it to its end.

    \b
    webtasks start request.json
    webtasks result ID --wait
    """
    task = start_detached(settings, build(settings, given))
    task_id = task.web_task_id
    if settings.as_json:
        print_json({"webTaskId": task_id, "status": task.status})
    else:
        click.echo(task_id)
    if task.error is not None:
        click.echo(f"Error: {clean(task.error.message)}", err=True)
        context.exit(exit_code(task))
    if not settings.as_json and sys.stderr.isatty():
        click.echo(f"It goes on by itself: webtasks watch {task_id}, webtasks result {task_id} --wait", err=True)


def start_detached(settings: Settings, request: dict[str, Any]) -> TaskResult:
    """Starts a task in a process of its own; gives it as it stands when it is in the store.

    Raises:
        EngineError: What the engine had against it; nothing was started then.
    """
    with tempfile.TemporaryFile() as errors:
        process = leave_behind("engine.cli.detached", errors)
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
    leave_behind("engine.cli.detached", subprocess.DEVNULL).communicate(_order(settings, None))


def _order(settings: Settings, request: dict[str, Any] | None) -> bytes:
    return json.dumps({"settings": settings.to_json(), "request": request}).encode()


def leave_behind(module: str, errors: Any) -> subprocess.Popen[bytes]:
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
