"""``webtasks why`` and ``webtasks accept``: where values stood, and results that a person found right."""

from __future__ import annotations

import asyncio

import click

from engine.bundles import Revision
from engine.cli.output import print_json, print_wrapped
from engine.cli.settings import Settings, options, pass_settings
from engine.contract import Origin
from engine.errors import TaskNotFound
from engine.storage.kept_reads import to_json
from engine.task.formatting import clean


@click.command()
@click.argument("task_id", metavar="TASK_ID")
@click.argument("path", default="$")
@options(shown=False)
@pass_settings
def why(settings: Settings, task_id: str, path: str) -> None:
    """Show where the values of TASK_ID's output stood.

    PATH leads to a value of the output, such as '$.books[3].price'; without it, the first twenty values are shown. What
    was read is kept for seven days: of first runs, repairs and failures, and with --provenance full.
    """

    async def ask() -> list[Origin]:
        async with settings.engine() as engine:
            return list((await engine.result(task_id)).provenance(path))

    if settings.is_empty:
        raise TaskNotFound(task_id)
    origins = asyncio.run(ask())
    if settings.as_json:
        print_json(to_json(origins))
    elif not origins:
        click.echo(f"The value at {path} stands nowhere on what was read.", err=True)
    for origin in origins if not settings.as_json else ():
        _print(origin)


def _print(origin: Origin) -> None:
    marks = [mark for mark, on in (("struck through", origin.struck), ("hidden", origin.hidden)) if on]
    click.echo(clean(f"{origin.value!r}" + (f" ({', '.join(marks)})" if marks else "")))
    box = "" if origin.box is None else "{} x {} at {}, {}".format(*origin.box[2:], *origin.box[:2])
    for name, value in (
        ("text", origin.text), ("label", origin.label), ("headings", " > ".join(origin.headings)),
        ("region", origin.region), ("page", origin.url), ("box", box),
    ):  # fmt: skip
        if value:
            print_wrapped(clean(value), f"  {name + ':':<10}", " " * 12)


@click.command()
@click.argument("key")
@click.argument("task_id", metavar="[TASK_ID]", required=False)
@options(shown=False)
@pass_settings
def accept(settings: Settings, key: str, task_id: str | None) -> None:
    """Accept a result of KEY that was refused as drift, because you found it right.

    TASK_ID is the task that failed, or was taken with --trust lenient; default: the last one. What departed in its
    result is known from then on. That is committed, and nothing else.
    """

    async def work() -> Revision:
        async with settings.engine() as engine:
            return await engine.accept(key, task_id)

    if not settings.bundles.has(key):
        raise settings.bundles.missing(key)
    revision = asyncio.run(work())
    if settings.as_json:
        print_json({"revision": revision.id, "task": revision.trailers.get("Task-Id"), "accepted": revision.body})
        return
    click.echo(revision.id)
    click.echo(clean(f"Accepted: {revision.body}"), err=True)
