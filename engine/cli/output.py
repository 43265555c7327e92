"""What goes to standard output and how: JSON, tables, and text that came from web pages, made harmless."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Literal

import click

from engine.task.text import collapse, shorten

# Pages and models decide what is in a result; a terminal must not take it for commands.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDE = 10_000  # columns; a table that is piped is not cut


def clean(text: str) -> str:
    """Text without control characters; line ends and tabs stay.

    >>> clean("red \\x1b[31malert")
    'red [31malert'
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def one_line(text: str, width: int = 100) -> str:
    """The text on one line, cut to the width.

    >>> one_line("page.goto(\\n    url)", 12)
    'page.goto(…'
    """
    return shorten(collapse(clean(text)), width)


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON that a terminal shows as it is, and that the output's encoding can hold."""
    plain_ascii = "utf" not in (sys.stdout.encoding or "").lower()
    text = json.dumps(value, indent=indent, ensure_ascii=plain_ascii, default=str)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_json(value: Any) -> None:
    """The value on standard output."""
    click.echo(to_json(value))


def print_text(text: str) -> None:
    """Text on standard output: cleaned for a terminal, exact for a file or a pipe."""
    click.echo(clean(text) if sys.stdout.isatty() else text, nl=not text.endswith("\n"))


def say(text: str, indent: str = "", hanging: str | None = None) -> None:
    """A sentence on standard output, wrapped where a terminal ends; elsewhere on one line.

    Args:
        indent: Before the first line.
        hanging: Before the others; the same where it is not given.
    """
    on_one_line = not sys.stdout.isatty() or " " not in text  # a path is to be copied whole
    width = _WIDE if on_one_line else shutil.get_terminal_size().columns
    click.echo(click.wrap_text(clean(text), width, indent, indent if hanging is None else hanging))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    wrapped: Sequence[str] | None = None,
) -> None:
    """Rows under headings: whole, but on a terminal that is too narrow some columns are wrapped.

    Args:
        columns: Headings.
        rows: Cells; they may hold what pages said.
        numbers: The headings of the columns that are aligned to the right.
        wrapped: Those that may be wrapped; by default the first and the last, where they hold no numbers.
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
    stream = sys.stdout
    console = Console(file=stream, highlight=False) if stream.isatty() else Console(file=stream, width=_WIDE)
    console.print(table)


def dollars(amount: float) -> str:
    """An amount of money; small ones with four digits.

    >>> dollars(0), dollars(0.00412), dollars(12.5), dollars(-0.02)
    ('$0', '$0.0041', '$12.50', '-$0.0200')
    """
    if amount == 0:
        return "$0"
    if amount < 0:
        return f"-{dollars(-amount)}"
    return f"${amount:.4f}" if amount < 1 else f"${amount:.2f}"


def seconds(amount: float) -> str:
    """A span of time, in words.

    >>> seconds(0.84), seconds(12.3), seconds(125), seconds(900)
    ('0.8 s', '12 s', '2 min 5 s', '15 min')
    """
    if amount < 9.95:
        return f"{amount:.1f} s"
    if round(amount) < 60:
        return f"{amount:.0f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def age(amount: float) -> str:
    """How long ago something was, in one unit.

    >>> age(3.2), age(125), age(7300), age(200000)
    ('3 s', '2 min', '2 h', '2 d')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if amount >= length:
            return f"{amount // length:.0f} {unit}"
    return f"{max(0.0, amount):.0f} s"


def count(number: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "model call"), count(12, "model call")
    ('1 model call', '12 model calls')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
