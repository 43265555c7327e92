"""``webtasks keys``: the server's API keys."""

from __future__ import annotations

from typing import Any

import click

from engine.cli.output import print_json, print_table
from engine.cli.settings import Settings, options, pass_settings
from engine.server.keys import ApiKey, ApiKeyStore


@click.group()
@options(shown=False)
def keys() -> None:
    """Create, list and revoke API keys of the server.

    Once a first key was created, a server on the store requires one with every call. A key is for one workspace.
    """


@keys.command()
@click.option("--name", default="", metavar="TEXT", help="Owner or purpose, for the list.")
@options(shown=False)
@pass_settings
def create(settings: Settings, name: str) -> None:
    """Create an API key for the workspace.

    It is printed only now; the store keeps a hash of it.
    """
    settings.engine()  # checks the workspace's name
    key, text = ApiKeyStore(settings.store).create(settings.workspace, name)
    if settings.as_json:
        print_json({**_key_json(key), "key": text})
        return
    click.echo(text)
    click.echo(
        f"API key {key.id} is for the workspace {key.workspace!r}. It is shown only now; send it in the header"
        " x-api-key.",
        err=True,
    )


@keys.command("list")
@options(shown=False)
@pass_settings
def list_keys(settings: Settings) -> None:
    """List the API keys, without their text."""
    found = ApiKeyStore(settings.store).all()
    if settings.as_json:
        print_json([_key_json(key) for key in found])
    elif not found:
        click.echo("There are no API keys; a server on loopback requires none.", err=True)
    else:
        rows = [(key.id, key.workspace, key.created_at, key.revoked_at or "", key.name) for key in found]
        print_table(("Id", "Workspace", "Created", "Revoked", "Name"), rows)


@keys.command()
@click.argument("key_id", metavar="ID")
@options(shown=False)
@pass_settings
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke an API key, with immediate effect on running servers."""
    key = ApiKeyStore(settings.store).revoke(key_id)
    if settings.as_json:
        print_json(_key_json(key))
    else:
        click.echo(f"Revoked {key.id}.", err=True)


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "workspace": key.workspace,
        "name": key.name,
        "createdAt": key.created_at,
        "revokedAt": key.revoked_at,
    }
