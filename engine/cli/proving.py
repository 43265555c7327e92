"""Commands that prove other code of a saved automation, and commit it: their last options, and their end."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.interrupt import Interrupted, run_interruptible
from engine.cli.output import print_json
from engine.cli.progress import EventHandler, show_progress
from engine.cli.report import exit_code, report
from engine.cli.settings import Settings, options, pass_settings

if TYPE_CHECKING:
    from engine import AsyncEngine

_Command = TypeVar("_Command", bound=Callable[..., Any])


def last_options(command: _Command) -> Any:
    """Return the command with the options ``timeout`` and ``quiet``, given click's context and the settings first."""
    wrapped = options(shown=False)(pass_settings(click.pass_context(command)))
    wrapped = click.option("-q", "--quiet", is_flag=True, help="Print no progress, only errors.")(wrapped)
    return click.option("--timeout", type=float, metavar="SECONDS", help="For the whole command; default 600.")(wrapped)


def saved_parameters(
    settings: Settings, key: str, whole: str | None, given: Sequence[str], wanted: Sequence[str]
) -> dict[str, Any]:
    """Return the parameters that the options of `arguments.saved_run` give for a saved automation.

    Raises:
        InvalidRequest: A value cannot be read, or nothing is saved under the key.
    """
    if not settings.bundles.has(key):
        raise settings.bundles.missing(key)
    typed = arguments.parameters(whole, given)
    return typed | arguments.secrets(wanted, typed, given)


def prove(
    context: click.Context,
    settings: Settings,
    work: Callable[[AsyncEngine, Mapping[str, Any]], Awaitable[TaskResult]],
    *,
    timeout: float | None,
    quiet: bool,
    unchanged: str,
    shown: Callable[[TaskResult], str],
) -> NoReturn:
    """Do the work of a command, report on it, and exit.

    Args:
        work: Calls the engine, with these further arguments.
        timeout: Seconds for all of it; None for the default.
        quiet: Print no progress.
        unchanged: The outcome where the user interrupts it.
        shown: Returns the line for standard output, of what was committed.

    Raises:
        Interrupted: By Ctrl-C or SIGTERM.
    """
    began = time.monotonic()

    async def with_engine(on_event: EventHandler) -> TaskResult:
        async with settings.engine() as engine:
            return await work(engine, {"timeout": timeout, "on_event": on_event})

    try:
        with show_progress(quiet=quiet) as on_event:
            result = run_interruptible(with_engine(on_event))
    except Interrupted as stop:
        raise Interrupted(stop.code, f"Interrupted: {unchanged}") from None
    if settings.as_json:
        print_json(result.to_wire())
    elif result.ok:
        click.echo(shown(result))
    report(settings, result, time.monotonic() - began, quiet=quiet)
    context.exit(exit_code(result))
