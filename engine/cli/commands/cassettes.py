"""``webtasks cassette``: look into cassettes, and compare them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from engine.cassettes.comparison import compare, outcome
from engine.cassettes.content import CassetteFile
from engine.cli.output import print_json, print_table, print_text
from engine.cli.settings import Settings, options, pass_settings
from engine.task.formatting import clean, count

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--body", type=click.IntRange(min=1), metavar="N", help="Print the answer of exchange N instead.")
@options(shown=False)
@pass_settings
def show(settings: Settings, file: Path, body: int | None) -> None:
    """Show the exchanges of the cassette FILE in their order."""
    with closing(CassetteFile(file)) as cassette:
        content = cassette.content
        if body is not None:
            if body > len(content.exchanges):
                raise click.UsageError(f"{file} has {count(len(content.exchanges), 'exchange')}, and no number {body}")
            print_text(cassette.body(content.exchanges[body - 1].answer).decode("utf-8", "replace"))
            return
        if settings.as_json:
            print_json(asdict(content))
            return
        rows = [
            (str(number), each.method, outcome(each), f"{len(cassette.body(each.answer)):,}", each.url)
            for number, each in enumerate(content.exchanges, 1)
        ]
        print_table(("No.", "Method", "Answer", "Bytes", "URL"), rows, numbers=("No.", "Bytes"), wrapped=("URL",))
        models = sorted({each.model for each in content.answers})
        said = f", {count(len(content.answers), 'answer')} of {', '.join(models)}" if models else ""
        size = f"{file.stat().st_size / 1024:,.0f} KiB"
        click.echo(f"{file}: {count(len(content.exchanges), 'exchange')}{clean(said)}, {size}", err=True)


@click.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@options(shown=False)
@pass_settings
def diff(settings: Settings, old: Path, new: Path) -> None:
    """Show what differs between the cassettes OLD and NEW: +, - and ~ for added, gone and changed exchanges."""
    with closing(CassetteFile(old)) as one, closing(CassetteFile(new)) as other:
        found = compare(one, other)
    if settings.as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        click.echo(clean(str(each)))
    if not found:
        click.echo("No exchange differs.", err=True)
