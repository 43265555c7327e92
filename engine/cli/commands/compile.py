"""``webtasks compile``: rewrite a saved automation so that it needs no browser."""

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
from engine.task.formatting import clean


@click.command("compile")
@click.argument("key")
@arguments.saved_run("a run")
@click.option("--model", metavar="NAME", help="Model that rewrites it; default: the usual one.")
@click.option("--budget", type=float, metavar="USD", help="Most dollars for it.")
@click.option("--timeout", type=float, metavar="SECONDS", help="For the whole command; default 600.")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, only errors.")
@options(shown=False)
@pass_settings
@click.pass_context
def compile_(
    context: click.Context,
    settings: Settings,
    /,
    key: str,
    *,
    given: tuple[str, ...],
    whole: str | None,
    wanted: tuple[str, ...],
    start_url: str | None,
    model: str | None,
    budget: float | None,
    timeout: float | None,
    quiet: bool,
) -> None:
    """Rewrite KEY so that it needs no browser.

    The model is asked once. Both versions run with the parameters of the last five good runs; if they give the same,
    the new one is committed, with time and memory before and after. Otherwise nothing changes.
    """
    if not settings.bundles.has(key):
        raise settings.bundles.missing(key)
    typed = arguments.parameters(whole, given)
    parameters = typed | arguments.secrets(wanted, typed, given)
    began = time.monotonic()

    async def work(on_event: EventHandler) -> TaskResult:
        async with settings.engine() as engine:
            return await engine.compile(
                key,
                parameters=parameters,
                start_url=start_url,
                model=model,
                budget_usd=budget,
                timeout=timeout,
                on_event=on_event,
            )

    try:
        with show_progress(quiet=quiet) as on_event:
            result = run_interruptible(work(on_event))
    except Interrupted as stop:
        raise Interrupted(stop.code, "Interrupted: nothing was committed.") from None
    revision = settings.bundles.head(key) if result.ok else None
    if settings.as_json:
        print_json(result.to_wire())
    elif revision is not None:
        click.echo(f"{revision.short}: {clean(revision.body)}")
    report(settings, result, time.monotonic() - began, quiet=quiet)
    context.exit(exit_code(result))
