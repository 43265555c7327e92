"""Departures from good results in words, with the places on the page: where good values stood, and where these did."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contract import Origin, origins_by_path, place_of
from engine.errors import BundleNotFound, EngineError
from engine.execution.pictures import DIRECTORY
from engine.storage import kept_reads
from engine.task.events import Event
from engine.task.wire import TaskResult

if TYPE_CHECKING:
    from engine.bundles import BundleStore

log = logging.getLogger(__name__)

_ROWS = 5_000  # of a good output, in which a place is looked for
_MOST_REVISIONS = 10  # back, for pictures of good runs
Box = Sequence[int]


@dataclass(frozen=True)
class BreachLine:
    """A departure in words.

    Args:
        path: The field.
        expected: What good runs had.
        got: What this run had.
        severity: Its weight.
        before: The place of a good value on the picture of a good run's page; None where that is not known.
        now: The place of this run's value on the picture of its page.
    """

    path: str
    expected: str
    got: str
    severity: str
    before: Box | None = None
    now: Box | None = None


@dataclass(frozen=True)
class Departures:
    """The departures of a task, with the pages of a good run and of this one.

    Args:
        lines: The departures.
        before: A picture of the page of a good run; None where none is kept.
        now: A picture of the page of this run.
    """

    lines: Sequence[BreachLine] = ()
    before: bytes | None = None
    now: bytes | None = None


def departures_of(
    root: Path, bundles: BundleStore, result: TaskResult, events: Sequence[Event], pictures: Mapping[str, bytes]
) -> Departures:
    """Return the departures that a task met, the last replay's where there were several; blocks.

    Args:
        root: The workspace's directory.
        pictures: The task's pictures, by name.
    """
    told = _told(result, events)
    page = next((event.data for event in reversed(events) if event.type == "breaches.pictured"), {})
    boxes, good = page.get("boxes", {}), _good_page(root, bundles, result, events)
    lines: list[BreachLine] = []
    for breach in told:
        words = {name: str(breach.get(name) or "") for name in ("path", "expected", "got", "severity")}
        place = place_of(good.origins, words["path"], words["expected"])
        before, now = place.box if place is not None else None, boxes.get(words["path"])
        if any((line.path, line.before, line.now) == (words["path"], before, now) for line in lines):
            before = now = None  # shown above
        lines.append(BreachLine(**words, before=before, now=now))
    return Departures(lines, good.picture, pictures.get(str(page.get("name"))))


def _told(result: TaskResult, events: Sequence[Event]) -> list[Mapping[str, Any]]:
    failed = [event for event in events if event.type == "replay.failed" and event.data.get("breaches")]
    if failed:
        return [dict(each) for each in failed[-1].data["breaches"]]
    told = result.error.details.get("breaches", ()) if result.error is not None else ()
    return [dict(each) if isinstance(each, Mapping) else {"got": str(each)} for each in told]


@dataclass(frozen=True)
class _GoodPage:
    picture: bytes | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)


def _good_page(root: Path, bundles: BundleStore, result: TaskResult, events: Sequence[Event]) -> _GoodPage:
    """Return the page on which the replayed code, or its last revision with a picture, was proved."""
    replayed = next((event.data["revision"] for event in events if event.type == "replay.started"), None)
    if replayed is None or not result.reuse_key:
        return _GoodPage()
    try:
        revisions = bundles.history(result.reuse_key)
    except (BundleNotFound, EngineError) as error:
        log.info("the report leaves the earlier page out: %s", error)
        return _GoodPage()
    at = next((n for n, each in enumerate(revisions) if each.id == replayed), len(revisions))
    makers = [each.trailers.get("Task-Id", "") for each in revisions[at : at + _MOST_REVISIONS]]
    for task_id in makers:
        if (picture := picture_read(root, task_id)) is not None and (kept := _kept(root, task_id)) is not None:
            origins = origins_by_path(kept.observed(), _ROWS)
            shown = {path: origin for path, origin in origins.items() if origin.url == kept.pictured}
            return _GoodPage(picture, shown)
    worked_on = [
        picture for task_id in makers[:1] for picture in sorted((root / "results" / task_id / DIRECTORY).glob("*"))
    ]
    return _GoodPage(worked_on[-1].read_bytes() if worked_on else None)


def picture_read(root: Path, task_id: str) -> bytes | None:
    """Return the picture of the page that a task read last; None where none is kept."""
    try:
        return (root / "results" / task_id / kept_reads.PICTURE_NAME).read_bytes()
    except OSError:
        return None


def _kept(root: Path, task_id: str) -> kept_reads.KeptRead | None:
    try:
        return kept_reads.load(root, task_id)
    except EngineError as error:
        log.info("the report does without where good values stood: %s", error)
        return None
