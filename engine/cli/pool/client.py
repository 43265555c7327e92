"""``webtasks pool``: a process that keeps browsers warm between commands, and how ``run`` has its task run there."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import click

from engine import Event, TaskResult
from engine.cli.interrupt import INTERRUPTED, TERMINATED, Stopped
from engine.cli.output import clean, count, print_json, seconds
from engine.cli.pool import endpoint
from engine.cli.settings import Settings, options, pass_settings
from engine.cli.spawn import spawn_detached, told_error
from engine.errors import EngineError

_IDLE = 900.0
_CANCEL_SECONDS = 10.0


@click.group()
@options(shown=False)
def pool() -> None:
    """Keep browsers warm between commands.

    As long as a pool runs on the store, `webtasks run` has its tasks run there: a replay then needs no new browser.
    """


@pool.command()
@click.option(
    "--idle", type=click.FloatRange(min=1), default=_IDLE, show_default=True, metavar="SECONDS",
    help="It ends when nothing was run for so long.",
)  # fmt: skip
@options(shown=False)
@pass_settings
def start(settings: Settings, idle: float) -> None:
    """Start the pool of the workspace.

    It takes the tasks of commands with the same settings and environment, of this user only. It asks the model with the
    key that it finds now.
    """
    settings.engine()  # wrong settings are told here
    process = spawn_detached("engine.cli.pool.server", None)
    answer, _ = process.communicate(json.dumps({"settings": settings.to_json(), "idle": idle}).encode())
    told: dict[str, Any] = json.loads(answer) if answer else {"error": "the process ended before it listened"}
    if "error" in told:
        raise EngineError(str(told["error"]))
    _show(settings, told["pool"])


@pool.command()
@options(shown=False)
@pass_settings
def status(settings: Settings) -> None:
    """Tell whether a pool runs, and since when."""
    _show(settings, _ask(settings, "state"))


@pool.command()
@options(shown=False)
@pass_settings
def stop(settings: Settings) -> None:
    """End the pool; what runs in it ends first."""
    state = _ask(settings, "stop")
    if settings.as_json:
        print_json({"stopped": state is not None})
    elif state is None:
        click.echo("No pool runs here.", err=True)
    else:
        click.echo("The pool ends" + (f" after {count(state['running'], 'task')}." if state["running"] else "."))


def _show(settings: Settings, state: dict[str, Any] | None) -> None:
    if settings.as_json:
        print_json({"running": state is not None, **(state or {})})
    elif state is None:
        click.echo("No pool runs here; `webtasks pool start` starts one.", err=True)
    else:
        click.echo(
            f"A pool runs here: process {state['pid']}, for {seconds(state['seconds'])}, {count(state['runs'], 'run')},"
            f" {count(state['running'], 'task')} now. It ends after {seconds(state['idle'])} without any."
        )


def _ask(settings: Settings, what: str) -> dict[str, Any] | None:
    """What the pool says of itself; None where there is none."""
    connection = endpoint.connect(settings.root)
    if connection is None:
        return None
    with connection, connection.makefile("rwb") as lines:
        lines.write(json.dumps({"do": what}).encode() + b"\n")
        lines.flush()
        answer = lines.readline()
    state: dict[str, Any] | None = json.loads(answer)["pool"] if answer else None
    return state


def run_in_pool(settings: Settings, request: dict[str, Any], on_event: Callable[[Event], None]) -> TaskResult | None:
    """Has a task run in the pool, and waits for its end; None where there is no pool that takes it.

    Raises:
        EngineError: What the engine had against it, or the pool ended meanwhile.
        Stopped: By Ctrl-C or SIGTERM; the task is canceled.
    """
    connection = endpoint.connect(settings.root)
    if connection is None:
        return None
    with connection, connection.makefile("rwb") as lines:
        call = {"do": "run", "identity": endpoint.identity(settings), "request": request}
        try:
            with _terminated():
                lines.write(json.dumps(call).encode() + b"\n")
                lines.flush()
                return _follow(lines, on_event)
        except (KeyboardInterrupt, _Terminated) as stop:
            connection.settimeout(_CANCEL_SECONDS)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)  # it cancels the task, and hangs up when that is done
                while lines.readline():
                    pass
            raise Stopped(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED) from None


def _follow(lines: Iterable[bytes], on_event: Callable[[Event], None]) -> TaskResult | None:
    begun = False
    for line in lines:
        told = json.loads(line)
        if "event" in told:
            begun = True
            on_event(Event.from_json(told["event"]))
        elif "declined" in told:
            click.echo(f"The pool does not run it ({clean(told['declined'])}); it runs here.", err=True)
            return None
        elif "error" in told:
            raise told_error(told["error"])
        else:
            return TaskResult.model_validate(told["task"])
    if not begun:
        return None  # it ended just then
    raise EngineError("the pool ended while it ran the task; `webtasks list` tells what became of that")


class _Terminated(BaseException):
    """SIGTERM came."""


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
