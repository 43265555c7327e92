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

_LISTENING = ("host", "port", "base_path", "public_url")
_NEEDS = ("starlette", "uvicorn")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; elsewhere only with keys.")
@click.option("--port", type=click.IntRange(0, 65535), default=8484, show_default=True, help="0: one that is free.")
@click.option(
    "--base-path", metavar="PATH", default="/api/v1/workspace", show_default=True, help="Before the workspace's name."
)
@click.option("--public-url", metavar="URL", help="Where callers reach the server, if it stands behind a proxy.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="ORIGIN",
    multiple=True,
    help="A private address that tasks may reach, such as http://localhost:3000; the public ones they may.",
)
@click.option("--model", metavar="NAME", default="haiku", show_default=True, help="For tasks that name none.")
@click.option("--max-tasks", type=click.IntRange(min=1), default=10, show_default=True, help="At once, per workspace.")
@click.option("--max-pending", type=click.IntRange(min=1), default=1000, show_default=True, help="In the line.")
@click.option("--usd-per-day", type=click.FloatRange(min=0), help="Most dollars for the model a day, per workspace.")
@click.option("--key-usd-per-day", type=click.FloatRange(min=0), help="The same for each reuse key.")
@click.option("--max-timeout", type=click.FloatRange(min=1), default=3600, show_default=True, help="Seconds of a task.")
@click.option("--max-usd", type=click.FloatRange(min=0), default=5, show_default=True, help="Dollars of a task.")
@click.option(
    "--max-body-kb", type=click.IntRange(min=1), default=1024, show_default=True, help="Largest body of a call."
)
@click.option(
    "--grace", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS",
    help="For running tasks to end when the server ends; the others go back into the line, but for those with secrets.",
)  # fmt: skip
@options(shown=False)
@pass_settings
def serve(settings: Settings, /, *, hosts: tuple[str, ...], max_body_kb: int, grace: float, **given: Any) -> None:
    """Serve the web-task API on this machine.

    The hosted product's clients work with it unchanged. Ctrl-C ends it in order: tasks that still run after the grace
    are run again by the next server on the store, unless something irreversible was done or they hold secrets.
    """
    _need_extra()
    from engine.models.anthropic import AnthropicModel
    from engine.server.serve import Options, Server

    listening = {name: given.pop(name) for name in (*_LISTENING, "max_timeout", "max_usd")}

    def make(workspace: str) -> AsyncEngine:
        return settings.engine(workspace=workspace, trust_start_urls=False, allow_hosts=hosts, take_over=True, **given)

    make(settings.workspace)  # wrong options are told now, not at the first call
    AnthropicModel(given["model"], base_url=settings.base_url)
    chosen = Options(
        store=settings.store, workspace=settings.workspace, max_body_bytes=max_body_kb << 10, grace=grace, **listening
    )
    _log_to_stderr()

    async def run() -> None:
        server = Server(chosen, make)
        keys = "every call needs a key" if server.keys_required else "no key needed"
        click.echo(
            f"Serving {server.url} ({keys}). Tasks: {server.url}{chosen.base_path}/{chosen.workspace}/web-tasks,"
            f" runs: {server.url}/api/v1/runs, document: {server.url}/openapi.json. Ctrl-C ends it.",
            err=True,
        )
        await server.run()

    asyncio.run(run())
    click.echo("Ended; what was not done is in the line for the next server, but for tasks with secrets.", err=True)


def _need_extra() -> None:
    missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(
            f"the server needs {' and '.join(missing)}, which the command line alone does not;"
            ' install them with: pip install "webtasks-engine[server]"'
        )


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("engine")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
