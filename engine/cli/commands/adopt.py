"""``webtasks bundles adopt``: what was edited by hand goes through the gate, and is committed."""

from __future__ import annotations

import time

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.interrupt import Stopped, run_to_end
from engine.cli.output import print_json
from engine.cli.progress import Watcher, watch
from engine.cli.report import exit_code, report
from engine.cli.settings import Settings, options, pass_settings


@click.command()
@click.argument("key")
@click.option("-p", "given", metavar="NAME=TEXT", multiple=True, help="A parameter to try it with; name:=JSON, too.")
@click.option("--parameters", "whole", metavar="JSON|@FILE", help="All parameters as a JSON object; -p adds to them.")
@click.option("--other", "others", metavar="NAME=TEXT", multiple=True, help="Another value, for the second run.")
@click.option("--secret", "wanted", metavar="NAME[=VAR]", multiple=True, help="A secret parameter, as for run.")
@click.option("--start-url", metavar="URL", help="Where to begin; default: where the saved automation does.")
@click.option("--timeout", type=float, metavar="SECONDS", help="For all of it; default 600.")
@click.option("-q", "--quiet", is_flag=True, help="No progress; errors only.")
@options(shown=False)
@pass_settings
@click.pass_context
def adopt(
    context: click.Context,
    settings: Settings,
    /,
    key: str,
    *,
    given: tuple[str, ...],
    whole: str | None,
    others: tuple[str, ...],
    wanted: tuple[str, ...],
    start_url: str | None,
    timeout: float | None,
    quiet: bool,
) -> None:
    """Commit your edits of KEY.

    What you changed in its directory runs in a fresh browser, with the parameters of an earlier good run or those given
    here, and has to pass the gate as a model's code does. No model is asked. Otherwise the edits stay as they are.
    """
    typed = arguments.parameters(whole, given)
    parameters = typed | arguments.secrets(wanted, typed, given)
    other = arguments.parameters(None, others)
    began = time.monotonic()

    async def work(watcher: Watcher) -> TaskResult:
        async with settings.engine() as engine:
            return await engine.adopt(
                key,
                parameters=parameters,
                other_parameters=other or None,
                start_url=start_url,
                timeout=timeout,
                on_event=watcher,
            )

    try:
        with watch(quiet=quiet) as watcher:
            result = run_to_end(work(watcher))
    except Stopped as stop:
        raise Stopped(stop.code, "Interrupted: nothing was committed; your edits stay as they are.") from None
    if settings.as_json:
        print_json(result.to_wire())
    elif result.ok and result.reuse is not None:
        click.echo(result.reuse.revision_id)
    report(settings, result, time.monotonic() - began, quiet=quiet)
    context.exit(exit_code(result))
