"""``webtasks compile``: rewrite a saved automation so that it needs no browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from engine import TaskResult
from engine.cli import arguments
from engine.cli.proving import last_options, prove, saved_parameters
from engine.cli.settings import Settings
from engine.task.formatting import clean

if TYPE_CHECKING:
    from engine import AsyncEngine


@click.command("compile")
@click.argument("key")
@arguments.saved_run("a run")
@click.option("--model", metavar="NAME", help="Model that rewrites it; default: the usual one.")
@click.option("--budget", type=float, metavar="USD", help="Most dollars for it.")
@last_options
def compile_(
    context: click.Context,
    settings: Settings,
    /,
    key: str,
    *,
    given: tuple[str, ...],
    whole: str | None,
    wanted: tuple[str, ...],
    start_url: str | None,
    model: str | None,
    budget: float | None,
    timeout: float | None,
    quiet: bool,
) -> None:
    """Rewrite KEY so that it needs no browser.

    The model is asked once. Both versions run with the parameters of the last five good runs; if they give the same,
    the new one is committed, with time and memory before and after. Otherwise nothing changes.
    """
    parameters = saved_parameters(settings, key, whole, given, wanted)

    async def work(engine: AsyncEngine, more: Mapping[str, Any]) -> TaskResult:
        return await engine.compile(
            key, parameters=parameters, start_url=start_url, model=model, budget_usd=budget, **more
        )

    def shown(_: TaskResult) -> str:
        revision = settings.bundles.head(key)
        return f"{revision.short}: {clean(revision.body)}" if revision is not None else ""

    prove(context, settings, work, timeout=timeout, quiet=quiet, unchanged="nothing was committed.", shown=shown)
