"""``webtasks bundles adopt``: commit edits made by hand, once they have passed the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.proving import last_options, prove, saved_parameters
from engine.cli.settings import Settings

if TYPE_CHECKING:
    from engine import AsyncEngine


@click.command()
@click.argument("key")
@arguments.saved_run("the trial run")
@click.option(
    "--other", "others", metavar="NAME=TEXT", multiple=True, help="Parameter with another value, for the second run."
)
@last_options
def adopt(
    context: click.Context,
    settings: Settings,
    /,
    key: str,
    *,
    given: tuple[str, ...],
    whole: str | None,
    others: tuple[str, ...],
    wanted: tuple[str, ...],
    start_url: str | None,
    timeout: float | None,
    quiet: bool,
) -> None:
    """Test and commit your edits of KEY.

    The files that you edited in its directory run in a fresh browser, with the parameters of an earlier good run or
    those given here. They are committed if they pass the same gate as code that a model wrote; otherwise they stay as
    they are. No model is called.
    """
    parameters = saved_parameters(settings, key, whole, given, wanted)
    other = arguments.parameters(None, others) or None

    async def work(engine: AsyncEngine, more: Mapping[str, Any]) -> TaskResult:
        return await engine.adopt(key, parameters=parameters, other_parameters=other, start_url=start_url, **more)

    def shown(result: TaskResult) -> str:
        return result.reuse.revision_id if result.reuse is not None else ""

    prove(
        context,
        settings,
        work,
        timeout=timeout,
        quiet=quiet,
        unchanged="nothing was committed; your edits are unchanged.",
        shown=shown,
    )
