"""``webtasks ui``: the dashboard on this machine. Needs the extra ``server``."""

from __future__ import annotations

import asyncio
import webbrowser

import click

from engine import AsyncEngine
from engine.cli.commands.serve import log_to_stderr, require_extra
from engine.cli.settings import Settings, options, pass_settings


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", default=8485, show_default=True, help="0 takes a free port."
)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@options(shown=False)
@pass_settings
def ui(settings: Settings, port: int, *, no_open: bool) -> None:
    """Show the store in the browser.

    Tasks as they run, keys with their health and cost, reports, and forms to run, pin, roll back and adopt. It listens
    on loopback only; where the store has API keys, it asks for one. Under serve, the same stands at /ui. Ctrl-C stops.
    """
    require_extra()
    from engine.server.serve import Server, ServerOptions

    def make_engine(workspace: str) -> AsyncEngine:
        return settings.engine(workspace=workspace, take_over=True)

    make_engine(settings.workspace)  # raises now, not at the first page, if the options are wrong
    chosen = ServerOptions(store=settings.store, workspace=settings.workspace, port=port)
    log_to_stderr()

    async def run() -> None:
        server = Server(chosen, make_engine)
        address = f"{server.url}/ui"
        click.echo(f"The dashboard: {address}. Press Ctrl-C to stop.", err=True)
        if not no_open:
            await asyncio.to_thread(webbrowser.open, address)
        await server.run()

    asyncio.run(run())
