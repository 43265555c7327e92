"""The line of waiting tasks, and what goes wrong around it; no test needs a browser, for nothing is saved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import AsyncEngine, TaskRequest
from engine.records import Records
from tests.engine.conftest import NoModel
from tests.engine.saved import TASK

REPLAY: dict[str, Any] = {"ai": "never"}
SECONDS = 30


def engine(store: Path, **options: Any) -> AsyncEngine:
    return AsyncEngine(store=store, model=NoModel(), **options)


def left(store: Path, *task_ids: str, owner: str | None = None, **request: Any) -> None:
    """Tasks that wait for an engine, as one that died or was closed leaves them."""
    records = Records(store / "default" / "records.sqlite3")
    asked = TaskRequest(**{"task": TASK, "reuse_key": "k", "ai": "never"} | request)
    for task_id in task_ids:
        records.enter(task_id, asked, datetime.now(UTC), owner=owner)
    records.close()


async def test_who_takes_nothing_over_does_not_wait_for_what_nobody_runs(tmp_path: Path) -> None:
    left(tmp_path, "wt_closed", reuse_key="k")
    left(tmp_path, "wt_died", reuse_key="k", owner="en_died")
    left(tmp_path, *(f"wt_{n}" for n in range(10)), reuse_key="other")
    async with engine(tmp_path, take_over=False) as one, asyncio.timeout(SECONDS):
        for key in ("k", "free"):
            result = await one.run(TASK, reuse_key=key, **REPLAY)
            assert result.error is not None
            assert result.error.reason == "nothing-saved"
        assert len(await one.unowned()) == 12
