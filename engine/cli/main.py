"""The group of commands, its exit codes, and how errors are told."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from engine.cli.interrupt import INTERRUPTED, Stopped
from engine.cli.output import clean, print_json
from engine.cli.report import BAD_REQUEST
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


_BUNDLES = {
    "list": "commands.bundles:list_keys",
    "show": "commands.bundles:show",
    "log": "commands.bundles:history",
    "diff": "commands.bundles:diff",
    "rollback": "commands.bundles:rollback",
    "pin": "commands.bundles:pin",
    "unpin": "commands.bundles:unpin",
    "adopt": "commands.adopt:adopt",
    "export": "commands.transfer:export",
    "import": "commands.transfer:import_",
    "rm": "commands.transfer:remove",
}
_COMMANDS = {
    "run": "commands.run:run",
    "start": "commands.start:start",
    "result": "commands.tasks:result",
    "list": "commands.tasks:list_tasks",
    "cancel": "commands.tasks:cancel",
    "watch": "commands.watch:watch",
    "costs": "commands.costs:costs",
    "bundles": "main:saved",
    "history": "commands.bundles:history",
    "show": "commands.bundles:show",
    "diff": "commands.bundles:diff",
    "rollback": "commands.bundles:rollback",
    "pin": "commands.bundles:pin",
    "unpin": "commands.bundles:unpin",
    "export": "commands.attempts:export",
    "pool": "pool.client:pool",
    "serve": "commands.serve:serve",
    "keys": "commands.keys:keys",
    "doctor": "commands.doctor:doctor",
    "demo": "commands.demo:demo",
    "get": "commands.tasks:get",
}


class Lazy(click.Group):
    """Imports a command when it is asked for: to import all takes longer than most of them run.

    Args:
        places: For each name, in the order of the help, where below ``engine.cli`` the command is: ``module:name``.
    """

    def __init__(self, *args: Any, places: Mapping[str, str], **more: Any) -> None:
        super().__init__(*args, **more)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; None where there is no such."""
        if cmd_name not in self._places:
            return None
        module, _, name = self._places[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"engine.cli.{module}"), name)
        command.epilog = "Further options, such as --store and --json: webtasks --help."
        return command


class Commands(Lazy):
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
        from engine.version import installed_version

        click.echo(f"webtasks {installed_version()}")
        ctx.exit()


@click.group(
    cls=Commands,
    places=_COMMANDS,
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


@click.group("bundles", cls=Lazy, places=_BUNDLES)
@options(shown=False)
def saved() -> None:
    """See and change what is saved.

    Every automation is a git repository of its own, named by its reuse key.
    """
