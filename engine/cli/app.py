"""The group of commands, its exit codes, and how errors are told."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import click

from engine.cli import (
    adopt,
    attempts,
    bundles,
    costs,
    demo,
    doctor,
    exchange,
    keys,
    pool,
    run,
    serve,
    start,
    tasks,
    watching,
)
from engine.cli.ends import BAD_REQUEST
from engine.cli.loop import INTERRUPTED, Stopped
from engine.cli.output import clean, print_json
from engine.cli.settings import Settings, options
from engine.errors import EngineError

_EXIT_CODES = """\b
Exit codes:
  0    success
  1    the task failed or was canceled; something necessary is missing (doctor, demo)
  2    bad request or usage, unknown task, key or revision, unusable store
  3    rejected: no web task, impossible, or --ai never with nothing saved
  4    no access to the model: key missing or wrong, no credit, budget used up
  5    timeout of the task
  6    the task has not ended; it goes on (result, --wait-timeout)
  7    too many tasks wait already
  130  interrupted by Ctrl-C (143: terminated)
"""


class Ordered(click.Group):
    """Shows its commands in the order in which they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self.commands)


class Commands(Ordered):
    """Tells errors of the engine without a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; its errors and interruptions become messages and exit codes."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except EngineError as error:
            self._tell(ctx, error)
        except Stopped as stop:
            click.echo(f"\n{stop}", err=True)
            ctx.exit(stop.code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)

    def _tell(self, ctx: click.Context, error: EngineError) -> NoReturn:
        if ctx.ensure_object(Settings).as_json:
            told = {"type": type(error).__name__, "message": error.message, "details": error.details}
            print_json({"error": told})
        click.echo(f"Error: {clean(error.message)}", err=True)
        ctx.exit(BAD_REQUEST)


def _version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"webtasks {doctor.own_version()}")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXIT_CODES,
)
@options(shown=True)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
def webtasks() -> None:
    """Run web tasks locally: a model explores a site once and writes Python, later runs replay it.

    Results go to standard output, progress and errors to standard error. The options below may stand before or after
    a command's name.
    """


@click.group("bundles", cls=Ordered)
@options(shown=False)
def saved() -> None:
    """See and change what is saved.

    Every automation is a git repository of its own, named by its reuse key.
    """


for command, name in (
    (bundles.list_keys, "list"),
    (bundles.show, "show"),
    (bundles.history, "log"),
    (bundles.diff, "diff"),
    (bundles.rollback, "rollback"),
    (bundles.pin, "pin"),
    (bundles.unpin, "unpin"),
    (adopt.adopt, "adopt"),
    (exchange.export, "export"),
    (exchange.import_, "import"),
    (exchange.remove, "rm"),
):
    saved.add_command(command, name)
for command in (
    run.run,
    start.start,
    tasks.result,
    tasks.list_tasks,
    tasks.cancel,
    watching.watch,
    costs.costs,
    saved,
    bundles.history,
    bundles.show,
    bundles.diff,
    bundles.rollback,
    bundles.pin,
    bundles.unpin,
    attempts.export,
    pool.pool,
    serve.serve,
    keys.keys,
    doctor.doctor,
    demo.demo,
):
    webtasks.add_command(command)
webtasks.add_command(tasks.get)
for command in (*webtasks.commands.values(), *saved.commands.values()):
    command.epilog = "Further options, such as --store and --json: webtasks --help."
