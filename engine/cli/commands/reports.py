"""``webtasks report``: a task or a reuse key as an HTML file."""

from __future__ import annotations

import asyncio
import webbrowser
from pathlib import Path

import click

from engine.bundles import directory_name
from engine.cli.output import print_json
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import TaskNotFound


@click.command()
@click.argument("task_id", metavar="[TASK_ID]", required=False)
@click.option("--key", metavar="KEY", help="Report on this reuse key instead of a task.")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; default: webtasks-report-… in the current directory.",
)
@click.option("--open", "shown", is_flag=True, help="Open it in the browser.")
@options(shown=False)
@pass_settings
def report(settings: Settings, task_id: str | None, key: str | None, file: Path | None, *, shown: bool) -> None:
    """Write a report of TASK_ID, or of the last task: one HTML file that loads nothing.

    It shows the timeline, the output with the places where values stood, what the model saw and did, and what was
    committed. With --key: a key's revisions, its runs over time, and what it saved.
    """
    if task_id is not None and key is not None:
        raise click.UsageError("give a task's id or --key, not both")
    written = asyncio.run(_write(settings, task_id, key, file))
    if settings.as_json:
        print_json({"file": str(written)})
    else:
        click.echo(str(written))
    if shown and not webbrowser.open(written.as_uri()):
        click.echo("There is no browser to open it with.", err=True)


async def _write(settings: Settings, task_id: str | None, key: str | None, file: Path | None) -> Path:
    if key is not None:
        if not settings.bundles.has(key):
            raise settings.bundles.missing(key)
        async with settings.engine() as engine:
            return await engine.report(file or _named(directory_name(key)), reuse_key=key)
    if settings.is_empty:
        raise TaskNotFound(task_id or "of any id")
    async with settings.engine() as engine:
        if task_id is None:
            last = await engine.list(limit=1)
            if not last:
                raise click.UsageError("there is no task yet; give a task's id, or --key")
            task_id = last[0].web_task_id
        result = await engine.result(task_id)
        return await asyncio.to_thread(result.report, file or _named(task_id))


def _named(what: str) -> Path:
    return Path(f"webtasks-report-{what}.html")
