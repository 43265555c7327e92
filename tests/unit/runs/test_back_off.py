"""A repair that failed is not paid for again at once, unless the request insists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.contract import Observed, learn
from engine.storage import failed_repairs
from engine.task.schema import infer
from engine.testing import ScriptedModel, ScriptedSandbox, Turn, outcome
from sandbox import Evidence, ScriptError
from tests.support.saved import TASK, save

ROWS = [{"price": 1.5}]
URL = "http://127.0.0.1:9/list"
BROKEN = outcome(error=ScriptError("TimeoutError", "no such button", kind="timeout"), evidence=Evidence(url=URL))
GIVE_UP: list[Turn] = [("give_up", {"reason": "site-broken", "message": "the list is gone"})]

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    save(tmp_path, "k", "code", contract=learn([Observed(ROWS, Evidence())]), schema=infer([ROWS]))

    async def once(*steps: Any, ai: Any = "auto") -> tuple[TaskResult, int]:
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: ScriptedSandbox(*steps or [BROKEN]))
        model = ScriptedModel(GIVE_UP)
        async with AsyncEngine(store=tmp_path, model=model) as engine:
            result = await engine.run(TASK, start_url=URL, reuse_key="k", ai=ai)
        return result, len(model.requests)

    return once


async def test_a_second_run_fails_as_drift_and_asks_no_model(run: Run) -> None:
    first, asked = await run()
    assert (first.error.reason, asked) == ("site-broken", 1)
    second, asked = await run()
    assert (second.error.reason, asked, second.model_calls) == ("drift", 0, 0)
    assert "a repair of this revision failed once" in second.error.message
    assert 'ai="insist" asks it now' in second.error.message


async def test_a_request_that_insists_is_repaired(run: Run) -> None:
    await run()
    _, asked = await run(ai="insist")
    assert asked == 1


async def test_a_good_replay_is_not_held_back(run: Run) -> None:
    await run()
    result, asked = await run(outcome(ROWS, evidence=Evidence(url=URL, text="Prices", status=200)))
    assert (result.output, asked) == (ROWS, 0)


async def test_after_the_pause_the_model_is_asked_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = (datetime.now(UTC) - timedelta(minutes=11)).isoformat(timespec="microseconds")
    monkeypatch.setattr(failed_repairs, "now", lambda: earlier)
    await run()
    _, asked = await run()
    assert asked == 1
