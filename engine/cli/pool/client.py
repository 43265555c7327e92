"""``webtasks pool``, and running a task in the pool."""

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
from engine.cli.errors import error_from_json
from engine.cli.interrupt import INTERRUPTED, TERMINATED, Interrupted
from engine.cli.output import print_json
from engine.cli.pool import endpoint
from engine.cli.settings import Settings, options, pass_settings
from engine.cli.spawn import spawn_detached
from engine.errors import EngineError
from engine.task.formatting import clean, count, seconds

_IDLE = 900.0
_CANCEL_SECONDS = 10.0


@click.group()
@options(shown=False)
def pool() -> None:
    """Keep browsers warm between commands.

    While a pool runs for the workspace, `webtasks run` runs its tasks there, and a replay need not start a browser.
    """


@pool.command()
@click.option(
    "--idle", type=click.FloatRange(min=1), default=_IDLE, show_default=True, metavar="SECONDS",
    help="End the pool after this time without a task.",
)  # fmt: skip
@options(shown=False)
@pass_settings
def start(settings: Settings, idle: float) -> None:
    """Start the workspace's pool.

    It serves commands of the same user with the same settings and environment, and calls the model with the API key
    that is set now.
    """
    settings.engine()  # raises here, not in the new process, if the settings are wrong
    answer = spawn_detached("engine.cli.pool.server", {"settings": settings.to_json(), "idle": idle})
    if answer is None:
        raise EngineError("the pool's process ended before it was ready; what it printed above says why")
    if "error" in answer:
        raise EngineError(str(answer["error"]))
    _print_state(settings, answer["pool"])


@pool.command()
@options(shown=False)
@pass_settings
def status(settings: Settings) -> None:
    """Show whether a pool is running."""
    _print_state(settings, _request_state(settings, "state"))


@pool.command()
@options(shown=False)
@pass_settings
def stop(settings: Settings) -> None:
    """Stop the pool when its running tasks have ended."""
    state = _request_state(settings, "stop")
    if settings.as_json:
        print_json({"stopped": state is not None})
    elif state is None:
        click.echo("No pool is running here.", err=True)
    else:
        click.echo("The pool stops" + (f" after {count(state['running'], 'task')}." if state["running"] else "."))


def _print_state(settings: Settings, state: dict[str, Any] | None) -> None:
    if settings.as_json:
        print_json({"running": state is not None, **(state or {})})
    elif state is None:
        click.echo("No pool is running here; `webtasks pool start` starts one.", err=True)
    else:
        click.echo(
            f"A pool is running here: process {state['pid']}, up for {seconds(state['seconds'])},"
            f" {count(state['runs'], 'run')} so far, {count(state['running'], 'task')} now."
            f" It stops after {seconds(state['idle'])} without a task."
        )


def _request_state(settings: Settings, command: str) -> dict[str, Any] | None:
    """Send ``state`` or ``stop`` and return the pool's state; None if no pool is running."""
    connection = endpoint.connect(settings.root)
    if connection is None:
        return None
    with connection, connection.makefile("rwb") as lines:
        lines.write(json.dumps({"do": command}).encode() + b"\n")
        lines.flush()
        try:
            answer = lines.readline()
        except TimeoutError:
            raise EngineError(
                f"the pool in {settings.root} does not answer; end its process, then start it again"
            ) from None
    state: dict[str, Any] | None = json.loads(answer)["pool"] if answer else None
    return state


def run_in_pool(settings: Settings, request: dict[str, Any], on_event: Callable[[Event], None]) -> TaskResult | None:
    """Run a task in the pool and return its result; None if no pool accepts it.

    Args:
        request: Arguments of ``AsyncEngine.run``.
        on_event: Called with each event of the task.

    Raises:
        EngineError: The engine refused the request, or the pool ended while it ran the task.
        Interrupted: By Ctrl-C or SIGTERM; the task is canceled.
    """
    connection = endpoint.connect(settings.root)
    if connection is None:
        return None
    with connection, connection.makefile("rwb") as lines:
        call = {"do": "run", "identity": endpoint.identity(settings), "request": request}
        try:
            with _raise_on_sigterm():
                lines.write(json.dumps(call).encode() + b"\n")
                lines.flush()
                if not _is_taken(iter(lines)):
                    return None
                lines.write(endpoint.BEGIN)
                lines.flush()
                connection.settimeout(None)
                return _follow(lines, on_event)
        except (KeyboardInterrupt, _Terminated) as stop:
            connection.settimeout(_CANCEL_SECONDS)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)  # the pool cancels the task, then closes its side
                while lines.readline():
                    pass
            raise Interrupted(INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED) from None


def _is_taken(lines: Iterator[bytes]) -> bool:
    """Return True if the pool waits for the word to begin; False if it declines the task, ended, or hangs."""
    try:
        message = json.loads(next(lines, b"{}"))
    except TimeoutError:
        return False
    if "declined" in message:
        click.echo(f"The pool declined the task ({clean(message['declined'])}); running it here.", err=True)
    return "taken" in message


def _follow(lines: Iterable[bytes], on_event: Callable[[Event], None]) -> TaskResult:
    for line in lines:
        message = json.loads(line)
        if "event" in message:
            on_event(Event.from_json(message["event"]))
        elif "error" in message:
            raise error_from_json(message["error"])
        else:
            return TaskResult.model_validate(message["task"])
    raise EngineError("the pool ended while it ran the task; `webtasks list` shows the task's state")


class _Terminated(BaseException):
    """SIGTERM arrived."""


@contextlib.contextmanager
def _raise_on_sigterm() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
