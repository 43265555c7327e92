"""The report on a task at the end of a command: its output, its errors, its exit code."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from engine import TaskResult
from engine.cli.errors import name_options
from engine.cli.output import print_json
from engine.cli.settings import Settings
from engine.execution.traces import traces_of
from engine.task.event_text import summary
from engine.task.formatting import clean

SUCCESS, FAILED, BAD_REQUEST, REJECTED, NO_MODEL, TIMEOUT, NOT_ENDED, QUEUE_FULL = range(8)
_CODES = {
    "rejected": REJECTED,
    "unauthenticated": NO_MODEL,
    "no-ai-credits-left": NO_MODEL,
    "timeout": TIMEOUT,
    "workspace-rate-limited": QUEUE_FULL,
}


def exit_code(result: TaskResult) -> int:
    """Return the exit code for a task's current state."""
    if not result.final:
        return NOT_ENDED
    if result.error is None:
        return SUCCESS if result.ok else FAILED
    return _CODES.get(result.error.code, FAILED)


def print_result(settings: Settings, result: TaskResult) -> None:
    """Print the task's output on standard output; with --json the whole task, successful or not."""
    if settings.as_json:
        print_json(result.to_wire())
    elif result.ok:
        print_json(result.output)


def report(settings: Settings, result: TaskResult, elapsed: float, *, quiet: bool = False) -> None:
    """Print the task's warnings, its error and a summary on standard error.

    Args:
        elapsed: Seconds that the task took.
        quiet: Print warnings and the error only.
    """
    for warning in result.warnings:
        click.echo(f"Warning: {clean(name_options(warning))}", err=True)
    if result.error is not None:
        click.echo(f"Error: {clean(name_options(result.error.message))}", err=True)
        events = settings.root / "traces" / f"{result.web_task_id}.jsonl"
        if result.attempts and not quiet and events.is_file():
            click.echo(f"Trace of the run: {_relative(events)}", err=True)
    for trace in traces_of(settings.root, result.web_task_id)[-1:] if not quiet else ():
        click.echo(f"To look at the last run: playwright show-trace {shlex.quote(str(_relative(trace)))}", err=True)
    if not quiet:
        click.echo(clean(summary(result, elapsed)), err=True)


def duration(result: TaskResult) -> float:
    """Return the seconds from a task's start to its end; 0 if it has not started or not ended."""
    if result.started_at is None or result.completed_at is None:
        return 0.0
    return (result.completed_at - result.started_at).total_seconds()


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
