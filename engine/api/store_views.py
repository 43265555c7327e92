"""Reading an engine's store for the dashboard, without opening it a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.api.task_queries import TaskQueries

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.storage.tasks import TaskRecords

T = TypeVar("T")


async def read_report(engine: TaskQueries, read: Callable[[Path, TaskRecords, BundleStore, str], T], what: str) -> T:
    """Call a function of ``engine.reports`` with an engine's store, in a thread.

    Args:
        what: Id of a task, or a reuse key.
    """
    workspace = engine._workspace
    return await asyncio.to_thread(read, workspace.root, await workspace.records(), workspace.bundles, what)


async def good_parameters(engine: TaskQueries, revision: str) -> Mapping[str, Any]:
    """Return the parameters, without secrets, of the last good run of a revision; empty where there was none."""
    records = await engine._workspace.records()
    _, good = await asyncio.to_thread(records.run_history.clean_runs, revision)
    return good[0] if good else {}
