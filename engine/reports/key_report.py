"""The report of a reuse key: its revisions, its runs over time, and what it saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.reports.differences import split_diff
from engine.reports.key_runs import Run, runs_of
from engine.reports.page import page
from engine.reports.plots import costs_plot, outcomes_plot

if TYPE_CHECKING:
    from engine.bundles import BundleStore
    from engine.storage.tasks import TaskRecords

_MOST_RUNS = 200  # in plots and table
_MOST_REVISIONS = 50


def key_report(root: Path, records: TaskRecords, bundles: BundleStore, key: str) -> str:
    """Return the report of a reuse key as HTML; it blocks while files are read.

    Args:
        root: The workspace's directory.

    Raises:
        BundleNotFound: Nothing is saved under the key.
        EngineError: The packages of the extra ``report`` are not installed.
    """
    return page("key.html", key_facts(root, records, bundles, key))


def key_facts(root: Path, records: TaskRecords, bundles: BundleStore, key: str) -> dict[str, Any]:
    """Return what the report of a key shows, for its template; arguments and errors as for `key_report`."""
    bundle = bundles.load(key)
    if bundle is None:
        raise bundles.missing(key)
    revisions = bundles.history(key, _MOST_REVISIONS)
    diffs = {each.id: split_diff(bundles.diff(key, each.parent, each.id)) if each.parent else [] for each in revisions}
    attempts = records.attempts(key)
    ended = {task.web_task_id: task.ok for task in records.tasks(key=key, limit=len(attempts) or 1)}
    runs = runs_of(attempts, ended)
    costs = next(iter(records.spending.costs(key)), None)
    pinned = bundles.pinned(key)
    return {
        "key": key,
        "root": root,
        "bundle": bundle,
        "revisions": revisions,
        "diffs": diffs,
        "pinned": pinned.id if pinned is not None else None,
        "runs": runs[-_MOST_RUNS:],
        "left_out": max(0, len(runs) - _MOST_RUNS),
        "costs": costs,
        "outcomes": outcomes_plot(runs[-_MOST_RUNS:]),
        "spent": costs_plot(runs, _each_time(runs)),
    }


def _each_time(runs: list[Run]) -> float | None:
    """Return the dollars of the first result that a model found: what each would cost without saved code."""
    return next((run.usd for run in runs if run.kind == "explore" and run.outcome != "failed"), None)
