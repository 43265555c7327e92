"""``webtasks bundles adopt``: commit edits made by hand, once they have passed the gate."""

from __future__ import annotations

import time

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.output import print_json
from engine.cli.progress import EventHandler, show_progress
from engine.cli.report import exit_code, report
from engine.cli.settings import Settings, options, pass_settings


@click.command()
@click.argument("key")
@arguments.saved_run("the trial run")
@click.option(
    "--other", "others", metavar="NAME=TEXT", multiple=True, help="Parameter with another value, for the second run."
)
@click.option("--timeout", type=float, metavar="SECONDS", help="For the whole command; default 600.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, only errors.")
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
    """Test and commit your edits of KEY.

    The files that you edited in its directory run in a fresh browser, with the parameters of an earlier good run or
    those given here. They are committed if they pass the same gate as code that a model wrote; otherwise they stay as
    they are. No model is called.
    """
    if not settings.bundles.has(key):
        raise settings.bundles.missing(key)
    typed = arguments.parameters(whole, given)
    parameters = typed | arguments.secrets(wanted, typed, given)
    other = arguments.parameters(None, others)
    began = time.monotonic()

    async def work(on_event: EventHandler) -> TaskResult:
        async with settings.engine() as engine:
            return await engine.adopt(
                key,
                parameters=parameters,
                other_parameters=other or None,
                start_url=start_url,
                timeout=timeout,
                on_event=on_event,
            )

    try:
        with show_progress(quiet=quiet) as on_event:
            result = run_interruptible(work(on_event))
    except Interrupted as stop:
        raise Interrupted(stop.code, "Interrupted: nothing was committed; your edits are unchanged.") from None
    if settings.as_json:
        print_json(result.to_wire())
    elif result.ok and result.reuse is not None:
        click.echo(result.reuse.revision_id)
    report(settings, result, time.monotonic() - began, quiet=quiet)
    context.exit(exit_code(result))
