"""Printing on standard output: JSON, tables, and text from web pages, stripped of control characters."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Literal

import click

from engine.task.formatting import clean, one_line
from sandbox.invisible import escaped_in_json

_UNWRAPPED = 10_000  # columns, where standard output is no terminal


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Encode as JSON that a terminal shows literally and that the encoding of standard output can represent."""
    plain_ascii = "utf" not in (sys.stdout.encoding or "").lower()
    text = json.dumps(value, indent=indent, ensure_ascii=plain_ascii, default=str)
    return escaped_in_json(text)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(to_json(value))


def print_text(text: str) -> None:
    """Print text: without control characters on a terminal, unchanged in a file or a pipe."""
    click.echo(clean(text) if sys.stdout.isatty() else text, nl=not text.endswith("\n"))


def print_wrapped(text: str, indent: str = "", hanging: str | None = None, *, bold: bool = False) -> None:
    """Print a paragraph, wrapped to the terminal's width; on one line where there is no terminal.

    Args:
        indent: Prefix of the first line.
        hanging: Prefix of the other lines; ``indent`` by default.
        bold: In bold type, on a terminal.
    """
    on_one_line = not sys.stdout.isatty() or " " not in text  # a wrapped path could not be copied
    width = _UNWRAPPED if on_one_line else shutil.get_terminal_size().columns
    wrapped = click.wrap_text(clean(text), width, indent, indent if hanging is None else hanging)
    click.echo(click.style(wrapped, bold=True) if bold else wrapped)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    wrapped: Sequence[str] | None = None,
) -> None:
    """Print rows under headings; nothing is cut, but some columns wrap where a terminal is too narrow.

    Args:
        columns: Headings.
        rows: Cells; they may contain text from web pages.
        numbers: Headings of the columns that are aligned to the right.
        wrapped: Headings of the columns that may wrap; by default the first and the last, unless in ``numbers``.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if wrapped is None:
        wrapped = [column for column in (columns[0], columns[-1]) if column not in numbers]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(column, justify=side, no_wrap=column not in wrapped, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell, 300)) for cell in row))
    if sys.stdout.isatty():
        Console(file=sys.stdout, highlight=False).print(table)
        return
    console = Console(file=io.StringIO(), width=_UNWRAPPED)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
