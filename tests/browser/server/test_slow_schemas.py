"""A caller's schema that takes long: the task fails, and nobody else waits."""

from __future__ import annotations

import pytest

from engine.task import schema_process
from tests.support.live import Live
from tests.support.saved import TASK, save

STOPS = """\
async def run(page, parameters, task):
    return ["a" * 40 + "!"]
"""


def test_pattern_that_backtracks_fails_its_own_task_only(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_process, "_SECONDS", 1.0)
    save(live.store, "k", STOPS)
    schema = {"type": "array", "items": {"type": "string", "pattern": "^(a+)+$"}}
    task_id = live.start(task=TASK, reuseKey="k", outputSchema=schema)
    answered = 0
    while live.result(task_id)["status"] != "completed":
        compares = bool(schema_process._running)
        assert live.http.get("/health").status_code == 200
        answered += compares and bool(schema_process._running)
    assert live.end(task_id)["error"]["details"]["reason"] == "schema-too-slow"
    assert answered
