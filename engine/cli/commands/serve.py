"""``webtasks serve``: the engine over HTTP. Needs the extra ``server``."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from typing import Any

import click

from engine import AsyncEngine
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError

_SERVER_OPTIONS = ("host", "port", "base_path", "public_url", "max_timeout", "max_usd")
_PACKAGES = ("starlette", "uvicorn", "prometheus_client", "jinja2", "pygments", "pygal")
_REPEAT_SECONDS = 10.0
_TEXTS = 100


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; beyond loopback API keys are required.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", default=8484, show_default=True, help="0 takes a free port."
)
@click.option(
    "--base-path",
    metavar="PATH",
    default="/api/v1/workspace",
    show_default=True,
    help="Path of the web-task routes, before the workspace's name.",
)
@click.option("--public-url", metavar="URL", help="Address of the server for its callers, if it is behind a proxy.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="ORIGIN",
    multiple=True,
    help="Private address that tasks may reach, such as http://localhost:3000. Public ones need no permission.",
)
@click.option("--model", metavar="NAME", default="haiku", show_default=True, help="Model for tasks that name none.")
@click.option(
    "--max-tasks",
    type=click.IntRange(min=1),
    metavar="N",
    default=10,
    show_default=True,
    help="Tasks of a workspace that run at the same time.",
)
@click.option(
    "--max-pending",
    type=click.IntRange(min=1),
    metavar="N",
    default=1000,
    show_default=True,
    help="Pending tasks in a workspace's queue.",
)
@click.option(
    "--usd-per-day",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Maximum cost of the model per day and workspace, in dollars.",
)
@click.option("--key-usd-per-day", type=click.FloatRange(min=0), metavar="USD", help="The same per reuse key.")
@click.option(
    "--max-timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    default=3600,
    show_default=True,
    help="Longest timeout that a task may ask for, in seconds.",
)
@click.option(
    "--max-usd",
    type=click.FloatRange(min=0),
    metavar="USD",
    default=5,
    show_default=True,
    help="Largest budget that a task may ask for, in dollars.",
)
@click.option(
    "--max-body-kb",
    type=click.IntRange(min=1),
    metavar="KB",
    default=1024,
    show_default=True,
    help="Largest request body, in kilobytes.",
)
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    metavar="N",
    help="Connections at the same time; default: up to 1000, and half of the files that the process may open.",
)
@click.option(
    "--max-per-address",
    type=click.IntRange(min=1),
    metavar="N",
    help="The same from one address, but for loopback; default: half of --max-connections.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time for running tasks to end when the server stops; the others are queued again, except those with secrets.",
)
@options(shown=False)
@pass_settings
def serve(
    settings: Settings,
    /,
    *,
    hosts: tuple[str, ...],
    max_body_kb: int,
    max_connections: int | None,
    max_per_address: int | None,
    grace: float,
    **given: Any,
) -> None:
    """Serve the web-task API over HTTP.

    The hosted product's clients work with it unchanged. Ctrl-C stops it in order: tasks that still run after the grace
    period are run again by the next server on the store, unless they took an irreversible action or have secrets.
    """
    require_extra()
    from engine.models.choice import model_at
    from engine.server.connections import ConnectionLimits
    from engine.server.serve import Server, ServerOptions

    server_options = {name: given.pop(name) for name in _SERVER_OPTIONS}

    def make_engine(workspace: str) -> AsyncEngine:
        return settings.engine(workspace=workspace, trust_start_urls=False, allow_hosts=hosts, take_over=True, **given)

    make_engine(settings.workspace)  # raises now, not at the first call, if the options are wrong
    model_at(given["model"], base_url=settings.base_url)
    chosen = ServerOptions(
        store=settings.store,
        workspace=settings.workspace,
        max_body_bytes=max_body_kb << 10,
        grace=grace,
        connections=ConnectionLimits(max_connections, max_per_address),
        **server_options,
    )
    log_to_stderr()

    async def run() -> None:
        server = Server(chosen, make_engine)
        keys = "API key required" if server.keys_required else "no API key required"
        click.echo(
            f"Serving {server.url} ({keys}). Tasks: {server.url}{chosen.base_path}/{chosen.workspace}/web-tasks,"
            f" runs: {server.url}/api/v1/runs, all calls: {server.url}/docs. Press Ctrl-C to stop.",
            err=True,
        )
        await server.run()

    asyncio.run(run())
    click.echo("Stopped; unfinished tasks, except those with secrets, are queued for the next server.", err=True)


def require_extra() -> None:
    """Raise an error that names what the extra ``server`` has, where it is not installed."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(
            f"the server needs {' and '.join(missing)}, which the command line alone does not install;"
            ' install with: pip install "webtasks-engine[server]"'
        )


def log_to_stderr() -> None:
    """Log what the server says on standard error, repeated warnings but once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("engine")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    handler.addFilter(_Repeats())
    logging.getLogger("uvicorn.error").addHandler(handler)


class _Repeats(logging.Filter):
    """Drops a warning that was logged in the last seconds: a caller can cause thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a warning that repeats another one."""
        if record.levelno != logging.WARNING:
            return True
        text = record.getMessage()
        if record.created - self._last.get(text, 0.0) < _REPEAT_SECONDS:
            return False
        self._last = {**self._last, text: record.created} if len(self._last) < _TEXTS else {text: record.created}
        return True
