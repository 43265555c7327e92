"""Commands that take an automation out of its store, put it into another, or delete it: export, client, import, rm."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from engine.cli.arguments import output_file
from engine.cli.output import print_json
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import InvalidRequest
from engine.task.formatting import clean, count
from engine.version import PACKAGES, modules_in_the_way


@click.command("export")
@click.argument("names", nargs=-1, required=True, metavar="KEY | DIR [KEY]...")
@click.option("--plain", is_flag=True, help="Write plain files into DIR/KEY/, of the KEYs or of all.")
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path), help="File to write; default: KEY.bundle here."
)
@click.option("--force", is_flag=True, help="Overwrite what exists.")
@options(shown=False)
@pass_settings
def export(settings: Settings, names: tuple[str, ...], file: Path | None, *, plain: bool, force: bool) -> None:
    """Write KEY and its history to one file, or plain files to DIR.

    The file is a git bundle, for `webtasks bundles import` or `git clone`. Plain files are for a git repository of your
    own: `webtasks --bundles DIR` runs what is committed there.
    """
    if plain:
        if file is not None:
            raise click.UsageError("--plain takes a directory in place of --output")
        _export_plain(settings, Path(names[0]), names[1:], force=force)
        return
    if len(names) > 1:
        meant = shlex.join(["webtasks", "bundles", "export", names[0], "-o", names[1]])
        raise click.UsageError(
            f"one KEY goes into one file, which -o names: {meant}; several go into a directory with --plain"
        )
    key = names[0]
    target = file or Path(f"{settings.bundles.path(key).name}.bundle")
    if target.is_dir():
        target = target / f"{settings.bundles.path(key).name}.bundle"
    _check_free(target, force=force)
    head = settings.bundles.export(key, target)
    if settings.as_json:
        print_json({"key": key, "file": str(target.absolute()), "bytes": target.stat().st_size, "revision": head.id})
    else:
        click.echo(clean(str(target)))


def _export_plain(settings: Settings, directory: Path, keys: tuple[str, ...], *, force: bool) -> None:
    from engine.bundles import write_plain

    store, written = settings.bundles, []
    for key in keys or store.keys():
        bundle = store.load(key)
        if bundle is None:
            raise store.missing(key)
        written.append((key, write_plain(directory, key, bundle, force=force)))
    if settings.as_json:
        print_json([{"key": key, "path": str(path)} for key, path in written])
        return
    for _, path in written:
        click.echo(clean(str(path)))
    if not written:
        click.echo(f"Nothing is saved in {settings.root} yet.", err=True)


@click.command("client")
@click.argument("key")
@output_file
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@options(shown=False)
@pass_settings
def client(settings: Settings, key: str, file: Path | None, *, force: bool) -> None:
    """Write a Python module that calls KEY.

    It has a function with the parameters of KEY, and pydantic classes for its output. It needs the extra client.
    """
    from engine.api.client_module import client_module

    store = settings.bundles
    bundle = store.load(key)
    if bundle is None:
        raise store.missing(key)
    source = client_module(bundle, str(settings.store))
    if file is None:
        click.echo(source, nl=False)
        return
    _check_free(file, force=force)
    if file.stem in PACKAGES:
        raise InvalidRequest(
            f"{file.name} would be imported in the place of our package {file.stem}, which it needs; use another name",
            field="file",
        )
    file.write_text(source, encoding="utf-8")
    for found in modules_in_the_way([file.absolute().parent]):
        click.echo(f"{clean(str(found))} is in the way: {file.name} would import it in the place of ours", err=True)
    if settings.as_json:
        print_json({"key": key, "file": str(file.absolute())})
    else:
        click.echo(clean(str(file)))


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", metavar="KEY", help="Key to save it under; default: the key that it was exported from.")
@options(shown=False)
@pass_settings
def import_(settings: Settings, file: Path, key: str | None) -> None:
    """Save the automation in a FILE that export wrote, with its history.

    The file is checked before anything in it is used. If the automation starts at a private address, a run must name
    that address with --start-url.
    """
    found, revision = settings.bundles.import_file(file, key)
    if settings.as_json:
        print_json({"key": found, "revision": revision.id, "path": str(settings.bundles.path(found))})
    else:
        number = len(settings.bundles.history(found))
        click.echo(clean(f"{found}: {count(number, 'revision')}, latest {revision.short}: {revision.subject}"))


@click.command("rm")
@click.argument("key")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@options(shown=False)
@pass_settings
@click.pass_context
def remove(context: click.Context, settings: Settings, key: str, *, yes: bool) -> None:
    """Delete KEY and its history.

    To keep a copy, use `webtasks bundles export` first. The records of its tasks and costs remain.
    """
    store = settings.bundles
    if store.head(key) is None:
        raise store.missing(key)
    if not yes:
        number, edited = count(len(store.history(key)), "revision"), store.edited(key)
        edits = f" and your edits of {', '.join(edited)}" if edited else ""
        if not click.confirm(clean(f"Permanently delete {number} of {key!r}{edits}?"), err=True):
            click.echo("Nothing was deleted.", err=True)
            context.exit(FAILED)
    store.remove(key)
    if settings.as_json:
        print_json({"key": key, "removed": True})
    else:
        click.echo(clean(f"{key} was deleted"))


def _check_free(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise InvalidRequest(
            f"{target} exists already; use --force to overwrite it, or -o FILE for another file", field="file"
        )
