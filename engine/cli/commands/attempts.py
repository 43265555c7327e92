"""``webtasks attempts``: every attempt and its cost, for a spreadsheet or a notebook."""

from __future__ import annotations

import asyncio
import csv
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from engine.cli.arguments import output_file
from engine.cli.output import to_json
from engine.cli.settings import Settings, options, pass_settings

_COLUMNS = (
    "at",
    "task_id",
    "task",
    "key",
    "number",
    "kind",
    "revision",
    "outcome",
    "reason",
    "model",
    "model_calls",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "usd",
    "seconds",
)


def read_attempts(settings: Settings, key: str | None = None) -> list[dict[str, Any]]:
    """Return every attempt in the store, or of one reuse key, oldest first."""

    async def read() -> list[dict[str, Any]]:
        async with settings.engine() as engine:
            return list(await engine.attempts(reuse_key=key))

    return [] if settings.is_empty else asyncio.run(read())


def runs_and_cost(settings: Settings) -> dict[str, tuple[int, float]]:
    """Return, for each reuse key, the number of its runs and their cost, as ``webtasks costs`` counts them."""

    async def read() -> dict[str, tuple[int, float]]:
        async with settings.engine() as engine:
            return {each.key: (each.runs, each.total_usd) for each in await engine.costs()}

    return {} if settings.is_empty else asyncio.run(read())


@click.command("attempts")
@click.option("--key", metavar="KEY", help="Only the attempts of this reuse key.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="JSON lines, or a table for a spreadsheet.",
)
@output_file
@options(shown=False)
@pass_settings
def attempts(settings: Settings, key: str | None, form: str, file: Path | None) -> None:
    """Print every attempt and its cost.

    One line per attempt: task, key, revision, outcome, reason, tokens, dollars, seconds, model.
    """
    rows = [_row(attempt) for attempt in read_attempts(settings, key)]
    if key and not rows:
        near = settings.bundles.near_key(key) if not settings.is_empty else None
        click.echo(f"There are no attempts of {key!r}.{f' Did you mean --key {near}?' if near else ''}", err=True)
    if file is None:
        _write(rows, form, sys.stdout)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            _write(rows, form, stream)
    except OSError as error:
        raise click.FileError(str(file), str(error)) from None


def _row(attempt: dict[str, Any]) -> dict[str, Any]:
    tokens = {f"{kind}_tokens": number for kind, number in attempt["tokens"].items()}
    return {column: (attempt | tokens)[column] for column in _COLUMNS}


def _write(rows: list[dict[str, Any]], form: str, stream: TextIO) -> None:
    if form == "csv":
        writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return
    for row in rows:
        stream.write(to_json(row, indent=None) + "\n")
