"""A saved automation, and runs of its task with a scripted sandbox and a scripted model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import sandbox
from engine import AsyncEngine, TaskResult
from engine.testing import ScriptedModel, ScriptedSandbox
from engine.testing.sandbox import Step
from tests.support.saved import TASK
from tests.support.stage import NoModel

URL = "http://127.0.0.1:9/list"
Run = Callable[..., Awaitable[tuple[TaskResult, ScriptedSandbox]]]


@pytest.fixture
def run(tmp_path: Path, git: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a task under the key ``k``: ``await run(*steps, model=ScriptedModel(…), parameters=…)``."""

    async def start(*steps: Step, model: ScriptedModel | None = None, **changed: Any) -> tuple[TaskResult, Any]:
        scripted = ScriptedSandbox(*steps)
        monkeypatch.setattr(sandbox, "Sandbox", lambda **options: scripted)
        arguments = {"start_url": URL, "reuse_key": "k", "ai": "auto" if model else "never"}
        async with AsyncEngine(store=tmp_path, model=model or NoModel()) as engine:
            return await engine.run(changed.pop("task", TASK), **arguments | changed), scripted

    return start


def told(model: ScriptedModel) -> list[str]:
    """Return all that the model was told, in order: its assignment, and the answers of its tools."""
    blocks = [block for m in model.requests[-1].messages if m["role"] == "user" for block in m["content"]]
    return [str(block.get("content") or block.get("text")) for block in blocks]
