"""Commands on what is saved: list, history, show, diff, rollback, pin, unpin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.commands.attempts import usage
from engine.cli.output import clean, dollars, print_json, print_table, print_text, say
from engine.cli.settings import Settings, options, pass_settings
from engine.errors import BundleNotFound

if TYPE_CHECKING:
    from engine.bundles import Bundle, BundleStore, Revision


def _facts(revision: Revision) -> dict[str, Any]:
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


def _load(settings: Settings, key: str, revision: str | None = None) -> Bundle:
    bundle = settings.bundles.load(key, revision)
    if bundle is None:
        raise BundleNotFound(
            f"nothing is saved under the reuse key {key!r} in {settings.root}; `webtasks bundles list` shows the keys",
            key=key,
        )
    return bundle


_SHOWN = 100


@click.command("list")
@click.option(
    "-l", "--limit", type=click.IntRange(min=1), metavar="N", help=f"Most keys; default {_SHOWN}, with --json all."
)
@click.option("--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Leave out the first N.")
@options(shown=False)
@pass_settings
def list_keys(settings: Settings, limit: int | None, offset: int) -> None:
    """List what is saved.

    Each key with its last revision, its runs, and what they cost.
    """
    store = settings.bundles
    used = usage(settings)
    saved = store.keys()[offset:]
    if limit is None and not settings.as_json:
        limit = _SHOWN
    found = []
    for key in saved[:limit]:
        last, pinned = store.last(key) or (None, None)
        found.append((key, last, used.get(key, (0, 0.0)), pinned))
    if settings.as_json:
        print_json(
            [
                {
                    "key": key,
                    "revision": _facts(last) if last else None,
                    "runs": runs,
                    "usd": usd,
                    "pinned": pinned.id if pinned else None,
                }
                for key, last, (runs, usd), pinned in found
            ]
        )
    elif not found:
        click.echo(f"Nothing is saved in {settings.root} yet.", err=True)
    else:
        rows = [
            (
                key,
                last.short if last else "",
                _when(last) if last else "",
                str(runs),
                dollars(usd),
                f"{f'pinned at {pinned.short}; ' if pinned else ''}{last.subject if last else ''}",
            )
            for key, last, (runs, usd), pinned in found
        ]
        print_table(("Key", "Revision", "Saved", "Runs", "Cost", "What"), rows, numbers=("Runs", "Cost"))
    if len(saved) > len(found):
        click.echo(f"{len(saved) - len(found)} more; --limit and --offset show them.", err=True)


@click.command()
@click.argument("key")
@click.option("-l", "--limit", type=click.IntRange(min=1), metavar="N", help="The last N revisions only.")
@options(shown=False)
@pass_settings
def history(settings: Settings, key: str, limit: int | None) -> None:
    """Show the revisions of KEY."""
    revisions = settings.bundles.history(key, limit=limit)
    if settings.as_json:
        print_json([_facts(revision) for revision in revisions])
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
    print_table(("Revision", "Saved", "Model", "Cost", "What"), rows, numbers=("Cost",))


def _cost(revision: Revision) -> str:
    try:
        return dollars(float(revision.trailers["Cost-Usd"]))
    except (KeyError, ValueError):
        return ""


@click.command()
@click.argument("key")
@click.argument("revision", required=False)
@click.option("--code", is_flag=True, help="Print automation.py alone, exactly as it is saved.")
@options(shown=False)
@pass_settings
def show(settings: Settings, key: str, revision: str | None, *, code: bool) -> None:
    """Show what is saved under KEY.

    Facts, notes and the Python, at REVISION or the last one.
    """
    store, bundle = settings.bundles, _load(settings, key, revision)
    if settings.as_json:
        print_json(_description(store, key, bundle))
    elif code:
        print_text(bundle.automation)
    else:
        for name, value in _shown(store, key, bundle):
            say(value, f"{name + ':':<12} ", " " * 13)
        click.echo()
        for line in bundle.notes.strip().splitlines():
            say(line)
        click.echo("\n" if bundle.notes.strip() else "", nl=False)
        print_text(bundle.automation)


def _description(store: BundleStore, key: str, bundle: Bundle) -> dict[str, Any]:
    return {
        "key": key,
        "path": str(store.path(key)),
        "pinned": pinned.id if (pinned := store.pinned(key)) else None,
        "revision": _facts(bundle.revision) if bundle.revision else None,
        "bundle": bundle.meta.model_dump(mode="json"),
        "contract": dict(bundle.contract),
        "notes": bundle.notes,
        "resources": {name: len(data) for name, data in bundle.resources.items()},
        "automation": bundle.automation,
    }


def _shown(store: BundleStore, key: str, bundle: Bundle) -> list[tuple[str, str]]:
    meta, revision = bundle.meta, bundle.revision
    takes = ", ".join(f"{name}{' (secret)' if each.secret else ''}" for name, each in sorted(meta.parameters.items()))
    facts = [
        ("Key", key),
        ("Task", meta.tasks[-1] if meta.tasks else ""),
        ("Start URL", meta.start_url or "none"),
        ("Parameters", takes or "none"),
        ("Effects", meta.effects),
        ("Revision", f"{revision.short} of {_when(revision)}: {revision.subject}" if revision else ""),
        ("Directory", str(store.path(key))),
    ]
    if bundle.resources:
        facts.append(("Resources", ", ".join(sorted(bundle.resources))))
    if pinned := store.pinned(key):
        facts.append(("Pinned", f"at {pinned.short}: it is replayed, never repaired"))
    if edited := store.edited(key):
        facts.append(("Edited", f"by hand, not committed, so not run: {', '.join(edited)}"))
    return facts


@click.command()
@click.argument("key")
@click.argument("old", required=False)
@click.argument("new", required=False)
@options(shown=False)
@pass_settings
def diff(settings: Settings, key: str, old: str | None, new: str | None) -> None:
    """Show what changed under KEY.

    From OLD to NEW; without them, what the last revision changed.
    """
    bundle = _load(settings, key, new)
    assert bundle.revision is not None, "a bundle that the store loaded has its revision"
    before = old or bundle.revision.parent
    if before is None:
        raise BundleNotFound(f"{key!r} has one revision only, so there is nothing to compare it with", key=key)
    text = settings.bundles.diff(key, before, new or bundle.revision.id)
    if settings.as_json:
        print_json({"key": key, "old": before, "new": new or bundle.revision.id, "diff": text})
        return
    for line in text.splitlines():
        click.echo(_colored(line))


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
    """Save an older REVISION of KEY again.

    It becomes the newest; nothing is lost.
    """
    made = settings.bundles.rollback(key, revision)
    if settings.as_json:
        print_json(_facts(made))
    else:
        click.echo(f"{made.short}: {clean(made.subject)}")


@click.command()
@click.argument("key")
@click.argument("revision", required=False)
@options(shown=False)
@pass_settings
def pin(settings: Settings, key: str, revision: str | None) -> None:
    """Keep KEY as it is.

    At REVISION, or the last one: it is replayed, never repaired.
    """
    pinned = settings.bundles.pin(key, revision)
    _tell(settings, key, pinned.id, f"{key} is pinned at {pinned.short}")


@click.command()
@click.argument("key")
@options(shown=False)
@pass_settings
def unpin(settings: Settings, key: str) -> None:
    """Allow repairs of KEY again."""
    settings.bundles.unpin(key)
    _tell(settings, key, None, f"{key} is not pinned")


def _tell(settings: Settings, key: str, pinned: str | None, text: str) -> None:
    if settings.as_json:
        print_json({"key": key, "pinned": pinned})
    else:
        click.echo(clean(text))
