"""Departures with the places on both pages: of the run that proved the code, and of the one that was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine import Event, TaskResult
from engine.bundles import BundleStore
from engine.reports.breaches import departures_of
from engine.storage import kept_reads
from engine.storage.kept_reads import KeptRead
from tests.support.maps import Sheet
from tests.support.reported import CODE, KEY, OLD
from tests.support.saved import save

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
GOOD, NOW = b"\xff\xd8 good", b"\xff\xd8 now"
BREACH = {"kind": "label", "path": "$[*].price", "expected": "values labeled 'Price'", "got": "labeled 'Weight'"}


def test_each_field_is_shown_once_where_it_stood_and_where_it_stands(tmp_path: Path, git: None) -> None:
    root = tmp_path / "default"
    bundles = BundleStore(root)
    save(tmp_path, KEY, CODE)
    bundle = bundles.load(KEY)
    assert bundle is not None
    written = replace(bundle, automation=f"{CODE}\n", revision=None)
    made = bundles.commit(KEY, written, subject="Written", trailers={"Task-Id": "wt_made"})
    page = Sheet().table(["Name", "Price"], [[row["name"], f"£{row['price']:.2f}"] for row in OLD]).map()
    boxed = replace(page, units=tuple(replace(unit, box=(n, 60, 120, 24)) for n, unit in enumerate(page.units)))
    kept_reads.keep(root, "wt_made", KeptRead(KEY, made.id, OLD, maps=[boxed], pictured=page.url))
    (root / "results" / "wt_made" / kept_reads.PICTURE_NAME).write_bytes(GOOD)
    told = [("replay.started", {"revision": made.id}), ("replay.failed", {"breaches": [BREACH, BREACH]}),
            ("breaches.pictured", {"name": "001.jpg", "boxes": {"$[*].price": [1, 2, 3, 4]}})]  # fmt: skip
    events = [Event(kind, "wt_now", AT, data) for kind, data in told]
    result = TaskResult(web_task_id="wt_now", status="completed", outcome="failed", created_at=AT, reuse_key=KEY)

    found = departures_of(root, bundles, result, events, {"001.jpg": NOW})

    assert (found.before, found.now) == (GOOD, NOW)
    first, second = found.lines
    stood = [unit.box for unit in boxed.units if unit.text == "£4.50"]
    assert [first.before, first.now] == [*stood, [1, 2, 3, 4]]
    assert (second.before, second.now) == (None, None)
