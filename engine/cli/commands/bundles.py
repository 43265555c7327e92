"""Commands on saved automations: list, history, show, diff, rollback, pin, unpin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from engine.cli.commands.attempts import runs_and_cost
from engine.cli.output import print_json, print_table, print_text, print_wrapped
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import BundleNotFound
from engine.task.formatting import clean, dollars

if TYPE_CHECKING:
    from engine.bundles import Bundle, BundleStore, Revision


def _revision_json(revision: Revision) -> dict[str, Any]:
    return {
        "id": revision.id,
        "short": revision.short,
        "parent": revision.parent,
        "subject": revision.subject,
        "body": revision.body,
        "trailers": dict(revision.trailers),
        "timestamp": revision.timestamp.isoformat(),
    }


def _when(revision: Revision) -> str:
    return f"{revision.timestamp.astimezone():%Y-%m-%d %H:%M}"


def load_bundle(settings: Settings, key: str, revision: str | None = None) -> Bundle:
    """Return a saved automation.

    Raises:
        BundleNotFound: Nothing is saved under the key, or there is no such revision.
    """
    bundle = settings.bundles.load(key, revision)
    if bundle is None:
        raise settings.bundles.missing(key)
    return bundle


_SHOWN = 100
_KINDS = {"page": "page (in a browser)", "web": "web (without a browser)"}


@click.command("list")
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Show at most N keys; default {_SHOWN}, with --json all.",
)
@click.option("--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Skip the first N.")
@options(shown=False)
@pass_settings
def list_keys(settings: Settings, limit: int | None, offset: int) -> None:
    """List the saved automations.

    Each key with its latest revision, its runs, and their cost.
    """
    store = settings.bundles
    used = runs_and_cost(settings)
    saved = store.keys()[offset:]
    if limit is None and not settings.as_json:
        limit = _SHOWN
    found = []
    for key in saved[:limit]:
        last, pinned, kind = store.last(key) or (None, None, None)
        found.append((key, last, used.get(key, (0, 0.0)), pinned, kind))
    if settings.as_json:
        print_json(
            [
                {
                    "key": key,
                    "kind": kind,
                    "revision": _revision_json(last) if last else None,
                    "runs": runs,
                    "usd": usd,
                    "pinned": pinned.id if pinned else None,
                }
                for key, last, (runs, usd), pinned, kind in found
            ]
        )
    elif not found:
        click.echo(f"Nothing is saved in {settings.root} yet.", err=True)
    else:
        rows = [
            (
                key,
                kind or "",
                last.short if last else "",
                _when(last) if last else "",
                str(runs),
                dollars(usd),
                f"{f'pinned at {pinned.short}; ' if pinned else ''}{last.subject if last else ''}",
            )
            for key, last, (runs, usd), pinned, kind in found
        ]
        print_table(("Key", "Kind", "Revision", "Saved", "Runs", "Cost", "Change"), rows, numbers=("Runs", "Cost"))
    if len(saved) > len(found):
        click.echo(f"{len(saved) - len(found)} more; use --limit and --offset to see them.", err=True)


@click.command()
@click.argument("key")
@click.option("-l", "--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N revisions.")
@options(shown=False)
@pass_settings
def history(settings: Settings, key: str, limit: int | None) -> None:
    """List the revisions of KEY, newest first."""
    revisions = settings.bundles.history(key, limit=limit)
    if settings.as_json:
        print_json([_revision_json(revision) for revision in revisions])
        return
    rows = [
        (
            each.short,
            _when(each),
            each.trailers.get("Model", ""),
            _cost(each),
            each.subject,
        )
        for each in revisions
    ]
    print_table(("Revision", "Saved", "Model", "Cost", "Change"), rows, numbers=("Cost",))


def _cost(revision: Revision) -> str:
    try:
        return dollars(float(revision.trailers["Cost-Usd"]))
    except (KeyError, ValueError):
        return ""


@click.command()
@click.argument("key")
@click.argument("revision", required=False)
@click.option("--code", is_flag=True, help="Print only automation.py, exactly as it is saved.")
@options(shown=False)
@pass_settings
def show(settings: Settings, key: str, revision: str | None, *, code: bool) -> None:
    """Show the automation saved under KEY.

    Its properties, notes and code, at REVISION or the latest one.
    """
    store, bundle = settings.bundles, load_bundle(settings, key, revision)
    if settings.as_json:
        print_json(_description(store, key, bundle))
    elif code:
        print_text(bundle.automation)
    else:
        for name, value in _properties(store, key, bundle):
            print_wrapped(value, f"{name + ':':<12} ", " " * 13)
        click.echo()
        for line in bundle.notes.strip().splitlines():
            print_wrapped(line)
        click.echo("\n" if bundle.notes.strip() else "", nl=False)
        print_text(bundle.automation)


def _description(store: BundleStore, key: str, bundle: Bundle) -> dict[str, Any]:
    return {
        "key": key,
        "kind": bundle.kind,
        "path": str(store.shown_at(key)),
        "pinned": pinned.id if (pinned := store.pinned(key)) else None,
        "revision": _revision_json(bundle.revision) if bundle.revision else None,
        "bundle": bundle.meta.model_dump(mode="json"),
        "contract": dict(bundle.contract),
        "notes": bundle.notes,
        "resources": {name: len(data) for name, data in bundle.resources.items()},
        "automation": bundle.automation,
    }


def _properties(store: BundleStore, key: str, bundle: Bundle) -> list[tuple[str, str]]:
    meta, revision = bundle.meta, bundle.revision
    names = ", ".join(f"{name}{' (secret)' if each.secret else ''}" for name, each in sorted(meta.parameters.items()))
    properties = [
        ("Key", key),
        ("Task", meta.tasks[-1] if meta.tasks else ""),
        ("Start URL", meta.start_url or "none"),
        ("Parameters", names or "none"),
        ("Kind", _KINDS[bundle.kind]),
        ("Effects", meta.effects),
        ("Revision", f"{revision.short} of {_when(revision)}: {revision.subject}" if revision else ""),
        ("Directory", str(store.shown_at(key))),
    ]
    if bundle.resources:
        properties.append(("Resources", ", ".join(sorted(bundle.resources))))
    if pinned := store.pinned(key):
        properties.append(("Pinned", f"at {pinned.short}: replayed, never repaired"))
    if edited := store.edited(key):
        properties.append(("Edited", f"by hand, not committed and so not run: {', '.join(edited)}"))
    return properties


@click.command()
@click.argument("key")
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--patch", is_flag=True, help="With --bundles: what runs changed of your files, for `git apply`.")
@options(shown=False)
@pass_settings
def diff(settings: Settings, key: str, old: str | None, new: str | None, *, patch: bool) -> None:
    """Show the changes between two revisions of KEY.

    From OLD to NEW; NEW defaults to the latest revision, OLD to the one before it.
    """
    if patch:
        _print_patch(settings, key, given=old is not None)
        return
    bundle = load_bundle(settings, key, new)
    assert bundle.revision is not None, "a bundle that the store loaded has its revision"
    before = old or bundle.revision.parent
    if before is None:
        raise BundleNotFound(f"{key!r} has only one revision, so there is nothing to compare it with", key=key)
    text = settings.bundles.diff(key, before, new or bundle.revision.id)
    if settings.as_json:
        print_json({"key": key, "old": before, "new": new or bundle.revision.id, "diff": text})
        return
    for line in text.splitlines():
        click.echo(_colored(line))


def _print_patch(settings: Settings, key: str, *, given: bool) -> None:
    from engine.bundles import RepositoryStore

    store = settings.bundles
    if not isinstance(store, RepositoryStore) or given:
        raise click.UsageError("--patch takes --bundles DIR and a KEY, and no revisions")
    text = store.patch(key)
    if settings.as_json:
        print_json({"key": key, "patch": text})
    elif text:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    else:
        click.echo(f"Nothing waits to be taken over for {clean(key)}.", err=True)


def _colored(line: str) -> str:
    colors = {"+": "green", "-": "red", "@": "cyan"}
    heading = line.startswith(("+++", "---", "diff "))
    return click.style(clean(line), fg=None if heading else colors.get(line[:1]), bold=heading)


@click.command()
@click.argument("key")
@click.argument("revision")
@options(shown=False)
@pass_settings
def rollback(settings: Settings, key: str, revision: str) -> None:
    """Make an older REVISION of KEY the latest again.

    It is committed as a new revision; the revisions in between are kept.
    """
    made = settings.bundles.rollback(key, revision)
    if settings.as_json:
        print_json(_revision_json(made))
    else:
        click.echo(f"{made.short}: {clean(made.subject)}")


@click.command()
@click.argument("key")
@click.argument("revision", required=False)
@options(shown=False)
@pass_settings
def pin(settings: Settings, key: str, revision: str | None) -> None:
    """Pin KEY to a revision.

    REVISION, or the latest one, is then replayed, and never repaired.
    """
    pinned = settings.bundles.pin(key, revision)
    _print_pin(settings, key, pinned.id, f"{key} is pinned at {pinned.short}")


@click.command()
@click.argument("key")
@options(shown=False)
@pass_settings
def unpin(settings: Settings, key: str) -> None:
    """Allow repairs of KEY again."""
    settings.bundles.unpin(key)
    _print_pin(settings, key, None, f"{key} is not pinned")


def _print_pin(settings: Settings, key: str, pinned: str | None, text: str) -> None:
    if settings.as_json:
        print_json({"key": key, "pinned": pinned})
    else:
        click.echo(clean(text))
