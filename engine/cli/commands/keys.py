"""``webtasks keys``: API keys for the server."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.output import print_json, print_table
from engine.cli.settings import Settings, options, pass_settings
from engine.server.keys import Key, Keys


@click.group()
@options(shown=False)
def keys() -> None:
    """Make, list and revoke API keys.

    A server on the store wants one with every call as soon as the first was made. A key opens one workspace.
    """


@keys.command()
@click.option("--name", default="", metavar="TEXT", help="Who or what it is for.")
@options(shown=False)
@pass_settings
def create(settings: Settings, name: str) -> None:
    """Make a key for the workspace.

    It is printed this once; the store keeps a hash.
    """
    settings.engine()  # the workspace's name is checked
    key, text = Keys(settings.store).create(settings.workspace, name)
    if settings.as_json:
        print_json({**_facts(key), "key": text})
        return
    click.echo(text)
    click.echo(
        f"Key {key.id} opens the workspace {key.workspace!r}. It is shown this once; send it in the header x-api-key.",
        err=True,
    )


@keys.command("list")
@options(shown=False)
@pass_settings
def list_keys(settings: Settings) -> None:
    """List the keys, never their text."""
    found = Keys(settings.store).all()
    if settings.as_json:
        print_json([_facts(key) for key in found])
    elif not found:
        click.echo("There are no keys; a server on loopback wants none.", err=True)
    else:
        rows = [(key.id, key.workspace, key.created_at, key.revoked_at or "", key.name) for key in found]
        print_table(("Id", "Workspace", "Made", "Revoked", "Name"), rows)


@keys.command()
@click.argument("key_id", metavar="ID")
@options(shown=False)
@pass_settings
def revoke(settings: Settings, key_id: str) -> None:
    """Take a key back, at once for running servers too."""
    key = Keys(settings.store).revoke(key_id)
    if settings.as_json:
        print_json(_facts(key))
    else:
        click.echo(f"Revoked {key.id}.", err=True)


def _facts(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "workspace": key.workspace,
        "name": key.name,
        "createdAt": key.created_at,
        "revokedAt": key.revoked_at,
    }
