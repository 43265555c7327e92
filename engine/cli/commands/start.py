"""``webtasks start``: start a task in a background process."""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.cli.errors import name_options
from engine.cli.output import print_json
from engine.cli.report import exit_code
from engine.cli.request import build_request, request_options
from engine.cli.settings import Settings, options, pass_settings
from engine.cli.spawn import start_detached
from engine.task.formatting import clean


@click.command()
@request_options
@options(shown=False)
@pass_settings
@click.pass_context
def start(context: click.Context, settings: Settings, /, **given: Any) -> None:
    """Start TASK in the background.

    TASK is a description in plain words, or the whole request: JSON, a .json file, or - for standard input. Prints the
    task's id once the task is in the store. A background process runs it to its end.
    """
    task = start_detached(settings, build_request(settings, given))
    task_id = task.web_task_id
    if settings.as_json:
        print_json({"webTaskId": task_id, "status": task.status})
    else:
        click.echo(task_id)
    if task.error is not None:
        click.echo(f"Error: {clean(name_options(task.error.message))}", err=True)
        context.exit(exit_code(task))
    if not settings.as_json and sys.stderr.isatty():
        click.echo(
            f"The task runs in the background: `webtasks watch {task_id}`, `webtasks result {task_id} --wait`", err=True
        )
