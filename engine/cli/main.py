"""The command group ``webtasks``: its commands, its exit codes, and the report of errors."""

from __future__ import annotations

import copy
import difflib
import importlib
import os
import shlex
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from engine.cli.errors import error_to_json, message_for_user
from engine.cli.examples import EXAMPLES
from engine.cli.interrupt import INTERRUPTED, Interrupted
from engine.cli.output import print_json
from engine.cli.report import BAD_REQUEST
from engine.cli.settings import Settings, options
from engine.errors import EngineError, TaskNotFound
from engine.task.formatting import clean

_EXIT_CODES = """\b
Exit codes:
  0    success
  1    the task failed or was canceled; a requirement is missing (doctor, demo)
  2    bad usage or request, unknown task, key or revision, unusable store
  3    task rejected: not a web task, impossible, or --ai never and nothing saved
  4    model not available: API key missing or wrong, no credit, budget used up
  5    task timed out
  6    task has not ended yet and continues (result, --wait-timeout)
  7    queue is full
  130  interrupted by Ctrl-C (143: terminated by SIGTERM)
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
    "client": "commands.transfer:client",
    "import": "commands.transfer:import_",
    "rm": "commands.transfer:remove",
}
_STUDY = {
    "run": "commands.study:run",
    "report": "commands.study:report",
    "compare": "commands.study:compare",
    "frame": "commands.study:frame",
    "export": "commands.study:export",
}
_BENCHES = {"heal": "commands.bench:heal"}
_CASSETTE = {
    "show": "commands.cassettes:show",
    "diff": "commands.cassettes:diff",
}
_GROUPS = {"bundles": _BUNDLES, "study": _STUDY, "bench": _BENCHES, "cassette": _CASSETTE}
_COMMANDS = {
    "run": "commands.run:run",
    "start": "commands.start:start",
    "result": "commands.tasks:result",
    "list": "commands.tasks:list_tasks",
    "cancel": "commands.tasks:cancel",
    "watch": "commands.watch:watch",
    "why": "commands.provenance:why",
    "report": "commands.reports:report",
    "accept": "commands.provenance:accept",
    "compile": "commands.compile:compile_",
    "costs": "commands.costs:costs",
    "bundles": "main:bundles",
    "cassette": "main:cassette",
    "attempts": "commands.attempts:attempts",
    "check": "commands.check:check",
    "drift": "commands.drift:drift",
    "study": "main:study",
    "bench": "main:bench",
    "pool": "pool.client:pool",
    "serve": "commands.serve:serve",
    "ui": "commands.ui:ui",
    "mcp": "commands.mcp:mcp",
    "keys": "commands.keys:keys",
    "doctor": "commands.doctor:doctor",
    "demo": "commands.demo:demo",
}
# Not in the help: earlier names of commands, and that of the hosted product's.
_ALIASES = {
    "get": "result",
    "export": "attempts",
    "history": "bundles log",
    "show": "bundles show",
    "diff": "bundles diff",
    "rollback": "bundles rollback",
    "pin": "bundles pin",
    "unpin": "bundles unpin",
}
_OTHER_OPTIONS = "Options of every command, such as --store and --json: webtasks --help."


class LazyGroup(click.Group):
    """A group that imports a command at its first use: importing all of them takes longer than most of them run.

    Args:
        targets: ``module:name``, below ``engine.cli``, of each command, in the order of the help.
    """

    def __init__(self, *args: Any, targets: Mapping[str, str], **more: Any) -> None:
        super().__init__(*args, **more)
        self._targets = targets

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(self._targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of this name."""
        if cmd_name not in self._targets:
            return None
        module, _, name = self._targets[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"engine.cli.{module}"), name)
        path = cmd_name if self._is_root else f"{self.name} {cmd_name}"
        command.epilog = _epilog(path)
        if not isinstance(command, LazyGroup):
            for inner, each in getattr(command, "commands", {}).items():
                each.epilog = _epilog(f"{path} {inner}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for; where there is none, name the nearest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = _nearest_command(args[0], None if self._is_root else self.name)
            meant = f"; did you mean `webtasks {near}`?" if near else ""
            ctx.fail(f"there is no command {args[0]!r} of {ctx.command_path}{meant}")
        return super().resolve_command(ctx, args)

    @property
    def _is_root(self) -> bool:
        return False


def _nearest_command(name: str, group: str | None = None) -> str | None:
    """Return the command of nearly this name, with its group; one of the given group where there are several.

    >>> _nearest_command("adopt"), _nearest_command("reslt"), _nearest_command("frobnicate")
    ('bundles adopt', 'result', None)
    >>> _nearest_command("lisst", "bundles")
    'bundles list'
    """
    paths = {inner: f"{each} {inner}" for each, within in _GROUPS.items() for inner in within}
    paths |= _ALIASES | {each: each for each in _COMMANDS}
    paths |= {inner: f"{group} {inner}" for inner in _GROUPS.get(group or "", ())}
    near = difflib.get_close_matches(name, paths, n=1, cutoff=0.7)
    return paths[near[0]] if near else None


def _epilog(path: str) -> str:
    return f"\b\nExample:\n  {EXAMPLES[path]}\n\n{_OTHER_OPTIONS}"


class RootGroup(LazyGroup):
    """The outermost group, which reports the engine's errors without a stack trace, and knows commands' aliases."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or the one that the name is an alias of."""
        path = _ALIASES.get(cmd_name)
        if path is None:
            return super().get_command(ctx, cmd_name)
        found: click.Command | None = self
        for name in path.split():
            found = found.get_command(ctx, name) if isinstance(found, LazyGroup) else None
        alias = copy.copy(found)
        if alias is not None:
            alias.name, alias.hidden = cmd_name, True
        return alias

    @property
    def _is_root(self) -> bool:
        return True

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn its errors and interruptions into messages and exit codes."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except EngineError as error:
            self._report(ctx, error)
        except Interrupted as stop:
            click.echo(f"\n{stop}", err=True)
            ctx.exit(stop.code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)

    def _report(self, ctx: click.Context, error: EngineError) -> NoReturn:
        settings, message = ctx.ensure_object(Settings), message_for_user(error)
        if isinstance(error, TaskNotFound) and not settings.is_empty and settings.bundles.has(error.details["task_id"]):
            key = shlex.quote(error.details["task_id"])
            message = f"{message}; it is a reuse key: `webtasks list --key {key}` names its tasks"
        if settings.as_json:
            print_json({"error": error_to_json(error) | {"message": message}})
        click.echo(f"Error: {clean(message)}", err=True)
        ctx.exit(BAD_REQUEST)


def _print_version(ctx: click.Context, parameter: click.Parameter, requested: bool) -> None:
    if requested:
        from engine.version import installed_version

        click.echo(f"webtasks {installed_version()}")
        ctx.exit()


@click.group(
    cls=RootGroup,
    targets=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXIT_CODES,
)
@options(shown=True)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def webtasks() -> None:
    """Run web tasks locally: a model explores a site once and writes Python; later runs replay it.

    Results go to standard output, progress and errors to standard error. The options below may come before or after
    the command's name.
    """


@click.group("bundles", cls=LazyGroup, targets=_GROUPS["bundles"])
@options(shown=False)
def bundles() -> None:
    """Show and change the saved automations.

    Every automation is a git repository of its own, named by its reuse key.
    """


@click.group("cassette", cls=LazyGroup, targets=_GROUPS["cassette"])
@options(shown=False)
def cassette() -> None:
    """Look into cassettes, and compare them: recordings of a task's whole world, as run --record makes them."""


@click.group("study", cls=LazyGroup, targets=_GROUPS["study"])
@options(shown=False)
def study() -> None:
    """Run studies: tasks with known truth, done by several models many times, on sites that change."""


@click.group("bench", cls=LazyGroup, targets=_GROUPS["bench"])
@options(shown=False)
def bench() -> None:
    """Measure this engine and other systems side by side."""
