"""``webtasks mcp``: the saved automations as tools of the Model Context Protocol. Needs the extra ``mcp``."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from typing import Any

import click

from engine.cli.settings import Settings, options, pass_settings
from engine.errors import EngineError


@click.command()
@click.option("--http", is_flag=True, help="Serve streamable HTTP on loopback; default: standard input and output.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", default=8485, show_default=True)
@click.option("--allow-ai", is_flag=True, help="Let calls repair automations and start new tasks; both cost money.")
@click.option("--model", metavar="NAME", default="haiku", show_default=True, help="Model for --allow-ai.")
@click.option(
    "--usd-per-day",
    type=click.FloatRange(min=0),
    metavar="USD",
    default=1.0,
    show_default=True,
    help="Maximum cost of the model per day, with --allow-ai.",
)
@options(shown=False)
@pass_settings
def mcp(settings: Settings, /, *, http: bool, port: int, allow_ai: bool, model: str, usd_per_day: float) -> None:
    """Offer saved automations as tools to agents (Model Context Protocol).

    Each reuse key is a tool with the schemas of its parameters and its output. A call replays it, without a model and
    at no cost, unless --allow-ai is given.
    """
    if importlib.util.find_spec("mcp") is None:
        raise EngineError('webtasks mcp needs the mcp package: pip install "webtasks-engine[mcp]"')
    asyncio.run(_serve(settings, http=http, port=port, allow_ai=allow_ai, model=model, usd_per_day=usd_per_day))


def _listening(port: int) -> socket.socket:
    """Return a listening socket on loopback: whoever can reach it can run what is saved."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise EngineError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from None


async def _serve(settings: Settings, *, http: bool, port: int, allow_ai: bool, **given: Any) -> None:
    from mcp.server.stdio import stdio_server

    from engine.mcp.server import McpServer

    async with settings.engine(**given) as engine:
        offered = McpServer(engine, allow_ai=allow_ai)
        server = offered.make()
        if http:
            import uvicorn

            with _listening(port) as listener:
                click.echo(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", err=True)
                app = server.streamable_http_app()
                await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve([listener])
            return
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options(offered.notification_options()))
