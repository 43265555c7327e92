"""Saved automations as a notebook shows them; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from engine.task.formatting import count
from engine.task.text import collapse, shorten

_TASK = 100  # characters
MOST = 50
"""Keys in a table."""


class ShownKey(NamedTuple):
    """A key in the table.

    Args:
        key: The reuse key.
        task: Its task.
        at: The time of its last change; None for a bundle that cannot be read, whose ``task`` is the reason.
    """

    key: str
    task: str
    at: datetime | None


def store_html(keys: Iterable[ShownKey], number: int) -> str:
    """Return the keys of a store as a table.

    Args:
        keys: The first of them.
        number: The number of all.
    """
    rows = "".join(
        f"<tr><td>{escape(key)}</td><td>{escape(shorten(collapse(task), _TASK))}</td>"
        f"<td>{f'{at:%Y-%m-%d %H:%M}' if at else ''}</td></tr>"
        for key, task, at in keys
    )
    more = f"<div>… {count(number - MOST, 'more key')}</div>" if number > MOST else ""
    head = "<tr><th>Key</th><th>Task</th><th>Last change</th></tr>"
    return f"<div><b>{count(number, 'saved automation')}</b></div><table>{head}{rows}</table>{more}"


def bundle_html(key: str, revision: str, tasks: Sequence[str], parameters: Mapping[str, str], code: str) -> str:
    """Return a saved automation: its task, its parameters with their types, its revision and its code."""
    named = ", ".join(f"{escape(name)}: {escape(kind)}" for name, kind in parameters.items())
    return (
        f"<div><b>{escape(key)}</b>{f' at {revision}' if revision else ''}</div>"
        f"<div>{escape(tasks[-1]) if tasks else ''}</div><div>{named or 'no parameters'}</div>"
        f"<details><summary>automation.py</summary><pre>{escape(code)}</pre></details>"
    )
