"""The offer to run a task again with the private hosts that it was refused."""

from __future__ import annotations

import sys

import click

from engine import TaskResult
from engine.task.formatting import clean


def accepted_hosts(result: TaskResult) -> list[str]:
    """Ask at a terminal whether the origins that the page needs may be reached, and return those that may."""
    error = result.error
    if error is None or error.reason != "host-not-allowed" or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return []
    origins = [str(origin) for origin in error.details.get("allow_hosts", ())]
    if not origins:
        return []
    question = f"The page needs {clean(', '.join(origins))}. Run again, and allow that?"
    return origins if click.confirm(question, err=True) else []
