"""The report of one task: its result, its timeline, what the model saw and did, and what it changed."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from engine.contract import Origin, origins_by_path
from engine.errors import BundleNotFound, EngineError, TaskNotFound
from engine.execution.pictures import DIRECTORY
from engine.execution.traces import traces_of
from engine.reports.breaches import departures_of, picture_read
from engine.reports.changes import RowChanges, row_changes
from engine.reports.differences import FileDifference, split_diff
from engine.reports.output_table import MOST_ROWS, OutputTable, tables_of
from engine.reports.page import page
from engine.reports.steps import turns_of
from engine.reports.timeline import timeline_of
from engine.storage import kept_reads
from engine.task.event_text import summary
from engine.task.events import Event, Follower
from engine.task.wire import TaskRequest, TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleStore, Revision
    from engine.storage.tasks import TaskRecords

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CodeChange:
    """The revision that a task committed.

    Args:
        revision: The new revision.
        diff: Its difference from the revision before it; empty for a first one.
        code: The automation.
        rows: What changed in the output of the same parameters; None where that is not known.
    """

    revision: Revision
    diff: Sequence[FileDifference]
    code: str
    rows: RowChanges | None


def task_report(root: Path, records: TaskRecords, bundles: BundleStore, task_id: str) -> str:
    """Return the report of a task as HTML; it blocks while files are read.

    Args:
        root: The workspace's directory.

    Raises:
        TaskNotFound: There is no such task.
        EngineError: The packages of the extra ``report`` are not installed.
    """
    return page("task.html", task_facts(root, records, bundles, task_id))


def task_facts(root: Path, records: TaskRecords, bundles: BundleStore, task_id: str) -> dict[str, Any]:
    """Return what the report of a task shows, for its template; arguments and errors as for `task_report`."""
    result = records.task(task_id)
    if result is None:
        raise TaskNotFound(task_id)
    events = Follower(root / "traces" / f"{task_id}.jsonl", partial(records.trace, task_id)).read()
    kept = _kept(root, task_id)
    origins = {} if kept is None else origins_by_path(kept.observed(), MOST_ROWS)
    request = _request(records, task_id)
    pictures, change = _pictures(root, task_id), _change(records, bundles, result, events, request)
    departures = departures_of(root, bundles, result, events, pictures)
    return {
        "result": result,
        "request": request,
        "title": result.title or _first_line(request) or result.reuse_key or task_id,
        "summary": summary(result, timeline_of(events).seconds) if result.final else result.status,
        "timeline": timeline_of(events),
        "turns": turns_of(events),
        "prompts": [event.data for event in events if event.type == "agent.prompted"],
        "logs": [str(event.data["message"]) for event in events if event.type == "automation.log"],
        "breaches": departures,
        "problems": _problems(events),
        "tables": _tables(result, origins),
        "known_origins": len(origins),
        "most_rows": MOST_ROWS,
        "page_read": picture_read(root, task_id) if kept is not None and kept.pictured else None,
        "pictured": kept.pictured if kept is not None else "",
        "change": change,
        "pictures": pictures,
        "traces": traces_of(root, task_id),
        "failure": departures.now or _failure(result) or pictures.get(_at_failure(events) or ""),
    }


def _request(records: TaskRecords, task_id: str) -> TaskRequest | None:
    try:
        return records.request(task_id)
    except EngineError as error:  # of another version: the report does without
        log.info("the report of %s leaves the request out: %s", task_id, error)
        return None


def _first_line(request: TaskRequest | None) -> str:
    return request.task.strip().splitlines()[0] if request is not None and request.task and request.task.strip() else ""


def _kept(root: Path, task_id: str) -> kept_reads.KeptRead | None:
    try:
        return kept_reads.load(root, task_id)
    except EngineError as error:
        log.warning("the report does not show where values stood: %s", error)
        return None


def _tables(result: TaskResult, origins: Mapping[str, Origin]) -> list[OutputTable]:
    found = _output(result)
    return [] if found is None else tables_of(found[0], origins)


def _output(result: TaskResult) -> tuple[Any] | None:
    """Return the output; None where there is none, or its file has expired."""
    if result.result is None:
        return None
    if result.result.type == "inline":
        return (result.result.data,)
    try:
        return (json.loads(Path(unquote(urlsplit(result.result.file.url).path)).read_bytes()),)
    except (OSError, ValueError):
        preview = result.result.preview
        return None if preview is None else (preview.sample,)


def _problems(events: Sequence[Event]) -> list[str]:
    """Return the errors of the last replay that failed, other than departures from the contract."""
    failed = [event for event in events if event.type == "replay.failed"]
    if not failed or failed[-1].data.get("breaches"):
        return []
    return [str(each) for each in failed[-1].data.get("problems", ())]


def _change(
    records: TaskRecords,
    bundles: BundleStore,
    result: TaskResult,
    events: Sequence[Event],
    request: TaskRequest | None,
) -> CodeChange | None:
    commits = [event for event in events if event.type == "commit"]
    if not commits or not result.reuse_key:
        return None
    try:
        revisions = bundles.history(result.reuse_key)
        made = next((each for each in revisions if each.id == commits[-1].data["revision"]), None)
        if made is None:
            return None
        bundle = bundles.load(result.reuse_key, made.id)
        diff = split_diff(bundles.diff(result.reuse_key, made.parent, made.id)) if made.parent else []
    except (BundleNotFound, EngineError) as error:
        log.info("the report leaves the committed code out: %s", error)
        return None
    rows, output = None, _output(result)
    if made.parent and request is not None and output is not None:
        old = records.run_history.history(made.parent, request.parameters).same
        rows = row_changes(list(old.output), output[0]) if old is not None and old.output else None
    return CodeChange(made, diff, bundle.automation if bundle is not None else "", rows)


def _pictures(root: Path, task_id: str) -> dict[str, bytes]:
    directory = root / "results" / task_id / DIRECTORY
    return {path.name: path.read_bytes() for path in sorted(directory.glob("*"))}


def _at_failure(events: Sequence[Event]) -> str | None:
    """Return the name of the picture of the page on which the last replay failed."""
    places = [n for n, event in enumerate(events) if event.type == "replay.failed"]
    before = [event for event in events[: places[-1]] if event.type == "picture"] if places else []
    return str(before[-1].data["name"]) if before else None


def _failure(result: TaskResult) -> bytes | None:
    path = result.error.details.get("screenshot") if result.error is not None else None
    try:
        return Path(str(path)).read_bytes() if path else None
    except OSError:
        return None  # expired
