"""A store with the story of one key: explored, replayed, redesigned and repaired, as the engine would have kept it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import Event, TaskRequest, TaskResult
from engine.contract import Observed
from engine.storage import kept_reads, result_files
from engine.storage.kept_reads import KeptRead
from engine.storage.tasks import TaskRecords
from engine.task.wire import Attempt, Cost, Reuse, TaskError
from sandbox import Evidence
from tests.support.live import Live
from tests.support.maps import Sheet
from tests.support.saved import save

KEY = "lamps"
HOSTILE = '<img src=x onerror="document.title=1">'
OLD = [{"name": "Amber lamp", "price": 4.5}, {"name": "Birch lamp", "price": 7.25}]
NEW = [{"name": "Amber lamp", "price": 5.0}, {"name": HOSTILE, "price": 1.0}]
CODE = "async def run(page, parameters, task):\n    return await page.locator('li').all_inner_texts()\n"
_BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def make_story(store: Path) -> dict[str, str]:
    """Fill a store; return the ids of its tasks by what became of them."""
    root = store / "default"
    first = save(store, KEY, CODE, parameters={"shelf": ""})
    second = save(store, KEY, CODE.replace("'li'", "'article'"), parameters={"shelf": ""})
    records = TaskRecords(root / "records.sqlite3")
    for number, (revision, rows) in enumerate(((first, OLD), (second, NEW))):
        run = Observed(rows, Evidence(), None, {"shelf": "Lamps"})
        records.run_history.clean_run(revision.id, [{"shelf": "Lamps"}], None, [run])
        _end(root, records, f"wt_{number}", rows, revision.id, explored=not number)
    _end(root, records, "wt_replay", NEW, second.id, replayed=True)
    _end(root, records, "wt_failed", None, second.id)
    sheet = Sheet().heading("Lamps").table(["Name", "Price"], [[row["name"], f"£{row['price']:.2f}"] for row in NEW])
    page = sheet.map()
    boxed = replace(page, units=tuple(replace(unit, box=(40, 60, 120, 24)) for unit in page.units))
    kept_reads.keep(root, "wt_1", KeptRead(KEY, second.id, NEW, maps=[boxed], pictured=page.url))
    records.close()
    return {"explored": "wt_0", "repaired": "wt_1", "replayed": "wt_replay", "failed": "wt_failed"}


def _end(
    root: Path, records: TaskRecords, task_id: str, output: Any, revision: str, *, explored: bool = False,
    replayed: bool = False,
) -> None:  # fmt: skip
    """Write a task's records and its events."""
    request = TaskRequest(task=f"List the lamps {HOSTILE}", reuse_key=KEY, parameters={"shelf": "Lamps"})
    records.enqueue(task_id, request, _BEGAN)
    replay = Attempt(kind="replay", outcome="success" if replayed else "failed", reason=None if replayed else "drift",
                     revision=revision, seconds=1.5)  # fmt: skip
    asked = Attempt(kind="explore" if explored else "repair", outcome="success", revision=revision, model="haiku",
                    model_calls=1, usd=0.002, seconds=4.0)  # fmt: skip
    attempts = (replay,) if replayed or output is None else (asked,) if explored else (replay, asked)
    error = TaskError(code="internal-error", message="no lamp any more", details={
        "reason": "drift", "breaches": [_BREACH]})  # fmt: skip
    records.finish(
        TaskResult(
            web_task_id=task_id, status="completed", outcome="failed" if output is None else "success",
            created_at=_BEGAN, started_at=_BEGAN, completed_at=_BEGAN + timedelta(seconds=9), reuse_key=KEY,
            reuse=Reuse(key=KEY, used=not explored, created=explored, updated=False, revision_id=revision,
                        revision_timestamp=_BEGAN),
            cost=Cost(ai_usd=0.002 if asked in attempts else 0.0), model_calls=int(asked in attempts),
            result=None if output is None else result_files.keep(root, task_id, output, _BEGAN),
            error=error if output is None else None, attempts=attempts,
        )
    )  # fmt: skip
    events = [("task.pending", 0.0, {"key": KEY}), ("task.started", 1.0, {})]
    if replay in attempts:
        events.append(("replay.started", 1.0, {"revision": revision}))
        if not replayed:
            events.append(("replay.failed", 2.4, {"problems": ["no lamp"], "breaches": [_BREACH]}))
        events.append(("attempt.ended", 2.5, replay.to_wire()))
    if asked in attempts:
        events += [
            ("repair.started", 3.0, {"trouble": ""}),
            ("agent.step", 5.0, {"turn": 1, "text": f"I see {HOSTILE}", "usd": 0.002, "spent_usd": 0.002,
                                 "seconds": 2.0, "prompt_tokens": 900, "output_tokens": 80, "tools": ["python"]}),
            ("agent.tool", 5.1, {"tool": "python", "code": "print(await page.title())"}),
            ("agent.observed", 5.5, {"tool": "python", "error": False, "text": "Lamps"}),
            ("candidate.started", 5.6, {"other_parameters": False}),
            ("candidate.finished", 6.6, {"good": True, "problems": [], "seconds": 1.0}),
            ("commit", 6.9, {"revision": revision, "subject": "Repair: lamps"}),
            ("attempt.ended", 7.0, asked.to_wire()),
        ]  # fmt: skip
    events.append(("task.completed", 9.0, {"outcome": "success"}))
    trace = root / "traces" / f"{task_id}.jsonl"
    trace.parent.mkdir(exist_ok=True)
    lines = [Event(kind, task_id, _BEGAN + timedelta(seconds=at), facts).to_json() for kind, at, facts in events]
    trace.write_text("".join(f"{dump(line)}\n" for line in lines))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on a store with the story."""
    store = tmp_path_factory.mktemp("story") / "store"
    make_story(store)
    live = Live(store, {}, {})
    yield live
    live.stop()


def dump(value: Any) -> str:
    """Encode as a line of JSON."""
    import json

    return json.dumps(value, default=str)


_BREACH = {"kind": "label", "path": "$[*].price", "expected": "'Price'", "got": HOSTILE, "severity": "doubtful"}
