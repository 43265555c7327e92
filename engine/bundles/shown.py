"""Saved automations as a notebook shows them; all text is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.task.formatting import count
from engine.task.text import collapse, shorten

if TYPE_CHECKING:
    from engine.bundles.bundle import Bundle
    from engine.bundles.reader import BundleReader

_TASK = 100  # characters
_MOST = 50


def store_html(store: BundleReader) -> str:
    """Return the keys of a store as a table: what each does, and when it was last changed."""
    keys = store.keys()
    rows = "".join(_row(store, key) for key in keys[:_MOST])
    more = f"<div>… {count(len(keys) - _MOST, 'more key')}</div>" if len(keys) > _MOST else ""
    head = "<tr><th>Key</th><th>Task</th><th>Last change</th></tr>"
    return f"<div><b>{count(len(keys), 'saved automation')}</b></div><table>{head}{rows}</table>{more}"


def _row(store: BundleReader, key: str) -> str:
    try:
        bundle = store.load(key)
    except EngineError as error:  # one broken bundle does not hide the others
        return f"<tr><td>{escape(key)}</td><td colspan='2'>{escape(str(error))}</td></tr>"
    if bundle is None or bundle.revision is None:
        return ""
    task = shorten(collapse(bundle.meta.tasks[-1]), _TASK) if bundle.meta.tasks else ""
    at = f"{bundle.revision.timestamp:%Y-%m-%d %H:%M}"
    return f"<tr><td>{escape(key)}</td><td>{escape(task)}</td><td>{at}</td></tr>"


def bundle_html(bundle: Bundle) -> str:
    """Return a saved automation: its task, its parameters, its revision and its code."""
    meta = bundle.meta
    task = escape(meta.tasks[-1]) if meta.tasks else ""
    parameters = ", ".join(f"{escape(name)}: {escape(each.type)}" for name, each in meta.parameters.items())
    revision = f" at {bundle.revision.short}" if bundle.revision is not None else ""
    return (
        f"<div><b>{escape(meta.reuse_key)}</b>{revision}</div><div>{task}</div>"
        f"<div>{parameters or 'no parameters'}</div><details><summary>automation.py</summary>"
        f"<pre>{escape(bundle.automation)}</pre></details>"
    )
