"""Commands that carry an automation from store to store, or away: export, import, rm."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import clean, count, print_json
from engine.cli.report import FAILED
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import BundleNotFound, InvalidRequest


@click.command("export")
@click.argument("key")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), help="Default: KEY.bundle in this directory.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@options(shown=False)
@pass_settings
def export(settings: Settings, key: str, file: Path | None, *, force: bool) -> None:
    """Write KEY with its history into one file.

    The file is a git bundle: `webtasks bundles import` reads it, and so does `git clone`.
    """
    target = file or Path(f"{settings.bundles.path(key).name}.bundle")
    if target.is_dir():
        target = target / f"{settings.bundles.path(key).name}.bundle"
    if target.exists() and not force:
        raise InvalidRequest(f"{target} is there already; --force writes over it, -o FILE names another", field="file")
    head = settings.bundles.export(key, target)
    if settings.as_json:
        print_json({"key": key, "file": str(target.absolute()), "bytes": target.stat().st_size, "revision": head.id})
    else:
        click.echo(clean(str(target)))


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", metavar="KEY", help="Save it under this key; default: the one that it had.")
@options(shown=False)
@pass_settings
def import_(settings: Settings, file: Path, key: str | None) -> None:
    """Save what export wrote, history included.

    What comes from elsewhere is looked through before anything of it is used. Where it begins at a private address, a
    run has to name that itself, with --start-url.
    """
    found, revision = settings.bundles.import_file(file, key)
    if settings.as_json:
        print_json({"key": found, "revision": revision.id, "path": str(settings.bundles.path(found))})
    else:
        number = len(settings.bundles.history(found))
        click.echo(clean(f"{found}: {count(number, 'revision')}, the last {revision.short}: {revision.subject}"))


@click.command("rm")
@click.argument("key")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options(shown=False)
@pass_settings
@click.pass_context
def remove(context: click.Context, settings: Settings, key: str, *, yes: bool) -> None:
    """Delete KEY with its history.

    `webtasks bundles export` keeps it elsewhere first. Tasks and costs stay in the records.
    """
    store = settings.bundles
    if store.head(key) is None:
        raise BundleNotFound(f"nothing is saved under the reuse key {key!r} in {settings.root}", key=key)
    if not yes:
        number, edited = count(len(store.history(key)), "revision"), store.edited(key)
        edits = f", and your edits of {', '.join(edited)}," if edited else ""
        if not click.confirm(clean(f"Delete {number} of {key!r}{edits} for good?"), err=True):
            click.echo("Nothing was deleted.", err=True)
            context.exit(FAILED)
    store.remove(key)
    if settings.as_json:
        print_json({"key": key, "removed": True})
    else:
        click.echo(clean(f"{key} is deleted"))
